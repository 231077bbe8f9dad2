import { useTranslation } from "react-i18next";

import { Count } from "../../components/Numbers";
import parts from "../../components/parts.module.css";
import { Failure, Loading } from "../../components/States";
import type { Answer, Problem } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./journeys.module.css";

export type Planned = Answer<"/api/v1/journeys/{name}/plan", "post">;
type Row = Planned["steps"][number];

/** What a new text would do to everybody who is in the journey, step by step. */
export function Plan({ plan, error }: { plan: Planned | undefined; error: Problem | null }) {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  if (!plan) return error ? <Failure small error={error} /> : <Loading rows={3} />;
  const fate = (row: Row) => {
    const many = { count: row.at_once, exact: format.exact(row.at_once) };
    const once = row.at_once ? ` ${t("plan.atOnce", many)}` : "";
    if (row.fate === "moves") return t("plan.moves", { step: row.to }) + once;
    if (row.fate === "leaves") return row.reason === "end" ? t("plan.ends") : t("plan.leaves");
    if (row.fate === "waits") return t("plan.waits", { until: row.last_due ? format.moment(row.last_due) : "" }) + once;
    return t("plan.stays");
  };
  return (
    <div className={parts["form"]}>
      {plan.inside === 0 && <p>{t("plan.nobody")}</p>}
      {plan.steps.length > 0 && (
        <dl className={css["ended"]} aria-label={t("plan.title")}>
          {plan.steps.map((row) => (
            <div key={row.step} data-tone={row.fate === "leaves" ? "bad" : undefined}>
              <dt>
                <strong>{row.step}</strong> {fate(row)}
              </dt>
              <dd>
                <Count value={row.people} />
              </dd>
            </div>
          ))}
          {plan.leaving.map((row) => (
            <div key={`leave-${row.name}`}>
              <dt>{t("plan.leaveNow", { name: row.name })}</dt>
              <dd>
                <Count value={row.people} />
              </dd>
            </div>
          ))}
          {plan.messages.map((row) => (
            <div key={`message-${row.step}`}>
              <dt>{t("plan.withdrawn", { step: row.step })}</dt>
              <dd>
                <Count value={row.people} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {plan.loses > 0 && <p className={parts["bad"]}>{t("plan.loses", { count: plan.loses, exact: format.exact(plan.loses) })}</p>}
    </div>
  );
}
