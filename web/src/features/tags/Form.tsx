import { Alert, AutoComplete, Button, Input, InputNumber, Segmented, Select } from "antd";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import type { Answer } from "../../lib/api";
import { CALENDAR_UNITS, type Case, type Fields, FUNCTIONS, INTERESTS, type Measure, METHODS, NATURES, OF_PROPERTY, TYPES, typeOf, UNITS, type Window, WINDOWS, windowOf, withFunction, withMethod } from "./fields";
import { InterestForm } from "./InterestForm";
import { RuleForm } from "./RuleForm";
import css from "./tags.module.css";

export type Vocabulary = Answer<"/api/v1/expressions/names">;

interface FormProps {
  fields: Fields;
  change: (change: Partial<Fields>) => void;
  names: Vocabulary | undefined;
  categories: readonly string[];
  readOnly: boolean;
}

/** A tag's file as a form. What is chosen here stands in the text a moment later. */
export function Form({ fields, change, names, categories, readOnly }: FormProps) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const plain = "" in fields.title;
  const given = fields.method === "manual" || fields.method === "imported";
  const title = (language: string, text: string) => change({ title: { ...(plain ? {} : fields.title), [language]: text } });
  return (
    <fieldset className={css["form"]} disabled={readOnly}>
      {fields.kept.length > 0 && <Alert type="info" showIcon title={t("hint.kept", { keys: fields.kept.join(", ") })} />}
      <div className={css["pair"]}>
        <Field label={t("field.titleEn")}>{(id) => <Input id={id} value={fields.title["en"] ?? fields.title[""] ?? ""} onChange={(event) => title("en", event.target.value)} />}</Field>
        <Field label={t("field.titleZh")}>{(id) => <Input id={id} value={fields.title["zh"] ?? ""} onChange={(event) => title("zh", event.target.value)} />}</Field>
      </div>
      <Field label={t("field.method")} group>
        {() => (
          <Segmented
            aria-label={t("field.method")}
            disabled={readOnly}
            value={fields.method}
            onChange={(method) => change(withMethod(fields, method, names?.events[0] ?? "Order Paid"))}
            options={METHODS.map((value) => ({ value, label: common(`method.${value}`) }))}
          />
        )}
      </Field>
      <div className={css["pair"]}>
        <Field label={t("field.nature")}>
          {(id) => <Select id={id} value={fields.nature} disabled={readOnly} onChange={(nature) => change({ nature })} options={NATURES.map((value) => ({ value, label: common(`nature.${value}`), disabled: !fits(value, fields.method) }))} />}
        </Field>
        <Field label={t("field.type")}>
          {(id) => <Select id={id} value={fields.type} disabled={readOnly} onChange={(type) => change({ type })} options={TYPES.map((value) => ({ value, label: t(`type.${value}`) }))} />}
        </Field>
      </div>
      {fields.method === "observed" && (
        <Field label={t("field.attribute")} hint={t("hint.attribute")}>
          {(id) => <Words id={id} value={fields.attribute} onChange={(attribute) => change({ attribute })} words={names?.attributes ?? []} />}
        </Field>
      )}
      {fields.method === "statistic" && <Statistic fields={fields} change={change} names={names} readOnly={readOnly} />}
      {fields.method === "rule" && <RuleForm fields={fields} change={change} names={names} readOnly={readOnly} />}
      {given && fields.type !== "flag" && (
        <Field label={t("field.values")} hint={t("hint.values")}>
          {(id) => <Select id={id} mode="tags" open={false} suffix={null} value={fields.values} disabled={readOnly} tokenSeparators={[",", "，", "、"]} onChange={(values: string[]) => change({ values })} />}
        </Field>
      )}
      <div className={css["pair"]}>
        <Field label={t("field.validity")} hint={t("hint.validity")}>
          {(id) => <Words id={id} value={fields.validity} onChange={(validity) => change({ validity })} words={["1 day", "2 days", "1 week", "30 days"]} />}
        </Field>
        {!given && <Field label={t("field.refresh")} hint={t("hint.refresh")}>
          {(id) => <Words id={id} value={fields.refresh} onChange={(refresh) => change({ refresh })} words={["0 3 * * *", "0 * * * *", "0 3 * * 1"]} />}
        </Field>}
        <Field label={t("field.category")} hint={t("hint.category")}>
          {(id) => <Words id={id} value={fields.category} onChange={(category) => change({ category })} words={categories} />}
        </Field>
        <Field label={t("field.owner")}>{(id) => <Input id={id} value={fields.owner} onChange={(event) => change({ owner: event.target.value })} />}</Field>
      </div>
      <Field label={t("field.why")} hint={t("hint.why")}>
        {(id) => <Input.TextArea id={id} value={fields.why} rows={2} onChange={(event) => change({ why: event.target.value })} />}
      </Field>
      <Field label={t("field.metric")} hint={t("hint.metric")}>{(id) => <Input id={id} value={fields.metric} onChange={(event) => change({ metric: event.target.value })} />}</Field>
      {!given && fields.method !== "observed" && (
        <div className={css["pair"]}>
          <Field label={t("field.truth")} hint={t("hint.truth")}>
            {(id) => <Words id={id} value={fields.truth} onChange={(truth) => change({ truth, ...(truth ? {} : { at_least: "" }) })} words={(names?.tags ?? []).filter((tag) => tag.type === fields.type).map((tag) => tag.key)} />}
          </Field>
          {fields.truth !== "" && (
            <Field label={t("field.atLeast")} hint={t("hint.atLeast")}>
              {(id) => <Input id={id} value={fields.at_least} inputMode="decimal" onChange={(event) => change({ at_least: event.target.value })} />}
            </Field>
          )}
        </div>
      )}
      <Field label={t("field.source")}>{(id) => <Input id={id} value={fields.source} onChange={(event) => change({ source: event.target.value })} />}</Field>
    </fieldset>
  );
}

