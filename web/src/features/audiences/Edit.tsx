import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Input, Segmented } from "antd";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Card, Page } from "../../components/Page";
import { FailureLine, Shown } from "../../components/States";
import { type Answer, answer, api, asProblem, type Problem, useAnswer, useAsked } from "../../lib/api";
import { useDebounced } from "../../lib/useDebounced";
import { useUnsaved } from "../../lib/useUnsaved";
import { allComplete, Builder } from "./builder/Builder";
import type { EffectOf } from "./builder/Effect";
import { emptyGroup, fromTree, type Group, narrowed, toTree, type Tree } from "./builder/model";
import { useCount } from "./builder/useCount";
import { CountPanel } from "./CountPanel";
import css from "./edit.module.css";
import { Portrait } from "./Portrait";
import { useCompletions, useTitle, useVocabulary, type Vocabulary } from "./words";

type Shown = Answer<"/api/v1/audiences/{name}">;

/** A new audience, or one that is edited. */
export default function Edit() {
  const { name } = useParams();
  const [search] = useSearchParams();
  const vocabulary = useVocabulary();
  if (name === undefined) {
    return (
      <Shown of={vocabulary} shape="page">
        {(words) => <Begun key="new" vocabulary={words} where={search.get("where") ?? ""} />}
      </Shown>
    );
  }
  return (
    <Shown of={vocabulary} shape="page">
      {(words) => <Loaded key={name} name={name} vocabulary={words} />}
    </Shown>
  );
}

/** A new one, which may begin with a condition out of the address. */
function Begun({ vocabulary, where }: { vocabulary: Vocabulary; where: string }) {
  const begin = useAsked("/api/v1/expressions/check", { body: { expression: where, kind: "person" } }, { enabled: where !== "", staleTime: Infinity });
  if (where === "" || begin.error) return <Editor vocabulary={vocabulary} tree={null} />;
  return (
    <Shown of={begin} shape="page">
      {(read) => <Editor vocabulary={vocabulary} tree={read.tree as Tree} />}
    </Shown>
  );
}

function Loaded({ name, vocabulary }: { name: string; vocabulary: Vocabulary }) {
  const found = useAnswer("/api/v1/audiences/{name}", { params: { path: { name } } }, { staleTime: Infinity, refetchOnWindowFocus: false });
  return (
    <Shown of={found} shape="page">
      {(audience) => <Editor key={audience.etag} vocabulary={vocabulary} saved={audience} tree={audience.tree as Tree | null} reload={() => void found.refetch()} />}
    </Shown>
  );
}

interface Details {
  name: string;
  en: string;
  zh: string;
  owner: string;
  why: string;
}

