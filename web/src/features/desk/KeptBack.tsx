import { Segmented } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Chart } from "../../components/Chart";
import { DataTable } from "../../components/DataTable";
import { Bar } from "../../components/Numbers";
import { Card, Figure, Grid } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { useReason } from "../marketing/useReason";
import css from "./desk.module.css";

type Report = Answer<"/api/v1/suppressions">;
type Row = Report["rows"][number];

const SHOWN = { days: 30 };
const DAYS = [7, 30, 90];
const MOST = 8;

/** What was not sent and why: in days, by reason and channel, and of which campaigns and journeys. */
export function KeptBack() {
  const { t } = useTranslation("desk");
  const format = useFormat();
  const [shown, setShown] = useUrlState(SHOWN);
  const days = DAYS.includes(shown.days) ? shown.days : 30;
  const found = useAnswer("/api/v1/suppressions", { params: { query: { days } } }, { placeholderData: (last) => last });
  return (
    <Card
      title={t("report.title")}
      {...(found.data ? { note: t("report.note", { zone: found.data.zone }) } : {})}
      extra={<Segmented size="small" aria-label={t("report.span")} value={days} onChange={(next) => setShown({ days: next })} options={DAYS.map((value) => ({ value, label: t("report.days", { exact: format.exact(value) }) }))} />}
    >
      <Shown of={found} shape="chart" rows={4}>
        {(report) =>
          report.total === 0 ? (
            <Empty small icon="check" title={t("report.none")}>
              {t("report.noneNote")}
            </Empty>
          ) : (
            <Body report={report} days={days} />
          )
        }
      </Shown>
    </Card>
  );
}

function Body({ report, days }: { report: Report; days: number }) {
  const { t } = useTranslation("desk");
  const { t: content } = useTranslation("content");
  const format = useFormat();
  const say = useReason();
  const channel = (row: Row) => (row.channel ? content(`channel.${row.channel as "sms"}`, { defaultValue: row.channel }) : t("report.unknownChannel"));
  return (
    <div className={css["stack"]}>
      <Grid least={300}>
        <div className={css["stack"]}>
          <Figure label={t("report.total", { exact: format.exact(days) })} value={format.exact(report.total)} />
          <Days report={report} days={days} />
        </div>
        <Shares title={t("report.byReason")} total={report.total} counts={Object.entries(report.reasons).map(([reason, n]) => [say(reason), n])} />
        <Shares title={t("report.byChannel")} total={report.total} counts={summed(report.rows, channel)} />
      </Grid>
      <Rows rows={report.rows} channel={channel} say={say} />
    </div>
  );
}

function summed(rows: readonly Row[], by: (row: Row) => string): [string, number][] {
  const found = new Map<string, number>();
  for (const row of rows) found.set(by(row), (found.get(by(row)) ?? 0) + row.count);
  return [...found].sort((a, b) => b[1] - a[1]);
}

/** Counts as bars of the whole, the most first. */
function Shares({ title, counts, total }: { title: string; counts: [string, number][]; total: number }) {
  const format = useFormat();
  return (
    <section>
      <h3 className={css["small"]}>{title}</h3>
      <dl className={css["shares"]}>
        {counts.slice(0, MOST).map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Bar share={n / total} label={format.percent(n / total, 0)} width={72} />
              <span className={css["number"]}>{format.exact(n)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** How many each day, days without any included. */
function Days({ report, days }: { report: Report; days: number }) {
  const { t } = useTranslation("desk");
  const format = useFormat();
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const row of report.rows) found.set(row.day, (found.get(row.day) ?? 0) + row.count);
    const last = [...found.keys()].sort().at(-1) ?? "";
    const end = Math.max(Date.parse(`${last}T00:00:00Z`), Date.parse(report.since) + days * 86_400_000);
    return Array.from({ length: days }, (_, index) => {
      const day = new Date(end - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10);
      return [day, found.get(day) ?? 0] as const;
    });
  }, [report, days]);
  const option = useMemo(
    () => ({
      grid: { left: 0, right: 0, top: 8, bottom: 0, containLabel: true },
      xAxis: { type: "category", data: counts.map(([day]) => day), axisLabel: { formatter: (day: string) => day.slice(5) } },
      yAxis: { type: "value", min: 0, splitNumber: 2, minInterval: 1, axisLabel: { formatter: (n: number) => format.count(n) } },
      tooltip: { trigger: "axis", valueFormatter: (n: unknown) => (typeof n === "number" ? format.exact(n) : "–") },
      series: [{ type: "bar", name: t("report.count"), data: counts.map(([, n]) => n), barMaxWidth: 16 }],
    }),
    [counts, format, t],
  );
  return <Chart label={t("report.chart")} option={option} height={140} table={{ heads: [t("report.day"), t("report.count")], rows: counts.filter(([, n]) => n > 0).reverse().map(([day, n]) => [day, format.exact(n)]) }} />;
}

interface Together {
  key: string;
  row: Row;
  last: string;
  count: number;
}

/** What was kept back of which campaign or journey, its days together. */
function Rows({ rows, channel, say }: { rows: readonly Row[]; channel: (row: Row) => string; say: (reason: string) => string }) {
  const { t } = useTranslation("desk");
  const together = useMemo(() => {
    const found = new Map<string, Together>();
    for (const row of rows) {
      const key = [row.reason, row.class, row.channel, row.kind, row.name].join("\n");
      const known = found.get(key);
      found.set(key, { key, row, count: (known?.count ?? 0) + row.count, last: known && known.last > row.day ? known.last : row.day });
    }
    return [...found.values()].sort((a, b) => b.count - a.count);
  }, [rows]);
  return (
    <DataTable<Together>
      name={t("report.rows")}
      prefix="row-"
      pageSize={10}
      rows={together}
      rowKey={({ key }) => key}
      columns={[
        { key: "reason", title: t("report.reason"), value: ({ row }) => say(row.reason), filter: true },
        { key: "name", title: t("report.name"), value: ({ row }) => row.name, render: ({ row }) => <Link to={placeOf(row.kind, row.name) ?? "/marketing"}>{row.name}</Link> },
        { key: "channel", title: t("report.channel"), value: ({ row }) => channel(row), filter: true, wide: true },
        { key: "class", title: t("report.class"), value: ({ row }) => (row.class ? t(`report.classes.${row.class as "marketing"}`) : ""), filter: true, wide: true },
        { key: "last", title: t("report.last"), value: ({ last }) => last, wide: true },
        { key: "count", title: t("report.count"), value: ({ count }) => count },
      ]}
    />
  );
}
