import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Interval } from "../../components/Interval";
import { AsOf, Percent } from "../../components/Numbers";
import { Card, Facts } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useFormat } from "../../lib/useFormat";
import { useOneValue } from "./values";
import css from "./whatif.module.css";

type Found = Answer<"/api/v1/tags/{key}/accuracy">;
type Share = Found["precision"];

/** How often the tag is right about people whose truth is known, who declared it, and whether that is enough. */
export function Accuracy({ name, type }: { name: string; type: string | null }) {
  const { t } = useTranslation("tags");
  const found = useAnswer("/api/v1/tags/{key}/accuracy", { params: { path: { key: name } } }, { retry: false });
  return (
    <Card title={t("accuracy.title")} note={t("accuracy.note")} extra={found.data && <AsOf at={found.data.as_of} />}>
      <Shown of={found} rows={3}>
        {(data) => <Judged of={data} type={type} />}
      </Shown>
    </Card>
  );
}

function Judged({ of, type }: { of: Found; type: string | null }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const one = useOneValue(type);
  const rows = [{ value: null, people: of.people, precision: of.precision, recall: of.recall }, ...of.values.filter((row) => type !== "flag" || row.value !== "true")];
  const share = (value: number | null) => (value === null ? "–" : format.percent(value));
  return (
    <div className={css["answer"]}>
      {of.meets === false && <Alert type="error" showIcon title={t("accuracy.below", { at: format.percent(of.at_least ?? 0) })} />}
      {of.meets === true && <Alert type="success" showIcon title={t("accuracy.meets", { at: format.percent(of.at_least ?? 0) })} />}
      {of.enough ? (
        <table className={css["table"]} aria-label={t("accuracy.title")}>
          <thead>
            <tr>
              <th scope="col">{t("accuracy.value")}</th>
              <th scope="col">{t("accuracy.precision")}</th>
              <th scope="col" className={css["line"]} aria-label={t("accuracy.interval")} />
              <th scope="col">{t("accuracy.recall")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.value ?? "*"}>
                <td>{row.value === null ? <strong>{type === "flag" ? t("value.yes") : t("accuracy.all")}</strong> : one(row.value)}</td>
                <td className={css["number"]}>
                  <Part share={row.precision} />
                </td>
                <td className={css["line"]}>
                  {row.precision && (
                    <Interval value={row.precision.share} low={row.precision.low} high={row.precision.high} from={0} to={1} height={20} label={`${t("accuracy.precision")}: ${share(row.precision.share)} (${share(row.precision.low)} – ${share(row.precision.high)})`} />
                  )}
                </td>
                <td className={css["number"]}>
                  <Part share={row.recall} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <Empty small title={t("accuracy.few")}>
          {t("accuracy.fewNote", { people: format.exact(of.people), needed: format.exact(of.needed) })}
        </Empty>
      )}
      <Facts
        facts={[
          [t("accuracy.truth"), <Link key="truth" to={placeOf("tag", of.truth) ?? "/tags"}><code>{of.truth}</code></Link>],
          [t("accuracy.people"), t("accuracy.peopleWith", { people: format.exact(of.people), corrected: format.exact(of.corrected) })],
          [t("accuracy.declared"), t("accuracy.shares", { everybody: share(of.declared.of_everybody), tagged: share(of.declared.of_tagged), others: share(of.declared.of_others) })],
        ]}
      />
      <p className={css["faint"]}>{t("accuracy.bias")}</p>
    </div>
  );
}

function Part({ share }: { share: Share }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  if (!share) return <>–</>;
  return (
    <span title={t("accuracy.of", { right: format.exact(share.right), of: format.exact(share.of) })}>
      <Percent value={share.share} low={share.low} high={share.high} />
    </span>
  );
}
