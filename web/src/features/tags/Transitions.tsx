import { Button, Segmented } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./transitions.module.css";
import { useOneValue } from "./values";

type Found = Answer<"/api/v1/tags/{key}/transitions">;
type Place = Found["before"][number];

const DAYS = [7, 30, 90, 365];

/** From which value to which people went between two days. Computed when it is asked for: it takes a moment. */
export function Transitions({ name, type }: { name: string; type: string | null }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const [days, setDays] = useState(30);
  const [asked, setAsked] = useState(false);
  const since = dayjs().subtract(days, "day").format("YYYY-MM-DD");
  const found = useAnswer("/api/v1/tags/{key}/transitions", { params: { path: { key: name }, query: { since } } }, { enabled: asked, retry: false, staleTime: Infinity, refetchOnWindowFocus: false });
  return (
    <Card title={t("moves.title")} note={t("moves.note")}>
      <div className={css["asks"]}>
        <Segmented size="small" aria-label={t("moves.period")} value={days} onChange={setDays} options={DAYS.map((value) => ({ value, label: t("days", { exact: format.exact(value) }) }))} />
        {!asked && (
          <Button size="small" type="primary" onClick={() => setAsked(true)}>
            {t("moves.ask")}
          </Button>
        )}
      </div>
      {asked && (
        <Shown of={found} rows={4}>
          {(data) => <Table of={data} type={type} />}
        </Shown>
      )}
    </Card>
  );
}

function Table({ of, type }: { of: Found; type: string | null }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const one = useOneValue(type);
  const word = (place: Place) => (place.kind === "value" ? one(place.value ?? "") : place.kind === "rest" ? t("value.rest") : t(`moves.${place.kind}`));
  const rows = of.before.map((place, index) => ({ place, moves: of.moves[index] ?? [] })).filter(({ place }) => place.people > 0);
  const columns = of.after.map((place, index) => ({ place, index })).filter(({ place }) => place.people > 0 || rows.some(({ place: from }) => from.kind === place.kind && from.value === place.value));
  if (of.everybody === 0) return <Empty small title={t("moves.nobody")} />;
  return (
    <>
      <p className={css["faint"]}>
        <When at={of.since} as="date" /> → <When at={of.until} as="date" /> · {t("moves.sum", { all: format.exact(of.everybody), stayed: format.exact(of.stayed), moved: format.exact(of.moved), fresh: format.exact(of.new) })}
      </p>
      <div className={css["scroll"]} role="region" aria-label={t("moves.title")} tabIndex={0}>
        <table className={css["table"]} aria-label={t("moves.label")}>
          <thead>
            <tr>
              <th scope="col">{t("moves.corner")}</th>
              {columns.map(({ place, index }) => (
                <th scope="col" key={index}>
                  {word(place)}
                </th>
              ))}
              <th scope="col">{t("moves.all")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ place, moves }) => (
              <tr key={`${place.kind} ${place.value ?? ""}`}>
                <th scope="row">{word(place)}</th>
                {columns.map(({ place: to, index }) => {
                  const people = moves[index] ?? 0;
                  const share = people / place.people;
                  return (
                    <td key={index} data-same={to.kind === place.kind && to.value === place.value} style={{ ["--heat" as string]: `${Math.round(share * 36)}%` }}>
                      {format.exact(people)}
                      {people > 0 && <span>{format.percent(share)}</span>}
                    </td>
                  );
                })}
                <td data-sum>{format.exact(place.people)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t("moves.all")}</th>
              {columns.map(({ place, index }) => (
                <td key={index} data-sum>
                  {format.exact(place.people)}
                </td>
              ))}
              <td data-sum>{format.exact(of.everybody)}</td>
            </tr>
          </tfoot>
        </table>
      </div>
      <p className={css["faint"]}>{t(`moves.view.${of.view}`)}</p>
    </>
  );
}
