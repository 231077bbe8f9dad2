import { Segmented } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Chart } from "../../components/Chart";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import css from "./tags.module.css";
import { useOneValue } from "./values";

type History = Answer<"/api/v1/tags/{key}/history">;

const SHOWN = { days: 30, by: "total" };
const DAYS = [14, 30, 90, 365];

/** How many people had the tag at the end of each day, or each of its values. */
export function Trend({ tag, type }: { tag: string; type: string | null }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const [shown, setShown] = useUrlState(SHOWN);
  const days = DAYS.includes(shown.days) ? shown.days : 30;
  const history = useAnswer("/api/v1/tags/{key}/history", { params: { path: { key: tag }, query: { days } } }, { placeholderData: (last) => last });
  const values = history.data?.labels && history.data.labels.length > 1;
  return (
    <Card
      title={t("about.trend")}
      note={history.data && t("about.trendNote", { zone: history.data.zone })}
    >
      <div className={css["actions"]}>
        <Segmented size="small" aria-label={t("day")} value={days} onChange={(next) => setShown({ days: next })} options={DAYS.map((value) => ({ value, label: t("days", { exact: format.exact(value) }) }))} />
        {values && (
          <Segmented
            size="small"
            value={shown.by}
            onChange={(by) => setShown({ by })}
            options={[
              { value: "total", label: t("total") },
              { value: "value", label: t("byValue") },
            ]}
          />
        )}
      </div>
      <Shown of={history} shape="chart" rows={4}>
        {(data) =>
          data.since === null ? (
            <Empty small title={t("noHistory")}>
              {t("noHistoryNote")}
            </Empty>
          ) : (
            <>
              <Course history={data} type={type} split={shown.by === "value" && !!values} />
              <p className={css["faint"]}>
                {t("knownSince", { when: format.moment(data.since) })} · <When at={data.as_of} as="moment" />
              </p>
            </>
          )
        }
      </Shown>
    </Card>
  );
}

function Course({ history, type, split }: { history: History; type: string | null; split: boolean }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const one = useOneValue(type);
  const dates = history.days.map((day) => day.day);
  const option = useMemo(() => {
    const lines = split
      ? (history.labels ?? []).map((label, index) => ({ name: label, data: history.days.map((day) => day.values?.[index] ?? null) }))
      : [{ name: "people", data: history.days.map((day) => day.people) }];
    return {
      grid: { left: 8, right: split ? 96 : 56, top: 16, bottom: 8, containLabel: true },
      xAxis: { type: "category", data: dates, boundaryGap: false, axisLabel: { formatter: (day: string) => day.slice(5) } },
      yAxis: { type: "value", min: 0, splitNumber: 3, axisLabel: { formatter: (people: number) => format.count(people) } },
      tooltip: { trigger: "axis", valueFormatter: (people: unknown) => (typeof people === "number" ? format.exact(people) : "–") },
      series: lines.map(({ name, data }) => ({
        type: "line",
        step: "end",
        name: split ? one(name) : t("col.people"),
        data,
        // A single day is no line: it is a point with its number.
        ...(data.filter((people) => people !== null).length === 1 ? { showSymbol: true, symbolSize: 8, label: { show: true, position: "left", formatter: ({ value }: { value: unknown }) => (typeof value === "number" ? format.exact(value) : "") } } : {}),
        areaStyle: split ? undefined : { opacity: 0.08 },
        endLabel: { show: true, formatter: split ? "{a}" : ({ value }: { value: unknown }) => (typeof value === "number" ? format.exact(value) : "") },
        labelLayout: { moveOverlap: "shiftY" },
      })),
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [history, split, type, format, t]);
  return (
    <Chart
      label={t("trendSays")}
      option={option}
      height={220}
      table={{
        heads: [t("day"), t("col.people"), t("entered"), t("left"), ...(split ? (history.labels ?? []).map(one) : [])],
        rows: [...history.days].reverse().map((day) => [
          day.day,
          format.exact(day.people),
          format.exact(day.entered),
          format.exact(day.left),
          ...(split ? (history.labels ?? []).map((_, index) => format.exact(day.values?.[index])) : []),
        ]),
      }}
    />
  );
}
