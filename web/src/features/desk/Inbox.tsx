import { Button, Input, Modal, Segmented, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty, Shown } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useChange, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { TABS } from "../journeys/Status";
import { TaskTable } from "../journeys/TaskTable";
import css from "./desk.module.css";

type Said = Answer<"/api/v1/inbox">["said"][number];
type Mail = Answer<"/api/v1/inbox">["mails"][number];
type Handled = Said["handled"];

const CHANNELS = ["sms", "wechat", "email"] as const;
type Channel = (typeof CHANNELS)[number];

const SHOWN = { channel: "", all: false };
const CHANGES = [["inbox"]];

/** What people said, with what it did, until somebody has dealt with it; and what staff are asked to do. */
export default function Inbox() {
  const { t } = useTranslation("desk");
  const { t: journeys } = useTranslation("journeys");
  const [shown, setShown] = useUrlState(SHOWN);
  const channel = CHANNELS.find((one) => one === shown.channel) ?? "";
  const query: { channel: "" | Channel; open: boolean } = { channel, open: !shown.all };
  const found = useRows("/api/v1/inbox", (page): readonly Said[] => page.said, { params: { query } }, { refetchInterval: 15_000 });
  const mails = found.first?.mails ?? [];
  return (
    <Page title={t("inbox")} description={t("inboxNote")} tabs={TABS.map((tab) => ({ to: tab.to, title: journeys(`tabs.${tab.key}`) }))}>
      <div className={parts["row"]}>
        <Segmented aria-label={t("said.which")} value={shown.all} onChange={(all) => setShown({ all })} options={[{ value: false, label: t("said.open") }, { value: true, label: t("said.all") }]} />
        <Select
          aria-label={t("said.channel")}
          style={{ minWidth: 160 }}
          value={channel}
          onChange={(next: string) => setShown({ channel: next })}
          options={[{ value: "", label: t("said.any") }, ...CHANNELS.map((value) => ({ value, label: t(`said.channels.${value}`) }))]}
        />
        {found.first?.masked && <span className={parts["faint"]}>{t("said.masked")}</span>}
      </div>
      {channel !== "email" && (
        <Card flush title={t("said.title")}>
          <Replies found={found} all={shown.all} />
        </Card>
      )}
      {(mails.length > 0 || channel === "email") && (
        <Card flush title={t("mails.title")} note={t("mails.note")}>
          <Mails mails={mails} ready={found.rows !== undefined} />
        </Card>
      )}
      <Card flush title={t("tasks.title")} note={t("tasks.note")}>
        <TaskTable prefix="task-" />
      </Card>
    </Page>
  );
}

function Replies({ found, all }: { found: ReturnType<typeof useRows<"/api/v1/inbox", Said>>; all: boolean }) {
  const { t } = useTranslation("desk");
  const kinds: Record<string, string> = t("said.kinds", { returnObjects: true });
  const text = (row: Said) => row.text || kinds[row.kind] || row.kind;
  const who = (row: Said) => row.name ?? row.called ?? t("said.unknown");
  const did = (row: Said) => (row.left ? t("said.left") : row.answered ? t("said.answered", { name: row.answered }) : t("said.nothing"));
  return (
    <DataTable<Said>
      name={t("said.title")}
      rows={found.rows}
      rowKey={(row) => row.id}
      problem={found.problem}
      again={found.again}
      more={found.more}
      loadingMore={found.loadingMore}
      empty={
        <Empty small icon="check" title={all ? t("said.noneEver") : t("said.none")}>
          {t("said.noneNote")}
        </Empty>
      }
      columns={[
        { key: "who", title: t("said.who"), value: who, render: (row) => (row.person ? <Link to={placeOf("person", row.person) ?? "/people"}>{who(row)}</Link> : who(row)) },
        { key: "text", title: t("said.text"), value: text, render: (row) => <span className={css["says"]}>{text(row)}</span> },
        { key: "channel", title: t("said.channel"), value: (row) => t(`said.channels.${row.channel}`), wide: true },
        { key: "did", title: t("said.did"), value: did, render: (row) => <span className={row.left ? parts["bad"] : parts["faint"]}>{did(row)}</span> },
        {
          key: "about",
          title: t("said.about"),
          value: (row) => row.campaign,
          wide: true,
          render: (row) => (row.campaign ? <Link to={placeOf("campaign", row.campaign) ?? "/marketing"}>{row.campaign}</Link> : "–"),
        },
        { key: "at", title: t("said.at"), value: (row) => row.at, wide: true, render: (row) => <When at={row.at} /> },
        { key: "handled", title: t("said.handle"), value: (row) => row.handled?.note ?? "", sort: false, render: (row) => <Mark id={row.id} handled={row.handled} says={text(row)} /> },
      ]}
    />
  );
}

