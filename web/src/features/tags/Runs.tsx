import { useTranslation } from "react-i18next";

import { Bar, When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { useFormat } from "../../lib/useFormat";
import type { TagShown } from "./One";
import css from "./tags.module.css";

type Run = TagShown["runs"][number];

const STATES = new Set<string>(["running", "done", "failed", "cancelled"]);

/** The last runs that computed the tag, or should have: how long it took in each, and whom each changed. */
export function Runs({ runs }: { runs: readonly Run[] }) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const format = useFormat();
  const words = useWords();
  const longest = Math.max(...runs.map((run) => run.took?.seconds ?? 0), 1e-9);
  return (
    <Card title={t("about.runs")} note={t("runs.note")}>
      {runs.length === 0 && <p className={css["faint"]}>{t("runs.none")}</p>}
      <ol className={css["runs"]} aria-label={t("about.runs")}>
        {runs.map((run) => (
          <li key={run.run}>
            <span data-status={run.status}>{STATES.has(run.status) ? common(`job.${run.status as "done"}`) : run.status}</span>
            <When at={run.started_at} as="moment" />
            {run.took && run.took.seconds !== null ? (
              <>
                <Bar share={run.took.seconds / longest} label={t("runs.took", { time: format.duration(run.took.seconds) })} />
                <strong className={css["took"]}>{format.duration(run.took.seconds)}</strong>
              </>
            ) : (
              <span className={css["took"]} data-wide="true">
                {run.eta_seconds === null ? "–" : common("job.left", { time: format.duration(Math.ceil(run.eta_seconds)) })}
              </span>
            )}
            <p className={css["faint"]}>{words(run).join(" · ")}</p>
            {run.error && <p className={css["bad"]}>{run.error}</p>}
          </li>
        ))}
      </ol>
    </Card>
  );
}

/** What else is to be said of a run: with whom the tag was computed, how long all of it took, whom it changed. */
function useWords(): (run: Run) => string[] {
  const { t } = useTranslation("tags");
  const format = useFormat();
  return ({ took, keys, seconds }) => {
    const others = (took?.together ?? 1) - 1;
    return [
      took === null ? "" : others ? t(took.carried ? "runs.carried" : "runs.together", { count: others, exact: format.exact(others) }) : t("runs.alone"),
      !seconds ? "" : t("runs.whole", { time: format.duration(seconds), what: keys.join(", ") || t("runs.all") }),
      took && (took.entered || took.left) ? `+${format.exact(took.entered)} −${format.exact(took.left)}` : "",
    ].filter(Boolean);
  };
}
