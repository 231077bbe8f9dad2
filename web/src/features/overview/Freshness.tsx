import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card, Facts, Figure } from "../../components/Page";
import { Empty } from "../../components/States";
import type { Answer } from "../../lib/api";
import { NOTHING } from "../../lib/format";
import { useFormat } from "../../lib/useFormat";
import css from "./overview.module.css";

type Tags = Answer<"/api/v1/overview">["tags"];

/** Whether tags are fresh: how many, computed when, and when next. */
export function Freshness({ tags }: { tags: Tags }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  if (!tags.total) {
    return (
      <Card title={t("tags.title")}>
        <Empty small icon="tags" title={t("tags.none")} action={<Link to="/tags">{t("tags.make")}</Link>}>
          {t("tags.noneNote")}
        </Empty>
      </Card>
    );
  }
  const parts = [
    ["fresh", tags.fresh],
    ["stale", tags.stale],
    ["waiting", tags.waiting],
  ] as const;
  const when = (at: string | null | undefined) => (at ? <span title={format.full(at)}>{format.moment(at)}</span> : NOTHING);
  return (
    <Card title={t("tags.title")} extra={<Link to="/tags">{t("tags.all")}</Link>}>
      <Figure label={t("tags.fresh")} value={<Link to="/tags">{t("tags.of", { fresh: format.exact(tags.fresh), total: format.exact(tags.total) })}</Link>} />
      <div className={css["parts"]} role="img" aria-label={format.list(parts.map(([what, n]) => t("tags.part", { n, what: t(`tags.${what}`) })))}>
        {parts.map(([what, n]) => n > 0 && <span key={what} className={css[what]} style={{ flexGrow: n }} />)}
      </div>
      <ul className={css["key"]}>
        {parts.map(
          ([what, n]) =>
            n > 0 && (
              <li key={what}>
                <span className={css[what]} /> {t("tags.part", { n, what: t(`tags.${what}`) })}
              </li>
            ),
        )}
        {tags.failed > 0 && <li className={css["bad"]}>{t("tags.part", { n: tags.failed, what: t("tags.failed") })}</li>}
      </ul>
      <Facts
        facts={[
          [t("tags.lastRun"), <LastRun key="last" run={tags.last_run} />],
          [t("tags.oldest"), when(tags.oldest)],
          [t("tags.took"), tags.behind && tags.behind.median !== null ? <Took key="took" behind={tags.behind} /> : NOTHING],
          [t("tags.behind"), tags.behind ? t("tags.behindOf", { count: tags.behind.events, n: format.exact(tags.behind.events) }) : NOTHING],
          [t("tags.next"), tags.next_run ? when(tags.next_run) : t("tags.byHand")],
        ]}
      />
    </Card>
  );
}

/** From the receipt of an event to its tags. */
function Took({ behind }: { behind: NonNullable<Tags["behind"]> }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  return (
    <span title={t("tags.tookNote", { n: format.exact(behind.measured) })}>
      {t("tags.tookOf", { median: format.duration(behind.median), p95: format.duration(behind.p95) })}
    </span>
  );
}

function LastRun({ run }: { run: Tags["last_run"] }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  if (!run) return t("tags.neverRan");
  const at = run.ended_at ?? run.started_at;
  if (run.status === "running") return t("tags.running", { when: format.moment(run.started_at) });
  if (run.status === "failed") return <span className={css["bad"]}>{t("tags.runFailed", { when: format.moment(at) })}</span>;
  return <span title={format.full(at)}>{format.moment(at)}</span>;
}
