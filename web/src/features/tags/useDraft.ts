import { useCallback, useEffect, useRef, useState } from "react";

import { type Answer, answer, api, asProblem, type Problem } from "../../lib/api";
import { type Fields, fieldsOf } from "./fields";

type Mistakes = Answer<"/api/v1/tags/form", "post">["problems"];

export interface Draft {
  text: string;
  /** The form of the text; null when the text is no YAML. */
  fields: Fields | null;
  problems: Mistakes;
  /** Whether the server has said what it thinks of the text as it stands. */
  settled: boolean;
  /** Why the form could not be written into the text. */
  problem: Problem | null;
}

const WAIT = 250;

/** A tag's text and its form, kept in step by the server: whichever is edited, the other follows. */
export function useDraft(key: string, first: string) {
  const [draft, setDraft] = useState<Draft>({ text: first, fields: null, problems: [], settled: false, problem: null });
  const turn = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const text = useRef(first);
  const asKey = useRef(key);

  const read = useCallback((wait: number) => {
    const mine = ++turn.current;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      answer(api.POST("/api/v1/tags/form", { body: { key: asKey.current || "new_tag", text: text.current } })).then(
        (found) => {
          if (mine === turn.current) setDraft((now) => ({ ...now, fields: fieldsOf(found.fields), problems: found.problems, settled: true, problem: null }));
        },
        (error: unknown) => {
          if (mine === turn.current) setDraft((now) => ({ ...now, settled: true, problem: asProblem(error) }));
        },
      );
    }, wait);
  }, []);

  const write = useCallback((next: string) => {
    text.current = next;
    setDraft((now) => ({ ...now, text: next, settled: false }));
    read(WAIT);
  }, [read]);

  const fill = useCallback((change: Partial<Fields>, fields: Fields) => {
    const filled = { ...fields, ...change };
    setDraft((now) => ({ ...now, fields: filled, settled: false }));
    const mine = ++turn.current;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      answer(api.POST("/api/v1/tags/text", { body: { key: asKey.current || "new_tag", text: text.current, fields: filled } })).then(
        (made) => {
          if (mine !== turn.current) return;
          text.current = made.text;
          const written = fieldsOf(made.fields);
          setDraft((now) => ({
            ...now,
            text: made.text,
            // What is being typed stays as it is typed; only the other writing of the same follows.
            fields: now.fields && written ? { ...now.fields, statistic: written.statistic, measure: written.measure, interest: written.interest, kept: written.kept } : written,
            problems: made.problems,
            settled: true,
            problem: null,
          }));
        },
        (error: unknown) => {
          if (mine === turn.current) setDraft((now) => ({ ...now, settled: true, problem: asProblem(error) }));
        },
      );
    }, WAIT);
  }, []);

  useEffect(() => {
    asKey.current = key;
    read(0);
  }, [key, read]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return { draft, write, fill };
}
