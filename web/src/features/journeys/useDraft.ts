import { useCallback, useEffect, useRef, useState } from "react";

import { type Answer, answer, api, asProblem, type Problem } from "../../lib/api";
import type { Doc } from "./graph";

export type Mistake = Answer<"/api/v1/journeys/form", "post">["problems"][number];

export interface Draft {
  text: string;
  /** What the text says; the last that could be read, while it cannot be. */
  doc: Doc;
  /** Whether the text can be read as it stands. */
  readable: boolean;
  problems: readonly Mistake[];
  /** Whether the server has said what it thinks of the text as it stands. */
  settled: boolean;
  problem: Problem | null;
  /** Texts before changes in the picture or a form, the latest last. */
  past: readonly string[];
}

const WAIT = 250;

/** A journey's text and its picture, kept in step by the server: whichever is edited, the other follows. */
export function useDraft(name: string, first: string) {
  const [draft, setDraft] = useState<Draft>({ text: first, doc: {}, readable: true, problems: [], settled: false, problem: null, past: [] });
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
          setDraft((now) => ({ ...now, text: text.current, doc: found.fields ?? now.doc, readable: found.fields !== null, problems: found.problems, settled: true, problem: null }));
        },
        (error: unknown) => {
          if (mine === turn.current) setDraft((now) => ({ ...now, settled: true, problem: asProblem(error) }));
        },
      );
    }, wait);
  }, []);

  const read = useCallback((wait: number) => ask(() => answer(api.POST("/api/v1/journeys/form", { body: { name, text: text.current } })), wait), [ask, name]);

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

  /** Keys of the text say something else now (null: nothing); the picture shows it at once, the text a moment later. */
  const fill = useCallback(
    (change: Doc) => {
      const fresh = Object.keys(waiting.current).length === 0;
      waiting.current = { ...waiting.current, ...change };
      const before = text.current;
      setDraft((now) => ({ ...now, doc: { ...now.doc, ...change }, settled: false, past: fresh && now.past.at(-1) !== before ? [...now.past.slice(-99), before] : now.past }));
      ask(() => answer(api.POST("/api/v1/journeys/text", { body: { name, text: text.current, fields: waiting.current } })), WAIT);
    },
    [ask, name],
  );

  /** The text as it was before the last change in the picture or a form. */
  const undo = useCallback(() => {
    const before = draft.past.at(-1);
    if (before === undefined) return;
    setDraft((now) => ({ ...now, past: now.past.slice(0, -1) }));
    write(before);
  }, [draft.past, write]);

  useEffect(() => {
    read(0);
    return () => clearTimeout(timer.current);
  }, [read]);

  return { draft, write, fill, undo };
}
