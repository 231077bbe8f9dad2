import { Button, Drawer, Input, Select } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Copy } from "../../components/Copy";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Facts } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { type Answer, answer, api, asProblem, type Problem, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { useTyped } from "../../lib/useTyped";
import css from "./data.module.css";
import { Frame } from "./Frame";

type Page = Answer<"/api/v1/events">;
type Event = Page["events"][number];
type Name = Answer<"/api/v1/events/names">["names"][number];

const FILTERS = { event: "", source: "", person: "" };
const EVERY = 2_000;
const MOST = 400;

/** What arrives, as it arrives; and which events there are. */
export default function Events() {
  const { t } = useTranslation("data");
  const operator = useMay("operator");
  const names = useAnswer("/api/v1/events/names", { params: { query: { limit: 200 } } });
  return (
    <Frame title={t("events.title")} note={operator ? t("events.note") : t("events.viewer")}>
      {operator && <Stream names={names.data?.names.map((name) => name.name) ?? []} />}
      <Card title={t("events.names")} note={t("events.namesNote")} flush>
        <DataTable<Name>
          name={t("events.names")}
          rows={names.data?.names}
          rowKey={(name) => name.name}
          problem={names.error}
          again={() => void names.refetch()}
          empty={<Empty small title={t("events.none")} />}
          columns={[
            { key: "name", title: t("events.event"), value: (row) => row.name, render: (row) => (operator ? <Link to={`?${new URLSearchParams({ event: row.name }).toString()}`}>{row.name}</Link> : row.name) },
            { key: "count", title: t("events.count"), value: (row) => row.count },
            { key: "first", title: t("events.first"), value: (row) => row.first_at, render: (row) => <When at={row.first_at} as="date" />, wide: true },
            { key: "last", title: t("events.last"), value: (row) => row.last_at, render: (row) => <When at={row.last_at} /> },
            { key: "from", title: t("events.from"), value: (row) => Object.keys(row.by_source).join(", "), wide: true },
          ]}
        />
      </Card>
    </Frame>
  );
}

function Stream({ names }: { names: readonly string[] }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const [filters, setFilters] = useUrlState(FILTERS);
  const [person, typePerson] = useTyped(filters.person, (value) => setFilters({ person: value }), 400);
  const [shown, setShown] = useState<Event | null>(null);
  const sources = useAnswer("/api/v1/sources", { params: { query: { limit: 200 } } });
  const stream = useStream(filters);
  const today = format.date(new Date());
  const filtered = filters.event !== "" || filters.source !== "" || filters.person !== "";
  return (
    <Card
      flush
      title={
        <span className={css["liveTitle"]}>
          {t("events.list")} <LiveMark paused={stream.paused} />
        </span>
      }
      extra={
        <Button icon={<Icon name={stream.paused ? "play" : "pause"} />} onClick={stream.toggle}>
          {stream.paused ? t("events.go") : t("events.pause")}
        </Button>
      }
    >
      <div className={css["filters"]}>
        <Select
          aria-label={t("events.event")}
          value={filters.event}
          showSearch
          popupMatchSelectWidth={false}
          onChange={(event) => setFilters({ event })}
          options={[{ value: "", label: t("events.all") }, ...names.map((name) => ({ value: name, label: name }))]}
        />
        <Select
          aria-label={t("events.source")}
          value={filters.source}
          showSearch
          popupMatchSelectWidth={false}
          onChange={(source) => setFilters({ source })}
          options={[{ value: "", label: t("events.allSources") }, ...(sources.data?.sources ?? []).map(({ name }) => ({ value: name, label: name }))]}
        />
        <Input aria-label={t("events.person")} placeholder={t("events.personPlaceholder")} value={person} allowClear onChange={(event) => typePerson(event.target.value)} />
      </div>
      {stream.problem ? (
        <Failure small error={stream.problem} retry={stream.again} />
      ) : stream.events === undefined ? (
        <Loading shape="table" rows={6} />
      ) : stream.events.length === 0 ? (
        <Empty icon="data" title={filtered ? t("events.noMatch") : t("events.none")}>
          {filtered ? t("events.noMatchNote") : t("events.noneNote")}
        </Empty>
      ) : (
        <>
          {stream.skipped > 0 && <p className={css["notice"]}>{t("events.skipped", { count: stream.skipped, exact: format.exact(stream.skipped) })}</p>}
          <ol className={css["stream"]} aria-label={t("events.list")}>
            {stream.events.map((event) => (
              <li key={event.id}>
                <button type="button" onClick={() => setShown(event)}>
                  <span className={css["streamTime"]}>
                    <When at={event.received_at} as={format.date(event.received_at) === today ? "time" : "date"} />
                  </span>
                  <strong>{event.event}</strong>
                  <span className={css["streamSource"]}>{event.source}</span>
                  <span className={css["streamWhat"]}>{wordsOf(event.properties)}</span>
                </button>
              </li>
            ))}
          </ol>
          {stream.more && (
            <div className={css["moreRow"]}>
              <MoreButton more={stream.more} />
            </div>
          )}
        </>
      )}
      <Drawer open={shown !== null} onClose={() => setShown(null)} title={shown?.event} size={560}>
        {shown && <Detail event={shown} />}
      </Drawer>
    </Card>
  );
}

function LiveMark({ paused }: { paused: boolean }) {
  const { t } = useTranslation("data");
  return (
    <span className={css["live"]} data-paused={paused} role="status">
      {paused ? t("events.paused") : t("events.live")}
    </span>
  );
}

function MoreButton({ more }: { more: () => Promise<void> }) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  return (
    <Button
      loading={busy}
      onClick={() => {
        setBusy(true);
        void more().finally(() => setBusy(false));
      }}
    >
      {t("more")}
    </Button>
  );
}

