import { Alert, Button, Input, Segmented } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, answer, api, asProblem, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useUrlState } from "../../lib/url";
import { type Asks, useDraft } from "../../lib/useDraft";
import { useUnsaved } from "../../lib/useUnsaved";
import { Conflict, type Theirs } from "./Conflict";
import { type Fields, fieldsOf } from "./fields";
import { Field, Form, wordsOf } from "./Form";
import { Plan } from "./Plan";
import { CutNow } from "./RuleForm";
import { Preview } from "./Preview";
import css from "./tags.module.css";
import { type Template, TEMPLATES } from "./templates";
import { titleOf } from "./titleOf";
import { useTagStore } from "./useTagStore";
import { WhatIf } from "./WhatIf";

const BEGIN = { begin: "" };

const ASKS: Asks<Fields, Answer<"/api/v1/tags/form", "post">["problems"][number]> = {
  form: async (key, text) => {
    const found = await answer(api.POST("/api/v1/tags/form", { body: { key: key || "new_tag", text } }));
    return { fields: fieldsOf(found.fields), problems: found.problems };
  },
  text: async (key, text, _, fields) => {
    const made = await answer(api.POST("/api/v1/tags/text", { body: { key: key || "new_tag", text, fields } }));
    return { text: made.text, fields: fieldsOf(made.fields), problems: made.problems };
  },
  // What is being typed stays as it is typed; only the other writing of the same follows.
  settle: (typed, { statistic, measure, interest, kept }) => ({ ...typed, statistic, measure, interest, kept }),
};

/** A tag's text and its form side by side, with what it would give; for a new tag and for one that is there. */
export default function Edit() {
  const { key } = useParams();
  const [{ begin }] = useUrlState(BEGIN);
  const start = (Object.keys(TEMPLATES) as Template[]).find((item) => item === begin) ?? "count";
  return key === undefined ? <Editor start={TEMPLATES[start]} /> : <Existing key={key} name={key} />;
}

function Existing({ name }: { name: string }) {
  const found = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "tags", name } } }, { staleTime: 0, gcTime: 0, refetchOnWindowFocus: false });
  return (
    <Shown of={found} shape="page">
      {(data) => (found.isFetching && !found.isFetchedAfterMount ? <Loading shape="page" /> : <Editor name={name} start={data.text} etag={data.etag} readOnly={data.read_only} />)}
    </Shown>
  );
}

interface Base {
  text: string;
  /** The etag of the text that is edited; null where there is no file yet. */
  etag: string | null;
}

const KEY = /^[a-z][a-z0-9_]{0,59}$/;

