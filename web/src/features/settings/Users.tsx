import { Button, Dropdown, Input, Modal, Radio } from "antd";
import { type SyntheticEvent, useState } from "react";
import { useTranslation } from "react-i18next";

import { ConfirmCount } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import { type Role, useSession } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import { Frame } from "./Frame";
import { OneTime } from "./OneTime";
import css from "./settings.module.css";

type User = Answer<"/api/v1/users">["users"][number];
type Linked = Answer<"/api/v1/users", "post">;
type Doing = { what: "add" } | { what: "change" | "disable" | "reset" | "remove"; user: User } | { what: "link"; made: Linked } | null;

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/** Who signs in here: add, change, disable, and give one-time links. */
export default function Users() {
  const { t } = useTranslation("settings");
  const { t: app } = useTranslation("app");
  const { user: me } = useSession();
  const format = useFormat();
  const [doing, setDoing] = useState<Doing>(null);
  const close = () => setDoing(null);
  const found = useAnswer("/api/v1/users", { params: { query: { limit: 200 } } });
  const disable = useChange("post", "/api/v1/users/{id}/disable");
  const enable = useChange("post", "/api/v1/users/{id}/enable");
  const reset = useChange("post", "/api/v1/users/{id}/reset");
  const remove = useChange("delete", "/api/v1/users/{id}");
  const state = (user: User) => (!user.enabled ? t("users.disabled") : user.invited ? t("users.invited") : t("users.active"));
  const at = (user: User) => ({ params: { path: { id: user.id } } });
  return (
    <Frame
      title={t("users.title")}
      note={t("users.note")}
      actions={
        <Button type="primary" icon={<Icon name="plus" />} onClick={() => setDoing({ what: "add" })}>
          {t("users.add")}
        </Button>
      }
    >
      {enable.error && <FailureLine error={enable.error} />}
      <Card flush>
        <DataTable<User>
          name={t("users.list")}
          rows={found.data?.users}
          rowKey={(user) => user.id}
          problem={found.error}
          again={() => void found.refetch()}
          columns={[
            {
              key: "name",
              title: t("users.name"),
              value: (user) => user.name,
              render: (user) => (
                <>
                  {user.name}
                  {user.id === me.id && <span className={css["mark"]}>{t("users.you")}</span>}
                </>
              ),
            },
            { key: "login", title: t("users.login"), value: (user) => user.login },
            { key: "role", title: t("users.role"), value: (user) => app(`account.roles.${user.role}`), filter: true },
            { key: "state", title: t("users.state"), value: state, filter: true, render: (user) => <span className={user.enabled && !user.invited ? undefined : css["off"]}>{state(user)}</span> },
            { key: "seen", title: t("users.seen"), value: (user) => user.seen_at, render: (user) => (user.seen_at ? <When at={user.seen_at} /> : t("never")), wide: true },
            {
              key: "actions",
              title: "",
              value: () => "",
              sort: false,
              quiet: true,
              align: "right",
              render: (user) => (
                <span className={css["rowActions"]}>
                  <Button size="small" aria-label={t("users.changeOf", { name: user.name })} onClick={() => setDoing({ what: "change", user })}>
                    {t("users.change")}
                  </Button>
                  <Dropdown
                    trigger={["click"]}
                    menu={{
                      items: [
                        { key: "reset", label: t("users.reset"), onClick: () => setDoing({ what: "reset", user }) },
                        user.enabled
                          ? { key: "disable", danger: true, label: t("users.disable"), onClick: () => setDoing({ what: "disable", user }) }
                          : { key: "enable", label: t("users.enable"), onClick: () => enable.mutate(at(user)) },
                        ...(user.invited ? [{ key: "remove", danger: true, label: t("users.remove"), onClick: () => setDoing({ what: "remove", user }) }] : []),
                      ],
                    }}
                  >
                    <Button size="small" type="text" icon={<Icon name="more" />} aria-label={t("users.actions", { name: user.name })} />
                  </Dropdown>
                </span>
              ),
            },
          ]}
        />
      </Card>
      {doing?.what === "add" && <Add close={close} done={(made) => setDoing({ what: "link", made })} />}
      {doing?.what === "change" && <Change user={doing.user} close={close} />}
      {doing?.what === "link" && (
        <OneTime
          title={t("users.link", { name: doing.made.name })}
          note={t("users.linkNote", { when: format.moment(doing.made.expires_at) })}
          secret={doing.made.link}
          done={t("users.copied")}
          close={close}
        />
      )}
      {doing?.what === "disable" && (
        <ConfirmCount
          open
          danger
          people={null}
          title={t("users.disableTitle", { name: doing.user.name })}
          ok={t("users.disable")}
          onOk={() => disable.mutateAsync(at(doing.user)).then(close)}
          onCancel={close}
        >
          <p>{t("users.disableNote", { name: doing.user.name })}</p>
        </ConfirmCount>
      )}
      {doing?.what === "reset" && (
        <ConfirmCount
          open
          people={null}
          title={t("users.resetTitle", { name: doing.user.name })}
          ok={t("users.reset")}
          onOk={() => reset.mutateAsync(at(doing.user)).then((made) => setDoing({ what: "link", made }))}
          onCancel={close}
        >
          <p>{t("users.resetNote")}</p>
        </ConfirmCount>
      )}
      {doing?.what === "remove" && (
        <ConfirmCount
          open
          danger
          people={null}
          title={t("users.removeTitle", { name: doing.user.name })}
          ok={t("users.remove")}
          onOk={() => remove.mutateAsync(at(doing.user)).then(close)}
          onCancel={close}
        >
          <p>{t("users.removeNote")}</p>
        </ConfirmCount>
      )}
    </Frame>
  );
}

