import { Button, Segmented } from "antd";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty, Failure, Loading } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { dayOf, later, mondayOf, monthOf, weeksOf } from "./days";
import css from "./scenes.module.css";
import { useDates } from "./useDates";

type Found = Answer<"/api/v1/calendar">;
type Send = Found["sends"][number];

const STATE = { view: "month", day: "" };
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** Every send of a month or a week on its day, with scenes as bars above their days, holidays and quiet hours. */
export default function Calendar() {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const go = useNavigate();
  const may = useMay("operator");
  const [state, setState] = useUrlState(STATE);
  const week = state.view === "week";
  const asked = /^\d{4}-\d{2}-\d{2}$/.test(state.day) ? state.day : "";
  const first = useAnswer("/api/v1/calendar", { params: { query: { days: 1 } } }, { enabled: asked === "", staleTime: 60_000 });
  const day = asked || first.data?.today || "";
  const weeks = day === "" ? [] : week ? [mondayOf(day)] : weeksOf(day);
  const found = useAnswer("/api/v1/calendar", { params: { query: { start: weeks[0] ?? "", days: weeks.length * 7 || 1 } } }, { enabled: day !== "", placeholderData: (last) => last, refetchInterval: 60_000 });
  const write = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { timeZone: "UTC", year: "numeric", month: "long" });
  const dates = useDates();
  const move = (steps: number) => setState({ day: week ? later(day, 7 * steps) : monthOf(day, steps) });
  const error = found.error ?? first.error;
  return (
    <Page
      title={t("calendar.title")}
      description={t("calendar.description")}
      actions={
        <>
          <Segmented
            aria-label={t("calendar.view")}
            value={week ? "week" : "month"}
            onChange={(view) => setState({ view })}
            options={[
              { value: "month", label: t("calendar.month") },
              { value: "week", label: t("calendar.week") },
            ]}
          />
          <Button icon={<Icon name="back" />} aria-label={t("calendar.earlier")} disabled={!day} onClick={() => move(-1)} />
          <Button onClick={() => setState({ day: "" })}>{t("calendar.today")}</Button>
          <Button icon={<Icon name="next" />} aria-label={t("calendar.later")} disabled={!day} onClick={() => move(1)} />
        </>
      }
    >
      {found.data ? (
        <Card
          title={week && weeks[0] ? dates.between(weeks[0], later(weeks[0], 6)) : write.format(dayOf(monthOf(day)))}
          note={found.data.quiet_hours ? t("calendar.quiet", { start: found.data.quiet_hours[0] ?? "", end: found.data.quiet_hours[1] ?? "" }) : undefined}
          extra={<span className={parts["faint"]}>{found.data.zone}</span>}
        >
          <Days found={found.data} weeks={weeks} month={week ? "" : monthOf(day)} chosen={day} choose={(to) => setState({ day: to })} />
          {found.data.sends.length === 0 && (
            <Empty
              small
              icon="calendar"
              title={t("calendar.none")}
              action={
                may && (
                  <Button icon={<Icon name="plus" />} onClick={() => void go("/marketing/new")}>
                    {t("calendar.newCampaign")}
                  </Button>
                )
              }
            >
              {t("calendar.noneNote")}
            </Empty>
          )}
          <p className={parts["faint"]}>{t("calendar.keys")}</p>
        </Card>
      ) : error ? (
        <Failure error={error} retry={() => void found.refetch()} />
      ) : (
        <Loading shape="chart" rows={9} />
      )}
    </Page>
  );
}