function Editor({ vocabulary, saved, tree: first, reload }: { vocabulary: Vocabulary; saved?: Shown; tree: Tree | null; reload?: () => void }) {
  const { t } = useTranslation("audiences");
  const title = useTitle();
  const navigate = useNavigate();
  const isTag = useMemo(() => {
    const keys = new Set(vocabulary.tags.map((tag) => tag.key));
    return (key: string) => keys.has(key);
  }, [vocabulary]);
  const [root, setRoot] = useState<Group>(() => (first === null ? emptyGroup() : fromTree(first, isTag)));
  const fixed = typeof saved?.members === "number";
  const [members, setMembers] = useState<string | null>(null);
  const [details, setDetails] = useState<Details>({
    name: saved?.name ?? "",
    en: saved?.titles["en"] ?? saved?.titles[""] ?? "",
    zh: saved?.titles["zh"] ?? "",
    owner: saved?.owner ?? "",
    why: saved?.why ?? "",
  });
  const [view, setView] = useState<"form" | "text">("form");
  const [touched, setTouched] = useState(false);
  const written = useMemo(() => toTree(root), [root]);
  const count = useCount(written.tree, !fixed);
  const { counted } = count;
  const effects = useMemo(() => {
    const byPath = new Map<string, EffectOf>((counted?.conditions ?? []).map((condition) => [condition.path.join("."), condition]));
    const found = new Map<string, EffectOf>();
    // The numbers belong to the condition that was counted; a row that was not in it has none yet.
    if (!count.settled) return found;
    for (const [id, path] of written.paths) {
      const effect = byPath.get(path);
      if (effect) found.set(id, effect);
    }
    return found;
  }, [counted, count.settled, written]);
  const lasting = useLasting(effects, count.settled);
  const change = (next: Group) => {
    setRoot(next);
    setTouched(true);
  };
  const add = async (condition: string) => {
    const read = await answer(api.POST("/api/v1/expressions/check", { body: { expression: condition, kind: "person" } }));
    change(narrowed(root, read.tree as Tree, isTag));
    setView("form");
  };
  const set = (field: keyof Details) => (value: string) => {
    setDetails((last) => ({ ...last, [field]: value }));
    setTouched(true);
  };
  const save = useSave(details, { fixed, members, tree: written.tree, saved, reload, done: () => setTouched(false) });
  useUnsaved(touched && !save.busy);
  const [tried, setTried] = useState(false);
  const wrong = problemOf(details, fixed, written.tree, root, saved !== undefined);
  const submit = () => {
    setTried(true);
    if (!wrong) save.go();
  };
  const shown = saved ? title(saved.titles, saved.name) : t("new");
  const crowd = counted && written.tree !== null && counted.count > 0 ? `(${counted.expression})` : "";
  const portrait = useAsked("/api/v1/audiences/portrait", { body: { name: crowd, against: "", most: 100 } }, { enabled: crowd !== "" && count.settled, placeholderData: (last) => last, staleTime: 300_000 });
  return (
    <Page
      title={shown}
      above={[
        { to: "/audiences", title: t("title") },
        ...(saved ? [{ to: `/audiences/${encodeURIComponent(saved.name)}`, title: title(saved.titles, saved.name) }] : []),
      ]}
      actions={
        <>
          <Button onClick={() => void navigate(saved ? `/audiences/${encodeURIComponent(saved.name)}` : "/audiences")}>{t("cancel", { ns: "common" })}</Button>
          <Button type="primary" loading={save.busy} onClick={submit}>
            {saved ? t("save") : t("saveNew")}
          </Button>
        </>
      }
    >
      {tried && wrong && <FailureLine error={new Error(t(wrong))} />}
      {save.problem && <FailureLine error={save.problem} />}
      <div className={css["columns"]}>
        <div className={css["main"]}>
          {fixed ? (
            <Members name={saved.name} ids={saved.ids ?? []} value={members} onChange={(value) => { setMembers(value); setTouched(true); }} />
          ) : (
            <Card
              title={t("whom")}
              extra={
                <Segmented<"form" | "text">
                  value={view}
                  aria-label={t("builder")}
                  options={[
                    { value: "form", label: t("form") },
                    { value: "text", label: t("text") },
                  ]}
                  onChange={setView}
                />
              }
            >
              {view === "form" ? (
                <Builder root={root} onChange={change} vocabulary={vocabulary} effects={lasting} count={counted?.count} stale={count.stale} />
              ) : (
                <TextView tree={written.tree} vocabulary={vocabulary} onRead={(read) => change(fromTree(read, isTag))} />
              )}
            </Card>
          )}
          <Card title={t("details")}>
            <div className={css["fields"]}>
              {!saved && (
                <Field label={t("key")} hint={t("keyHint")} wide>
                  {(id) => <Input id={id} value={details.name} spellCheck={false} maxLength={100} status={tried && (wrong === "needsName" || wrong === "wrongName") ? "error" : ""} onChange={(event) => set("name")(event.target.value)} onPressEnter={submit} />}
                </Field>
              )}
              <Field label={t("titleEn")}>{(id) => <Input id={id} value={details.en} maxLength={200} onChange={(event) => set("en")(event.target.value)} onPressEnter={submit} />}</Field>
              <Field label={t("titleZh")}>{(id) => <Input id={id} value={details.zh} maxLength={200} lang="zh" onChange={(event) => set("zh")(event.target.value)} onPressEnter={submit} />}</Field>
              <Field label={t("owner")}>{(id) => <Input id={id} value={details.owner} maxLength={200} onChange={(event) => set("owner")(event.target.value)} onPressEnter={submit} />}</Field>
              <Field label={t("why")} hint={t("whyHint")} wide>
                {(id) => <Input.TextArea id={id} value={details.why} rows={3} maxLength={2000} onChange={(event) => set("why")(event.target.value)} />}
              </Field>
            </div>
          </Card>
        </div>
        {!fixed && (
          <aside className={css["side"]}>
            <CountPanel {...count} empty={written.tree === null} />
            {written.tree !== null && counted !== undefined && (
              <Card title={t("portrait")}>
                <Portrait of={counted.count === 0 ? { data: undefined, error: NOBODY, refetch: () => undefined } : portrait} most={12} add={(condition) => void add(condition)} />
              </Card>
            )}
          </aside>
        )}
      </div>
    </Page>
  );
}