function fits(nature: string, method: string): boolean {
  return method === "rule" || method === "manual" || method === "imported" ? nature !== "prediction" : nature === "fact";
}

/** A name above what is filled in, and a hint below. */
export function Field({ label, hint, group, children }: { label: string; hint?: string; group?: boolean; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className={css["field"]}>
      {group ? <span className={css["fieldLabel"]}>{label}</span> : <label htmlFor={id}>{label}</label>}
      {children(id)}
      {hint && <span className={css["hint"]}>{hint}</span>}
    </div>
  );
}

/** A text with words to choose from. */
export function Words({ id, value, onChange, words, label }: { id?: string; value: string; onChange: (value: string) => void; words: readonly string[]; label?: string }) {
  return (
    <AutoComplete
      {...(id ? { id } : {})}
      {...(label ? { "aria-label": label } : {})}
      value={value}
      onChange={onChange}
      className={css["wide"] ?? ""}
      options={words.filter((word) => word.toLowerCase().includes(value.toLowerCase()) || words.includes(value)).map((word) => ({ value: word }))}
    />
  );
}

export interface PartProps {
  fields: Fields;
  change: (change: Partial<Fields>) => void;
  names: Vocabulary | undefined;
  readOnly: boolean;
}

function Statistic({ fields, change, names, readOnly }: PartProps) {
  const { t } = useTranslation("tags");
  const [asText, setAsText] = useState(false);
  const shown = fields.measure !== null || fields.interest !== null;
  const parts = shown && !asText;
  const text = (names?.properties ?? []).find((item) => item.type === "text")?.name ?? "";
  const other = (name: string) => change(withFunction(fields, name, names?.events[0] ?? "Order Paid", INTERESTS.some((item) => item === name) ? text : (names?.properties[0]?.name ?? "")));
  return (
    <div className={css["part"]}>
      <div className={css["partHead"]}>
        <span className={css["fieldLabel"]}>{t("field.statistic")}</span>
        {shown && (
          <Button type="link" size="small" onClick={() => setAsText(!asText)}>
            {parts ? t("editor.asText") : t("editor.asParts")}
          </Button>
        )}
      </div>
      {!shown && fields.statistic.trim() !== "" && <p className={css["hint"]}>{t("hint.onlyText")}</p>}
      {parts && fields.interest ? (
        <>
          <Field label={t("field.function")}>{(id) => <Function id={id} value={fields.interest?.function ?? ""} readOnly={readOnly} onChange={other} />}</Field>
          <InterestForm interest={fields.interest} change={(interest) => change({ interest })} names={names} readOnly={readOnly} />
        </>
      ) : parts && fields.measure ? (
        <Parts measure={fields.measure} change={(measure) => change({ measure, type: typeOf(measure, names?.properties.find((item) => item.name === measure.of)?.type) })} other={other} names={names} readOnly={readOnly} />
      ) : (
        <CodeEditor value={fields.statistic} onChange={(statistic) => change({ statistic })} label={t("field.statistic")} language="expression" height="auto" words={wordsOf(names)} readOnly={readOnly} placeholder={t("hint.statistic")} />
      )}
    </div>
  );
}

