import { Button, DatePicker, Select } from "antd";
import dayjs from "dayjs";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { useAnswer, useRows } from "../../lib/api";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { EventLine, type Happened } from "./Event";
import css from "./people.module.css";
import { useEventName } from "./say";

const FILTERS = { event: [] as string[], source: "", from: "", to: "" };
const DAY = "YYYY-MM-DD";

/** The first instant that is later than a day of the workspace's zone, as a date: what an exclusive end wants. */
function dayAfter(day: string): string {
  return dayjs(day).add(1, "day").format(DAY);
}

/** What happened, by day, with its filters in the address. `until`: nothing later is shown, nor by `view` what was heard later. */
export function Timeline({ id, until, view }: { id: string; until: string; view: "known" | "true" }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const nameOf = useEventName();
  const [filters, setFilters] = useUrlState(FILTERS);
  const names = useAnswer("/api/v1/expressions/names", {}, { staleTime: 300_000 });
  const end = filters.to ? dayAfter(filters.to) : "";
  const query = {
    event: [...filters.event],
    ...(filters.source ? { source: filters.source } : {}),
    ...(filters.from ? { since: filters.from } : {}),
    ...(end ? { until: end } : {}),
    ...(until ? { view, as_of: until } : {}),
  };
  const list = useRows("/api/v1/people/{id}/events", (answer) => answer.events, { params: { path: { id }, query } });
  const days = useMemo(() => byDay(list.rows ?? [], format.date), [list.rows, format]);
  const filtered = filters.event.length > 0 || filters.source !== "" || filters.from !== "" || filters.to !== "";
  const toggle = (name: string) => setFilters({ event: filters.event.includes(name) ? filters.event.filter((one) => one !== name) : [...filters.event, name] }, { push: true });
  return (
    <Card title={t("timeline.title")} note={list.first && t("timeline.total", { count: list.first.total, exact: format.exact(list.first.total) })}>
      <div className={css["filters"]}>
        <Select
          size="small"
          value={filters.source}
          aria-label={t("timeline.source")}
          popupMatchSelectWidth={false}
          onChange={(source) => setFilters({ source }, { push: true })}
          options={[{ value: "", label: t("timeline.anySource") }, ...(names.data?.sources ?? []).map((source) => ({ value: source, label: source }))]}
        />
        <DatePicker.RangePicker
          size="small"
          allowEmpty={[true, true]}
          value={[filters.from ? dayjs(filters.from) : null, filters.to ? dayjs(filters.to) : null]}
          aria-label={t("timeline.dates")}
          placeholder={[t("timeline.from"), t("timeline.to")]}
          onChange={(range) => setFilters({ from: range?.[0]?.format(DAY) ?? "", to: range?.[1]?.format(DAY) ?? "" }, { push: true })}
        />
        {filtered && (
          <Button size="small" type="text" onClick={() => setFilters(FILTERS, { push: true })}>
            {t("timeline.clear")}
          </Button>
        )}
        <div className={css["chips"]} role="group" aria-label={t("timeline.events")}>
          {list.first?.counts.map((one) => (
            <button key={one.event} type="button" className={css["chip"]} aria-pressed={filters.event.includes(one.event)} onClick={() => toggle(one.event)}>
              {nameOf(one.event)}
              <span>{format.exact(one.events)}</span>
            </button>
          ))}
        </div>
      </div>
      {list.problem && !list.rows ? (
        <Failure small error={list.problem} retry={list.again} />
      ) : list.rows === undefined ? (
        <Loading rows={8} />
      ) : list.rows.length === 0 ? (
        <Empty small icon="clock" title={t("timeline.none")}>
          {filtered && t("timeline.noneNote")}
        </Empty>
      ) : (
        days.map(([day, events]) => (
          <section key={day} aria-label={day}>
            <h3 className={css["day"]}>{day}</h3>
            <ul className={css["plain"]}>
              {events.map((event) => (
                <EventLine key={event.id} event={event} />
              ))}
            </ul>
          </section>
        ))
      )}
      {list.more && (
        <div className={css["center"]}>
          <Button loading={list.loadingMore} onClick={list.more}>
            {t("timeline.more")}
          </Button>
        </div>
      )}
    </Card>
  );
}

function byDay(events: readonly Happened[], dayOf: (at: string) => string): [string, Happened[]][] {
  const days: [string, Happened[]][] = [];
  for (const event of events) {
    const day = dayOf(event.at);
    const last = days.at(-1);
    if (last?.[0] === day) last[1].push(event);
    else days.push([day, [event]]);
  }
  return days;
}
