import { Button, DatePicker, Input, InputNumber, Modal, Select, Tabs } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { Card, Facts, Page } from "../../components/Page";
import { Preview } from "../../components/Preview";
import { FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, answer, api, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { type Asks, useDraft } from "../../lib/useDraft";
import { useFormat } from "../../lib/useFormat";
import { useUnsaved } from "../../lib/useUnsaved";
import css from "./content.module.css";

type File = Answer<"/api/v1/definitions/{kind}/{name}">;
type Read = Answer<"/api/v1/content/form", "post">;
type Fields = NonNullable<Read["fields"]>;
type Words = Fields["languages"][string];

const ASKS: Asks<Fields, Read["problems"][number]> = {
  form: (name, text) => answer(api.POST("/api/v1/content/form", { body: { name, text } })),
  text: (name, text, fields) => answer(api.POST("/api/v1/content/text", { body: { name, text, fields } })),
};

/** One item of content: its form and text, how it looks in each language, and who would be shown it first. */
export default function Item() {
  const { name = "" } = useParams();
  const { t } = useTranslation("content");
  const file = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "content", name } } }, { refetchOnWindowFocus: false });
  const above = [{ to: "/content/library", title: t("library") }];
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
  const { language } = usePreferences();
  const may = useMay("operator") && !file.read_only;
  const go = useNavigate();
  const done = useUndoToast();
  const { draft, write, fill, undo } = useDraft(file.name, file.text, ASKS);
  const [asking, setAsking] = useState(false);
  const path = { kind: "content", name: file.name };
  const invalidates = [["definitions"], ["content"]];
  const restore = () => answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path } }));
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates, onDone: () => done(t("saved")) });
  const back = useChange("post", "/api/v1/definitions/{kind}/{name}/undo", { invalidates, onDone: () => done(t("undone")) });
  const remove = useChange("delete", "/api/v1/definitions/{kind}/{name}", {
    invalidates: [["content"]],
    onDone: () => {
      done(t("delete"), restore);
      void go("/content/library");
    },
  });
  const dirty = draft.text !== file.text;
  useUnsaved(dirty);
  const keep = () => {
    if (dirty && may) save.mutate({ params: { path }, headers: { "If-Match": `"${file.etag}"` }, body: { text: draft.text } });
  };
  const { fields } = draft;
  return (
    <Page
      title={fields ? titleIn(fields.title, language, file.name) : file.name}
      above={above}
      description={file.read_only ? t("readOnly") : file.name}
      actions={
        may && (
          <>
            {dirty && <span className={css["faint"]}>{t("unsaved")}</span>}
            <Button icon={<Icon name="trash" />} onClick={() => setAsking(true)}>
              {t("delete")}
            </Button>
            <Button icon={<Icon name="undo" />} disabled={dirty && draft.past.length === 0} loading={back.isPending} onClick={() => (draft.past.length ? undo() : back.mutate({ params: { path } }))}>
              {t("undo")}
            </Button>
            <Button type="primary" disabled={!dirty || !draft.settled || draft.problems.length > 0} loading={save.isPending} onClick={keep}>
              {t("save")}
            </Button>
          </>
        )
      }
    >
      {[save.error, remove.error, back.error, draft.problem].filter(Boolean).map((error, index) => (
        <FailureLine key={index} error={error} />
      ))}
      <div className={css["split"]}>
        <div className={css["form"]}>
          <Card title={t("item.form")} {...(draft.readable ? {} : { note: t("item.unreadable") })}>
            {fields ? <Form fields={fields} fill={fill} may={may} /> : <Loading rows={6} />}
          </Card>
          <Card title={t("item.source")}>
            <CodeEditor label={file.name} value={draft.text} language="yaml" height={280} readOnly={!may} problems={draft.problems} onChange={write} onSubmit={keep} />
          </Card>
        </div>
        <div className={css["form"]}>
          <Card title={t("preview")} note={t("item.previewNote")}>
            {fields ? <Looks fields={fields} name={file.name} /> : <Loading rows={6} />}
          </Card>
          <Reach name={file.name} />
        </div>
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

interface FormProps {
  fields: Fields;
  fill: (change: Partial<Fields>) => void;
  may: boolean;
}

const PARTS = ["text", "link", "picture"] as const;
const NO_WORDS: Words = { title: "", text: "", link: "", picture: "" };

function Form({ fields, fill, may }: FormProps) {
  const { t } = useTranslation("content");
  const [adding, setAdding] = useState("");
  const languages = Object.entries(fields.languages);
  const say = (language: string, change: Partial<Words>) => fill({ languages: { ...fields.languages, [language]: { ...NO_WORDS, ...fields.languages[language], ...change } } });
  const fresh = /^[a-z]{2,3}$/.test(adding) && !(adding in fields.languages);
  const add = () => {
    if (!fresh) return;
    say(adding, { text: "…" });
    setAdding("");
  };
  return (
    <fieldset className={css["form"]} disabled={!may} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
      {languages.map(([language, words]) => (
        <div key={language} className={css["language"]}>
          <div className={css["row"]}>
            <strong>{language}</strong>
            {may && languages.length > 1 && (
              <Button
                size="small"
                type="text"
                icon={<Icon name="trash" size={16} />}
                aria-label={t("item.removeLanguage", { language })}
                onClick={() => fill({ languages: Object.fromEntries(languages.filter(([other]) => other !== language)) })}
              />
            )}
          </div>
          <label className={css["field"]}>
            <span>{t("item.title")}</span>
            <Input value={fields.title[language] ?? words.title} disabled={!may} onChange={(event) => fill({ title: { ...fields.title, [language]: event.target.value } })} />
          </label>
          {PARTS.map((part) => (
            <label key={part} className={css["field"]}>
              <span>{t(`item.${part}`)}</span>
              {part === "text" ? (
                <Input.TextArea value={words.text} disabled={!may} rows={3} onChange={(event) => say(language, { text: event.target.value })} />
              ) : (
                <Input value={words[part]} disabled={!may} placeholder="https://…" onChange={(event) => say(language, { [part]: event.target.value })} />
              )}
            </label>
          ))}
        </div>
      ))}
      {may && (
        <div className={css["row"]}>
          <Input style={{ width: 90 }} aria-label={t("item.language")} placeholder="ja" value={adding} onChange={(event) => setAdding(event.target.value.trim())} onPressEnter={add} />
          <Button icon={<Icon name="plus" />} disabled={!fresh} onClick={add}>
            {t("item.addLanguage")}
          </Button>
        </div>
      )}
      {(["about", "words"] as const).map((key) => (
        <label key={key} className={css["field"]}>
          <span>{t(`item.${key}`)}</span>
          <Select mode="tags" open={false} suffix={null} tokenSeparators={[",", "，"]} aria-label={t(`item.${key}`)} value={fields[key]} disabled={!may} onChange={(value: string[]) => fill({ [key]: value })} />
          <span className={css["faint"]}>{t(`item.${key}Note`)}</span>
        </label>
      ))}
      <div className={css["row"]}>
        {(["from", "until"] as const).map((key) => (
          <label key={key} className={css["field"]}>
            <span>{t(`item.${key}`)}</span>
            <DatePicker value={fields[key] ? dayjs(fields[key]) : null} disabled={!may} aria-label={t(`item.${key}`)} onChange={(day: dayjs.Dayjs | null) => fill({ [key]: day ? day.format("YYYY-MM-DD") : "" })} />
          </label>
        ))}
        <label className={css["field"]}>
          <span>{t("item.weight")}</span>
          <InputNumber min={-1} max={1} step={0.1} value={fields.weight} disabled={!may} title={t("item.weightNote")} onChange={(value) => fill({ weight: value ?? 0 })} />
        </label>
      </div>
      <label className={css["field"]}>
        <span>{t("item.audience")}</span>
        <Input value={fields.audience} disabled={!may} onChange={(event) => fill({ audience: event.target.value })} />
        <span className={css["faint"]}>{t("item.audienceNote")}</span>
      </label>
      <label className={css["field"]}>
        <span>{t("item.owner")}</span>
        <Input value={fields.owner} disabled={!may} onChange={(event) => fill({ owner: event.target.value })} />
      </label>
    </fieldset>
  );
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

function Looks({ fields, name }: { fields: Fields; name: string }) {
  const { t } = useTranslation("content");
  const htmlOf = (language: string, words: Words) => {
    const title = words.title || fields.title[language] || fields.title[""] || name;
    return [
      '<body style="font: 15px/1.6 sans-serif; color: #222; margin: 16px">',
      words.picture && `<img src="${escaped(words.picture)}" alt="" style="max-width: 100%">`,
      `<h2 style="font-size: 18px; margin: 0 0 8px">${escaped(title)}</h2>`,
      words.text && `<p style="margin: 0 0 12px; white-space: pre-wrap">${escaped(words.text)}</p>`,
      words.link && `<a href="${escaped(words.link)}">${escaped(t("item.look"))}</a>`,
      "</body>",
    ]
      .filter(Boolean)
      .join("");
  };
  return (
    <Tabs
      size="small"
      items={Object.entries(fields.languages).map(([language, words]) => ({
        key: language,
        label: language,
        children: (
          <div className={css["frames"]}>
            {(["desktop", "phone"] as const).map((kind) => (
              <figure key={kind}>
                <figcaption>{t(kind)}</figcaption>
                <div className={css["mail"]} data-kind={kind} tabIndex={0} role="group" aria-label={t(kind)}>
                  <Preview html={htmlOf(language, words)} title={`${t(kind)} ${language}`} height={180} />
                </div>
              </figure>
            ))}
          </div>
        ),
      }))}
    />
  );
}

function Reach({ name }: { name: string }) {
  const { t } = useTranslation("content");
  const format = useFormat();
  const [counting, setCounting] = useState(false);
  const item = useAnswer("/api/v1/content/{name}", { params: { path: { name } } });
  const reach = useAnswer("/api/v1/content/{name}/reach", { params: { path: { name } } }, { enabled: counting });
  return (
    <Card
      title={t("item.reach")}
      note={t("item.countNote")}
      extra={
        <Button loading={counting && reach.isFetching} onClick={() => (counting ? void reach.refetch() : setCounting(true))}>
          {t("item.count")}
        </Button>
      }
    >
      <div className={css["form"]}>
        {reach.error && <FailureLine error={reach.error} />}
        {reach.data && (
          <div role="status">
            <Facts
              facts={[
                [t("item.first"), `${format.exact(reach.data.first)} ${t("item.firstOf", { n: format.exact(reach.data.everybody) })}`],
                [t("item.because"), format.exact(reach.data.because)],
                [t("item.among"), format.exact(reach.data.among)],
              ]}
            />
          </div>
        )}
        {item.data && (
          <>
            <span className={css["faint"]}>{item.data.people === null ? t("item.notShown") : t("item.people", { count: item.data.people })}</span>
            {item.data.used_by.length > 0 ? (
              <div className={css["row"]}>
                <span className={css["faint"]}>{t("item.usedBy")}</span>
                {item.data.used_by.map((user) => (
                  <Link key={`${user.kind} ${user.name}`} to={placeOf(user.kind, user.name) ?? "/marketing"}>
                    {user.name}
                  </Link>
                ))}
              </div>
            ) : (
              <span className={css["faint"]}>{t("item.unused")}</span>
            )}
          </>
        )}
      </div>
    </Card>
  );
}
