import { Button, Checkbox, Input, Modal, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { CodeEditor, type Mistake } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { Preview } from "../../components/Preview";
import { Card, Facts, Page } from "../../components/Page";
import { SendToMe } from "../../components/SendToMe";
import { FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useAsked, useChange } from "../../lib/api";
import { asProblem } from "../../lib/problem";
import { useMay } from "../../lib/session";
import { useDebounced } from "../../lib/useDebounced";
import { useUnsaved } from "../../lib/useUnsaved";
import css from "./content.module.css";

type File = Answer<"/api/v1/definitions/{kind}/{name}">;
type Class = "marketing" | "service";

/** One template: its text, what is wrong in it, and the message as somebody would see it. */
export default function Template() {
  const { name = "" } = useParams();
  const { t } = useTranslation("content");
  const file = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "templates", name } } }, { refetchOnWindowFocus: false });
  const above = [{ to: "/content", title: t("templates") }];
  if (file.data) return <Editor key={file.data.etag} file={file.data} above={above} />;
  return (
    <Page title={name} above={above}>
      <Shown of={file} shape="page">
        {() => null}
      </Shown>
    </Page>
  );
}

function Editor({ file, above }: { file: File; above: { to: string; title: string }[] }) {
  const { t } = useTranslation("content");
  const may = useMay("operator") && !file.read_only;
  const go = useNavigate();
  const done = useUndoToast();
  const [typed, setTyped] = useState(file.text);
  const [subject, setSubject] = useState("");
  const [person, setPerson] = useState("");
  const [kind, setKind] = useState<Class>("marketing");
  const [asking, setAsking] = useState(false);
  const keyed = file.name.endsWith(".yml");
  const format = kindOf(file.name);
  const invalidates = [["definitions"], ["templates"], ["campaigns"]];
  const path = { kind: "templates", name: file.name };
  const undo = () => answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path } }));
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates, onDone: () => done(t("saved")) });
  const remove = useChange("delete", "/api/v1/definitions/{kind}/{name}", {
    invalidates: [["templates"]],
    onDone: () => {
      done(t("delete"), undo);
      void go("/content");
    },
  });
  const back = useChange("post", "/api/v1/definitions/{kind}/{name}/undo", { invalidates, onDone: () => done(t("undone")) });
  const dirty = typed !== file.text;
  useUnsaved(dirty);
  const [language, setLanguage] = useState("");
  const asked = useDebounced({ typed, subject, person, language }, 350);
  const found = useAsked(
    "/api/v1/templates/preview",
    {
      body: {
        body: asked.typed,
        channel: keyed ? "" : "email",
        message_class: keyed ? "service" : kind,
        kind: format,
        subject: asked.subject,
        person: asked.person,
        language: asked.language,
      },
    },
    { placeholderData: (last) => last, retry: false },
  );
  const keep = () => {
    if (dirty && may) save.mutate({ params: { path }, headers: { "If-Match": `"${file.etag}"` }, body: { text: typed } });
  };
  const problems: Mistake[] = found.error ? [mistakeOf(found.error)] : [];
  const shown = found.error ? undefined : found.data;
  return (
    <Page
      title={file.name}
      above={above}
      {...(file.read_only ? { description: t("readOnly") } : {})}
      actions={
        may && (
          <>
            {dirty && <span className={css["faint"]}>{t("unsaved")}</span>}
            <Button icon={<Icon name="trash" />} onClick={() => setAsking(true)}>
              {t("delete")}
            </Button>
            <Button icon={<Icon name="undo" />} disabled={dirty} loading={back.isPending} onClick={() => back.mutate({ params: { path } })}>
              {t("undo")}
            </Button>
            <Button type="primary" disabled={!dirty} loading={save.isPending} onClick={keep}>
              {t("save")}
            </Button>
          </>
        )
      }
    >
      {[save.error, remove.error, back.error].filter(Boolean).map((error, index) => (
        <FailureLine key={index} error={error} />
      ))}
      <div className={css["split"]}>
        <Card>
          <div className={css["form"]}>
            <CodeEditor label={file.name} value={typed} language={keyed ? "yaml" : "text"} height={460} readOnly={!may} problems={problems} onChange={setTyped} onSubmit={keep} />
            {!found.error && found.data && <span className={css["good"]}>{t("fine")}</span>}
            {shown && (
              <Facts
                facts={[
                  [t("reads"), shown.names.join(", ") || t("readsNothing")],
                  [t("links"), shown.links.length ? shown.links.join(", ") : undefined],
                ]}
              />
            )}
            {shown?.advice.map((one) => (
              <span key={one.code} className={css["bad"]}>
                {t(`advice.${one.code}`, { count: one.n })}
              </span>
            ))}
          </div>
        </Card>
        <Card title={t("preview")} note={shown?.name ? t("seenBy", { name: shown.name }) : t("previewNote")}>
          <div className={css["form"]}>
            <div className={css["row"]}>
              <Input style={{ maxWidth: 220 }} aria-label={t("person")} placeholder={t("personPlaceholder")} value={person} allowClear onChange={(event) => setPerson(event.target.value)} />
              {!keyed && (
                <>
                  <Input style={{ maxWidth: 260 }} aria-label={t("subject")} placeholder={t("subject")} value={subject} allowClear onChange={(event) => setSubject(event.target.value)} />
                  {shown?.names.includes("person.language") && (
                    <Select aria-label={t("language")} value={language} onChange={setLanguage} options={["", "zh", "en"].map((value) => ({ value, label: t(value === "zh" ? "languageZh" : value === "en" ? "languageEn" : "languageOwn") }))} />
                  )}
                  <Select aria-label={t("class")} value={kind} onChange={setKind} options={(["marketing", "service"] as const).map((value) => ({ value, label: t(`classes.${value}`) }))} />
                </>
              )}
            </div>
            {found.error ? (
              <>
                <strong>{t("wrong")}</strong>
                <FailureLine error={found.error} />
              </>
            ) : !shown ? (
              <Loading rows={5} />
            ) : shown.missing ? (
              <p className={css["bad"]}>{t("lacking", { reason: shown.missing })}</p>
            ) : shown.person === null ? (
              <p>{t("nobody")}</p>
            ) : (
              <Message shown={shown} />
            )}
            {may && shown && <SendToMe key={shown.channel} channel={shown.channel} go={(to) => answer(api.POST("/api/v1/templates/send", { body: { body: typed, subject, person, language, kind: keyed ? "" : format, name: file.name, channel: shown.channel, message_class: keyed ? "service" : kind, to }, headers: once() }))} />}
          </div>
        </Card>
      </div>
      <Modal
        open={asking}
        title={t("deleteAsk", { name: file.name })}
        okText={t("delete")}
        okButtonProps={{ danger: true }}
        confirmLoading={remove.isPending}
        onOk={() => {
          setAsking(false);
          remove.mutate({ params: { path }, headers: { "If-Match": `"${file.etag}"` } });
        }}
        onCancel={() => setAsking(false)}
      />
    </Page>
  );
}

