import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { DataTable, useTableState } from "../../components/DataTable";
import { Interval } from "../../components/Interval";
import { AsOf, When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty } from "../../components/States";
import { type Answer, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import { titleIn } from "../../lib/titles";
import css from "./effects.module.css";
import { Overall } from "./Overall";

type Effect = Answer<"/api/v1/effects">["effects"][number];

/** Every sending's effect with its interval on one scale, or why nothing can be said yet. */
export default function Effects() {
  const { t } = useTranslation("effects");
  const { language } = usePreferences();
  const format = useFormat();
  const { q } = useTableState();
  const list = useRows("/api/v1/effects", (answer) => answer.effects, { params: { query: { q } } });
  const made = (list.rows ?? []).flatMap((row) => (row.incremental ? [row.incremental] : []));
  const from = Math.min(0, ...made.map((one) => one.per_person_low));
  const to = Math.max(0, ...made.map((one) => one.per_person_high));
  const signed = (value: number) => `${value > 0 ? "+" : ""}${format.exact(value, 0)}`;
  const money = (value: number, currency: string) => `${value > 0 ? "+" : ""}${format.moneyShort(Math.round(value), currency)}`;
  return (
    <Page title={t("title")} description={t("description")}>
      <Card flush>
        <DataTable<Effect>
          name={t("name")}
          server
          rows={list.rows}
          rowKey={(row) => `${row.campaign} ${row.entry}`}
          to={(row) => `${placeOf("campaign", row.campaign) ?? ""}?entry=${encodeURIComponent(row.entry)}`}
          problem={list.problem}
          again={list.again}
          more={list.more}
          loadingMore={list.loadingMore}
          actions={list.first && <AsOf at={list.first.as_of} />}
          empty={
            <Empty icon="effects" title={t("none")} action={<Link to="/marketing">{t("make")}</Link>}>
              {t("noneNote")}
            </Empty>
          }
          columns={[
            { key: "campaign", title: t("campaign"), value: (row) => titleIn(row.titles, language, row.campaign) },
            {
              key: "when",
              title: t("when"),
              value: (row) => row.started_at,
              wide: true,
              render: (row) => (
                <span className={css["two"]}>
                  <When at={row.started_at} as="date" />
                  <span className={css["faint"]}>
                    {row.treated !== null && row.held_out !== null && t("arms", { treated: format.exact(row.treated), held: format.exact(row.held_out) })}
                  </span>
                </span>
              ),
            },
            {
              key: "people",
              title: t("people"),
              value: (row) => row.incremental?.conversions ?? null,
              align: "right",
              render: (row) =>
                row.incremental && (
                  <span className={css["two"]}>
                    <strong>{signed(row.incremental.conversions)}</strong>
                    <span className={css["faint"]}>{t("between", { low: signed(row.incremental.low), high: signed(row.incremental.high) })}</span>
                  </span>
                ),
            },
            {
              key: "interval",
              title: t("peopleLine"),
              value: (row) => row.incremental?.per_person ?? null,
              wide: true,
              width: 280,
              render: (row) =>
                row.incremental && (
                  <Interval
                    value={row.incremental.per_person}
                    low={row.incremental.per_person_low}
                    high={row.incremental.per_person_high}
                    from={from}
                    to={to}
                    label={t("interval", {
                      value: format.change(row.incremental.per_person, 2),
                      low: format.change(row.incremental.per_person_low, 2),
                      high: format.change(row.incremental.per_person_high, 2),
                    })}
                  />
                ),
            },
            {
              key: "money",
              title: t("money"),
              value: (row) => row.money?.total ?? null,
              align: "right",
              wide: true,
              render: (row) =>
                row.money && (
                  <span className={css["two"]}>
                    <strong>{money(row.money.total, row.money.currency)}</strong>
                    <span className={css["faint"]}>{t("between", { low: money(row.money.low, row.money.currency), high: money(row.money.high, row.money.currency) })}</span>
                  </span>
                ),
            },
            {
              key: "state",
              title: t("state"),
              value: (row) => t(`states.${row.state}`),
              render: (row) => (
                <span className={css["two"]}>
                  <span data-state={row.state} className={css["state"]}>
                    {t(`states.${row.state}`)}
                  </span>
                  {row.state === "not_enough" && (
                    <span className={css["faint"]}>
                      {row.problem ??
                        (row.why_not === "nobody_held_out" ? t("nobody") : row.more_days === null ? t("noDays") : t("moreDays", { count: row.more_days }))}
                    </span>
                  )}
                </span>
              ),
            },
          ]}
        />
      </Card>
      <Overall />
    </Page>
  );
}
