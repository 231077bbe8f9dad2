import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Drawer } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Failure, FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, answer, api, asProblem, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { type Asks, useDraft } from "../../lib/useDraft";
import { useFormat } from "../../lib/useFormat";
import { useUnsaved } from "../../lib/useUnsaved";
import { useCompletions, useVocabulary } from "../audiences/words";
import { Conflict, type Theirs } from "../tags/Conflict";
import { countsOf } from "./counts";
import { changed, inserted, type Known, moved, neighbour, removed, renamed, rewired, type Steps } from "./edits";
import { type Doc, type Graph, graphOf, type Kind, KINDS, mapOf, type Raw } from "./graph";
import css from "./journeys.module.css";
import { ICONS } from "./parts";
import { Picture } from "./Picture";
import { Plan } from "./Plan";
import { StartForm } from "./StartForm";
import { StepForm } from "./StepForm";
import { useNarrow } from "./useNarrow";
import { stepOf, useWords } from "./useWords";

export type Mistake = Answer<"/api/v1/journeys/form", "post">["problems"][number];

const ASKS: Asks<Doc, Mistake> = {
  form: (name, text) => answer(api.POST("/api/v1/journeys/form", { body: { name, text } })),
  text: (name, text, fields) => answer(api.POST("/api/v1/journeys/text", { body: { name, text, fields } })),
};
const NOTHING: Doc = {};

type Open = { kind: "step"; name: string } | { kind: "start" } | { kind: "add"; from: { step: string; way: string } | null } | null;

/** A journey's picture and its text side by side: whichever is changed, the other follows. */
export default function Edit() {
  const { name = "" } = useParams();
  const found = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "journeys", name } } }, { staleTime: 0, gcTime: 0, refetchOnWindowFocus: false });
  const { t } = useTranslation("journeys");
  if (found.error && !found.data)
    return (
      <Page title={name} above={[{ to: "/marketing/journeys", title: t("title") }]}>
        <Failure error={found.error} retry={() => void found.refetch()} />
      </Page>
    );
  return (
    <Shown of={found} shape="page">
      {(data) => (found.isFetching && !found.isFetchedAfterMount ? <Loading shape="page" /> : <Editor key={name} name={name} start={data.text} etag={data.etag} readOnly={data.read_only} />)}
    </Shown>
  );
}

