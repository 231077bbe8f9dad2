import { Button, Input, Modal, Radio, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { DataTable, useTableState } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, once, useChange, useRows } from "../../lib/api";
import { type Channel, CHANNELS } from "../../lib/channels";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import css from "./desk.module.css";

type Row = Answer<"/api/v1/suppressed">["suppressed"][number];

const REASONS = ["unsubscribed", "complained", "bounced", "refused", "blocked"] as const;
const CHANGES = [["suppressed"]];
const SHOWN = { channel: "", reason: "" };
const PREFIX = "address-";

/** Addresses that are written to no more: searched, added and taken off, each with a reason. */
export function Addresses() {
  const { t } = useTranslation("desk");
  const { t: content } = useTranslation("content");
  const format = useFormat();
  const may = useMay("operator");
  const [shown, setShown] = useUrlState(SHOWN);
  const { q } = useTableState(PREFIX);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Row | null>(null);
  const channel = CHANNELS.find((one) => one === shown.channel) ?? "";
  const reason = REASONS.find((one) => one === shown.reason) ?? "";
  const found = useRows("/api/v1/suppressed", (page) => page.suppressed, { params: { query: { channel, reason, q } } });
  const filtered = channel !== "" || reason !== "";
  const add = may && (
    <Button icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("list.add")}
    </Button>
  );
  const who = (row: Row) => row.name ?? row.id ?? "";
  return (
    <Card flush title={t("list.title")} note={found.first?.masked ? `${t("list.note")} ${t("list.masked")}` : t("list.note")} extra={add}>
      {(found.first?.counts.length ?? 0) > 0 && (
        <div className={css["counts"]}>
          {found.first?.counts.map((count) => {
            const on = count.channel === channel && count.reason === reason;
            return (
              <button key={`${count.channel} ${count.reason}`} type="button" aria-pressed={on} onClick={() => setShown(on ? SHOWN : { channel: count.channel, reason: count.reason })}>
                {content(`channel.${count.channel}`)} · {t(`list.reasons.${count.reason}`)} <strong>{format.exact(count.addresses)}</strong>
              </button>
            );
          })}
        </div>
      )}
      <DataTable<Row>
        name={t("list.title")}
        prefix={PREFIX}
        server
        rows={found.rows}
        rowKey={(row) => `${row.channel} ${row.hash}`}
        problem={found.problem}
        again={found.again}
        more={found.more}
        loadingMore={found.loadingMore}
        actions={
          <>
            <Select aria-label={t("list.channel")} style={{ minWidth: 140 }} value={channel} onChange={(next: string) => setShown({ channel: next })} options={[{ value: "", label: t("list.anyChannel") }, ...CHANNELS.map((value) => ({ value, label: content(`channel.${value}`) }))]} />
            <Select aria-label={t("list.reason")} style={{ minWidth: 140 }} value={reason} onChange={(next: string) => setShown({ reason: next })} options={[{ value: "", label: t("list.anyReason") }, ...REASONS.map((value) => ({ value, label: t(`list.reasons.${value}`) }))]} />
          </>
        }
        {...(filtered
          ? {}
          : {
              empty: (
                <Empty small icon="check" title={t("list.none")}>
                  {t("list.noneNote")}
                </Empty>
              ),
            })}
        columns={[
          { key: "who", title: t("list.who"), value: who, render: (row) => (row.person ? <Link to={placeOf("person", row.person) ?? "/people"}>{who(row) || row.person}</Link> : <span className={parts["faint"]}>{t("list.nobody")}</span>) },
          { key: "channel", title: t("list.channel"), value: (row) => content(`channel.${row.channel}`) },
          {
            key: "reason",
            title: t("list.reason"),
            value: (row) => t(`list.reasons.${row.reason}`),
            render: (row) => (
              <>
                {t(`list.reasons.${row.reason}`)} <span className={parts["faint"]}>· {t(`list.stops.${row.reason}`)}</span>
              </>
            ),
          },
          { key: "at", title: t("list.since"), value: (row) => row.at, wide: true, render: (row) => <When at={row.at} as="moment" /> },
          { key: "hash", title: t("list.hash"), value: (row) => row.hash, wide: true, render: (row) => <code title={row.hash}>{row.hash.slice(0, 10)}…</code> },
          ...(may
            ? [
                {
                  key: "remove",
                  title: t("list.remove"),
                  value: () => "",
                  quiet: true,
                  render: (row: Row) => (
                    <Button size="small" disabled={row.reason === "complained"} {...(row.reason === "complained" ? { title: t("list.complained") } : {})} onClick={() => setRemoving(row)}>
                      {t("list.remove")}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      <Modal open={adding} title={t("list.add")} footer={null} onCancel={() => setAdding(false)} destroyOnHidden>
        <Add close={() => setAdding(false)} />
      </Modal>
      {removing && <Remove row={removing} close={() => setRemoving(null)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const { t } = useTranslation("desk");
  const { t: content } = useTranslation("content");
  const toast = useUndoToast();
  const [channel, setChannel] = useState<Channel>("email");
  const [address, setAddress] = useState("");
  const [reason, setReason] = useState<"unsubscribed" | "blocked">("unsubscribed");
  const [why, setWhy] = useState("");
  const add = useChange("post", "/api/v1/suppressed/add", {
    invalidates: CHANGES,
    onDone: (done) => {
      toast(done.added ? t("list.added") : t("list.already", { reason: t(`list.reasons.${done.reason}`) }));
      close();
    },
  });
  return (
    <form
      className={parts["form"]}
      aria-label={t("list.add")}
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate({ body: { channel, address: address.trim(), why: why.trim(), reason }, headers: once() });
      }}
    >
      <label className={parts["field"]}>
        <span>{t("list.channel")}</span>
        <Select aria-label={t("list.channel")} value={channel} onChange={setChannel} options={CHANNELS.map((value) => ({ value, label: content(`channel.${value}`) }))} />
      </label>
      <label className={parts["field"]}>
        <span>{t("list.address")}</span>
        <Input value={address} maxLength={300} autoComplete="off" autoFocus placeholder={t("list.addressNote")} onChange={(event) => setAddress(event.target.value)} />
      </label>
      <fieldset className={parts["form"]} style={{ gap: 8 }}>
        <legend className={parts["faint"]}>{t("list.what")}</legend>
        <Radio.Group vertical value={reason} onChange={(event) => setReason(event.target.value as "blocked")} options={(["unsubscribed", "blocked"] as const).map((value) => ({ value, label: t(`list.whats.${value}`) }))} />
      </fieldset>
      <label className={parts["field"]}>
        <span>{t("list.why")}</span>
        <Input value={why} maxLength={300} autoComplete="off" onChange={(event) => setWhy(event.target.value)} />
      </label>
      {add.error && <FailureLine error={add.error} />}
      <span className={parts["row"]} style={{ justifyContent: "flex-end" }}>
        <Button onClick={close}>{t("cancel")}</Button>
        <Button type="primary" htmlType="submit" loading={add.isPending} disabled={!address.trim() || !why.trim()}>
          {t("list.add")}
        </Button>
      </span>
    </form>
  );
}

function Remove({ row, close }: { row: Row; close: () => void }) {
  const { t } = useTranslation("desk");
  const toast = useUndoToast();
  const [why, setWhy] = useState("");
  const remove = useChange("post", "/api/v1/suppressed/remove", { invalidates: CHANGES });
  return (
    <ConfirmCount
      open
      title={t("list.removeTitle")}
      people={null}
      able={why.trim() !== ""}
      ok={t("list.remove")}
      onOk={async () => {
        const done = await remove.mutateAsync({ body: { channel: row.channel, address: row.hash, why: why.trim() }, headers: once() });
        close();
        toast(t("list.removed"), undefined, done.still ? t("list.removedStill") : undefined);
      }}
      onCancel={close}
    >
      <p>
        {row.name ?? row.id ?? t("list.nobody")} · {t(`list.reasons.${row.reason}`)}
      </p>
      <p>{t("list.removeNote")}</p>
      <label className={parts["field"]}>
        <span>{t("list.why")}</span>
        <Input value={why} maxLength={300} autoComplete="off" onChange={(event) => setWhy(event.target.value)} />
      </label>
    </ConfirmCount>
  );
}
