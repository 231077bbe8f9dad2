import { App, Button, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, answer, api, asProblem, useRows } from "../../lib/api";
import { csv, download } from "../../lib/csv";
import { useUrlState } from "../../lib/url";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { Frame } from "./Frame";
import css from "./settings.module.css";

type Row = Answer<"/api/v1/audit">["audit"][number];
type Verified = Answer<"/api/v1/audit/verify">;

const FILTERS = { caller: "", action: "", kind: "", subject: "", since: "", until: "" };
const KINDS = ["change", "export", "sight", "session", "refused"] as const;
const MOST = 10_000;
const PAGE = 200;

/** Who did what: filtered, saved as CSV, and the chain of its hashes verified. */
export default function Audit() {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const format = useFormat();
  const { message, notification } = App.useApp();
  const [filters, setFilters] = useUrlState(FILTERS);
  const query = asked(useDebounced(filters));
  const list = useRows("/api/v1/audit", (page) => page.audit, { params: { query } });
  const [verified, setVerified] = useState<Verified | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState<"" | "verify" | "save">("");
  const doing = (what: "verify" | "save", work: () => Promise<void>) => {
    setBusy(what);
    setProblem(null);
    work()
      .catch((error: unknown) => {
        if (what === "verify") setProblem(error);
        else notification.error({ title: common("failure.title"), description: asProblem(error).message });
      })
      .finally(() => setBusy(""));
  };
  const verify = async () => setVerified(await answer(api.GET("/api/v1/audit/verify")));
  const save = async () => {
    const rows: Row[] = [];
    let cursor = "";
    do {
      const page = await answer(api.GET("/api/v1/audit", { params: { query: { ...query, limit: PAGE, cursor } } }));
      rows.push(...page.audit);
      cursor = page.next ?? "";
    } while (cursor && rows.length < MOST);
    const heads = ["seq", "at", "caller", "caller_kind", "action", "kind", "subject", "detail"];
    download(
      "audit.csv",
      csv(
        heads,
        rows.map((row) => [row.seq, row.at, row.caller.name, row.caller.kind, row.action, row.kind, row.subject, JSON.stringify(row.detail)]),
      ),
    );
    if (cursor) void message.info(t("audit.most", { n: format.exact(rows.length) }));
  };
  const word = (name: keyof typeof FILTERS, more?: { placeholder?: string; type?: string }) => (
    <label>
      {t(`audit.${name}`)}
      <Input value={filters[name]} allowClear autoComplete="off" {...more} onChange={(event) => setFilters({ [name]: event.target.value })} />
    </label>
  );
  const filtered = Object.values(filters).some(Boolean);
  return (
    <Frame
      title={t("audit.title")}
      note={t("audit.note")}
      actions={
        <Button icon={<Icon name="check" />} loading={busy === "verify"} onClick={() => doing("verify", verify)}>
          {t("audit.verify")}
        </Button>
      }
    >
      <div role="status">
        {problem !== null && <FailureLine error={problem} />}
        {verified && (
          <p className={verified.ok ? css["verdict"] : css["verdictBad"]}>
            {verified.ok || !verified.first_wrong
              ? t("audit.whole", { count: verified.rows, exact: format.exact(verified.rows) })
              : t("audit.broken", { row: format.exact(verified.first_wrong.seq), why: verified.first_wrong.why })}
            {verified.head && (
              <code>
                {t("audit.head")} {verified.head}
              </code>
            )}
          </p>
        )}
      </div>
      <Card flush>
        <div className={css["filters"]} role="search" aria-label={t("audit.list")}>
          {word("caller", { placeholder: t("audit.callerNote") })}
          {word("action")}
          <label>
            {t("audit.kind")}
            <Select
              value={filters.kind}
              aria-label={t("audit.kind")}
              onChange={(kind) => setFilters({ kind })}
              options={[{ value: "", label: t("audit.all") }, ...KINDS.map((kind) => ({ value: kind, label: t(`audit.kinds.${kind}`) }))]}
            />
          </label>
          {word("subject")}
          {word("since", { type: "date" })}
          {word("until", { type: "date" })}
          <span className={css["space"]} />
          <Button icon={<Icon name="download" />} loading={busy === "save"} disabled={!list.rows?.length} onClick={() => doing("save", save)}>
            {common("download")}
          </Button>
        </div>
        <DataTable<Row>
          plain
          server
          name={t("audit.list")}
          rows={list.rows}
          rowKey={(row) => String(row.seq)}
          problem={list.problem}
          again={list.again}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            <Empty
              icon="search"
              title={filtered ? t("audit.noMatch") : t("audit.none")}
              action={filtered && <Button onClick={() => setFilters(FILTERS)}>{common("clearFilters")}</Button>}
            />
          }
          columns={[
            { key: "at", title: t("audit.at"), value: (row) => row.at, render: (row) => <When at={row.at} /> },
            {
              key: "caller",
              title: t("audit.caller"),
              value: (row) => row.caller.name,
              render: (row) => (
                <>
                  {row.caller.name} <span className={css["off"]}>{named(row.caller.kind)}</span>
                </>
              ),
            },
            { key: "action", title: t("audit.action"), value: (row) => row.action, render: (row) => <code>{row.action}</code> },
            { key: "kind", title: t("audit.kind"), value: (row) => row.kind, render: (row) => kindNamed(row.kind), wide: true },
            { key: "subject", title: t("audit.subject"), value: (row) => row.subject, render: (row) => <span className={css["detail"]}>{row.subject}</span> },
            { key: "detail", title: t("audit.detail"), value: (row) => JSON.stringify(row.detail), render: (row) => <span className={css["detail"]}>{said(row.detail)}</span>, wide: true },
            { key: "seq", title: t("audit.number"), value: (row) => row.seq, wide: true },
          ]}
        />
      </Card>
    </Frame>
  );

  function named(kind: string): string {
    return kind === "user" || kind === "key" || kind === "local" || kind === "nobody" ? t(`audit.callers.${kind}`) : kind;
  }

  function kindNamed(kind: string): string {
    const known = KINDS.find((one) => one === kind);
    return known ? t(`audit.kinds.${known}`) : kind;
  }
}

/** Only what was filled in. */
function asked(filters: Record<keyof typeof FILTERS, string>): Partial<Record<keyof typeof FILTERS, string>> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
}

function said(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
}
