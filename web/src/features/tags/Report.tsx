import { Alert } from "antd";
import { useTranslation } from "react-i18next";

import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import { titleOf } from "./titleOf";
import css from "./whatif.module.css";

type Found = Answer<"/api/v1/tags/{key}/report">;

const WEIGHT = { met: "success", not_met: "error", not_enough_data: "warning", ahead: "info" } as const;

/** Whether what the tag is for came about: its metric now, against its baseline and each stage's target. */
export function Report({ name }: { name: string }) {
  const { t } = useTranslation("tags");
  const found = useAnswer("/api/v1/tags/{key}/report", { params: { path: { key: name } } }, { retry: false });
  return (
    <Card title={t("report.title")} note={t("report.note")}>
      <Shown of={found} rows={3}>
        {(data) => <Judged of={data} />}
      </Shown>
    </Card>
  );
}

function Judged({ of }: { of: Found }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const number = (row: { value: number | null; active: number | null }) =>
    row.active === null ? t("report.ahead") : row.value === null ? t("report.none") : t("report.of", { value: format.exact(row.value, 4), people: format.exact(row.active) });
  const metric = titleOf(of.metric.titles, language, of.metric.key);
  return (
    <div className={css["answer"]}>
      <Alert type={WEIGHT[of.state]} showIcon title={t(`report.state.${of.state}`, { needed: format.exact(of.needed) })} />
      <p className={css["faint"]}>
        {metric}
        {of.metric.unit && ` (${of.metric.unit})`} · <code>{of.metric.measured}</code>
        {of.where && (
          <>
            {" "}
            · <code>{of.where}</code>
          </>
        )}
      </p>
      <table className={css["table"]} aria-label={t("report.title")}>
        <thead>
          <tr>
            <th scope="col">{t("report.date")}</th>
            <th scope="col">{t("report.target")}</th>
            <th scope="col">{t("report.measured")}</th>
            <th scope="col">{t("report.verdict")}</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>
              <When at={of.baseline.at} as="date" />
            </td>
            <td className={css["number"]}>{format.exact(of.baseline.stated, 4)}</td>
            <td className={css["number"]}>{number(of.baseline)}</td>
            <td>{t("report.baseline")}</td>
          </tr>
          {of.stages.map((row) => (
            <tr key={row.by}>
              <td>
                <When at={row.by} as="date" />
              </td>
              <td className={css["number"]}>{format.exact(row.target, 4)}</td>
              <td className={css["number"]}>{number(row)}</td>
              <td>{t(`report.said.${row.state}`)}</td>
            </tr>
          ))}
          <tr>
            <td>
              <When at={of.now.at} as="moment" />
            </td>
            <td />
            <td className={css["number"]}>{number(of.now)}</td>
            <td>{t("report.now")}</td>
          </tr>
        </tbody>
      </table>
      <p className={css["faint"]}>{t("report.caution")}</p>
    </div>
  );
}
