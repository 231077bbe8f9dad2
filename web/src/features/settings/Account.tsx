import { App, Button, Input, Segmented } from "antd";
import { type ReactNode, type SyntheticEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card, Facts, Grid } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { type Answer, api, answer, useAnswer, useChange } from "../../lib/api";
import { type Language, setLanguage, setTheme, type ThemeChoice, usePreferences } from "../../lib/preferences";
import { useSession } from "../../lib/session";
import { browserOf } from "./browserOf";
import { Frame } from "./Frame";
import css from "./settings.module.css";

/** Oneself: name, language, appearance, password, and where one is signed in. */
export default function Account() {
  const { t } = useTranslation("settings");
  return (
    <Frame title={t("account.title")}>
      <Grid least={400}>
        <Me />
        <Password />
      </Grid>
      <Sessions />
    </Frame>
  );
}

function Me() {
  const { t } = useTranslation("settings");
  const { t: app } = useTranslation("app");
  const { user } = useSession();
  const { language, theme } = usePreferences();
  const change = useChange("patch", "/api/v1/session");
  const speak = (next: Language) => {
    setLanguage(next);
    change.mutate({ body: { language: next } });
  };
  return (
    <Card title={t("account.me")}>
      <Facts
        facts={[
          [t("account.name"), user.name],
          [t("account.login"), user.login],
          [t("account.role"), app(`account.roles.${user.role}`)],
        ]}
      />
      <Choice label={t("account.language")} note={t("account.languageNote")}>
        {(labelled) => (
          <Segmented<Language>
            aria-labelledby={labelled}
            value={language}
            onChange={speak}
            options={[
              { value: "en", label: "English" },
              { value: "zh", label: "中文" },
            ]}
          />
        )}
      </Choice>
      <Choice label={t("account.theme")} note={t("account.themeNote")}>
        {(labelled) => (
          <Segmented<ThemeChoice>
            aria-labelledby={labelled}
            value={theme}
            onChange={setTheme}
            options={[
              { value: "system", label: app("account.system") },
              { value: "light", label: app("account.light") },
              { value: "dark", label: app("account.dark") },
            ]}
          />
        )}
      </Choice>
      {change.error && <FailureLine error={change.error} />}
    </Card>
  );
}

function Choice({ label, note, children }: { label: string; note: string; children: (labelled: string) => ReactNode }) {
  const id = useId();
  return (
    <div className={css["choice"]}>
      <span id={id}>{label}</span>
      {children(id)}
      <small>{note}</small>
    </div>
  );
}

function Password() {
  const { t } = useTranslation("settings");
  const { message } = App.useApp();
  const { user } = useSession();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const change = useChange("post", "/api/v1/password", {
    invalidates: [["sessions"]],
    onDone: ({ ended }) => {
      setCurrent("");
      setFresh("");
      void message.success(t("account.changed", { count: ended }));
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    change.mutate({ body: { current, new: fresh } });
  };
  return (
    <Card title={t("account.password")}>
      <form className={css["form"]} onSubmit={submit} aria-label={t("account.password")}>
        <input type="text" name="username" autoComplete="username" value={user.login} readOnly hidden />
        <label>
          {t("account.current")}
          <Input.Password value={current} autoComplete="current-password" onChange={(event) => setCurrent(event.target.value)} />
        </label>
        <label>
          {t("account.new")}
          <Input.Password value={fresh} autoComplete="new-password" onChange={(event) => setFresh(event.target.value)} />
          <small>{t("account.newNote")}</small>
        </label>
        {change.error && <FailureLine error={change.error} />}
        <div>
          <Button type="primary" htmlType="submit" loading={change.isPending} disabled={!current || !fresh}>
            {t("account.change")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

type Session = Answer<"/api/v1/sessions">["sessions"][number];

function Sessions() {
  const { t } = useTranslation("settings");
  const found = useAnswer("/api/v1/sessions", { params: { query: { limit: 200 } } });
  const end = useChange("delete", "/api/v1/sessions/{id}", { invalidates: [["sessions"]] });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const sessions = found.data?.sessions;
  const others = sessions?.filter((session) => !session.current) ?? [];
  const endOthers = () => {
    setBusy(true);
    setProblem(null);
    Promise.all(others.map(({ id }) => answer(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } }))))
      .catch((error: unknown) => setProblem(error))
      .finally(() => {
        setBusy(false);
        void found.refetch();
      });
  };
  return (
    <Card
      title={t("account.sessions")}
      note={t("account.sessionsNote")}
      flush
      extra={
        <Button danger disabled={!others.length} loading={busy} onClick={endOthers}>
          {t("account.endOthers")}
        </Button>
      }
    >
      {(problem !== null || end.error) && <FailureLine error={problem ?? end.error} />}
      <DataTable<Session>
        plain
        prefix="s-"
        name={t("account.sessions")}
        rows={sessions}
        rowKey={(session) => session.id}
        problem={found.error}
        again={() => void found.refetch()}
        columns={[
          {
            key: "browser",
            title: t("account.browser"),
            value: (session) => browserOf(session.agent),
            render: (session) => (
              <span title={session.agent}>
                {browserOf(session.agent)}
                {session.current && <span className={css["mark"]}>{t("account.here")}</span>}
              </span>
            ),
          },
          { key: "address", title: t("account.address"), value: (session) => session.address, wide: true },
          { key: "begun", title: t("account.begun"), value: (session) => session.created_at, render: (session) => <When at={session.created_at} />, wide: true },
          { key: "seen", title: t("account.seen"), value: (session) => session.seen_at, render: (session) => <When at={session.seen_at} /> },
          {
            key: "end",
            title: "",
            value: () => "",
            sort: false,
            align: "right",
            render: (session) =>
              !session.current && (
                <Button size="small" aria-label={t("account.endOne", { browser: browserOf(session.agent) })} onClick={() => end.mutate({ params: { path: { id: session.id } } })}>
                  {t("account.end")}
                </Button>
              ),
          },
        ]}
      />
    </Card>
  );
}