function Detail({ event }: { event: Event }) {
  const { t } = useTranslation("data");
  return (
    <div className={css["stack"]}>
      <Facts
        facts={[
          [t("events.at"), <When key="at" at={event.at} as="moment" />],
          [t("events.received"), <When key="received" at={event.received_at} as="moment" />],
          [t("events.source"), event.source],
          [t("events.person"), event.person ? <Link key="person" to={placeOf("person", event.person) ?? ""}>{event.person}</Link> : t("events.nobody")],
          [t("events.id"), <code key="id" className={css["wrap"]}>{event.id}</code>],
        ]}
      />
      <Copy title={t("events.detail")} text={JSON.stringify(event, null, 2)} />
    </div>
  );
}

function wordsOf(properties: Record<string, unknown>): string {
  return Object.entries(properties)
    .filter(([name]) => !name.startsWith("$"))
    .slice(0, 6)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
}

interface Held {
  events: Event[];
  newest: string;
  next: string | null;
  skipped: number;
}

/** The stream: the latest page, then every two seconds what came since; older ones on demand. */
function useStream(filters: { event: string; source: string; person: string }) {
  const { event, source, person } = filters;
  const [held, setHeld] = useState<Held>();
  const [problem, setProblem] = useState<Problem>();
  const [paused, setPaused] = useState(false);
  const [round, setRound] = useState(0);
  const now = useRef<Held>(undefined);
  const keep = useCallback((next: Held | undefined) => {
    now.current = next;
    setHeld(next);
  }, []);
  const ask = useCallback(
    (place: { cursor?: string; after?: string }, signal?: AbortSignal): Promise<Page> =>
      answer(
        api.GET("/api/v1/events", {
          params: { query: { ...(event ? { event } : {}), ...(source ? { source } : {}), ...(person ? { person } : {}), ...place, limit: 50 } },
          ...(signal ? { signal } : {}),
        }),
      ),
    [event, source, person],
  );
  useEffect(() => {
    const stop = new AbortController();
    const fail = (error: unknown) => {
      if (!stop.signal.aborted) setProblem(asProblem(error));
    };
    ask({}, stop.signal)
      .then((page) => {
        setProblem(undefined);
        keep({ events: page.events, newest: page.newest ?? "", next: page.next, skipped: 0 });
      })
      .catch(fail);
    return () => stop.abort();
  }, [ask, keep, round]);
  useEffect(() => {
    if (paused || problem) return undefined;
    const stop = new AbortController();
    const look = () => {
      const before = now.current;
      if (!before || document.hidden) return;
      ask({ after: before.newest }, stop.signal)
        .then((page) => {
          const known = now.current;
          if (!known || known.newest !== before.newest) return;
          const events = [...page.events, ...known.events].slice(0, Math.max(MOST, known.events.length));
          keep({ ...known, events, newest: page.newest ?? known.newest, skipped: known.skipped + page.skipped });
        })
        .catch((error: unknown) => {
          if (!stop.signal.aborted && asProblem(error).status !== 0) setProblem(asProblem(error));
        });
    };
    const timer = setInterval(look, EVERY);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [ask, keep, paused, problem]);
  const next = held?.next;
  return {
    events: held?.events,
    skipped: held?.skipped ?? 0,
    problem,
    paused,
    toggle: () => setPaused((was) => !was),
    again: () => {
      setProblem(undefined);
      setRound((was) => was + 1);
    },
    more: next
      ? () =>
          ask({ cursor: next })
            .then((page) => {
              const known = now.current;
              if (known) keep({ ...known, events: [...known.events, ...page.events], next: page.next });
            })
            .catch((error: unknown) => setProblem(asProblem(error)))
      : undefined,
  };
}
