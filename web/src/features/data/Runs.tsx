import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty } from "../../components/States";
import { type Answer, useAnswer, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useSession } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { Frame } from "./Frame";

type Run = Answer<"/api/v1/runs">["runs"][number];
type Schedule = Answer<"/api/v1/schedules">["schedules"][number];
type Alert = Answer<"/api/v1/alerts">["alerts"][number];

const STATES = { running: "imports.statuses.running", done: "imports.statuses.done", failed: "imports.statuses.failed", cancelled: "imports.statuses.cancelled" } as const;

function useWhat(): (what: string) => string {
  const { t } = useTranslation("data");
  const words: Record<string, string> = t("runs.whats", { returnObjects: true });
  return (what) => words[what] ?? what;
}

/** What is done by itself and when next; what ran and how it ended; what went wrong. */
export default function Runs() {
  const { t } = useTranslation("data");
  const { t: common } = useTranslation();
  const { workspace } = useSession();
  const format = useFormat();
  const what = useWhat();
  const detailOf = useDetail();
  const schedules = useAnswer("/api/v1/schedules", {}, { refetchInterval: 30_000 });
  const runs = useRows("/api/v1/runs", (page) => page.runs, undefined, { refetchInterval: 10_000 });
  const alerts = useRows("/api/v1/alerts", (page) => page.alerts, undefined, { limit: 20 });
  return (
    <Frame title={t("runs.title")} note={t("runs.note")}>
      <Card flush title={t("runs.schedules")} note={t("runs.schedulesNote", { zone: workspace.zone })}>
        <DataTable<Schedule>
          plain
          prefix="schedules-"
          name={t("runs.schedules")}
          rows={schedules.data?.schedules}
          rowKey={(item) => `${item.what} ${item.subject}`}
          problem={schedules.error}
          again={() => void schedules.refetch()}
          empty={
            <Empty small title={t("runs.noSchedules")}>
              {t("runs.noSchedulesNote")}
            </Empty>
          }
          columns={[
            { key: "what", title: t("runs.what"), value: (item) => what(item.what) },
            { key: "subject", title: t("runs.subject"), value: (item) => item.subject || t("runs.all"), render: (item) => <Subject what={item.what} subject={item.subject} /> },
            { key: "next", title: t("runs.next"), value: (item) => item.next[0] ?? "", render: (item) => <When at={item.next[0]} as="moment" /> },
            { key: "cron", title: t("runs.cron"), value: (item) => item.cron, render: (item) => <code>{item.cron}</code>, wide: true },
            {
              key: "last",
              title: t("runs.last"),
              value: (item) => item.last_at,
              render: (item) =>
                item.last_at ? (
                  <span className={item.last_status === "failed" ? css["bad"] : ""}>
                    {item.last_status && t(STATES[item.last_status])} · <When at={item.last_at} />
                  </span>
                ) : (
                  t("never")
                ),
            },
          ]}
        />
      </Card>
      <Card flush title={t("runs.list")}>
        <DataTable<Run>
          name={t("runs.list")}
          rows={runs.rows}
          rowKey={(run) => run.run}
          problem={runs.problem}
          again={runs.again}
          more={runs.more}
          loadingMore={runs.loadingMore}
          empty={
            <Empty icon="clock" title={t("runs.none")}>
              {t("runs.noneNote")}
            </Empty>
          }
          columns={[
            { key: "what", title: t("runs.what"), value: (run) => what(run.what), filter: true },
            { key: "subject", title: t("runs.subject"), value: (run) => run.subject, render: (run) => <Subject what={run.what} subject={run.subject} />, wide: true },
            { key: "began", title: t("runs.began"), value: (run) => run.started_at, render: (run) => <When at={run.started_at} /> },
            { key: "took", title: t("runs.took"), value: (run) => run.seconds, render: (run) => (run.seconds !== null ? format.duration(run.seconds) : run.eta_seconds === null ? "" : common("job.left", { time: format.duration(Math.ceil(run.eta_seconds)) })) },
            { key: "status", title: t("runs.status"), value: (run) => t(STATES[run.status]), filter: true, render: (run) => <span className={run.status === "failed" ? css["bad"] : ""}>{t(STATES[run.status])}</span> },
            { key: "detail", title: t("runs.detail"), value: (run) => detailOf(run.detail), render: (run) => <div className={css["message"]}>{detailOf(run.detail)}</div>, sort: false, wide: true },
          ]}
        />
      </Card>
      <Card flush title={t("runs.alerts")} note={t("runs.alertsNote")}>
        <DataTable<Alert>
          plain
          prefix="alerts-"
          name={t("runs.alerts")}
          rows={alerts.rows}
          rowKey={(alert) => String(alert.id)}
          problem={alerts.problem}
          again={alerts.again}
          more={alerts.more}
          empty={<Empty small title={t("runs.noAlerts")} />}
          columns={[
            { key: "at", title: t("runs.began"), value: (alert) => alert.at, render: (alert) => <When at={alert.at} /> },
            { key: "what", title: t("runs.what"), value: (alert) => alert.what },
            { key: "detail", title: t("runs.detail"), value: (alert) => detailOf(alert.detail), render: (alert) => <div className={css["message"]}>{detailOf(alert.detail)}</div>, sort: false },
          ]}
        />
      </Card>
    </Frame>
  );
}

function Subject({ what, subject }: { what: string; subject: string }) {
  const { t } = useTranslation("data");
  const kind = what.startsWith("campaign") ? "campaign" : what === "tag run" ? "tag" : what.startsWith("audience") ? "audience" : "";
  if (!subject) return <span className={css["quiet"]}>{what === "tag run" ? t("runs.all") : "–"}</span>;
  // A campaign's run is called by its name and its entry.
  const to = subject.includes(",") ? undefined : placeOf(kind, subject.split(" ")[0] ?? subject);
  return to ? <Link to={to}>{subject}</Link> : <span className={css["wrap"]}>{subject}</span>;
}

/** A result as words and numbers: what is nothing (0, {}) is left out where there is something else. */
function useDetail(): (detail: Record<string, unknown>) => string {
  const { t } = useTranslation("data");
  const words: Record<string, string> = t("runs.words", { returnObjects: true });
  const format = useFormat();
  const saidOf = (value: unknown): string => {
    if (typeof value === "string") return value;
    if (typeof value === "number") return format.exact(value);
    if (Array.isArray(value)) return value.map(saidOf).join(", ");
    if (typeof value === "object" && value !== null) return Object.entries(value).map(([name, item]) => `${words[name] ?? name} ${saidOf(item)}`).join(", ");
    return JSON.stringify(value);
  };
  return (detail) => {
    const held = Object.entries(detail).filter(([name]) => name !== "run");
    const told = held.filter(([, value]) => value !== 0 && JSON.stringify(value) !== "{}" && value !== "");
    return (told.length ? told : held).map(([name, value]) => `${words[name] ?? name} ${saidOf(value)}`).join(" · ");
  };
}