function Function({ id, value, onChange, readOnly }: { id: string; value: string; onChange: (name: string) => void; readOnly: boolean }) {
  const { t } = useTranslation("tags");
  return <Select<string> id={id} value={value} disabled={readOnly} onChange={onChange} options={[...FUNCTIONS, ...INTERESTS].map((name) => ({ value: name, label: t(`function.${name}`) }))} />;
}

function Parts({ measure, change, other, names, readOnly }: { measure: Measure; change: (measure: Measure) => void; other: (name: string) => void; names: Vocabulary | undefined; readOnly: boolean }) {
  const { t } = useTranslation("tags");
  const properties = (names?.properties ?? []).filter((item) => !["sum", "avg", "min", "max"].includes(measure.function) || item.type === "number" || item.type === "money").map((item) => item.name);
  const takes = OF_PROPERTY.includes(measure.function);
  return (
    <>
      <div className={css["pair"]}>
        <Field label={t("field.function")}>
          {(id) => (
            <Function
              id={id}
              value={measure.function}
              readOnly={readOnly}
              onChange={(value) => {
                const found = FUNCTIONS.find((item) => item === value);
                if (found) change({ ...measure, function: found, of: OF_PROPERTY.includes(found) ? measure.of || properties[0] || "" : "" });
                else other(value);
              }}
            />
          )}
        </Field>
        {takes && (
          <Field label={t("field.of")}>{(id) => <Words id={id} value={measure.of} onChange={(of) => change({ ...measure, of })} words={properties} />}</Field>
        )}
        <Field label={t("field.event")}>{(id) => <Words id={id} value={measure.event} onChange={(event) => change({ ...measure, event })} words={["*", ...(names?.events ?? [])]} />}</Field>
      </div>
      <When window={measure.window} change={(window) => change({ ...measure, window })} readOnly={readOnly} />
      <Field label={t("field.where")} hint={t("hint.where")} group>
        {() => <CodeEditor value={measure.where} onChange={(where) => change({ ...measure, where })} label={t("field.where")} language="expression" height="auto" words={(names?.properties ?? []).map((item) => ({ word: item.name, note: item.type }))} readOnly={readOnly} />}
      </Field>
    </>
  );
}

/** In which time the events happened. */
export function When({ window, change, readOnly }: { window: Window | null; change: (window: Window | null) => void; readOnly: boolean }) {
  const { t } = useTranslation("tags");
  const counted = window && (window.kind === "in_last" || window.kind === "in_last_calendar");
  const units: readonly Window["unit"][] = window?.kind === "in_last" ? UNITS : CALENDAR_UNITS;
  const date = (field: "first" | "last") =>
    window && <Input type="date" aria-label={field === "first" ? t("field.from") : t("field.to")} value={window[field].slice(0, 10)} onChange={(event) => event.target.value && change({ ...window, [field]: event.target.value })} />;
  return (
    <Field label={t("field.window")}>
      {(id) => (
        <div className={css["window"]}>
          <Select
            id={id}
            value={window?.kind ?? "ever"}
            disabled={readOnly}
            onChange={(kind) => change(windowOf(kind, window, new Date().toISOString().slice(0, 10)))}
            options={(["ever", ...WINDOWS] as const).map((value) => ({ value, label: t(`window.${value}`) }))}
          />
          {counted && <InputNumber aria-label={t("field.n")} min={1} max={10_000} value={window.n} onChange={(n) => change({ ...window, n: n ?? 1 })} />}
          {window && window.unit !== "" && <Select aria-label={t("field.unit")} value={window.unit} disabled={readOnly} onChange={(unit) => change({ ...window, unit })} options={units.map((value) => ({ value, label: value ? t(`unit.${value}`) : "" }))} />}
          {window && (window.kind === "since" || window.kind === "from_to") && date("first")}
          {window?.kind === "from_to" && date("last")}
        </div>
      )}
    </Field>
  );
}

