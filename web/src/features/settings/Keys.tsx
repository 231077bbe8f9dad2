import { Button, Input, Modal, Select } from "antd";
import { type SyntheticEvent, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { ConfirmCount } from "../../components/Confirm";
import { Copy } from "../../components/Copy";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, FailureLine } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import type { Role } from "../../lib/session";
import { Frame } from "./Frame";
import { OneTime } from "./OneTime";
import css from "./settings.module.css";
import { RoleChoice } from "./Users";

type Key = Answer<"/api/v1/keys">["keys"][number];
type Made = Answer<"/api/v1/keys", "post">;

/** Keys to the management API: make one, shown once; see when each was used; remove it. */
export default function Keys() {
  const { t } = useTranslation("settings");
  const { t: app } = useTranslation("app");
  const found = useAnswer("/api/v1/keys", { params: { query: { limit: 200 } } });
  const remove = useChange("delete", "/api/v1/keys/{id}");
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const [going, setGoing] = useState<Key | null>(null);
  const nameOf = (key: Key) => key.note || t("keys.unnamed");
  const add = (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => setAdding(true)}>
      {t("keys.add")}
    </Button>
  );
  return (
    <Frame title={t("keys.title")} note={t("keys.note")} actions={add}>
      <Card flush>
        <DataTable<Key>
          name={t("keys.list")}
          rows={found.data?.keys}
          rowKey={(key) => key.id}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="key" title={t("keys.none")} action={add}>
              {t("keys.noneNote")}
            </Empty>
          }
          columns={[
            { key: "note", title: t("keys.what"), value: nameOf },
            { key: "key", title: t("keys.key"), value: (key) => key.tail, render: (key) => <code>{t("keys.ends", { tail: key.tail })}</code>, sort: false },
            { key: "role", title: t("keys.role"), value: (key) => app(`account.roles.${key.role}`), filter: true },
            {
              key: "scopes",
              title: t("keys.scopes"),
              value: (key) => key.scopes.join(" "),
              render: (key) => (key.scopes.length ? <code className={css["detail"]}>{key.scopes.join(" ")}</code> : <span className={css["off"]}>{t("keys.everything")}</span>),
              wide: true,
            },
            { key: "made", title: t("keys.made"), value: (key) => key.created_at, render: (key) => <When at={key.created_at} />, wide: true },
            { key: "used", title: t("keys.used"), value: (key) => key.last_used_at, render: (key) => (key.last_used_at ? <When at={key.last_used_at} /> : t("never")) },
            {
              key: "remove",
              title: "",
              value: () => "",
              sort: false,
              quiet: true,
              align: "right",
              render: (key) => (
                <Button size="small" danger aria-label={t("keys.removeOf", { name: nameOf(key) })} onClick={() => setGoing(key)}>
                  {t("keys.remove")}
                </Button>
              ),
            },
          ]}
        />
      </Card>
      {adding && (
        <Add
          close={() => setAdding(false)}
          done={(key) => {
            setAdding(false);
            setMade(key);
          }}
        />
      )}
      {made && (
        <OneTime title={t("keys.shown")} note={t("keys.shownNote")} secret={made.key} done={t("keys.copied")} close={() => setMade(null)}>
          <Copy title={t("keys.how")} text={`curl -H "Authorization: Bearer ${made.key}" ${window.location.origin}/api/v1/session`} />
        </OneTime>
      )}
      {going && (
        <ConfirmCount
          open
          danger
          people={null}
          title={t("keys.removeTitle", { name: nameOf(going) })}
          ok={t("keys.remove")}
          onOk={() => remove.mutateAsync({ params: { path: { id: going.id } } }).then(() => setGoing(null))}
          onCancel={() => setGoing(null)}
        >
          <p>{t("keys.removeNote")}</p>
        </ConfirmCount>
      )}
    </Frame>
  );
}

function Add({ close, done }: { close: () => void; done: (made: Made) => void }) {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const id = useId();
  const known = useScopes();
  const [note, setNote] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [scopes, setScopes] = useState<string[]>([]);
  const add = useChange("post", "/api/v1/keys", { onDone: done });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    add.mutate({ body: { note: note.trim(), role, scopes } });
  };
  return (
    <Modal open title={t("keys.add")} footer={null} onCancel={close}>
      <form className={css["form"]} onSubmit={submit} aria-label={t("keys.add")}>
        <label>
          {t("keys.what")}
          <Input value={note} autoFocus maxLength={200} autoComplete="off" onChange={(event) => setNote(event.target.value)} />
        </label>
        <RoleChoice role={role} choose={setRole} />
        <label htmlFor={id}>
          {t("keys.scopes")}
          <Select id={id} mode="multiple" value={scopes} onChange={setScopes} options={known.map((value) => ({ value, label: value }))} aria-label={t("keys.scopes")} />
          <small>{t("keys.scopesNote")}</small>
        </label>
        {add.error && <FailureLine error={add.error} />}
        <span className={css["rowActions"]}>
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={add.isPending}>
            {t("keys.add")}
          </Button>
        </span>
      </form>
    </Modal>
  );
}

interface Described {
  paths: Record<string, Record<string, { "x-scope"?: string; "x-role"?: string | null }>>;
}

/** Every scope that some route asks for, as the API describes itself. */
function useScopes(): string[] {
  const [scopes, setScopes] = useState<string[]>([]);
  useEffect(() => {
    let here = true;
    fetch("/api/v1/openapi.json")
      .then((response) => response.json() as Promise<Described>)
      .then(({ paths }) => {
        const asked = Object.values(paths).flatMap((methods) => Object.values(methods).flatMap((one) => (one["x-role"] && one["x-scope"] ? [one["x-scope"]] : [])));
        if (here) setScopes(["*:read", "*:write", ...[...new Set(asked)].sort()]);
      })
      .catch(() => {
        // the choice then offers nothing; a key without scopes can still be made
      });
    return () => {
      here = false;
    };
  }, []);
  return scopes;
}
