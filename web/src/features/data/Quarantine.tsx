import { Button, Drawer } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Copy } from "../../components/Copy";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { When } from "../../components/Numbers";
import { Card, Facts } from "../../components/Page";
import { Said } from "../../components/Said";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, once, useChange, useJob, useRows } from "../../lib/api";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { Frame, useReason } from "./Frame";

type Row = Answer<"/api/v1/quarantine">["events"][number];

const FILTERS = { code: "", source: "", job: "" };

/** What arrived and could not be taken: by reason, as it was, and tried again. */
export default function Quarantine() {
  const { t } = useTranslation("data");
  const { t: common } = useTranslation();
  const format = useFormat();
  const say = useReason();
  const [filters, setFilters] = useUrlState(FILTERS);
  const [chosen, setChosen] = useState<string[]>([]);
  const [shown, setShown] = useState<Row | null>(null);
  const query = { ...(filters.code ? { code: filters.code } : {}), ...(filters.source ? { source: filters.source } : {}) };
  const list = useRows("/api/v1/quarantine", (page) => page.events, { params: { query } });
  const replay = useChange("post", "/api/v1/quarantine/replay", {
    invalidates: [],
    onDone: ({ job }) => {
      setChosen([]);
      setFilters({ job });
    },
  });
  const reasons = list.first?.reasons ?? [];
  const all = reasons.reduce((sum, item) => sum + item.n, 0);
  const any = reasons.some((item) => item.n > item.of_files);
  const try_ = any && (
    <Button type="primary" icon={<Icon name="refresh" />} loading={replay.isPending} onClick={() => replay.mutate({ body: chosen.length ? { ids: chosen, code: "", source: "" } : { code: filters.code, source: filters.source }, headers: once() })}>
      {chosen.length ? t("quarantine.replayThese", { count: chosen.length, exact: format.exact(chosen.length) }) : t("quarantine.replayAll")}
    </Button>
  );
  return (
    <Frame title={t("quarantine.title")} note={t("quarantine.note")} actions={try_}>
      {replay.error && <FailureLine error={replay.error} />}
      {filters.job && <Replayed job={filters.job} ended={list.again} close={() => setFilters({ job: "" })} />}
      {reasons.length > 0 && (
        <div className={css["reasons"]} role="group" aria-label={t("quarantine.code")}>
          <Reason name={t("quarantine.all")} n={all} pressed={filters.code === ""} choose={() => setFilters({ code: "" })} />
          {reasons.map((item) => (
            <Reason key={item.code} name={say(item.code)} n={item.n} pressed={filters.code === item.code} choose={() => setFilters({ code: item.code })} />
          ))}
          {filters.source && (
            <Button size="small" icon={<Icon name="close" size={16} />} onClick={() => setFilters({ source: "" })} aria-label={`${common("clear")}: ${filters.source}`}>
              {filters.source}
            </Button>
          )}
        </div>
      )}
      <Card flush>
        <DataTable<Row>
          name={t("quarantine.list")}
          rows={list.rows}
          rowKey={(row) => row.id}
          problem={list.problem}
          again={list.again}
          more={list.more}
          loadingMore={list.loadingMore}
          chosen={chosen}
          onChoose={setChosen}
          empty={
            <Empty icon="check" title={t("quarantine.none")}>
              {t("quarantine.noneNote")}
            </Empty>
          }
          columns={[
            {
              key: "code",
              title: t("quarantine.code"),
              value: (row) => say(row.code),
              render: (row) => (
                <Button type="link" size="small" onClick={() => setShown(row)}>
                  {say(row.code)}
                </Button>
              ),
            },
            { key: "message", title: t("quarantine.message"), value: (row) => row.message, render: (row) => <div className={css["message"]}><Said of={row.message} /></div> },
            { key: "source", title: t("quarantine.source"), value: (row) => (row.file ? `${row.source} · ${row.file}` : row.source), wide: true },
            { key: "at", title: t("quarantine.when"), value: (row) => row.received_at, render: (row) => <When at={row.received_at} /> },
            { key: "raw", title: t("quarantine.raw"), value: (row) => row.raw, render: (row) => <code title={row.raw}>{row.raw.slice(0, 48)}</code>, sort: false, wide: true },
          ]}
        />
      </Card>
      <Drawer open={shown !== null} onClose={() => setShown(null)} title={shown ? say(shown.code) : ""} size={560}>
        {shown && (
          <div className={css["stack"]}>
            <Facts
              facts={[
                [t("quarantine.message"), <Said key="message" of={shown.message} />],
                [t("quarantine.where"), shown.path ? <code key="path">{shown.path}</code> : undefined],
                [t("quarantine.source"), shown.file ? t("quarantine.file", { file: shown.file }) : shown.source],
                [t("quarantine.when"), <When key="at" at={shown.received_at} as="moment" />],
              ]}
            />
            <Copy title={t("quarantine.raw")} text={pretty(shown.raw)} />
          </div>
        )}
      </Drawer>
    </Frame>
  );
}

function Reason({ name, n, pressed, choose }: { name: string; n: number; pressed: boolean; choose: () => void }) {
  const format = useFormat();
  return (
    <button type="button" className={css["reason"]} aria-pressed={pressed} onClick={choose}>
      {name} <b>{format.exact(n)}</b>
    </button>
  );
}

/** What trying again did, in one sentence. */
function Replayed({ job, ended, close }: { job: string; ended: () => void; close: () => void }) {
  const { t } = useTranslation("data");
  const { t: common } = useTranslation();
  const format = useFormat();
  const found = useJob(job);
  const done = found.data?.status === "done";
  const [told, setTold] = useState(false);
  if (done && !told) {
    setTold(true);
    queueMicrotask(ended);
  }
  const number = (name: string): number => {
    const value: unknown = found.data?.answer?.[name];
    return typeof value === "number" ? value : 0;
  };
  if (!done) return <Card><JobOf id={job} /></Card>;
  const said = [
    t("quarantine.replayed", { tried: format.exact(number("tried")), stored: format.exact(number("stored")), duplicate: format.exact(number("duplicate")), stayed: format.exact(number("stayed")) }),
    number("of_files") ? t("quarantine.ofFiles", { count: number("of_files"), exact: format.exact(number("of_files")) }) : "",
    number("conflicts") ? t("quarantine.conflicts", { count: number("conflicts"), exact: format.exact(number("conflicts")) }) : "",
  ];
  return (
    <div className={css["banner"]} data-tone={number("stored") ? "good" : "plain"} role="status">
      <span>{said.filter(Boolean).join(" ")}</span>
      <Button size="small" onClick={close}>
        {common("close")}
      </Button>
    </div>
  );
}

function pretty(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return raw;
  }
}