const NOBODY = Object.assign(asProblem(new Error("")), { code: "empty_crowd" });

/** The effects, or those of before while the next ones come. */
function useLasting(effects: Map<string, EffectOf>, settled: boolean): ReadonlyMap<string, EffectOf> {
  const [kept, setKept] = useState<ReadonlyMap<string, EffectOf>>(effects);
  if (settled && kept !== effects) setKept(effects);
  return settled ? effects : kept;
}

type Wrong = "needsName" | "wrongName" | "needsCondition" | "someIncomplete";

function problemOf(details: Details, fixed: boolean, tree: Tree | null, root: Group, there: boolean): Wrong | null {
  if (!there && !details.name) return "needsName";
  if (!there && !/^[\p{L}\p{N}][\p{L}\p{N}_-]{0,99}$/u.test(details.name)) return "wrongName";
  if (fixed) return null;
  if (tree === null) return "needsCondition";
  return allComplete(root) ? null : "someIncomplete";
}

function Field({ label, hint, wide, children }: { label: string; hint?: string; wide?: boolean; children: (id: string) => ReactNode }) {
  const id = `field-${label}`;
  return (
    <div className={css["field"]} data-wide={wide ?? false}>
      <label htmlFor={id} className={css["label"]}>
        {label}
      </label>
      {children(id)}
      {hint && <span className={css["hint"]}>{hint}</span>}
    </div>
  );
}

// --- the same condition as text ----------------------------------------------------------------------

