import { useCallback, useEffect, useRef, useState } from "react";

import { type Answer, answer, api, asProblem, type Problem } from "../../lib/api";

type Read = Answer<"/api/v1/content/form", "post">;
export type Fields = NonNullable<Read["fields"]>;

export interface Draft {
  text: string;
  /** What the text says; the last that could be read, while it cannot be. */
  fields: Fields | null;
  /** Whether the text can be read as it stands. */
  readable: boolean;
  problems: Read["problems"];
  settled: boolean;
  problem: Problem | null;
}

const WAIT = 250;

/** An item's text and its form, kept in step by the server: whichever is edited, the other follows. */
export function useItem(name: string, first: string) {
  const [draft, setDraft] = useState<Draft>({ text: first, fields: null, readable: true, problems: [], settled: false, problem: null });
  const turn = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const text = useRef(first);
  const waiting = useRef<Partial<Fields>>({});

  const ask = useCallback((work: () => Promise<Read & { text?: string }>, wait: number) => {
    const mine = ++turn.current;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      work().then(
        (found) => {
          if (mine !== turn.current) return;
          waiting.current = {};
          if (found.text !== undefined) text.current = found.text;
          setDraft((now) => ({ text: text.current, fields: found.fields ?? now.fields, readable: found.fields !== null, problems: found.problems, settled: true, problem: null }));
        },
        (error: unknown) => {
          if (mine === turn.current) setDraft((now) => ({ ...now, settled: true, problem: asProblem(error) }));
        },
      );
    }, wait);
  }, []);

  const read = useCallback((wait: number) => ask(() => answer(api.POST("/api/v1/content/form", { body: { name, text: text.current } })), wait), [ask, name]);

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

  /** Some fields say something else now; the form shows it at once, the text a moment later. */
  const fill = useCallback(
    (change: Partial<Fields>) => {
      waiting.current = { ...waiting.current, ...change };
      setDraft((now) => ({ ...now, fields: now.fields && { ...now.fields, ...change }, settled: false }));
      ask(() => answer(api.POST("/api/v1/content/text", { body: { name, text: text.current, fields: waiting.current } })), WAIT);
    },
    [ask, name],
  );

  useEffect(() => {
    read(0);
    return () => clearTimeout(timer.current);
  }, [read]);

  return { draft, write, fill };
}
