import { useCallback, useEffect, useRef, useState } from "react";

import { type Answer, answer, api, asProblem, type Problem } from "../../lib/api";

export type Doc = Record<string, unknown>;
export type Mistake = Answer<"/api/v1/scenes/form", "post">["problems"][number];

export interface Draft {
  text: string;
  /** What the text says; the last that could be read, while it cannot be. */
  doc: Doc;
  readable: boolean;
  problems: readonly Mistake[];
  /** Whether the server has said what it thinks of the text as it stands. */
  settled: boolean;
  problem: Problem | null;
}

const WAIT = 250;

/** A scene's text and its form, kept in step by the server: whichever is edited, the other follows. */
export function useDraft(name: string, first: string) {
  const [draft, setDraft] = useState<Draft>({ text: first, doc: {}, readable: true, problems: [], settled: false, problem: null });
  const turn = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const text = useRef(first);
  const waiting = useRef<Doc>({});

  const ask = useCallback((work: () => Promise<{ text?: string; fields: Doc | null; problems: readonly Mistake[] }>, wait: number) => {
    const mine = ++turn.current;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      work().then(
        (found) => {
          if (mine !== turn.current) return;
          waiting.current = {};
          if (found.text !== undefined) text.current = found.text;
          setDraft((now) => ({ text: text.current, doc: found.fields ?? now.doc, readable: found.fields !== null, problems: found.problems, settled: true, problem: null }));
        },
        (error: unknown) => {
          if (mine === turn.current) setDraft((now) => ({ ...now, settled: true, problem: asProblem(error) }));
        },
      );
    }, wait);
  }, []);

  const read = useCallback((wait: number) => ask(() => answer(api.POST("/api/v1/scenes/form", { body: { name, text: text.current } })), wait), [ask, name]);

  /** The text itself is another now. */
  const write = useCallback(
    (next: string) => {
      waiting.current = {};
      text.current = next;
      setDraft((now) => ({ ...now, text: next, settled: false }));
      read(WAIT);
    },
    [read],
  );

  /** Keys of the text say something else now (null: nothing); the form shows it at once, the text a moment later. */
  const fill = useCallback(
    (change: Doc) => {
      waiting.current = { ...waiting.current, ...change };
      setDraft((now) => ({ ...now, doc: { ...now.doc, ...change }, settled: false }));
      ask(() => answer(api.POST("/api/v1/scenes/text", { body: { name, text: text.current, fields: waiting.current } })), WAIT);
    },
    [ask, name],
  );

  useEffect(() => {
    read(0);
    return () => clearTimeout(timer.current);
  }, [read]);

  return { draft, write, fill };
}