function Add({ close, done }: { close: () => void; done: (made: Linked) => void }) {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const add = useChange("post", "/api/v1/users", { onDone: done });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    add.mutate({ body: { login: login.trim(), name: name.trim(), role } });
  };
  return (
    <Modal open title={t("users.add")} footer={null} onCancel={close}>
      <form className={css["form"]} onSubmit={submit} aria-label={t("users.add")}>
        <label>
          {t("users.login")}
          <Input value={login} autoFocus autoComplete="off" spellCheck={false} onChange={(event) => setLogin(event.target.value)} />
          <small>{t("users.loginNote")}</small>
        </label>
        <label>
          {t("users.name")}
          <Input value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </label>
        <RoleChoice role={role} choose={setRole} />
        {add.error && <FailureLine error={add.error} />}
        <span className={css["rowActions"]}>
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={add.isPending} disabled={!login.trim()}>
            {t("users.add")}
          </Button>
        </span>
      </form>
    </Modal>
  );
}

function Change({ user, close }: { user: User; close: () => void }) {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const [name, setName] = useState(user.name);
  const [role, setRole] = useState<Role>(user.role);
  const change = useChange("patch", "/api/v1/users/{id}", { onDone: close });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    change.mutate({ params: { path: { id: user.id } }, body: { name: name.trim(), role } });
  };
  return (
    <Modal open title={t("users.changeOf", { name: user.name })} footer={null} onCancel={close}>
      <form className={css["form"]} onSubmit={submit} aria-label={t("users.changeOf", { name: user.name })}>
        <label>
          {t("users.name")}
          <Input value={name} autoFocus autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </label>
        <RoleChoice role={role} choose={setRole} />
        {change.error && <FailureLine error={change.error} />}
        <span className={css["rowActions"]}>
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={change.isPending} disabled={!name.trim()}>
            {common("save")}
          </Button>
        </span>
      </form>
    </Modal>
  );
}

/** Which role, each with what it may do. */
export function RoleChoice({ role, choose }: { role: Role; choose: (role: Role) => void }) {
  const { t } = useTranslation("settings");
  const { t: app } = useTranslation("app");
  return (
    <Radio.Group className={css["roleChoice"] ?? ""} aria-label={t("users.role")} value={role} onChange={(event) => choose(event.target.value as Role)}>
      {ROLES.map((one) => (
        <Radio key={one} value={one}>
          {app(`account.roles.${one}`)}
          <small>{t(`users.roles.${one}`)}</small>
        </Radio>
      ))}
    </Radio.Group>
  );
}