function TextView({ tree, vocabulary, onRead }: { tree: Tree | null; vocabulary: Vocabulary; onRead: (tree: Tree) => void }) {
  const { t } = useTranslation("audiences");
  const words = useCompletions(vocabulary);
  const printed = useAsked("/api/v1/expressions/print", { body: { tree, kind: "person" } }, { enabled: tree !== null, staleTime: Infinity });
  const [draft, setDraft] = useState<string | null>(null);
  const asked = useDebounced(draft, 300);
  const read = useAsked("/api/v1/expressions/check", { body: { expression: asked ?? "", kind: "person" } }, { enabled: asked !== null && asked.trim() !== "", staleTime: 60_000 });
  const answered = asked === draft ? read.data?.tree : undefined;
  const taken = useRef<unknown>(undefined);
  useEffect(() => {
    if (answered === undefined || answered === taken.current) return;
    taken.current = answered;
    onRead(answered as Tree);
  }, [answered, onRead]);
  const problem = asked === draft && draft?.trim() ? read.error : null;
  return (
    <>
      <CodeEditor
        value={draft ?? (tree === null ? "" : (printed.data?.text ?? ""))}
        onChange={setDraft}
        label={t("textLabel")}
        language="expression"
        height={220}
        words={words}
        problems={problem ? [placed(problem)] : []}
      />
      <p className={css["hint"]}>{t("textNote")}</p>
      {read.data && read.data.warnings.length > 0 && (
        <ul className={css["warnings"]} aria-label={t("warnings")}>
          {read.data.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function placed(problem: Problem) {
  const [line, column] = problem.path.split(":").map(Number);
  return { message: problem.message, code: problem.code, line: line && Number.isFinite(line) ? line : null, column: column && Number.isFinite(column) ? column : null };
}

// --- a fixed list ------------------------------------------------------------------------------------

function Members({ name, ids, value, onChange }: { name: string; ids: readonly string[]; value: string | null; onChange: (value: string) => void }) {
  const { t } = useTranslation("audiences");
  return (
    <Card title={t("members")} note={t("membersNote")}>
      <Input.TextArea aria-label={`${t("members")} (${name})`} value={value ?? ids.join("\n")} rows={14} spellCheck={false} onChange={(event) => onChange(event.target.value)} />
    </Card>
  );
}

// --- saving ------------------------------------------------------------------------------------------

function useSave(
  details: Details,
  { fixed, members, tree, saved, reload, done }: { fixed: boolean; members: string | null; tree: Tree | null; saved: Shown | undefined; reload: (() => void) | undefined; done: () => void },
) {
  const { t } = useTranslation("audiences");
  const navigate = useNavigate();
  const { modal } = App.useApp();
  const say = useUndoToast();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const title = useTitle();

  const write = async (base: { text: string; etag: string } | null) => {
    const listed = members === null ? (saved?.ids ?? []) : members.split("\n").map((line) => line.trim()).filter(Boolean);
    const expression = tree === null || fixed ? "" : (await answer(api.POST("/api/v1/expressions/print", { body: { tree, kind: "person" } }))).text;
    const titles = { ...(details.en ? { en: details.en } : {}), ...(details.zh ? { zh: details.zh } : {}) };
    const { text } = await answer(
      api.POST("/api/v1/audiences/text", {
        body: { name: details.name, text: base?.text ?? "", titles, expression, members: fixed ? listed : [], owner: details.owner, why: details.why },
      }),
    );
    const path = { kind: "audiences", name: details.name };
    await answer(
      api.PUT("/api/v1/definitions/{kind}/{name}", {
        params: { path },
        headers: base ? { "If-Match": `"${base.etag}"` } : { "If-None-Match": "*" },
        body: { text },
      }),
    );
    done();
    await client.invalidateQueries({ queryKey: ["audiences"] });
    await client.invalidateQueries({ queryKey: ["expressions"] });
    await client.invalidateQueries({ queryKey: ["definitions"] });
    await navigate(`/audiences/${encodeURIComponent(details.name)}`);
    say(t("savedToast", { name: title(titles, details.name) }), async () => {
      await answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path } }));
      await client.invalidateQueries({ queryKey: ["audiences"] });
      if (!base) await navigate("/audiences");
    });
  };
  const attempt = (base: { text: string; etag: string } | null) => {
    setBusy(true);
    setProblem(null);
    write(base)
      .catch(async (error: unknown) => {
        const met = asProblem(error);
        if (met.status !== 409) {
          setProblem(met);
          return;
        }
        await conflict(met);
      })
      .finally(() => setBusy(false));
  };
  const conflict = async (met: Problem) => {
    const path = { kind: "audiences", name: details.name };
    const theirs = await answer(api.GET("/api/v1/definitions/{kind}/{name}", { params: { path } })).catch(() => null);
    modal.confirm({
      title: t("conflict.title"),
      width: 560,
      content: (
        <>
          <p>{saved ? met.message : t("conflict.there")}</p>
          {theirs && (
            <>
              <p className={css["hint"]}>{t("conflict.theirText")}</p>
              <pre className={css["theirs"]}>{theirs.text}</pre>
            </>
          )}
        </>
      ),
      okText: t("conflict.mine"),
      okButtonProps: { danger: true },
      cancelText: saved ? t("conflict.theirs") : t("cancel", { ns: "common" }),
      onOk: () => attempt(theirs && { text: theirs.text, etag: theirs.etag }),
      onCancel: () => {
        if (!saved) return;
        done();
        reload?.();
      },
    });
  };
  return { go: () => attempt(saved ? { text: saved.text, etag: saved.etag } : null), busy, problem };
}
