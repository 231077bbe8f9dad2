import { Button, Segmented } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { Chart } from "../../components/Chart";
import { DataTable } from "../../components/DataTable";
import { AsOf, Bar, Count, Percent, Sparkline } from "../../components/Numbers";
import { Card, Figure, Grid, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { Freshness } from "./Freshness";
import css from "./tags.module.css";
import { titleOf } from "./titleOf";

type Counts = Answer<"/api/v1/tags/counts">;

const SHOWN = { days: 30, in: "" };
const DAYS = [14, 30, 90, 365];

/** How much all tags tell: how many there are, how many people have each, by category, and how that went by day. */
export default function Coverage() {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const [shown, setShown] = useUrlState(SHOWN);
  const days = DAYS.includes(shown.days) ? shown.days : 30;
  const found = useAnswer("/api/v1/tags/counts", { params: { query: { days, category: shown.in } } }, { placeholderData: (last) => last });
  return (
    <Page
      title={shown.in ? `${t("counts.title")}: ${shown.in}` : t("counts.title")}
      description={
        <>
          {t("counts.note")} {found.data?.as_of && <AsOf at={found.data.as_of} />}
        </>
      }
      above={shown.in ? [{ to: "/tags", title: t("title") }, { to: "/tags/coverage", title: t("counts.title") }] : [{ to: "/tags", title: t("title") }]}
      actions={<Segmented aria-label={t("day")} value={days} onChange={(next) => setShown({ days: next })} options={DAYS.map((value) => ({ value, label: t("days", { exact: format.exact(value) }) }))} />}
    >
      <Shown of={found} shape="page">
        {(data) =>
          data.defined === 0 ? (
            <Card>
              <Empty icon="tags" title={t("none")} action={<Link to="/tags/templates">{t("counts.templates")}</Link>}>
                {t("noneNote")}
              </Empty>
            </Card>
          ) : data.as_of === null ? (
            <Card>
              <Empty icon="tags" title={t("notComputed")} action={<Link to="/tags">{t("title")}</Link>}>
                {t("notComputedNote")}
              </Empty>
            </Card>
          ) : (
            <All data={data} days={days} narrow={(path) => setShown({ in: path }, { push: true })} />
          )
        }
      </Shown>
    </Page>
  );
}

function All({ data, days, narrow }: { data: Counts; days: number; narrow: (path: string) => void }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const go = useNavigate();
  const inside = data.categories.filter(({ path }) => path !== data.category);
  const line = (trend: readonly (number | null)[]) => {
    const known = trend.filter((people) => people !== null);
    const [first, last] = [known[0], known.at(-1)];
    if (first === undefined || last === undefined) return <span className={css["faint"]}>{t("noTrend")}</span>;
    return <Sparkline values={trend} label={t("counts.line", { first: format.exact(first), last: format.exact(last) })} />;
  };
  return (
    <>
      <Grid least={180}>
        <Figure label={t("counts.used")} value={format.exact(data.used)} note={t("counts.ofTags", { exact: format.exact(data.defined) })} />
        <Figure label={t("counts.tagged")} value={format.exact(data.tagged)} note={t("counts.ofPeople", { exact: format.exact(data.everybody) })} />
        <Figure label={t("counts.perPerson")} value={data.per_person === null ? "–" : format.exact(Math.round(data.per_person * 10) / 10)} note={t("counts.perPersonNote")} />
        <Figure label={t("counts.coverage")} value={<Percent value={data.coverage} />} note={t("counts.coverageNote")} />
      </Grid>
      <Card title={t("counts.trend")} note={t("counts.trendNote")}>
        <Course data={data} />
      </Card>
      {inside.length > 0 && (
        <Card flush title={t("counts.categories")} note={t("counts.categoriesNote")}>
          <DataTable<Counts["categories"][number]>
            plain
            name={t("counts.categories")}
            rows={inside}
            rowKey={(row) => row.path}
            columns={[
              {
                key: "path",
                title: t("col.category"),
                value: (row) => row.path,
                render: (row) =>
                  row.path ? (
                    <Button type="link" size="small" onClick={() => narrow(row.path)}>
                      {row.path}
                    </Button>
                  ) : (
                    <span className={css["faint"]}>{t("counts.without")}</span>
                  ),
              },
              { key: "tags", title: t("counts.tags"), value: (row) => row.tags, align: "right", wide: true, render: (row) => `${format.exact(row.used)} / ${format.exact(row.tags)}` },
              { key: "used", title: t("counts.used"), value: (row) => row.used, hidden: true },
              { key: "people", title: t("col.people"), value: (row) => row.people, align: "right" },
              { key: "values", title: t("counts.values"), value: (row) => row.values, align: "right", wide: true },
              { key: "coverage", title: t("counts.coverage"), value: (row) => row.coverage, align: "right", render: (row) => <Percent value={row.coverage} /> },
              { key: "trend", title: t("counts.course", { exact: format.exact(days) }), value: (row) => row.trend.at(-1) ?? null, quiet: true, wide: true, sort: false, render: (row) => line(row.trend) },
              ...data.days.map(({ day }, at) => ({ key: day, title: day, value: (row: Counts["categories"][number]) => row.trend[at] ?? null, hidden: true })),
            ]}
          />
        </Card>
      )}
      <Card flush title={t("counts.each")} note={t("counts.eachNote")}>
        <DataTable<Counts["tags"][number]>
          name={t("counts.each")}
          rows={data.tags}
          rowKey={(row) => row.key}
          to={(row) => `/tags/${encodeURIComponent(row.key)}`}
          columns={[
            {
              key: "key",
              title: t("col.tag"),
              value: (row) => row.key,
              render: (row) => (
                <span className={css["name"]}>
                  <span>{titleOf(row.titles, language, row.key)}</span>
                  <code>{row.key}</code>
                </span>
              ),
            },
            { key: "category", title: t("col.category"), value: (row) => row.category ?? "", wide: true },
            { key: "people", title: t("col.people"), value: (row) => row.people, align: "right", render: (row) => (row.as_of === null ? <span className={css["faint"]}>–</span> : <Count value={row.people} where={row.where} />) },
            {
              key: "coverage",
              title: t("col.coverage"),
              value: (row) => row.coverage,
              render: (row) => (
                <span className={css["coverage"]}>
                  <Bar share={row.coverage} width={32} />
                  <Percent value={row.coverage} />
                </span>
              ),
            },
            { key: "change", title: t("counts.change", { exact: format.exact(days) }), value: (row) => row.change, align: "right", wide: true, render: (row) => (row.change === null ? <span className={css["faint"]}>{t("counts.new")}</span> : `${row.change > 0 ? "+" : row.change < 0 ? "−" : "±"}${format.exact(Math.abs(row.change))}`) },
            { key: "trend", title: t("counts.course", { exact: format.exact(days) }), value: (row) => row.trend.at(-1) ?? null, quiet: true, wide: true, sort: false, render: (row) => line(row.trend) },
            { key: "as_of", title: t("col.state"), value: (row) => row.as_of, wide: true, render: (row) => <Freshness tag={row} /> },
            ...data.days.map(({ day }, at) => ({ key: day, title: day, value: (row: Counts["tags"][number]) => row.trend[at] ?? null, hidden: true })),
          ]}
          actions={
            data.category && (
              <Button onClick={() => go("/tags/coverage")}>{t("counts.whole")}</Button>
            )
          }
        />
      </Card>
    </>
  );
}

/** Tags that anybody has, and all values together, at the end of each day. */
function Course({ data }: { data: Counts }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 56, top: 32, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0 },
      xAxis: { type: "category", data: data.days.map(({ day }) => day), boundaryGap: false, axisLabel: { formatter: (day: string) => day.slice(5) } },
      yAxis: [
        { type: "value", min: 0, splitNumber: 3, axisLabel: { formatter: (n: number) => format.count(n) } },
        { type: "value", min: 0, splitNumber: 3, minInterval: 1, splitLine: { show: false }, axisLabel: { formatter: (n: number) => format.count(n) } },
      ],
      tooltip: { trigger: "axis", valueFormatter: (n: unknown) => (typeof n === "number" ? format.exact(n) : "–") },
      series: [
        { type: "line", step: "end", name: t("counts.values"), data: data.days.map(({ values }) => values), areaStyle: { opacity: 0.08 } },
        { type: "line", step: "end", yAxisIndex: 1, name: t("counts.used"), data: data.days.map(({ tags }) => tags) },
      ],
    }),
    [data, format, t],
  );
  return (
    <Chart
      label={t("counts.trendSays")}
      option={option}
      height={220}
      table={{ heads: [t("day"), t("counts.used"), t("counts.values")], rows: [...data.days].reverse().map(({ day, tags, values }) => [day, format.exact(tags), values === null ? "–" : format.exact(values)]) }}
    />
  );
}