function Mails({ mails, ready }: { mails: readonly Mail[]; ready: boolean }) {
  const { t } = useTranslation("desk");
  const may = useMay("operator");
  const [reading, setReading] = useState("");
  return (
    <>
      <DataTable<Mail>
        name={t("mails.title")}
        prefix="mail-"
        rows={ready ? mails : undefined}
        rowKey={(row) => row.id}
        empty={<Empty small icon="check" title={t("mails.none")} />}
        columns={[
          { key: "sender", title: t("mails.from"), value: (row) => row.sender, render: (row) => row.sender || "–" },
          { key: "subject", title: t("mails.subject"), value: (row) => row.subject, render: (row) => (row.kept ? row.subject || "–" : <span className={parts["faint"]}>{t("mails.gone")}</span>) },
          { key: "kind", title: t("said.did"), value: (row) => (row.left ? t("said.left") : t(`mails.kinds.${row.kind}`)), wide: true },
          { key: "at", title: t("said.at"), value: (row) => row.at, wide: true, render: (row) => <When at={row.at} /> },
          {
            key: "handled",
            title: t("said.handle"),
            value: (row) => row.handled?.note ?? "",
            sort: false,
            render: (row) => (
              <span className={parts["row"]}>
                {row.kept && may && (
                  <Button size="small" type="text" onClick={() => setReading(row.id)}>
                    {t("mails.read")}
                  </Button>
                )}
                <Mark id={row.id} handled={row.handled} says={row.subject} />
              </span>
            ),
          },
        ]}
      />
      <Modal open={reading !== ""} title={t("mails.readTitle")} footer={null} width={720} onCancel={() => setReading("")} destroyOnHidden>
        {reading && <Whole id={reading} />}
      </Modal>
    </>
  );
}

/** A mail as it came. */
function Whole({ id }: { id: string }) {
  const found = useAnswer("/api/v1/channels/email/returned/{id}", { params: { path: { id } } });
  return <Shown of={found}>{(mail) => <pre tabIndex={0} style={{ maxHeight: "60vh", overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{mail.text}</pre>}</Shown>;
}

/** Who has dealt with it, or the way to say so. */
function Mark({ id, handled, says }: { id: string; handled: Handled; says: string }) {
  const { t } = useTranslation("desk");
  const format = useFormat();
  const may = useMay("operator");
  const toast = useUndoToast();
  const [asking, setAsking] = useState(false);
  const [note, setNote] = useState("");
  const change = useChange("post", "/api/v1/inbox/{id}/handle", { invalidates: CHANGES });
  const set = (done: boolean) => change.mutateAsync({ params: { path: { id } }, body: { handled: done, note: done ? note : "" }, headers: once() });
  if (handled)
    return (
      <span className={parts["row"]} title={handled.note}>
        <span className={parts["faint"]}>{t("said.by", { who: handled.by, when: format.ago(handled.at) })}</span>
        {handled.note && <span>{handled.note}</span>}
        {may && (
          <Button size="small" type="text" loading={change.isPending} onClick={() => void set(false)}>
            {t("said.reopen")}
          </Button>
        )}
      </span>
    );
  if (!may) return <>–</>;
  const undo = () => answer(api.POST("/api/v1/inbox/{id}/handle", { params: { path: { id } }, body: { handled: false, note: "" }, headers: once() }));
  return (
    <>
      <Button size="small" onClick={() => setAsking(true)}>
        {t("said.handle")}
      </Button>
      <ConfirmCount
        open={asking}
        title={t("said.handleTitle")}
        people={null}
        ok={t("said.handle")}
        onOk={async () => {
          await set(true);
          setAsking(false);
          toast(t("said.handled"), undo);
        }}
        onCancel={() => setAsking(false)}
      >
        <p style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{says}</p>
        <label className={parts["field"]}>
          <span>{t("said.note")}</span>
          <Input.TextArea rows={3} maxLength={2_000} value={note} onChange={(event) => setNote(event.target.value)} />
        </label>
      </ConfirmCount>
    </>
  );
}
