import { Button, InputNumber } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, FailureLine, Loading } from "../../components/States";
import { type Answer, useAnswer, useAsked } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import { Field, Words } from "./Form";
import { titleOf } from "./titleOf";
import css from "./whatif.module.css";

type Found = Answer<"/api/v1/tags/predict", "post">;

/** What each tag of a past date told of who would do something in the days after. Computed when it is asked for. */
export function Predict() {
  const { t } = useTranslation("tags");
  const names = useAnswer("/api/v1/expressions/names");
  const [event, setEvent] = useState("");
  const [days, setDays] = useState(30);
  const [asked, setAsked] = useState<{ then: string; after_days: number } | null>(null);
  const events = names.data?.events ?? [];
  const chosen = event || (events.includes("Order Paid") ? "Order Paid" : (events[0] ?? ""));
  const wanted = { then: `did ${JSON.stringify(chosen)}`, after_days: days };
  const found = useAsked("/api/v1/tags/predict", { body: { keys: [], on: "", view: "", ...(asked ?? wanted) } }, { enabled: asked !== null, retry: false, staleTime: Infinity, refetchOnWindowFocus: false });
  return (
    <Card title={t("predict.title")} note={t("predict.note")}>
      <form
        className={css["asks"]}
        onSubmit={(submitted) => {
          submitted.preventDefault();
          setAsked(wanted);
        }}
      >
        <div className={css["then"]}>
          <Field label={t("whatif.days")}>{(id) => <InputNumber id={id} min={1} max={366} value={days} onChange={(next) => setDays(next ?? 30)} />}</Field>
          <Field label={t("predict.then")} group>
            {() => <Words label={t("whatif.event")} value={chosen} onChange={setEvent} words={events} />}
          </Field>
        </div>
        <div>
          <Button htmlType="submit" disabled={!chosen} loading={found.isFetching}>
            {t("predict.ask")}
          </Button>
        </div>
      </form>
      <div aria-live="polite" aria-busy={found.isFetching}>
        {found.error && !found.isFetching ? <FailureLine error={found.error} /> : found.isFetching ? <Loading rows={4} /> : found.data ? <Told of={found.data} /> : null}
      </div>
    </Card>
  );
}

function Told({ of }: { of: Found }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const range = (low: number | null, high: number | null) => (low === null || high === null ? "" : ` (${format.exact(low, 2)} – ${format.exact(high, 2)})`);
  if (!of.enough) {
    return (
      <Empty small title={t("accuracy.few")}>
        {t("predict.few", { reached: format.exact(of.reached), everybody: format.exact(of.everybody), needed: format.exact(of.needed) })}
      </Empty>
    );
  }
  return (
    <>
      <p className={css["faint"]}>
        <When at={of.as_of} as="date" /> → <When at={of.until} as="date" /> · {t("predict.sum", { reached: format.exact(of.reached), everybody: format.exact(of.everybody) })}
      </p>
      <DataTable
        name={t("predict.title")}
        rows={of.tags}
        rowKey={(row) => row.key}
        empty={<Empty small title={t("lint.empty")} />}
        columns={[
          {
            key: "tag",
            title: t("col.tag"),
            value: (row) => titleOf(row.titles, language, row.key),
            render: (row) => (
              <Link to={placeOf("tag", row.key) ?? "/tags"}>{titleOf(row.titles, language, row.key)}</Link>
            ),
          },
          { key: "verdict", title: t("predict.verdict"), value: (row) => t(`predict.says.${row.verdict}`) },
          {
            key: "worth",
            title: t("predict.worth"),
            value: (row) => row.worth ?? -1,
            render: (row) => (row.worth === null ? "–" : `${format.exact(row.worth, 3)}${range(row.low, row.high)}`),
          },
          {
            key: "best",
            title: t("predict.best"),
            sort: false,
            value: (row) => row.best?.lift ?? 0,
            render: (row) =>
              row.best === null || row.best.lift === null ? "–" : `${row.best.value ?? t("moves.none")}: × ${format.exact(row.best.lift, 2)}${range(row.best.low, row.best.high)}`,
          },
          { key: "proposal", title: t("lint.proposal"), value: (row) => (row.proposal === "retire" ? t("lint.proposals.retire") : ""), wide: true },
        ]}
      />
      <p className={css["faint"]}>{t("predict.caution")}</p>
    </>
  );
}
