import { useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Failure, FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, answer, api, asProblem, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { type Asks, useDraft } from "../../lib/useDraft";
import { useFormat } from "../../lib/useFormat";
import { useUnsaved } from "../../lib/useUnsaved";
import { Conflict, type Theirs } from "../tags/Conflict";
import { Field } from "../tags/Form";
import { Form } from "./Form";
import css from "./scenes.module.css";

export type Doc = Record<string, unknown>;

const ASKS: Asks<Doc, Answer<"/api/v1/scenes/form", "post">["problems"][number]> = {
  form: (name, text) => answer(api.POST("/api/v1/scenes/form", { body: { name, text } })),
  text: (name, text, fields) => answer(api.POST("/api/v1/scenes/text", { body: { name, text, fields } })),
};
const NOTHING: Doc = {};

const KEY = /^[a-z][a-z0-9_]{0,63}$/;

/** A scene's form and its text side by side: whichever is changed, the other follows. */
export default function Edit() {
  const { name } = useParams();
  return name === undefined ? <Editor start="" etag={null} readOnly={false} /> : <There key={name} name={name} />;
}

function There({ name }: { name: string }) {
  const { t } = useTranslation("scenes");
  const found = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "scenes", name } } }, { staleTime: 0, gcTime: 0, refetchOnWindowFocus: false });
  if (found.error && !found.data)
    return (
      <Page title={name} above={[{ to: "/marketing/scenes", title: t("title") }]}>
        <Failure error={found.error} retry={() => void found.refetch()} />
      </Page>
    );
  return (
    <Shown of={found} shape="page">
      {(data) => (found.isFetching && !found.isFetchedAfterMount ? <Loading shape="page" /> : <Editor name={name} start={data.text} etag={data.etag} readOnly={data.read_only} />)}
    </Shown>
  );
}

function Editor({ name, start, etag, readOnly }: { name?: string; start: string; etag: string | null; readOnly: boolean }) {
  const { t } = useTranslation("scenes");
  const { t: common } = useTranslation();
  const format = useFormat();
  const go = useNavigate();
  const toast = useUndoToast();
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const key = name ?? typed;
  const [base, setBase] = useState({ text: start, etag });
  const { draft, write, fill, undo } = useDraft(name ?? "new_scene", start, ASKS);
  const doc = draft.fields ?? NOTHING;
  const scenes = useAnswer("/api/v1/scenes");
  const [refused, setRefused] = useState<unknown>(null);
  const [saving, setSaving] = useState(false);
  const [theirs, setTheirs] = useState<{ definition: Theirs } | null>(null);
  const back = useChange("post", "/api/v1/definitions/{kind}/{name}/undo", { invalidates: [["definitions"], ["scenes"]] });
  const dirty = draft.text !== base.text;
  useUnsaved(dirty && !readOnly && !saving);
  const taken = name === undefined && scenes.data?.scenes.some((row) => row.name === key) === true;
  const good = KEY.test(key) && !taken;
  const able = draft.settled && draft.readable && draft.problems.length === 0 && good && dirty && !readOnly;

  const save = async (against: string | null) => {
    setSaving(true);
    setRefused(null);
    const path = { kind: "scenes", name: key };
    try {
      const made = await answer(
        api.PUT("/api/v1/definitions/{kind}/{name}", { params: { path }, headers: against === null ? { "If-None-Match": "*" } : { "If-Match": `"${against}"` }, body: { text: draft.text } }),
      );
      setBase({ text: made.text, etag: made.etag });
      setTheirs(null);
      for (const noun of ["scenes", "definitions", "calendar"]) void client.invalidateQueries({ queryKey: [noun] });
      toast(t("edit.saved", { name: key }), async () => {
        await back.mutateAsync({ params: { path } });
      });
      setTimeout(() => void go(`/marketing/scenes/${encodeURIComponent(key)}`));
    } catch (error) {
      if (asProblem(error).code === "edited") {
        const other = await answer(api.GET("/api/v1/definitions/{kind}/{name}", { params: { path } })).catch((problem: unknown) => {
          if (asProblem(problem).status === 404) return null;
          throw problem;
        });
        setTheirs({ definition: other });
      } else setRefused(error);
      setSaving(false);
    }
  };

  const [wanted, setWanted] = useState(false);
  useEffect(() => {
    const asked = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "s" || !(event.metaKey || event.ctrlKey) || event.altKey) return;
      event.preventDefault();
      setWanted(true);
    };
    window.addEventListener("keydown", asked);
    return () => window.removeEventListener("keydown", asked);
  }, []);
  if (wanted && draft.settled && !saving) {
    setWanted(false);
    if (able) void save(base.etag);
  }

  const status = !draft.settled ? " " : draft.problems.length ? t("edit.wrong", { count: draft.problems.length, exact: format.exact(draft.problems.length) }) : dirty ? t("edit.fine") : name === undefined ? " " : t("edit.same");
  return (
    <Page
      title={name === undefined ? t("edit.newTitle") : t("edit.title", { name })}
      description={t("edit.description")}
      above={[{ to: "/marketing/scenes", title: t("title") }, ...(name === undefined ? [] : [{ to: placeOf("scene", name) ?? "/marketing/scenes", title: name }])]}
      actions={
        <>
          <span className={draft.problems.length ? parts["bad"] : parts["faint"]} role="status">
            {status}
          </span>
          <Button icon={<Icon name="undo" />} disabled={draft.past.length === 0 || readOnly} onClick={undo}>
            {common("undo")}
          </Button>
          <Button type="primary" disabled={!able} loading={saving} title="⌘S / Ctrl+S" onClick={() => void save(base.etag)}>
            {name === undefined ? t("edit.create") : t("edit.save")}
          </Button>
        </>
      }
    >
      {readOnly && <Alert type="info" showIcon title={t("edit.readOnly")} />}
      {refused !== null && <FailureLine error={refused} />}
      {draft.problem && <FailureLine error={draft.problem} />}
      {name === undefined && (
        <Card>
          <Field label={t("edit.key")} hint={taken ? t("edit.keyTaken") : t("edit.keyNote")}>
            {(id) => <Input id={id} autoFocus value={typed} spellCheck={false} status={(typed && !KEY.test(typed)) || taken ? "error" : ""} onChange={(event) => setTyped(event.target.value.trim())} />}
          </Field>
        </Card>
      )}
      <div className={css["editor"]}>
        <Card title={t("edit.form")}>
          {draft.settled && !draft.readable ? <p className={parts["faint"]}>{t("edit.broken")}</p> : !draft.settled && draft.text && Object.keys(doc).length === 0 ? <Loading rows={6} /> : <Form doc={doc} change={fill} readOnly={readOnly} />}
        </Card>
        <Card title={t("edit.text")} note={<code>scenes/{key || "…"}.yml</code>}>
          <CodeEditor value={draft.text} onChange={write} label={t("edit.text")} language="yaml" problems={draft.problems} height={560} readOnly={readOnly} onSubmit={() => setWanted(true)} />
        </Card>
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