/** The cases of a rule, in their order. */
export function Cases({ fields, change, names, readOnly }: PartProps) {
  const { t } = useTranslation("tags");
  const set = (index: number, next: Partial<Case>) => change({ cases: fields.cases.map((item, at) => (at === index ? { ...item, ...next } : item)) });
  const move = (index: number, by: number) => {
    const cases = [...fields.cases];
    const [item] = cases.splice(index, 1);
    if (item) cases.splice(index + by, 0, item);
    change({ cases });
  };
  return (
    <>
      {fields.cases.map((item, index) => (
        <div key={index} className={css["case"]} role="group" aria-label={`${t("field.cases")} ${index + 1}`}>
          <div className={css["caseWhen"]}>
            <span className={css["hint"]}>{t("field.when")}</span>
            <CodeEditor value={item.when} onChange={(when) => set(index, { when })} label={`${t("field.when")} ${index + 1}`} language="expression" height="auto" words={wordsOf(names)} readOnly={readOnly} placeholder={t("hint.when")} />
          </div>
          <div className={css["caseThen"]}>
            <span className={css["hint"]}>{t("field.then")}</span>
            <Then type={fields.type} value={item.then} onChange={(then) => set(index, { then })} label={`${t("field.then")} ${index + 1}`} readOnly={readOnly} />
          </div>
          <div className={css["caseActions"]}>
            <Button type="text" size="small" icon={<Icon name="up" size={16} />} aria-label={t("editor.up")} title={t("editor.up")} disabled={index === 0} onClick={() => move(index, -1)} />
            <Button type="text" size="small" icon={<Icon name="down" size={16} />} aria-label={t("editor.down")} title={t("editor.down")} disabled={index === fields.cases.length - 1} onClick={() => move(index, 1)} />
            <Button type="text" size="small" icon={<Icon name="trash" size={16} />} aria-label={t("editor.removeCase")} title={t("editor.removeCase")} disabled={fields.cases.length === 1} onClick={() => change({ cases: fields.cases.filter((_, at) => at !== index) })} />
          </div>
        </div>
      ))}
      <div className={css["otherwise"]}>
        <Button size="small" icon={<Icon name="plus" size={16} />} onClick={() => change({ cases: [...fields.cases, { when: "", then: fields.type === "flag" ? "true" : "" }] })}>
          {t("editor.addCase")}
        </Button>
        <Field label={t("field.otherwise")}>
          {(id) => <Then id={id} type={fields.type} value={fields.otherwise} onChange={(otherwise) => change({ otherwise })} readOnly={readOnly} optional />}
        </Field>
      </div>
    </>
  );
}

function Then({ id, type, value, onChange, label, readOnly, optional }: { id?: string; type: string; value: string; onChange: (value: string) => void; label?: string; readOnly: boolean; optional?: boolean }) {
  const { t } = useTranslation("tags");
  const named = { ...(id ? { id } : {}), ...(label ? { "aria-label": label } : {}) };
  if (type === "flag") {
    return (
      <Select
        {...named}
        value={value}
        disabled={readOnly}
        onChange={onChange}
        options={[...(optional ? [{ value: "", label: t("field.noValue") }] : []), { value: "true", label: t("value.yes") }, { value: "false", label: t("value.no") }]}
      />
    );
  }
  return (
    <Input
      {...named}
      value={value}
      inputMode={type === "number" || type === "money" ? "decimal" : "text"}
      {...(optional ? { placeholder: t("field.noValue") } : {})}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** The words that a condition can name. */
export function wordsOf(names: Vocabulary | undefined): { word: string; note?: string }[] {
  if (!names) return [];
  return [
    ...names.tags.map((tag) => ({ word: tag.key, note: tag.type })),
    ...names.attributes.map((name) => ({ word: `person.${name}` })),
    ...names.events.map((name) => ({ word: `"${name}"` })),
    ...names.properties.map((item) => ({ word: item.name, note: item.type })),
  ];
}