function Editor({ name, start, etag = null, readOnly = false }: { name?: string; start: string; etag?: string | null; readOnly?: boolean }) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const { language } = usePreferences();
  const go = useNavigate();
  const toast = useUndoToast();
  const [typed, setTyped] = useState("");
  const key = name ?? typed;
  const [base, setBase] = useState<Base>({ text: name === undefined ? "" : start, etag });
  const { draft, write, fill, undo } = useDraft(key, start, ASKS);
  const [wanted, setWanted] = useState(false);
  const [saving, setSaving] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<{ definition: Theirs } | null>(null);
  const [left, setLeft] = useState(false);
  const store = useTagStore(key);
  const names = useAnswer("/api/v1/expressions/names", {}, { staleTime: 60_000 });
  const catalogue = useAnswer("/api/v1/tags", { params: { query: { limit: 1 } } }, { staleTime: 60_000 });
  const dirty = !left && (name === undefined ? typed !== "" || draft.text !== start : draft.text !== base.text);
  useUnsaved(dirty);
  const title = draft.fields ? titleOf(draft.fields.title, language, key) || key : key;
  const keyWrong = name === undefined && typed !== "" && !KEY.test(typed);
  const keyTaken = name === undefined && (names.data?.tags.some((tag) => tag.key === typed) ?? false);
  const ready = draft.settled && draft.problems.length === 0 && draft.problem === null;
  const able = ready && !readOnly && KEY.test(key) && !keyTaken && (name === undefined || draft.text !== base.text);

  const save = async (against: string | null) => {
    setSaving(true);
    setRefused(null);
    const path = { kind: "tags", name: key };
    try {
      const made = await answer(
        api.PUT("/api/v1/definitions/{kind}/{name}", {
          params: { path },
          headers: against === null ? { "If-None-Match": "*" } : { "If-Match": `"${against}"` },
          body: { text: draft.text },
        }),
      );
      setBase({ text: made.text, etag: made.etag });
      setTheirs(null);
      await store.changed();
      toast(
        t("editor.saved", { name: title }),
        async () => {
          if (!(await store.undo())) void go("/tags");
        },
        t("editor.savedNote"),
      );
      setLeft(true);
    } catch (error) {
      if (asProblem(error).code === "edited") {
        const other = await answer(api.GET("/api/v1/definitions/{kind}/{name}", { params: { path } })).catch((problem: unknown) => {
          if (asProblem(problem).status === 404) return null;
          throw problem;
        });
        setTheirs({ definition: other });
      } else setRefused(error);
    } finally {
      setSaving(false);
    }
  };

  const reread = async () => {
    const found = await answer(api.GET("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "tags", name: key } } }));
    setBase({ text: found.text, etag: found.etag });
    write(found.text);
    await store.changed();
  };

  useEffect(() => {
    if (left) void go(`/tags/${encodeURIComponent(key)}`, { replace: name === undefined });
  }, [left, go, key, name]);
  useEffect(() => {
    const asked = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "s" || !(event.metaKey || event.ctrlKey) || event.altKey) return;
      event.preventDefault();
      setWanted(true);
    };
    window.addEventListener("keydown", asked);
    return () => window.removeEventListener("keydown", asked);
  }, []);
  // What was asked for while the text was still being read is done when it has been.
  if (wanted && draft.settled && !saving) {
    setWanted(false);
    if (able) void save(base.etag);
  }

  const status = !draft.settled
    ? " "
    : draft.problems.length
      ? t("editor.problems", { count: draft.problems.length, exact: String(draft.problems.length) })
      : name !== undefined && draft.text === base.text
        ? t("editor.none")
        : name === undefined && !KEY.test(key)
          ? t("editor.keyMissing")
          : t("editor.fine");
  return (
    <Page
      title={name === undefined ? t("editor.newTitle") : t("editor.title", { name: title })}
      above={[{ to: "/tags", title: t("title") }, ...(name === undefined ? [] : [{ to: `/tags/${encodeURIComponent(name)}`, title }])]}
      actions={
        <>
          <span className={css["faint"]} role="status">
            {status}
          </span>
          <Button icon={<Icon name="undo" />} disabled={draft.past.length === 0 || readOnly} onClick={undo}>
            {common("undo")}
          </Button>
          <Button type="primary" disabled={!able} loading={saving} title="⌘S / Ctrl+S" onClick={() => void save(base.etag)}>
            {t("editor.save")}
          </Button>
        </>
      }
    >
      {readOnly && <Alert type="info" showIcon title={t("editor.readOnly")} />}
      {refused !== null && <FailureLine error={refused} />}
      {name === undefined && (
        <Card>
          <div className={css["begin"]}>
            <Field label={t("field.key")} hint={keyTaken ? t("editor.keyTaken") : t("hint.key")}>
              {(id) => <Input id={id} value={typed} status={keyWrong || keyTaken ? "error" : ""} spellCheck={false} autoFocus onChange={(event) => setTyped(event.target.value.trim())} />}
            </Field>
            <Field label={t("editor.begin")} group>
              {() => (
                <Segmented<Template>
                  value={(Object.keys(TEMPLATES) as Template[]).find((item) => TEMPLATES[item] === draft.text) ?? ("" as Template)}
                  onChange={(item) => write(TEMPLATES[item])}
                  options={(Object.keys(TEMPLATES) as Template[]).map((value) => ({ value, label: t(`template.${value}`) }))}
                />
              )}
            </Field>
          </div>
        </Card>
      )}
      <div className={css["editor"]}>
        <Card title={t("editor.form")}>
          {draft.problem && <FailureLine error={draft.problem} />}
          {draft.fields && draft.readable ? (
            <Form
              fields={draft.fields}
              change={fill}
              names={names.data}
              categories={(catalogue.data?.categories ?? []).map((item) => item.path).filter(Boolean)}
              readOnly={readOnly}
            />
          ) : draft.settled ? (
            <p className={css["faint"]}>{t("editor.broken")}</p>
          ) : (
            <Loading rows={6} />
          )}
        </Card>
        <div className={css["side"]}>
          <Card title={t("editor.text")} note={<code>tags/{key || "…"}.yml</code>}>
            <CodeEditor value={draft.text} onChange={write} label={t("editor.text")} language="yaml" problems={draft.problems} height={360} words={wordsOf(names.data)} readOnly={readOnly} onSubmit={() => setWanted(true)} />
          </Card>
          <Preview name={KEY.test(key) ? key : "new_tag"} text={draft.text} ready={ready && draft.text.trim() !== ""} />
          {name !== undefined && draft.fields && <CutNow name={name} fields={draft.fields} unsaved={draft.text !== base.text} done={() => void reread()} />}
          {name !== undefined && <Plan keys={[name]} unsaved={draft.text !== base.text} />}
          <WhatIf name={KEY.test(key) ? key : "new_tag"} text={draft.text} type={draft.fields?.type ?? "text"} names={names.data} ready={ready && draft.text.trim() !== ""} />
        </div>
      </div>
      {theirs && (
        <Conflict
          theirs={theirs.definition}
          mine={draft.text}
          close={() => setTheirs(null)}
          take={() => {
            const text = theirs.definition?.text ?? "";
            setBase({ text, etag: theirs.definition?.etag ?? null });
            write(text);
            setTheirs(null);
          }}
          keep={() => void save(theirs.definition?.etag ?? null)}
        />
      )}
    </Page>
  );
}
