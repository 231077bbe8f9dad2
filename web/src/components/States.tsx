import { Button } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { usePreferences } from "../lib/preferences";
import { asProblem, type Problem } from "../lib/problem";
import { refusalIn } from "../lib/refusals";
import { Icon, type IconName } from "./Icon";
import css from "./states.module.css";

/** What stands where there is nothing yet: what this place is for, and what to do next. */
export function Empty({ icon, title, children, action, small }: { icon?: IconName; title: ReactNode; children?: ReactNode; action?: ReactNode; small?: boolean }) {
  return (
    <div className={small ? css["small"] : css["empty"]}>
      {icon && (
        <span className={css["icon"]}>
          <Icon name={icon} size={24} />
        </span>
      )}
      <p className={css["title"]}>{title}</p>
      {children && <div className={css["note"]}>{children}</div>}
      {action && <div className={css["action"]}>{action}</div>}
    </div>
  );
}

/** What went wrong, what to do next, and the request's id for whoever looks into it. */
export function Failure({ error, retry, small }: { error: unknown; retry?: (() => void) | undefined; small?: boolean }) {
  const { t } = useTranslation();
  const problem = asProblem(error);
  const { title, note } = useWords(problem);
  return (
    <div className={small ? css["small"] : css["empty"]} role="alert">
      <span className={css["iconBad"]}>
        <Icon name="warning" size={24} />
      </span>
      <p className={css["title"]}>{title}</p>
      {note && <div className={css["note"]}>{note}</div>}
      {problem.path && <div className={css["note"]}>{t("failure.at", { path: problem.path })}</div>}
      {problem.requestId && (
        <div className={css["request"]}>
          {t("request")} <code>{problem.requestId}</code>
        </div>
      )}
      {retry && problem.status !== 403 && (
        <div className={css["action"]}>
          <Button onClick={retry}>{t("retry")}</Button>
        </div>
      )}
    </div>
  );
}

function useWords(problem: Problem): { title: string; note: string } {
  const { t } = useTranslation();
  const { language } = usePreferences();
  const message = refusalIn(problem, language);
  if (problem.offline) return { title: t("failure.offline"), note: t("failure.offlineNote") };
  if (problem.status === 403) return { title: t("failure.denied"), note: message || t("failure.deniedNote") };
  if (problem.status === 404) return { title: t("failure.missing"), note: message || t("failure.missingNote") };
  if (problem.status === 409) return { title: t("failure.conflict"), note: message };
  if (problem.status === 429 || problem.status === 503) return { title: t("failure.busy"), note: message || t("failure.busyNote") };
  if (problem.code === "page") return { title: t("failure.page"), note: t("failure.pageNote") };
  return { title: t("failure.title"), note: message };
}

/** A problem on one line, beside what caused it: a form, a row, a button. */
export function FailureLine({ error }: { error: unknown }) {
  const problem = asProblem(error);
  const { title } = useWords(problem);
  const { language } = usePreferences();
  const said = refusalIn(problem, language);
  return (
    <p className={css["line"]} role="alert" title={said === problem.message ? undefined : problem.message}>
      <Icon name="warning" size={16} /> {said || title}
    </p>
  );
}

/** Grey bars in the shape of what will come, so that the page does not jump when it does. */
export function Loading({ shape = "text", rows = 4 }: { shape?: "text" | "table" | "cards" | "chart" | "page"; rows?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t("loading")} aria-busy="true" className={css["loading"]}>
      <Shape shape={shape} rows={rows} />
    </div>
  );
}

function Shape({ shape, rows }: { shape: "text" | "table" | "cards" | "chart" | "page"; rows: number }) {
  const bars = Array.from({ length: rows }, (_, index) => index);
  if (shape === "page") {
    return (
      <div className={css["page"]}>
        <span className={css["bar"]} style={{ width: 180, height: 24 }} />
        <span className={css["bar"]} style={{ width: 320 }} />
        <Shape shape="cards" rows={4} />
        <Shape shape="table" rows={6} />
      </div>
    );
  }
  if (shape === "cards") {
    return (
      <div className={css["cards"]}>
        {bars.map((bar) => (
          <span key={bar} className={css["bar"]} style={{ height: 96 }} />
        ))}
      </div>
    );
  }
  if (shape === "chart") return <span className={css["bar"]} style={{ height: rows * 60 }} />;
  return (
    <div className={shape === "table" ? css["table"] : css["text"]}>
      {bars.map((bar) => (
        <span key={bar} className={css["bar"]} style={{ width: `${[92, 78, 85, 64, 88, 72][bar % 6] ?? 80}%` }} />
      ))}
    </div>
  );
}

/** The usual way from an answer to a page: bars while it comes, the failure when it fails, then `children(data)`. */
export function Shown<T>({
  of,
  shape = "text",
  rows = 4,
  children,
}: {
  of: { data: T | undefined; error: unknown; refetch: () => unknown };
  shape?: "text" | "table" | "cards" | "chart" | "page";
  rows?: number;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Failure error={of.error} retry={() => void of.refetch()} />;
  return <Loading shape={shape} rows={rows} />;
}
