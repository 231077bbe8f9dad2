import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import { useFormat } from "../../lib/useFormat";
import css from "./marketing.module.css";
import type { Report } from "./words";

/** What each text of a campaign did, and what a unit of the money that was spent brought back. */
export function Variants({ report }: { report: Report }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const { returned, variants } = report;
  if (variants.length === 0 && returned.cost === 0) return null;
  return (
    <Card title={variants.length > 0 ? t("variants.title") : t("variants.spent")}>
      {variants.length > 0 && (
        <div style={{ overflowX: "auto" }}>
          <table className={css["variants"]}>
            <thead>
              <tr>
                <th>{t("variants.name")}</th>
                <th>{t("variants.when")}</th>
                <th data-align="right">{t("people.status.sent")}</th>
                <th data-align="right">{t("people.status.opened")}</th>
                <th data-align="right">{t("people.status.clicked")}</th>
                <th data-align="right">{t("people.status.unsubscribed")}</th>
                <th>{t("one.changed")}</th>
              </tr>
            </thead>
            <tbody>
              {variants.map((row) => (
                <tr key={row.variant}>
                  <td>{row.variant || t("variants.rest")}</td>
                  <td>{row.when ? <code>{row.when}</code> : t("variants.others")}</td>
                  {[row.sent, row.opened, row.clicked, row.unsubscribed].map((value, index) => (
                    <td key={index} data-align="right">
                      {format.exact(value)}
                    </td>
                  ))}
                  <td>
                    {row.incremental
                      ? t("variants.effect", { change: format.change(row.incremental.per_person, 2), low: format.change(row.incremental.per_person_low, 2), high: format.change(row.incremental.per_person_high, 2) })
                      : t(row.why_not === "no_goal" ? "variants.noGoal" : "variants.notEnough")}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {returned.cost > 0 && (
        <p>
          {t("variants.cost", { cost: format.money(returned.cost) })}{" "}
          {returned.per_unit === null ? t("variants.notEnough") : t("variants.perUnit", { value: format.exact(returned.per_unit), low: format.exact(returned.low), high: format.exact(returned.high) })}
        </p>
      )}
    </Card>
  );
}