function kindOf(name: string): "text" | "mjml" | "html" {
  if (name.endsWith(".txt")) return "text";
  return name.endsWith(".mjml") ? "mjml" : "html";
}

function Message({ shown }: { shown: Answer<"/api/v1/templates/preview", "post"> }) {
  const { t } = useTranslation("content");
  const [dark, setDark] = useState(false);
  if (shown.segments) {
    const cost = shown.cost === null ? "" : ` · ${shown.cost}`;
    return (
      <>
        <pre className={css["plain"]}>{shown.text}</pre>
        <p className={css["faint"]}>{t("segments", { count: shown.segments }) + cost}</p>
      </>
    );
  }
  if (shown.data) {
    return (
      <dl>
        {Object.entries(shown.data).map(([key, value]) => (
          <div key={key}>
            <dt className={css["faint"]}>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {shown.url && <dd className={css["faint"]}>{shown.url}</dd>}
      </dl>
    );
  }
  if (!shown.html) return <pre className={css["plain"]}>{shown.text}</pre>;
  return (
    <div className={css["frames"]}>
      {shown.subject && <strong>{shown.subject}</strong>}
      <Checkbox checked={dark} onChange={(event) => setDark(event.target.checked)}>
        {t("dark")}
      </Checkbox>
      {(["desktop", "phone"] as const).map((kind) => (
        <figure key={kind}>
          <figcaption>{t(kind)}</figcaption>
          <div className={css["mail"]} data-kind={kind} tabIndex={0} role="group" aria-label={t(kind)}>
            <Preview html={shown.html ?? ""} title={t(kind)} height={360} dark={dark} />
          </div>
        </figure>
      ))}
      {shown.text && (
        <details>
          <summary>{t("plain")}</summary>
          <pre className={css["plain"]}>{shown.text}</pre>
        </details>
      )}
    </div>
  );
}

function mistakeOf(error: unknown): Mistake {
  const problem = asProblem(error);
  const line = /line (\d+)/.exec(problem.path)?.[1];
  return { line: line ? Number(line) : null, message: problem.message, code: problem.code };
}
