import { Button, Input, Modal } from "antd";
import { type SyntheticEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import css from "./data.module.css";
import { Frame } from "./Frame";
import { freshKeys } from "./fresh";

type Row = Answer<"/api/v1/sources">["sources"][number];

const pageOf = (name: string): string => placeOf("source", name) ?? "/data/sources";

/** Where events come from, and what became of what each source sent. */
export default function Sources() {
  const { t } = useTranslation("data");
  const go = useNavigate();
  const [admin, operator] = [useMay("admin"), useMay("operator")];
  const [adding, setAdding] = useState(false);
  const found = useAnswer("/api/v1/sources", { params: { query: { limit: 200 } } }, { refetchInterval: 10_000 });
  const add = admin && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("sources.add")}
    </Button>
  );
  const load = operator && <Button onClick={() => void go("/data/imports")}>{t("sources.importInstead")}</Button>;
  return (
    <Frame title={t("sources.title")} note={t("sources.note")} actions={add}>
      <Card flush>
        <DataTable<Row>
          name={t("sources.list")}
          rows={found.data?.sources}
          rowKey={(row) => row.name}
          to={(row) => pageOf(row.name)}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty
              icon="data"
              title={t("sources.none")}
              action={
                <span className={css["buttons"]}>
                  {load}
                  {add}
                </span>
              }
            >
              {t("sources.noneNote")}
            </Empty>
          }
          columns={[
            { key: "name", title: t("sources.name"), value: (row) => row.name },
            { key: "kind", title: t("sources.kind"), value: (row) => t(`sources.kinds.${row.kind}`), filter: true, wide: true },
            { key: "state", title: t("sources.state"), value: (row) => t(row.enabled ? "sources.on" : "sources.off"), filter: true },
            { key: "last", title: t("sources.last"), value: (row) => row.last_event_at, render: (row) => (row.last_event_at ? <When at={row.last_event_at} /> : t("never")) },
            ...(["received", "stored", "duplicate", "quarantined", "rejected"] as const).map((name) => ({
              key: name,
              title: t(`counters.${name}`),
              value: (row: Row) => row[name],
              wide: name !== "stored",
            })),
            { key: "key", title: t("sources.key"), value: (row) => row.key_tail, render: (row) => <code>{t("sources.ends", { tail: row.key_tail })}</code>, sort: false, wide: true },
          ]}
        />
      </Card>
      {found.data && found.data.sources.length > 0 && <p className={css["foot"]}>{t("countersNote")}</p>}
      {adding && (
        <Add
          close={() => setAdding(false)}
          done={({ name, write_key }) => {
            freshKeys.keep(name, write_key);
            void go(pageOf(name));
          }}
        />
      )}
    </Frame>
  );
}

function Add({ close, done }: { close: () => void; done: (made: Answer<"/api/v1/sources", "post">) => void }) {
  const { t } = useTranslation("data");
  const { t: common } = useTranslation();
  const [name, setName] = useState("");
  const add = useChange("post", "/api/v1/sources", { onDone: done });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (name.trim()) add.mutate({ body: { name: name.trim(), kind: "segment" } });
  };
  return (
    <Modal open title={t("sources.add")} footer={null} onCancel={close}>
      <form className={css["form"]} onSubmit={submit} aria-label={t("sources.add")}>
        <label>
          {t("sources.name")}
          <Input value={name} autoFocus maxLength={200} autoComplete="off" placeholder={t("sources.namePlaceholder")} onChange={(event) => setName(event.target.value)} />
        </label>
        {add.error && <FailureLine error={add.error} />}
        <span className={css["buttons"]}>
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={add.isPending} disabled={!name.trim()}>
            {t("sources.add")}
          </Button>
        </span>
      </form>
    </Modal>
  );
}
