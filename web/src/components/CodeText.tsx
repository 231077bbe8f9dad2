import { autocompletion, closeBrackets, closeBracketsKeymap, type CompletionContext, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder as shadow } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

import { usePreferences } from "../lib/preferences";
import { refusalIn } from "../lib/refusals";
import { saidIn } from "../lib/sentences";
import { NONCE } from "../lib/theme";
import type { CodeEditorProps, Mistake } from "./CodeEditor";

const WORDS =
  /^(?:and|or|not|did|count|sum|average|min|max|first|last|days?|weeks?|months?|hours?|years?|of|in|at|least|most|times?|where|within|before|after|since|between|is|has|tag|true|false|null|contains|starts|ends|with|then|every|none|any|all)\b/i;

/** The language of conditions, as far as colours need it. */
const expression = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^'(?:[^'\\]|\\.)*'?/)) return "string";
    if (stream.match(/^\d[\d_]*(?:\.\d+)?/)) return "number";
    if (stream.match(WORDS)) return "keyword";
    if (stream.match(/^[\p{L}_][\p{L}\p{N}_.]*/u)) return "variableName";
    if (stream.match(/^[<>=!]=?|^[+\-*/]/)) return "operator";
    stream.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent-strong)" },
  { tag: [tags.keyword, tags.bool, tags.null], color: "var(--accent-strong)", fontWeight: "500" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: tags.number, color: "var(--warn)" },
  { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.operator, tags.punctuation, tags.separator], color: "var(--ink-3)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "transparent", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--code-family)", lineHeight: "20px" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 12px 0 8px" },
  ".cm-gutters": { color: "var(--ink-3)", backgroundColor: "transparent", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--hover) 60%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--raised)", border: "1px solid var(--line)", borderRadius: "6px", boxShadow: "var(--shadow-float)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--ink)", backgroundColor: "var(--accent-soft)" },
  ".cm-completionDetail": { color: "var(--ink-3)", fontStyle: "normal" },
  ".cm-diagnostic": { borderLeft: "none", padding: "6px 12px", fontFamily: "var(--text-family)" },
  ".cm-diagnostic-error": { borderLeft: "none" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--danger) 1px", textUnderlineOffset: "3px" },
  ".cm-gutter-lint": { width: "14px" },
  ".cm-lint-marker-error": { content: "none", width: "8px", height: "8px", margin: "6px 3px", borderRadius: "4px", backgroundColor: "var(--danger)" },
  ".cm-placeholder": { color: "var(--ink-3)" },
});

export default function CodeText(props: CodeEditorProps) {
  const { value, label, language = "yaml", problems, readOnly = false, height = 320, placeholder } = props;
  const { dark, language: spoken } = usePreferences();
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef(props);
  const parts = useRef({ fixed: new Compartment(), dark: new Compartment() });
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (!place.current) return undefined;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(NONCE),
          keymap.of([
            {
              key: "Mod-Enter",
              run: () => {
                latest.current.onSubmit?.();
                return latest.current.onSubmit !== undefined;
              },
            },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...(language === "yaml" ? [indentWithTab] : []),
          ]),
          ...(language === "expression" ? [EditorView.lineWrapping] : [lineNumbers(), highlightActiveLine(), indentOnInput()]),
          lintGutter(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ override: [(context) => completed(context, latest.current.words ?? [])], icons: false }),
          grammar(language),
          syntaxHighlighting(colours),
          EditorState.tabSize.of(2),
          parts.current.fixed.of([]),
          parts.current.dark.of([]),
          look,
          shadow(placeholder ?? ""),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              const text = update.state.doc.toString();
              if (text !== latest.current.value) latest.current.onChange(text);
            }
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, [language, label, placeholder]);
  useEffect(() => {
    const now = view.current;
    if (now && now.state.doc.toString() !== value) now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    view.current?.dispatch({
      effects: parts.current.fixed.reconfigure([EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly)]),
    });
  }, [readOnly, language, label, placeholder]);
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.dark.reconfigure(EditorView.darkTheme.of(dark)) });
  }, [dark, language, label, placeholder]);
  useEffect(() => {
    const now = view.current;
    if (now) now.dispatch(setDiagnostics(now.state, (problems ?? []).flatMap((problem) => marked(now.state, { ...problem, message: refusalIn({ message: problem.message, code: problem.code ?? "" }, spoken), hint: problem.hint && saidIn(problem.hint, spoken) }))));
  }, [spoken, problems, value, language, label, placeholder]);
  return <div ref={place} style={height === "auto" ? { minHeight: 36 } : { height }} />;
}

function grammar(language: string): Extension {
  if (language === "yaml") return yaml();
  return language === "expression" ? expression : [];
}

/** The problem at the word where it is, or at its line. */
function marked(state: EditorState, problem: Mistake): Diagnostic[] {
  if (typeof problem.line !== "number" || problem.line < 1 || problem.line > state.doc.lines) return [];
  const line = state.doc.line(problem.line);
  const start = line.from + Math.max(0, Math.min((problem.column ?? 1) - 1, line.length));
  const word = /^[\p{L}\p{N}_.-]+/u.exec(state.sliceDoc(start, line.to))?.[0].length ?? 0;
  const from = typeof problem.column === "number" ? start : line.from + (/^\s*/.exec(line.text)?.[0].length ?? 0);
  const to = typeof problem.column === "number" ? Math.min(line.to, start + Math.max(1, word)) : line.to;
  return [{ from: Math.min(from, to), to, severity: "error", message: problem.hint ? `${problem.message} ${problem.hint}` : problem.message }];
}

function completed(context: CompletionContext, words: readonly { word: string; note?: string }[]) {
  const before = context.matchBefore(/[\p{L}_"][\p{L}\p{N}_."-]*$/u);
  if (!words.length || (!before && !context.explicit)) return null;
  return {
    from: before?.from ?? context.pos,
    options: words.map(({ word, note }) => ({ label: word, ...(note === undefined ? {} : { detail: note }) })),
    validFor: /^[\p{L}\p{N}_."-]*$/u,
  };
}
