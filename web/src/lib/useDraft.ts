import { useCallback, useEffect, useRef, useState } from "react";

import { asProblem, type Problem } from "./api";

/** What the server says of a text: its form (null where it cannot be read) and its mistakes. */
interface Read<F, P> {
  fields: F | null;
  problems: readonly P[];
}

/** How the server is asked about a definition; made once, beside the page. */
export interface Asks<F extends object, P> {
  /** The form of a text. */
  form: (name: string, text: string) => Promise<Read<F, P>>;
  /** The text in which some keys say something else; `whole`: everything the form holds then. */
  text: (name: string, text: string, change: Partial<F>, whole: F) => Promise<Read<F, P> & { text: string }>;
  /** What the form shows once what was typed into it is written; default: what was written. */
  settle?: (typed: F, written: F) => F;
}

export interface Draft<F, P> {
  text: string;
  /** What the text says; the last that could be read, while it cannot be; null before anything could. */
  fields: F | null;
  /** Whether the text can be read as it stands. */
  readable: boolean;
  problems: readonly P[];
  /** Whether the server has said what it thinks of the text as it stands. */
  settled: boolean;
  /** Why the server could not be asked, or the form not be written into the text. */
  problem: Problem | null;
  /** Texts before changes in a form, the latest last. */
  past: readonly string[];
}

const WAIT = 250;
const MOST_PAST = 100;

/** A definition's text and its form, kept in step by the server: whichever is edited, the other follows. */
export function useDraft<F extends object, P>(name: string, first: string, asks: Asks<F, P>) {
  const [draft, setDraft] = useState<Draft<F, P>>({ text: first, fields: null, readable: true, problems: [], settled: false, problem: null, past: [] });
  const turn = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const text = useRef(first);
  const fields = useRef<F | null>(null);
  const waiting = useRef<Partial<F>>({});

  const ask = useCallback(
    (work: () => Promise<Read<F, P> & { text?: string }>, wait: number) => {
      const mine = ++turn.current;
      clearTimeout(timer.current);
      timer.current = setTimeout(() => {
        work().then(
          (found) => {
            if (mine !== turn.current) return;
            const typed = Object.keys(waiting.current).length > 0 ? fields.current : null;
            waiting.current = {};
            if (found.text !== undefined) text.current = found.text;
            if (found.fields) fields.current = typed && asks.settle ? asks.settle(typed, found.fields) : found.fields;
            setDraft((now) => ({ ...now, text: text.current, fields: fields.current, readable: found.fields !== null, problems: found.problems, settled: true, problem: null }));
          },
          (error: unknown) => {
            if (mine === turn.current) setDraft((now) => ({ ...now, settled: true, problem: asProblem(error) }));
          },
        );
      }, wait);
    },
    [asks],
  );

  const read = useCallback((wait: number) => ask(() => asks.form(name, text.current), wait), [ask, asks, name]);

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

  /** Some keys say something else now; the form shows it at once, the text a moment later. */
  const fill = useCallback(
    (change: Partial<F>) => {
      const fresh = Object.keys(waiting.current).length === 0;
      waiting.current = { ...waiting.current, ...change };
      const whole = { ...fields.current, ...change } as F;
      fields.current = whole;
      const before = text.current;
      setDraft((now) => ({ ...now, fields: whole, settled: false, past: fresh && now.past.at(-1) !== before ? [...now.past.slice(1 - MOST_PAST), before] : now.past }));
      ask(() => asks.text(name, text.current, waiting.current, whole), WAIT);
    },
    [ask, asks, name],
  );

  /** The text as it was before the last change in a form. */
  const undo = useCallback(() => {
    const before = draft.past.at(-1);
    if (before === undefined) return;
    setDraft((now) => ({ ...now, past: now.past.slice(0, -1) }));
    write(before);
  }, [draft.past, write]);

  useEffect(() => {
    read(0);
  }, [read]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return { draft, write, fill, undo };
}