function Days({ found, weeks, month, chosen, choose }: { found: Found; weeks: readonly string[]; month: string; chosen: string; choose: (day: string) => void }) {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const format = useFormat();
  const dates = useDates();
  const grid = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const short = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { timeZone: "UTC", weekday: "short" });
  const byDay = new Map<string, Send[]>();
  for (const send of found.sends) byDay.set(send.day, [...(byDay.get(send.day) ?? []), send]);
  const holidays = (day: string) => found.holidays.some((one) => one.from <= day && day <= one.until);
  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    grid.current?.querySelector<HTMLElement>(`[data-day="${chosen}"]`)?.focus();
  }, [chosen, found]);
  const press = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.target as HTMLElement).dataset["day"]) return;
    const step = STEPS[event.key];
    const to =
      step !== undefined ? later(chosen, step) : event.key === "PageUp" ? monthOf(chosen, -1) : event.key === "PageDown" ? monthOf(chosen, 1) : event.key === "Home" ? mondayOf(chosen) : event.key === "End" ? later(mondayOf(chosen), 6) : "";
    if (!to) return;
    event.preventDefault();
    moved.current = true;
    choose(to);
  };
  return (
    <div ref={grid} role="grid" aria-label={t("calendar.title")} className={css["calendar"]} onKeyDown={press}>
      <div role="row" className={css["heads"]}>
        {Array.from({ length: 7 }, (_, index) => (
          <span key={index} role="columnheader">
            {short.format(dayOf(later(weeks[0] ?? "2026-06-01", index)))}
          </span>
        ))}
      </div>
      {weeks.map((monday) => {
        const days = Array.from({ length: 7 }, (_, index) => later(monday, index));
        const over = found.scenes.filter((scene) => (scene.from ?? "") <= later(monday, 6) && (scene.until ?? "9999") >= monday);
        return (
          <div key={monday} role="presentation" className={css["week"]}>
            {over.length > 0 && (
              <div role="row" className={css["bars"]}>
                {over.map((scene) => {
                  const starts = Math.max(0, days.findIndex((day) => day >= (scene.from ?? "")));
                  const last = days.filter((day) => day <= (scene.until ?? "9999")).length;
                  const name = titleIn(scene.titles, language, scene.name);
                  return (
                    <span key={scene.name} role="gridcell" style={{ gridColumn: `${starts + 1} / ${last + 1}` }}>
                      <Link to={placeOf("scene", scene.name) ?? ""} className={css["scene"]} title={t("calendar.scene", { name, dates: dates.between(scene.from, scene.until) })}>
                        {name}
                      </Link>
                    </span>
                  );
                })}
              </div>
            )}
            <div role="row" className={css["cells"]}>
              {days.map((day) => {
                const sends = byDay.get(day) ?? [];
                const n = sends.reduce((sum, send) => sum + send.n, 0);
                const holiday = holidays(day);
                const said = [dates.day(day), holiday ? t("calendar.holiday") : "", n ? t("calendar.sends", { count: n, exact: format.exact(n) }) : t("calendar.nothing")].filter(Boolean).join(", ");
                return (
                  <div
                    key={day}
                    role="gridcell"
                    tabIndex={day === chosen ? 0 : -1}
                    title={said}
                    aria-selected={day === chosen}
                    data-day={day}
                    data-today={day === found.today}
                    data-other={month !== "" && monthOf(day) !== month}
                    data-holiday={holiday}
                    data-empty={sends.length === 0}
                    className={css["day"]}
                  >
                    <span className={css["date"]}>
                      <span>{Number(day.slice(8))}</span>
                      <span className={css["weekday"]}>{short.format(dayOf(day))}</span>
                      {holiday && <span className={css["holiday"]}>{t("calendar.holiday")}</span>}
                    </span>
                    {sends.map((send) => (
                      <Sent key={`${send.kind} ${send.name} ${send.state}`} send={send} />
                    ))}
                  </div>
                );
              })}
            </div>
          </div>
        );
      })}
    </div>
  );
}

function Sent({ send }: { send: Send }) {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const format = useFormat();
  const name = titleIn(send.titles, language, send.name);
  const times = send.n > send.times.length ? t("calendar.more", { times: send.times.join(", "), exact: format.exact(send.n - send.times.length) }) : send.times.join(", ");
  const kind = t(`one.kind.${send.kind}`);
  const state = t(`calendar.state.${send.state}`);
  return (
    <Link to={placeOf(send.kind, send.name) ?? ""} className={css["send"]} data-state={send.state} title={t("calendar.said", { name, kind, times, state })}>
      <time>{send.times[0]}</time>
      <span>{name}</span>
      {send.n > 1 && <span className={parts["faint"]}>×{format.exact(send.n)}</span>}
      <span className="unseen">
        {kind}, {state}
      </span>
    </Link>
  );
}
