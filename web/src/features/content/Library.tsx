import { Button, Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, useChange, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import css from "./content.module.css";

type Row = Answer<"/api/v1/content">["items"][number];

/** Everything that can be shown to people, and whether it may be now. */
export default function Library() {
  const { t } = useTranslation("content");
  const { language } = usePreferences();
  const may = useMay("operator");
  const [adding, setAdding] = useState(false);
  const list = useRows("/api/v1/content", (answer) => answer.items, {}, { limit: 200 });
  const add = may && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("item.new")}
    </Button>
  );
  return (
    <Page title={t("library")} description={t("libraryNote")} actions={add}>
      {list.first && list.first.problems.length > 0 && (
        <div className={css["notice"]}>
          <Icon name="warning" /> {t("item.broken", { count: list.first.problems.length })}
          {list.first.problems.map((problem) => (
            <span key={`${problem.where ?? ""} ${problem.message}`}>
              {problem.where}: <Said of={problem} />
            </span>
          ))}
        </div>
      )}
      <Card flush>
        <DataTable<Row>
          name={t("library")}
          rows={list.rows}
          rowKey={(row) => row.name}
          to={(row) => placeOf("content", row.name) ?? "/content/library"}
          problem={list.problem}
          again={list.again}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            <Empty icon="content" title={t("item.none")} action={add}>
              {t("item.noneNote")}
            </Empty>
          }
          columns={[
            { key: "title", title: t("item.column"), value: (row) => titleIn(row.titles, language, row.name) },
            { key: "name", title: t("file"), value: (row) => row.name, hidden: true },
            { key: "about", title: t("item.about"), value: (row) => row.about.join(", ") },
            { key: "words", title: t("item.words"), value: (row) => row.words.join(", "), filter: true, wide: true },
            { key: "languages", title: t("item.languages"), value: (row) => row.languages.join(", "), filter: true },
            { key: "state", title: t("item.stateTitle"), value: (row) => t(`item.state.${row.state}`), filter: true, render: (row) => <span className={css[row.state === "valid" ? "good" : "faint"]}>{t(`item.state.${row.state}`)}</span> },
            { key: "until", title: t("item.untilColumn"), value: (row) => row.until ?? "", wide: true },
            { key: "audience", title: t("item.audience"), value: (row) => row.audience || t("item.everybody"), wide: true },
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
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates: [["content"]], onDone: () => void go(placeOf("content", name) ?? "/content/library") });
  const words = t("item.column");
  return (
    <Modal
      open
      title={t("item.new")}
      okText={t("create")}
      okButtonProps={{ disabled: !/^[a-z][a-z0-9_]{0,63}$/.test(name) }}
      confirmLoading={save.isPending}
      onOk={() =>
        save.mutate({
          params: { path: { kind: "content", name } },
          headers: { "If-None-Match": "*" },
          body: { text: `title: {${language}: ${words}}\nlanguages:\n  ${language}: {text: "…"}\nabout: []\nwords: []\n` },
        })
      }
      onCancel={onClose}
    >
      <div className={css["form"]}>
        <label className={css["field"]}>
          <span>{t("item.newName")}</span>
          <Input value={name} autoFocus onChange={(event) => setName(event.target.value)} />
          <span className={css["faint"]}>{t("item.nameNote")}</span>
        </label>
        {save.error && <FailureLine error={save.error} />}
      </div>
    </Modal>
  );
}
