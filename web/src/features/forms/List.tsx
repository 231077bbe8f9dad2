import { Button, Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";

type Row = Answer<"/api/v1/forms">["forms"][number];

const FIRST = `title: {en: A few questions, zh: 几个问题}
fields:
  - {name: name, kind: text, label: {en: Your name, zh: 您的姓名}, to: person.name}
`;

/** Every hosted form: its questions, its answers, and when the last came. */
export default function List() {
  const { t } = useTranslation("forms");
  const { language } = usePreferences();
  const may = useMay("operator");
  const [adding, setAdding] = useState(false);
  const found = useAnswer("/api/v1/forms", {}, { refetchInterval: 15_000 });
  const add = may && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("new")}
    </Button>
  );
  return (
    <Page title={t("title")} description={t("note")} actions={add}>
      <Card flush>
        <DataTable<Row>
          name={t("title")}
          rows={found.data?.forms}
          rowKey={(row) => row.name}
          to={(row) => placeOf("form", row.name) ?? "/content/forms"}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="content" title={t("none")} action={add}>
              {t("noneNote")}
            </Empty>
          }
          columns={[
            { key: "name", title: t("columns.name"), value: (row) => (row.error ? `${row.name} · ${t("wrong")}` : titleIn(row.titles, language, row.name)) },
            { key: "fields", title: t("columns.fields"), align: "right", value: (row) => row.fields, wide: true },
            { key: "answers", title: t("columns.answers"), align: "right", value: (row) => row.answers },
            { key: "last", title: t("columns.last"), value: (row) => row.last, render: (row) => (row.last ? <When at={row.last} /> : "–") },
          ]}
        />
      </Card>
      {adding && <Add onClose={() => setAdding(false)} />}
    </Page>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("forms");
  const go = useNavigate();
  const [name, setName] = useState("");
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", {
    invalidates: [["forms"]],
    onDone: () => void go(placeOf("form", name) ?? "/content/forms"),
  });
  const make = () => save.mutate({ params: { path: { kind: "forms", name } }, headers: { "If-None-Match": "*" }, body: { text: FIRST } });
  return (
    <Modal open title={t("new")} onCancel={onClose} onOk={make} okText={t("create")} okButtonProps={{ disabled: !/^[a-z][a-z0-9_]*$/.test(name), loading: save.isPending }}>
      <Input aria-label={t("newName")} placeholder={t("newHint")} value={name} onChange={(event) => setName(event.target.value)} onPressEnter={make} autoFocus />
      {save.error && <FailureLine error={save.error} />}
    </Modal>
  );
}