function Editor({ name, start, etag, readOnly }: { name: string; start: string; etag: string; readOnly: boolean }) {
  const { t } = useTranslation("journeys");
  const { language } = usePreferences();
  const format = useFormat();
  const toast = useUndoToast();
  const { notification } = App.useApp();
  const client = useQueryClient();
  const [base, setBase] = useState<{ text: string; etag: string | null }>({ text: start, etag });
  const { draft, write, fill, undo } = useDraft(name, start, ASKS);
  const doc = draft.fields ?? NOTHING;
  const graph = useMemo(() => graphOf(doc), [doc]);
  const [open, setOpen] = useState<Open>(null);
  const small = useNarrow();
  const [refused, setRefused] = useState<unknown>(null);
  const [saving, setSaving] = useState(false);
  const [wanted, setWanted] = useState(false);
  const [theirs, setTheirs] = useState<{ definition: Theirs } | null>(null);
  const shown = useAnswer("/api/v1/journeys/{name}", { params: { path: { name } } }, { retry: false, refetchInterval: 10_000 });
  const back = useChange("post", "/api/v1/definitions/{kind}/{name}/undo", { invalidates: [["definitions"], ["journeys"]] });
  const vocabulary = useVocabulary();
  const templates = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } });
  const completions = useCompletions(vocabulary.data);
  const dirty = draft.text !== base.text;
  useUnsaved(dirty && !readOnly);
  const stops = draft.problems.filter((problem) => problem.stops === "save");
  const able = draft.settled && draft.problem === null && stops.length === 0 && dirty && !readOnly;
  const title = titleIn(titlesOf(doc["title"]), language, name);
  const counts = shown.data && shown.data.status !== "not started" ? countsOf(shown.data) : undefined;
  const wrong = new Set(draft.problems.flatMap((problem) => (problem.step ? [problem.step] : [])));
  const known: Known = {
    event: vocabulary.data?.events.find((event) => /paid|purchase|order completed/i.test(event)) ?? vocabulary.data?.events[0] ?? "Order Paid",
    template: templates.data?.templates[0]?.name ?? `${name}.html`,
    tag: vocabulary.data?.tags[0]?.key ?? "",
    task: t("edit.call"),
    subject: title,
  };
  const steps = (next: Steps) => fill({ steps: next });
  const begun = shown.data !== undefined && shown.data.status !== "not started";
  const rename = (from: string, to: string) => {
    const live = begun && shown.data.steps.some((step) => step.name === from);
    fill({ steps: renamed(graph, from, to), ...(live ? { moved: { ...mapOf(doc["moved"]), [from]: to } } : {}) });
    setOpen({ kind: "step", name: to });
  };
  const planned = useQuery({
    queryKey: ["journeys", name, "plan", draft.text],
    queryFn: () => answer(api.POST("/api/v1/journeys/{name}/plan", { params: { path: { name } }, body: { text: draft.text } })),
    enabled: begun && shown.data.inside > 0 && draft.settled && stops.length === 0 && dirty,
    placeholderData: keepPreviousData,
    retry: false,
  });

  const save = async (against: string | null) => {
    setSaving(true);
    setRefused(null);
    const path = { kind: "journeys", name };
    try {
      const made = await answer(
        api.PUT("/api/v1/definitions/{kind}/{name}", { params: { path }, headers: against === null ? { "If-None-Match": "*" } : { "If-Match": `"${against}"` }, body: { text: draft.text } }),
      );
      const before = base.text;
      setBase({ text: made.text, etag: made.etag });
      setTheirs(null);
      for (const noun of ["journeys", "definitions"]) void client.invalidateQueries({ queryKey: [noun] });
      toast(
        t("edit.saved", { name: title }),
        async () => {
          await back.mutateAsync({ params: { path } });
          const found = await answer(api.GET("/api/v1/definitions/{kind}/{name}", { params: { path } }));
          setBase({ text: found.text, etag: found.etag });
          write(before);
        },
        shown.data && shown.data.status !== "not started" ? t("edit.savedNote") : undefined,
      );
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

  const later = draft.problems.length - stops.length;
  const status = !draft.settled
    ? " "
    : stops.length
      ? t("edit.wrong", { count: stops.length, exact: format.exact(stops.length) })
      : later
        ? t("edit.notYet", { count: later, exact: format.exact(later) })
        : dirty
          ? t("edit.fine")
          : t("edit.same");
  const takeOut = (step: string) => {
    const { steps: left, gone } = removed(graph, step);
    setOpen(null);
    steps(left);
    notification.info({ title: t("edit.removed", { name: step }), ...(gone.length ? { description: t("edit.removedMore", { names: format.list(gone) }) } : {}) });
  };
  return (
    <Page
      title={t("edit.title", { name: title })}
      above={[
        { to: "/marketing/journeys", title: t("title") },
        { to: placeOf("journey", name) ?? "/marketing/journeys", title },
      ]}
      actions={
        <>
          <span className={parts["faint"]} data-tone={stops.length ? "bad" : undefined} role="status">
            {status}
          </span>
          <Button icon={<Icon name="undo" />} disabled={draft.past.length === 0 || readOnly} onClick={undo}>
            {t("edit.undo")}
          </Button>
          <Button type="primary" disabled={!able} loading={saving} title="⌘S / Ctrl+S" onClick={() => void save(base.etag)}>
            {t("edit.save")}
          </Button>
        </>
      }
    >
      {readOnly && <Alert type="info" showIcon title={t("edit.readOnly")} />}
      {refused !== null && <FailureLine error={refused} />}
      {draft.problem && <FailureLine error={draft.problem} />}
      {draft.settled && !draft.readable && <Alert type="warning" showIcon title={t("canvas.unreadable")} />}
      <div className={css["editor"]}>
        <Card flush>
          {!draft.settled && Object.keys(doc).length === 0 ? (
            <Loading shape="chart" rows={8} />
          ) : (
            <Picture
              graph={graph}
              counts={counts}
              problems={wrong}
              chosen={open?.kind === "step" ? open.name : undefined}
              onStep={(step) => setOpen({ kind: "step", name: step })}
              onStart={() => setOpen({ kind: "start" })}
              onAdd={readOnly ? undefined : (from) => setOpen({ kind: "add", from })}
            />
          )}
        </Card>
        <div className={css["side"]}>
          <Panel
            open={open}
            close={() => setOpen(null)}
            graph={graph}
            readOnly={readOnly}
            add={(kind) => {
              if (open?.kind !== "add") return;
              const made = inserted(graph, open.from, kind, known);
              steps(made.steps);
              setOpen({ kind: "step", name: made.name });
            }}
            after={(step) => setOpen({ kind: "add", from: { step, way: stepOf(graph, step)?.ways.find((way) => way.name === "")?.name ?? stepOf(graph, step)?.ways[0]?.name ?? "" } })}
            take={takeOut}
            move={(step, side) => steps(moved(graph, step, side))}
          >
            {open?.kind === "start" && <StartForm doc={doc} change={fill} readOnly={readOnly} />}
            {open?.kind === "step" && <OneStep key={open.name} name={open.name} graph={graph} problems={draft.problems} steps={steps} readOnly={readOnly} renamed={(to) => rename(open.name, to)} />}
          </Panel>
          {dirty && planned.data && planned.data.steps.length > 0 && (
            <Card title={t("plan.show")}>
              <Plan plan={planned.data} error={null} />
            </Card>
          )}
          <Card title={t("edit.text")} note={<code>journeys/{name}.yml</code>}>
            <CodeEditor value={draft.text} onChange={write} label={t("edit.text")} language="yaml" problems={draft.problems} height={open && !small ? 320 : 560} words={completions} readOnly={readOnly} onSubmit={() => setWanted(true)} />
          </Card>
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

function OneStep({
  name,
  graph,
  problems,
  steps,
  readOnly,
  renamed: rename,
}: {
  name: string;
  graph: Graph;
  problems: readonly Mistake[];
  steps: (next: Steps) => void;
  readOnly: boolean;
  renamed: (to: string) => void;
}) {
  const step = stepOf(graph, name);
  if (!step) return null;
  return (
    <StepForm
      graph={graph}
      step={step}
      problems={problems.filter((problem) => problem.step === name)}
      change={(raw: Raw) => steps(changed(graph, name, raw))}
      lead={(way, next) => steps(rewired(graph.steps.map((item) => (item === step ? { ...item, ways: item.ways.map((one) => (one.name === way ? { ...one, next } : one)) } : item))))}
      rename={rename}
      readOnly={readOnly}
    />
  );
}

/** What is being changed, beside the picture. */
function Panel({
  open,
  close,
  graph,
  readOnly,
  add,
  after,
  take,
  move,
  children,
}: {
  open: Open;
  close: () => void;
  graph: Graph;
  readOnly: boolean;
  add: (kind: Kind) => void;
  after: (step: string) => void;
  take: (step: string) => void;
  move: (step: string, side: "earlier" | "later") => void;
  children: React.ReactNode;
}) {
  const { t } = useTranslation("journeys");
  const { t: common } = useTranslation();
  const words = useWords();
  const small = useNarrow();
  const step = open?.kind === "step" ? stepOf(graph, open.name) : undefined;
  const title = open?.kind === "add" ? t("edit.addTitle") : step ? words.kind(step) : t("start.title");
  const place = useRef<HTMLElement>(null);
  const at = open === null ? "" : open.kind === "step" ? `step ${open.name}` : open.kind;
  useEffect(() => {
    if (at) place.current?.focus();
  }, [at]);
  const foot = step && !readOnly && (
    <div className={parts["row"]}>
      <Button size="small" icon={<Icon name="plus" size={16} />} onClick={() => after(step.name)}>
        {t("edit.add")}
      </Button>
      <Button size="small" icon={<Icon name="up" size={16} />} aria-label={t("edit.earlier")} title={t("edit.earlier")} disabled={neighbour(graph, step.name, "earlier") === null} onClick={() => move(step.name, "earlier")} />
      <Button size="small" icon={<Icon name="down" size={16} />} aria-label={t("edit.later")} title={t("edit.later")} disabled={neighbour(graph, step.name, "later") === null} onClick={() => move(step.name, "later")} />
      <Button size="small" danger icon={<Icon name="trash" size={16} />} disabled={Object.keys(removed(graph, step.name).steps).length === 0} onClick={() => take(step.name)}>
        {t("edit.remove")}
      </Button>
    </div>
  );
  const body =
    open?.kind === "add" ? (
        <ul className={css["kinds"]}>
          {KINDS.map((kind) => (
            <li key={kind}>
              <button type="button" onClick={() => add(kind)}>
                <Icon name={ICONS[kind]} />
                <span>
                  <strong>{t(`kind.${kind}`)}</strong>
                  <span className={parts["faint"]}>{t(`kindNote.${kind}`)}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
    ) : (
      children
    );
  if (open === null) return null;
  if (small) {
    return (
      <Drawer open onClose={close} size={440} title={title} aria-label={title} footer={foot || null}>
        {body}
      </Drawer>
    );
  }
  return (
    <section
      ref={place}
      className={css["panel"]}
      role="dialog"
      aria-label={title}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) close();
      }}
    >
      <header>
        <h2>{title}</h2>
        <Button type="text" size="small" icon={<Icon name="close" size={16} />} aria-label={common("close")} title={common("close")} onClick={close} />
      </header>
      {body}
      {foot}
    </section>
  );
}

/** The titles that a file says: one text, or one for each language. */
function titlesOf(given: unknown): Record<string, string> {
  if (typeof given === "string") return { "": given };
  return Object.fromEntries(Object.entries(mapOf(given)).map(([language, text]) => [language, String(text)]));
}
