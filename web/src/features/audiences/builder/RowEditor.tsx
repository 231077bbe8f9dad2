import { AutoComplete, Button, Input, InputNumber, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../../components/Icon";
import { FailureLine } from "../../../components/States";
import { answer, api, asProblem, type Problem, useAsked } from "../../../lib/api";
import type { Vocabulary } from "../words";
import css from "./builder.module.css";
import {
  CALENDAR_UNITS,
  type DidRow,
  fromTree,
  type Item,
  type Literal,
  newId,
  type Row,
  type Span,
  type TextRow,
  TIMES,
  type TimesOp,
  type Tree,
  UNITS,
  type ValueRow,
  type ValueTest,
} from "./model";
import { SubjectSelect } from "./Subject";

/** The fields of one condition. */
export function RowEditor({ row, onChange, vocabulary }: { row: Row; onChange: (item: Item) => void; vocabulary: Vocabulary }) {
  const { t } = useTranslation("audiences");
  const replace = (next: Row) => onChange({ ...next, id: row.id });
  if (row.kind === "text") return <TextEditor row={row} onChange={onChange} vocabulary={vocabulary} />;
  if (row.kind === "did") return <DidEditor row={row} onChange={onChange} replace={replace} vocabulary={vocabulary} />;
  if (row.kind === "audience") {
    return (
      <>
        <Select
          value={row.not}
          aria-label={t("test")}
          popupMatchSelectWidth={false}
          options={[
            { value: false, label: t("isIn") },
            { value: true, label: t("isNotIn") },
          ]}
          onChange={(not) => onChange({ ...row, not })}
        />
        <SubjectSelect value={`audience:${row.name}`} onChange={replace} vocabulary={vocabulary} label={t("audience")} />
      </>
    );
  }
  const key = row.subject.path.join(".");
  const tag = vocabulary.tags.find((item) => item.key === key);
  const type = row.subject.of === "tag" ? (tag?.type ?? "") : "";
  return (
    <>
      <SubjectSelect value={`${row.subject.of === "tag" ? "tag" : "attribute"}:${key}`} onChange={replace} vocabulary={vocabulary} label={t("subject")} />
      <ValueFields row={row} type={type} known={tag?.values ?? []} onChange={onChange} />
    </>
  );
}

const TESTS: Record<string, readonly ValueTest[]> = {
  flag: ["isTrue", "isFalse", "known", "unknown"],
  text: ["in", "notIn", "=", "!=", "contains", "starts with", "ends with", "matches", "known", "unknown"],
  number: [">=", "<=", ">", "<", "=", "!=", "between", "in", "notIn", "known", "unknown"],
  money: [">=", "<=", ">", "<", "=", "!=", "between", "known", "unknown"],
  instant: ["within", "<", ">=", "known", "unknown"],
  list: ["includes", "known", "unknown"],
  "": ["=", "!=", "in", "notIn", "contains", "starts with", "ends with", ">=", "<=", ">", "<", "between", "includes", "known", "unknown", "isTrue"],
};

/** The test and the value of a tag, an attribute or an event's property. */
function ValueFields({ row, type, known, onChange }: { row: ValueRow; type: string; known: readonly string[]; onChange: (row: ValueRow) => void }) {
  const { t } = useTranslation("audiences");
  const usual = TESTS[type] ?? TESTS[""] ?? [];
  const word = (test: ValueTest) =>
    type === "instant" && (test === "<" || test === "<=" || test === ">" || test === ">=") ? t(`instantTests.${test}`) : t(`tests.${test}`);
  const options = [
    ...usual.map((test) => ({ value: `+${test}`, label: word(test) })),
    ...(type === "flag" ? [{ value: "-isTrue", label: t("notTest", { test: t("tests.isTrue") }) }] : []),
  ];
  const now = `${row.not ? "-" : "+"}${row.test}`;
  if (!options.some((option) => option.value === now)) options.push({ value: now, label: row.not ? t("notTest", { test: word(row.test) }) : word(row.test) });
  const choose = (chosen: string) => {
    const test = chosen.slice(1) as ValueTest;
    const window: Span | null = test === "within" ? (row.window ?? { of: "last", n: 30, unit: "day" }) : null;
    onChange({ ...row, not: chosen.startsWith("-"), test, values: kept(test, row.values), window });
  };
  return (
    <>
      <Select value={now} aria-label={t("test")} popupMatchSelectWidth={false} options={options} onChange={choose} />
      <Values row={row} type={type} known={known} onChange={(values) => onChange({ ...row, values })} />
      {row.test === "within" && <SpanFields span={row.window} onChange={(window) => onChange({ ...row, window })} future />}
    </>
  );
}

/** Of the values those that the test can use. */
function kept(test: ValueTest, values: Literal[]): Literal[] {
  if (test === "in" || test === "notIn") return values;
  if (test === "between") return values.slice(0, 2);
  return ["known", "unknown", "isTrue", "isFalse", "within"].includes(test) ? [] : values.slice(0, 1);
}

function Values({ row, type, known, onChange }: { row: ValueRow; type: string; known: readonly string[]; onChange: (values: Literal[]) => void }) {
  const { t } = useTranslation("audiences");
  const [first, second] = row.values;
  const literal = (text: string) => literalOf(text, type, row.test, first);
  switch (row.test) {
    case "known":
    case "unknown":
    case "isTrue":
    case "isFalse":
    case "within":
      return null;
    case "in":
    case "notIn":
      return (
        <Select
          mode="tags"
          className={css["many"] ?? ""}
          value={row.values.map(wordOf)}
          aria-label={t("values")}
          placeholder={t("values")}
          maxTagCount="responsive"
          tokenSeparators={[",", "，", "、"]}
          options={known.map((value) => ({ value, label: value }))}
          onChange={(words: string[]) => onChange(words.map((text) => row.values.find((old) => wordOf(old) === text) ?? literal(text)))}
        />
      );
    case "between":
      return (
        <>
          <OneValue value={first} type={type} label={t("valueFrom")} known={known} ordered onChange={(value) => onChange([value, second ?? ""])} literal={literal} />
          <span className={css["word"]}>{t("to")}</span>
          <OneValue value={second} type={type} label={t("valueTo")} known={known} ordered onChange={(value) => onChange([first ?? "", value])} literal={literal} />
        </>
      );
    default:
      return (
        <OneValue
          value={first}
          type={type}
          label={t("value")}
          known={known}
          ordered={["<", "<=", ">", ">="].includes(row.test)}
          onChange={(value) => onChange(value === "" && type !== "" ? [] : [value])}
          literal={literal}
        />
      );
  }
}

function OneValue({
  value,
  type,
  label,
  known,
  ordered,
  onChange,
  literal,
}: {
  value: Literal | undefined;
  type: string;
  label: string;
  known: readonly string[];
  ordered: boolean;
  onChange: (value: Literal) => void;
  literal: (text: string) => Literal;
}) {
  if ((type === "number" || type === "money") && (value === undefined || value === "" || typeof value === "number")) {
    return <InputNumber className={css["numeric"] ?? ""} value={typeof value === "number" ? value : null} aria-label={label} onChange={(given) => onChange(typeof given === "number" ? given : "")} />;
  }
  if (type === "instant" && ordered) {
    const written = value === undefined ? "" : wordOf(value);
    return <DateField value={written} label={label} onChange={(at) => onChange({ is: "instant", value: at })} />;
  }
  return (
    <AutoComplete
      className={css["single"] ?? ""}
      value={value === undefined ? "" : wordOf(value)}
      aria-label={label}
      placeholder={label}
      options={known.filter((option) => option !== "").map((option) => ({ value: option }))}
      showSearch={{ filterOption: (typed, option) => (option?.value ?? "").toLowerCase().includes(typed.toLowerCase()) }}
      onChange={(text: string) => onChange(literal(text))}
    />
  );
}

/** A date, or an exact instant where one stood before. */
function DateField({ value, label, onChange }: { value: string; label: string; onChange: (value: string) => void }) {
  const plain = value === "" || /^\d{4}-\d{2}-\d{2}$/.test(value);
  return <Input className={css["date"] ?? ""} type={plain ? "date" : "text"} value={value} aria-label={label} onChange={(event) => onChange(event.target.value)} />;
}

function wordOf(value: Literal): string {
  return typeof value === "object" ? value.value : String(value);
}

const NUMBER = /^-?\d+(\.\d+)?$/;

/** What was typed as a value of the type; where there is no type, as what stood there before, or as what the test needs. */
function literalOf(text: string, type: string, test: ValueTest, before: Literal | undefined): Literal {
  if (type === "number" || type === "money") return NUMBER.test(text) ? Number(text) : text;
  if (type === "instant") return { is: "instant", value: text };
  if (type === "") {
    const numeric = ["<", "<=", ">", ">=", "between"].includes(test) || typeof before === "number";
    if (numeric && NUMBER.test(text)) return Number(text);
    if (typeof before === "boolean" && (text === "true" || text === "false")) return text === "true";
  }
  return text;
}

// --- what somebody did -----------------------------------------------------------------------------

function DidEditor({ row, onChange, replace, vocabulary }: { row: DidRow; onChange: (row: DidRow) => void; replace: (row: Row) => void; vocabulary: Vocabulary }) {
  const { t } = useTranslation("audiences");
  return (
    <>
      <Select
        value={row.not}
        aria-label={t("test")}
        popupMatchSelectWidth={false}
        options={[
          { value: false, label: t("did") },
          { value: true, label: t("didNot") },
        ]}
        onChange={(not) => onChange({ ...row, not })}
      />
      <EventSelect row={row} replace={replace} onChange={onChange} vocabulary={vocabulary} />
      <Select<TimesOp | "">
        value={row.times?.op ?? ""}
        aria-label={t("often")}
        popupMatchSelectWidth={false}
        options={[{ value: "", label: t("anyTimes") }, ...TIMES.map((op) => ({ value: op, label: t(`times.${op}`) }))]}
        onChange={(op) => onChange({ ...row, times: op === "" ? null : { op, n: row.times?.n ?? 2 } })}
      />
      {row.times && (
        <>
          <InputNumber className={css["small"] ?? ""} min={0} precision={0} value={row.times.n} aria-label={t("number")} onChange={(n) => onChange({ ...row, times: row.times && { ...row.times, n: n ?? 0 } })} />
          <span className={css["word"]}>{t("timesUnit")}</span>
        </>
      )}
      <SpanFields span={row.window} onChange={(window) => onChange({ ...row, window })} ever />
      <div className={css["wheres"]}>
        {row.where.map((test) => (
          <div key={test.id} className={css["where"]}>
            <span className={css["word"]}>{t("where")}</span>
            <Select
              showSearch
              className={css["subject"] ?? ""}
              value={test.subject.path[0] || null}
              placeholder={t("property")}
              aria-label={t("property")}
              popupMatchSelectWidth={240}
              options={vocabulary.properties.map((property) => ({ value: property.name, label: property.name }))}
              onChange={(name) => onChange({ ...row, where: row.where.map((old) => (old.id === test.id ? propertyRow(name, test.id, vocabulary) : old)) })}
            />
            <ValueFields
              row={test}
              type={vocabulary.properties.find((property) => property.name === test.subject.path[0])?.type ?? ""}
              known={[]}
              onChange={(next) => onChange({ ...row, where: row.where.map((old) => (old.id === test.id ? next : old)) })}
            />
            <Button type="text" size="small" icon={<Icon name="close" size={16} />} aria-label={t("removeWhere")} onClick={() => onChange({ ...row, where: row.where.filter((old) => old.id !== test.id) })} />
          </div>
        ))}
        {vocabulary.properties.length > 0 && (
          <Button type="link" size="small" className={css["addWhere"] ?? ""} onClick={() => onChange({ ...row, where: [...row.where, propertyRow("", newId(), vocabulary)] })}>
            {t("addWhere")}
          </Button>
        )}
      </div>
    </>
  );
}

/** The event. Its name may end in * for all that begin so, so that any name can be typed. */
function EventSelect({ row, replace, onChange, vocabulary }: { row: DidRow; replace: (row: Row) => void; onChange: (row: DidRow) => void; vocabulary: Vocabulary }) {
  const { t } = useTranslation("audiences");
  return (
    <SubjectSelect
      value={`did:${row.event}`}
      vocabulary={vocabulary}
      label={t("subject")}
      onChange={(next) => (next.kind === "did" ? onChange({ ...row, event: next.event }) : replace(next))}
    />
  );
}

function propertyRow(name: string, id: string, vocabulary: Vocabulary): ValueRow {
  const type = vocabulary.properties.find((property) => property.name === name)?.type ?? "";
  const test = TESTS[type]?.[0] ?? "=";
  return { kind: "value", id, not: false, subject: { of: "property", path: [name] }, test, values: [], window: test === "within" ? { of: "last", n: 30, unit: "day" } : null };
}

// --- when ------------------------------------------------------------------------------------------

const SPANS = ["last", "lastCalendar", "this", "since", "before", "between", "longAgo"] as const;

function SpanFields({ span, onChange, ever, future }: { span: Span | null; onChange: (span: Span | null) => void; ever?: boolean; future?: boolean }) {
  const { t } = useTranslation("audiences");
  const kinds = [...(ever ? (["ever"] as const) : []), ...SPANS, ...(future ? (["next"] as const) : [])];
  const change = (kind: (typeof kinds)[number]) => {
    const n = span && "n" in span ? span.n : 30;
    if (kind === "ever") onChange(null);
    else if (kind === "last" || kind === "next" || kind === "longAgo") onChange({ of: kind, n, unit: span && "unit" in span && UNITS.some((unit) => unit === span.unit) ? span.unit : "day" });
    else if (kind === "lastCalendar") onChange({ of: kind, n: 1, unit: "month" });
    else if (kind === "this") onChange({ of: kind, unit: "month" });
    else if (kind === "between") onChange({ of: kind, from: "", to: "" });
    else onChange({ of: kind, at: "" });
  };
  const units = span?.of === "lastCalendar" || span?.of === "this" ? CALENDAR_UNITS : UNITS;
  return (
    <>
      <Select value={span?.of ?? "ever"} aria-label={t("window")} popupMatchSelectWidth={false} options={kinds.map((kind) => ({ value: kind, label: t(`windows.${kind}`) }))} onChange={change} />
      {span && "n" in span && (
        <InputNumber className={css["small"] ?? ""} min={1} precision={0} value={span.n} aria-label={t("number")} onChange={(n) => onChange({ ...span, n: n ?? 0 })} />
      )}
      {span && "unit" in span && (
        <Select
          value={span.unit}
          aria-label={t("unit")}
          popupMatchSelectWidth={false}
          options={units.map((unit) => ({ value: unit, label: span.of === "this" ? t(`thisUnits.${unit as (typeof CALENDAR_UNITS)[number]}`) : t(`units.${unit}`) }))}
          onChange={(unit) => onChange({ ...span, unit })}
        />
      )}
      {span?.of === "longAgo" && <span className={css["word"]}>{t("ago")}</span>}
      {(span?.of === "since" || span?.of === "before") && <DateField value={span.at} label={t("date")} onChange={(at) => onChange({ ...span, at })} />}
      {span?.of === "between" && (
        <>
          <DateField value={span.from} label={t("valueFrom")} onChange={(from) => onChange({ ...span, from })} />
          <span className={css["word"]}>{t("to")}</span>
          <DateField value={span.to} label={t("valueTo")} onChange={(to) => onChange({ ...span, to })} />
        </>
      )}
    </>
  );
}

// --- in words --------------------------------------------------------------------------------------

/** A condition that has no fields: its text, read when Enter is pressed or the field is left. */
function TextEditor({ row, onChange, vocabulary }: { row: TextRow; onChange: (item: Item) => void; vocabulary: Vocabulary }) {
  const { t } = useTranslation("audiences");
  const printed = useAsked("/api/v1/expressions/print", { body: { tree: row.tree, kind: "person" } }, { enabled: row.text === null && row.tree !== null, staleTime: Infinity });
  const [draft, setDraft] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const text = draft ?? row.text ?? printed.data?.text ?? "";
  const read = async () => {
    if (draft === null) return;
    if (!draft.trim()) {
      onChange({ ...row, text: "", tree: null });
      return;
    }
    try {
      const found = await answer(api.POST("/api/v1/expressions/check", { body: { expression: draft, kind: "person" } }));
      const read = fromTree(found.tree as Tree, (name) => vocabulary.tags.some((tag) => tag.key === name));
      const [only] = read.items;
      setProblem(null);
      setDraft(null);
      if (read.items.length === 1 && only?.kind !== "text") onChange(only ? { ...only, id: row.id } : row);
      else if (read.items.length > 1) onChange({ ...read, id: row.id });
      else onChange({ ...row, text: found.text, tree: found.tree as Tree });
    } catch (error) {
      setProblem(asProblem(error));
      onChange({ ...row, text: draft, tree: null });
    }
  };
  return (
    <div className={css["written"]}>
      <Input.TextArea
        rows={1}
        className={css["code"] ?? ""}
        value={text}
        spellCheck={false}
        autoFocus={row.text === ""}
        aria-label={t("writtenLabel")}
        title={t("writtenHint")}
        placeholder={'did "Visit" at least 1 time in at least 2 of the last 4 periods of 1 week'}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={() => void read()}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            void read();
          }
        }}
      />
      {problem && <FailureLine error={problem} />}
    </div>
  );
}
