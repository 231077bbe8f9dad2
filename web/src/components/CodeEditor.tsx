import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "../lib/useFormat";
import css from "./editor.module.css";
import { Icon } from "./Icon";
import { Said } from "./Said";

const Text = lazy(() => import("./CodeText"));

export interface Mistake {
  /** From 1; null where it concerns the whole text. */
  line?: number | null | undefined;
  /** From 1. */
  column?: number | null | undefined;
  message: string;
  /** The server's word for it. */
  code?: string | undefined;
  hint?: string | null | undefined;
}

export interface CodeEditorProps {
  value: string;
  onChange: (value: string) => void;
  /** What the text is, for those who do not see it. */
  label: string;
  language?: "yaml" | "expression" | "text";
  problems?: readonly Mistake[];
  readOnly?: boolean;
  height?: number | "auto";
  /** Words to complete: tags, events, properties. */
  words?: readonly { word: string; note?: string }[];
  /** What ⌘Enter does. */
  onSubmit?: () => void;
  placeholder?: string;
  /** Whether the problems are also listed below. */
  list?: boolean;
}

/** A text editor for definitions and conditions, with its problems at their lines. */
export function CodeEditor({ list = true, ...props }: CodeEditorProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const problems = props.problems ?? [];
  const height = props.height ?? 320;
  return (
    <div className={css["editor"]}>
      <Suspense fallback={<pre className={css["before"]} style={{ minHeight: height === "auto" ? 36 : height }}>{props.value}</pre>}>
        <Text {...props} height={height} />
      </Suspense>
      {list && problems.length > 0 && (
        <ul className={css["problems"]} aria-label={t("editor.problems", { count: problems.length })}>
          {problems.map((problem, index) => (
            <li key={index}>
              <Icon name="warning" size={16} />
              <span>
                {typeof problem.line === "number" && <strong>{t("editor.line", { line: format.exact(problem.line) })}: </strong>}
                <Said of={{ message: problem.message, code: problem.code ?? "" }} />
                {problem.hint && (
                  <span className={css["hint"]}>
                    {" "}
                    <Said of={problem.hint} />
                  </span>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
