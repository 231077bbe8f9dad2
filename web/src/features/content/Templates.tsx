import { Button, Input, Modal, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./content.module.css";
import { sampleOf } from "./samples";

type Row = Answer<"/api/v1/templates">["templates"][number];
const ENDINGS = { html: ".html", mjml: ".mjml", text: ".txt", wechat: ".yml", sms: ".yml", push: ".yml", miniprogram: ".yml", wecom: ".yml", apprise: ".yml" } as const;
type Kind = keyof typeof ENDINGS;

/** The texts of messages, and who uses them. */
export default function Templates() {
  const { t } = useTranslation("content");
  const format = useFormat();
  const may = useMay("operator");
  const [adding, setAdding] = useState(false);
  const found = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } });
  const add = may && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("new")}
    </Button>
  );
  return (
    <Page title={t("templates")} description={t("templatesNote")} actions={add}>
      {found.data?.missing.map((item) => (
        <div key={item.name} className={css["notice"]}>
          <Icon name="warning" /> {t("missing", { name: item.name, users: item.used_by.map((user) => user.name).join(", ") })}
          {item.used_by.map(({ kind, name }) => (
            <Link key={`${kind} ${name}`} to={`${placeOf(kind, name) ?? ""}${kind === "campaign" ? "/edit?step=content" : ""}`}>
              {name}
            </Link>
          ))}
        </div>
      ))}
      <Card flush>
        <DataTable<Row>
          name={t("templates")}
          rows={found.data?.templates}
          rowKey={(row) => row.name}
          to={(row) => placeOf("template", row.name) ?? "/content"}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="content" title={t("none")} action={add}>
              {t("noneNote")}
            </Empty>
          }
          columns={[
            { key: "name", title: t("file"), value: (row) => row.name },
            { key: "kind", title: t("kindTitle"), value: (row) => t(`kind.${row.kind}`), filter: true },
            { key: "used", title: t("usedBy"), value: (row) => row.used_by.map((user) => user.name).join(", ") || t("unused") },
            { key: "size", title: t("size"), value: (row) => row.bytes, render: (row) => format.bytes(row.bytes), align: "right", wide: true },
            { key: "changed", title: t("changed"), value: (row) => row.changed_at, render: (row) => <When at={row.changed_at} />, wide: true },
          ]}
        />
      </Card>
      {adding && <Add onClose={() => setAdding(false)} />}
    </Page>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("content");
  const { language } = usePreferences();
  const go = useNavigate();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("html");
  const file = `${name.replace(/\.(html|mjml|txt|yml)$/, "")}${ENDINGS[kind]}`;
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", {
    invalidates: [["templates"]],
    onDone: () => void go(placeOf("template", file) ?? "/content"),
  });
  return (
    <Modal
      open
      title={t("new")}
      okText={t("create")}
      okButtonProps={{ disabled: !/^[\p{L}\p{N}][\p{L}\p{N}_-]*$/u.test(name) }}
      confirmLoading={save.isPending}
      onOk={() => save.mutate({ params: { path: { kind: "templates", name: file } }, headers: { "If-None-Match": "*" }, body: { text: sampleOf(kind, language) } })}
      onCancel={onClose}
    >
      <div className={css["form"]}>
        <label className={css["field"]}>
          <span>{t("newName")}</span>
          <Input value={name} autoFocus suffix={ENDINGS[kind]} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className={css["field"]}>
          <span>{t("newKind")}</span>
          <Select aria-label={t("newKind")} value={kind} onChange={setKind} options={(["html", "mjml", "text", "wechat", "sms", "push", "miniprogram", "wecom", "apprise"] as const).map((value) => ({ value, label: t(`kind.${value}`) }))} />
        </label>
        {save.error && <FailureLine error={save.error} />}
      </div>
    </Modal>
  );
}
