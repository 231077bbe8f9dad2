import { Button, Checkbox, Input, Modal, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ConfirmCount } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";

type Row = Answer<"/api/v1/codes">["codes"][number];
type Kind = "wecom" | "official_account";

/** The channel codes: what the files want, what the platforms have, and who came by each. */
export default function Codes() {
  const { t } = useTranslation("contacts");
  const { language } = usePreferences();
  const may = useMay("operator");
  const [adding, setAdding] = useState(false);
  const [asking, setAsking] = useState(false);
  const found = useAnswer("/api/v1/codes");
  const apply = useChange("post", "/api/v1/codes/apply");
  const open = found.data?.codes.filter((row) => row.todo !== "") ?? [];
  const add = may && (
    <Button icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("newCode")}
    </Button>
  );
  return (
    <Page
      title={t("codes")}
      description={t("codesNote")}
      actions={
        <>
          {add}
          {may && open.length > 0 && (
            <Button type="primary" onClick={() => setAsking(true)}>
              {t("apply")}
            </Button>
          )}
        </>
      }
    >
      {apply.data && (
        <p role="status" className={parts["good"]}>
          {t("applied", { made: apply.data.made.length, changed: apply.data.changed.length, removed: apply.data.removed.length })}
        </p>
      )}
      {found.data?.problems.map((problem) => (
        <p key={problem.message} className={parts["bad"]}>
          {problem.where}: {problem.message}
        </p>
      ))}
      <Card flush>
        <DataTable<Row>
          name={t("codes")}
          rows={found.data?.codes}
          rowKey={(row) => row.name}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="link" title={t("noCodes")} action={add}>
              {t("noCodesNote")}
            </Empty>
          }
          columns={[
            { key: "name", title: t("code"), value: (row) => titleIn(row.titles, language, row.name) },
            { key: "kind", title: t("kind"), value: (row) => t(`kinds.${row.kind as Kind}`), filter: true, wide: true },
            { key: "scene", title: t("scene"), value: (row) => row.scene, render: (row) => <code>{row.scene}</code> },
            { key: "staff", title: t("staffOf"), value: (row) => row.staff.join(", "), wide: true },
            { key: "people", title: t("people"), value: (row) => row.people },
            {
              key: "todo",
              title: t("state"),
              value: (row) => t(`states.${row.todo || "current"}`),
              filter: true,
              render: (row) => (
                <span className={row.todo ? parts["bad"] : undefined}>
                  {t(`states.${row.todo || "current"}`)}
                  {row.ends_at && (
                    <>
                      {" · "}
                      <When at={row.ends_at} as="moment" />
                    </>
                  )}
                </span>
              ),
            },
            {
              key: "picture",
              title: t("picture"),
              value: () => "",
              sort: false,
              quiet: true,
              render: (row) =>
                row.made ? (
                  <Button size="small" icon={<Icon name="download" size={14} />} href={`/api/v1/codes/${row.name}/picture`} download aria-label={t("pictureOf", { name: row.name })} />
                ) : (
                  "–"
                ),
            },
          ]}
        />
      </Card>
      {adding && <Add close={() => setAdding(false)} />}
      <ConfirmCount
        open={asking}
        title={t("applyAsk")}
        people={null}
        ok={t("apply")}
        onOk={async () => {
          await apply.mutateAsync({ body: { dry_run: false }, headers: once() });
          setAsking(false);
        }}
        onCancel={() => setAsking(false)}
      >
        <ul>
          {open.map((row) => (
            <li key={row.name}>
              {row.name}: {t(`states.${row.todo || "current"}`)}
            </li>
          ))}
        </ul>
      </ConfirmCount>
    </Page>
  );
}

function Add({ close }: { close: () => void }) {
  const { t } = useTranslation("contacts");
  const [kind, setKind] = useState<Kind>("wecom");
  const [skip, setSkip] = useState(true);
  const [texts, setTexts] = useState({ name: "", title: "", scene: "", staff: "", lasts: "" });
  const save = useChange("put", "/api/v1/codes/{name}", { onDone: close });
  const field = (key: keyof typeof texts, label: string, note = "") => (
    <label className={parts["field"]}>
      <span>{label}</span>
      <Input value={texts[key]} maxLength={key === "staff" ? 2_000 : 64} autoComplete="off" onChange={(event) => setTexts({ ...texts, [key]: event.target.value })} />
      {note && <span className={parts["faint"]}>{note}</span>}
    </label>
  );
  return (
    <Modal open title={t("newCode")} footer={null} onCancel={close}>
      <form
        className={parts["form"]}
        aria-label={t("newCode")}
        onSubmit={(event) => {
          event.preventDefault();
          const staff = texts.staff.split(/[,，\s]+/).filter(Boolean);
          const { title, scene, lasts } = texts;
          const body = { kind, title, scene, staff: kind === "wecom" ? staff : [], skip_verify: skip, lasts: kind === "wecom" ? "" : lasts };
          save.mutate({ params: { path: { name: texts.name.trim() } }, body });
        }}
      >
        {field("name", t("name"))}
        <label className={parts["field"]}>
          <span>{t("kind")}</span>
          <Select aria-label={t("kind")} value={kind} onChange={setKind} options={(["wecom", "official_account"] as const).map((value) => ({ value, label: t(`kinds.${value}`) }))} />
        </label>
        {field("scene", t("scene"), t("sceneNote"))}
        {kind === "wecom" ? field("staff", t("staffOf"), t("staffNote")) : field("lasts", t("lasts"), t("lastsNote"))}
        {kind === "wecom" && (
          <Checkbox checked={skip} onChange={(event) => setSkip(event.target.checked)}>
            {t("skip")}
          </Checkbox>
        )}
        {save.error && <FailureLine error={save.error} />}
        <span className={parts["row"]}>
          <Button onClick={close}>{t("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={save.isPending} disabled={!texts.name.trim()}>
            {t("save")}
          </Button>
        </span>
      </form>
    </Modal>
  );
}
