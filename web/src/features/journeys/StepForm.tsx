import { Button, Checkbox, Input, InputNumber, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon } from "../../components/Icon";
import { Said } from "../../components/Said";
import parts from "../../components/parts.module.css";
import { useAnswer } from "../../lib/api";
import { type Channel, CHANNELS, channelOf, channelsOf, saidChannels } from "../../lib/channels";
import { placeOf } from "../../lib/places";
import { merged } from "../../lib/raw";
import { Condition } from "../audiences/Condition";
import { useVocabulary } from "../audiences/words";
import { Foretold } from "../marketing/Foretold";
import { PicksForm } from "../marketing/PicksForm";
import { kindOfFile, refitted, restOf, within } from "../marketing/rows";
import { VariantsForm } from "../marketing/VariantsForm";
import { inAudience } from "../marketing/words";
import { Field, Words as Choice } from "../tags/Form";
import { END, type Graph, listOf, mapOf, type Raw, type Step, textOf } from "./graph";
import css from "./journeys.module.css";
import { type Length, lengthOf, said, UNITS } from "./lengths";
import type { Mistake } from "./Edit";
import { type Day, DAYS, daysOf, useWords } from "./useWords";

export interface FormProps {
  readOnly: boolean;
}

interface StepFormProps extends FormProps {
  graph: Graph;
  step: Step;
  problems: readonly Mistake[];
  change: (raw: Raw) => void;
  /** A way of the step leads elsewhere. */
  lead: (way: string, next: string) => void;
  rename: (to: string) => void;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz".split("");
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** One step as a form; what is chosen here stands in the picture at once and in the text a moment later. */
export function StepForm({ graph, step, problems, change, lead, rename, readOnly }: StepFormProps) {
  const { t } = useTranslation("journeys");
  const { raw } = step;
  const set = (patch: Raw) => change(merged(raw, patch));
  // What is wrong in a row of a message stands at the row.
  const at = ["steps", step.name, "message"];
  const mistakes = step.kind === "message" ? { variants: within(problems, ...at, "variants"), picks: within(problems, ...at, "picks") } : { variants: [], picks: [] };
  const elsewhere = step.kind === "message" ? problems.filter(({ path }) => path.length < 5 || !["variants", "picks"].includes(String(path[3]))) : problems;
  const next = (way: string, label: string) => <Target graph={graph} step={step} way={way} label={label} lead={lead} />;
  return (
    <fieldset className={parts["form"]} disabled={readOnly}>
      {elsewhere.map((problem, index) => (
        <p key={index} className={parts["bad"]} role="alert">
          <Said of={problem} />
        </p>
      ))}
      {step.kind === "wait" && <Duration label={t("edit.length")} value={textOf(raw["wait"])} onChange={(wait) => set({ wait })} />}
      {step.kind === "until" && <Until raw={raw} set={set} />}
      {step.kind === "wait_for" && (
        <>
          <Happening event={textOf(raw["wait_for"])} where={textOf(raw["where"])} onEvent={(event) => set({ wait_for: event })} onWhere={(where) => set({ where: where || undefined })} readOnly={readOnly} />
          <Duration label={t("edit.atMost")} value={textOf(raw["at_most"])} onChange={(most) => set({ at_most: most })} />
        </>
      )}
      {step.kind === "branch" && <Branch graph={graph} step={step} set={set} lead={lead} readOnly={readOnly} />}
      {step.kind === "split" && <Split graph={graph} step={step} set={set} lead={lead} />}
      {step.kind === "message" && <Message raw={mapOf(raw["message"])} set={(message) => set({ message: merged(mapOf(raw["message"]), message) })} mistakes={mistakes} readOnly={readOnly} />}
      {step.kind === "tag" && <Give raw={raw} set={set} />}
      {step.kind === "webhook" && <Post raw={mapOf(raw["webhook"])} set={(post) => set({ webhook: merged(mapOf(raw["webhook"]), post) })} />}
      {step.kind === "task" && (
        <>
          <Field label={t("edit.task")}>{(id) => <Input id={id} value={textOf(raw["task"])} onChange={(event) => set({ task: event.target.value })} />}</Field>
          <Field label={t("edit.to")}>{(id) => <Input id={id} value={textOf(raw["to"])} onChange={(event) => set({ to: event.target.value || undefined })} />}</Field>
          <Optional label={t("edit.within")} none={t("edit.noLimit")} value={textOf(raw["within"])} start="1 day" onChange={(within) => set({ within })} />
        </>
      )}
      {step.kind !== "split" && next("", step.kind === "branch" ? t("edit.otherwise") : t("edit.next"))}
      {step.kind === "wait_for" && next("missed", t("edit.missed"))}
      <Named graph={graph} step={step} rename={rename} />
    </fieldset>
  );
}

function Named({ graph, step, rename }: { graph: Graph; step: Step; rename: (to: string) => void }) {
  const { t } = useTranslation("journeys");
  const [typed, setTyped] = useState(step.name);
  const good = typed === step.name || (NAME.test(typed) && typed !== END && !graph.steps.some((other) => other.name === typed));
  const done = () => {
    if (good && typed !== step.name) rename(typed);
  };
  return (
    <Field label={t("edit.name")} {...(good ? {} : { hint: t("edit.nameBad") })}>
      {(id) => <Input id={id} value={typed} status={good ? "" : "error"} spellCheck={false} onChange={(event) => setTyped(event.target.value.trim())} onBlur={done} onPressEnter={done} />}
    </Field>
  );
}

/** Where a way leads: a step, or the end. */
function Target({ graph, step, way, label, lead }: { graph: Graph; step: Step; way: string; label: string; lead: (way: string, next: string) => void }) {
  const { t } = useTranslation("journeys");
  const words = useWords();
  return (
    <Field label={label}>
      {(id) => (
        <Select
          id={id}
          value={step.ways.find((item) => item.name === way)?.next ?? END}
          onChange={(next) => lead(way, next)}
          options={[...graph.steps.filter((other) => other !== step).map((other) => ({ value: other.name, label: t("named", { kind: words.kind(other), says: words.says(other) || other.name }) })), { value: END, label: t("end") }]}
        />
      )}
    </Field>
  );
}

export function Duration({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation("journeys");
  const now: Length = lengthOf(value) ?? { n: 1, unit: "day" };
  return (
    <Field label={label}>
      {(id) => (
        <span className={parts["row"]}>
          <InputNumber id={id} min={1} max={10_000} precision={0} value={now.n} onChange={(n) => n && onChange(said({ ...now, n }))} />
          <Select
            aria-label={t("edit.length")}
            style={{ minWidth: 110 }}
            value={now.unit}
            onChange={(unit) => onChange(said({ ...now, unit }))}
            options={UNITS.map((unit): { value: Length["unit"]; label: string } => ({ value: unit, label: t(`unit.${unit}`) }))}
          />
        </span>
      )}
    </Field>
  );
}

/** A duration that may be left out. */
function Optional({ label, none, value, start, onChange }: { label: string; none: string; value: string; start: string; onChange: (value: string | undefined) => void }) {
  return (
    <>
      <Checkbox checked={value === ""} onChange={(event) => onChange(event.target.checked ? undefined : start)}>
        {none}
      </Checkbox>
      {value !== "" && <Duration label={label} value={value} onChange={onChange} />}
    </>
  );
}

export function Happening({ event, where, onEvent, onWhere, readOnly }: { event: string; where: string; onEvent: (event: string) => void; onWhere: (where: string) => void; readOnly: boolean }) {
  const { t } = useTranslation("journeys");
  const names = useVocabulary();
  return (
    <>
      <Field label={t("edit.event")}>{(id) => <Choice id={id} value={event} onChange={onEvent} words={names.data?.events ?? []} />}</Field>
      <Condition label={t("edit.where")} value={where} onChange={onWhere} readOnly={readOnly} placeholder={t("edit.whereHint")} />
    </>
  );
}

export function AudienceChoice({ label, value, onChange }: { label: string; value: string; onChange: (audience: string) => void }) {
  const names = useVocabulary();
  const known = names.data?.audiences ?? [];
  const options = [...known, ...(value && !known.includes(value) ? [value] : [])].map((name) => ({ value: name, label: name }));
  return <Field label={label}>{(id) => <Select id={id} showSearch value={value || null} onChange={(next: string | null) => next && onChange(next)} options={options} />}</Field>;
}

function Until({ raw, set }: { raw: Raw; set: (patch: Raw) => void }) {
  const { t } = useTranslation("journeys");
  const days = daysOf(raw["on"]);
  return (
    <>
      <Field label={t("edit.time")}>{(id) => <Input id={id} type="time" style={{ width: 120 }} value={textOf(raw["until"])} onChange={(event) => event.target.value && set({ until: event.target.value })} />}</Field>
      <Field label={days.length ? t("edit.days") : t("edit.anyDay")} group>
        {() => (
          <Checkbox.Group<Day>
            value={days}
            onChange={(chosen) => set({ on: chosen.length ? DAYS.filter((day) => chosen.includes(day)) : undefined })}
            options={DAYS.map((day) => ({ value: day, label: t(`day.${day}`) }))}
          />
        )}
      </Field>
    </>
  );
}

interface WaysProps {
  graph: Graph;
  step: Step;
  set: (patch: Raw) => void;
  lead: (way: string, next: string) => void;
}

function Branch({ graph, step, set, lead, readOnly }: WaysProps & FormProps) {
  const { t } = useTranslation("journeys");
  const cases = listOf(step.raw["branch"]).map(mapOf);
  const put = (index: number, patch: Raw) => set({ branch: cases.map((item, at) => (at === index ? { ...item, ...patch } : item)) });
  const last = step.ways.at(-1)?.next ?? END;
  return (
    <>
      {cases.map((item, index) => (
        <Group
          key={index}
          title={t("edit.case", { number: String(index + 1) })}
          remove={cases.length > 1 ? () => set({ branch: cases.filter((_, at) => at !== index) }) : undefined}
          removeLabel={t("edit.removeCase", { number: String(index + 1) })}
        >
          <Condition label={t("edit.case", { number: String(index + 1) })} value={textOf(item["when"])} onChange={(when) => put(index, { when })} readOnly={readOnly} />
          <AudienceChoice label={t("edit.inAudience")} value="" onChange={(audience) => put(index, { when: inAudience(audience) })} />
          <Target graph={graph} step={step} way={String(index + 1)} label={t("edit.caseNext")} lead={lead} />
        </Group>
      ))}
      <Button icon={<Icon name="plus" size={16} />} onClick={() => set({ branch: [...cases, { when: textOf(cases.at(-1)?.["when"]), next: last }] })}>
        {t("edit.addCase")}
      </Button>
    </>
  );
}

function Split({ graph, step, set, lead }: WaysProps) {
  const { t } = useTranslation("journeys");
  const shares = Object.entries(mapOf(step.raw["split"])).map(([name, item]) => [name, mapOf(item)] as const);
  const sum = shares.reduce((all, [, share]) => all + (Number(share["percent"]) || 0), 0);
  const free = LETTERS.find((letter) => !shares.some(([name]) => name === letter)) ?? "other";
  const put = (entries: readonly (readonly [string, Raw])[]) => set({ split: Object.fromEntries(entries) });
  return (
    <>
      {shares.map(([name, share]) => (
        <Group key={name} title={t("edit.share", { name })} remove={shares.length > 2 ? () => put(shares.filter(([other]) => other !== name)) : undefined} removeLabel={t("edit.removeShare", { name })}>
          <Field label={t("edit.percent")}>
            {(id) => <InputNumber id={id} min={1} max={100} suffix="%" value={Number(share["percent"]) || 0} onChange={(percent) => percent && put(shares.map((item) => (item[0] === name ? [name, { ...share, percent }] : item)))} />}
          </Field>
          <Target graph={graph} step={step} way={name} label={t("edit.next")} lead={lead} />
        </Group>
      ))}
      {Math.abs(sum - 100) > 1e-9 && (
        <p className={parts["bad"]} role="status">
          {t("edit.sum", { sum: String(sum) })}
        </p>
      )}
      <Button icon={<Icon name="plus" size={16} />} onClick={() => put([...shares, [free, { percent: Math.max(1, 100 - sum), next: step.ways.at(-1)?.next ?? END }]])}>
        {t("edit.addShare")}
      </Button>
      <Checkbox checked={step.raw["sticky"] === true} onChange={(event) => set({ sticky: event.target.checked || undefined })}>
        {t("edit.sticky")}
      </Checkbox>
    </>
  );
}

export function Group({ title, remove, removeLabel, children }: { title: string; remove?: (() => void) | undefined; removeLabel: string; children: ReactNode }) {
  return (
    <section className={css["group"]} aria-label={title}>
      <header>
        <strong>{title}</strong>
        {remove && <Button type="text" size="small" icon={<Icon name="trash" size={16} />} aria-label={removeLabel} title={removeLabel} onClick={remove} />}
      </header>
      {children}
    </section>
  );
}

function Message({ raw, set, mistakes, readOnly }: { raw: Raw; set: (patch: Raw) => void; mistakes: { variants: readonly Mistake[]; picks: readonly Mistake[] }; readOnly: boolean }) {
  const { t } = useTranslation("journeys");
  const templates = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } });
  const template = textOf(raw["template"]);
  const channels = channelsOf(textOf(raw["channel"]));
  const several = channels.length > 1;
  const files = mapOf(raw["templates"]);
  const best = textOf(raw["when"]) === "best hour";
  const { t: marketing } = useTranslation("marketing");
  const variants = listOf(raw["variants"]).map(mapOf);
  const rest = restOf(variants);
  const shownBy = files[channels[0] ?? "email"] ?? (template || textOf(rest?.["template"]));
  const go = (next: readonly Channel[]) => {
    if (next.length === 0) return;
    const one = next[0] ?? "email";
    const fileOf = (channel: Channel) => textOf(files[channel]) || (channelOf(textOf(raw["channel"])) === channel && !several ? template : "");
    const own = several ? fileOf(one) : template;
    const texts = variants.length ? { variants: refitted(variants, channels, next, own) } : {};
    if (next.length > 1) set({ ...texts, channel: saidChannels(next), template: undefined, templates: Object.fromEntries(next.map((channel) => [channel, fileOf(channel)])) });
    else set({ ...texts, channel: one, templates: undefined, template: own });
  };
  const known = (templates.data?.templates ?? []).map((item) => item.name);
  const page = placeOf("template", template);
  return (
    <>
      <Field label={t("edit.channel")}>
        {(id) =>
          several ? (
            <Select<Channel[]> id={id} mode="multiple" value={[...channels]} onChange={go} options={CHANNELS.map((value) => ({ value, label: t(`edit.channels.${value}`) }))} />
          ) : (
            <Select id={id} value={channels[0] ?? "email"} onChange={(value) => go([value])} options={CHANNELS.map((value) => ({ value, label: t(`edit.channels.${value}`) }))} />
          )
        }
      </Field>
      <Checkbox checked={several} onChange={(event) => go(event.target.checked ? [channels[0] ?? "email", channels[0] === "sms" ? "email" : "sms"] : channels.slice(0, 1))}>
        {t("edit.bestOf")}
      </Checkbox>
      {several ? (
        channels.map((channel) => (
          <Field key={channel} label={t("edit.templateFor", { channel: t(`edit.channels.${channel}`) })}>
            {(id) => <Select id={id} showSearch value={textOf(files[channel]) || null} onChange={(value: string | null) => value && set({ templates: { ...files, [channel]: value } })} options={offered(known, textOf(files[channel]))} />}
          </Field>
        ))
      ) : (
        <Field label={t("edit.template")}>{(id) => <Select id={id} showSearch value={template || null} onChange={(value: string | null) => value && set({ template: value })} options={offered(known, template)} />}</Field>
      )}
      {page && known.includes(template) && <Link to={page}>{t("edit.templateOpen")}</Link>}
      {channels.includes("email") && <Field label={t("edit.subject")}>{(id) => <Input id={id} value={textOf(raw["subject"])} onChange={(event) => set({ subject: event.target.value })} />}</Field>}
      <section className={css["part"]} aria-label={marketing("texts.title")}>
        <h3>{marketing("texts.title")}</h3>
        <VariantsForm
          rows={variants}
          change={(next) =>
            set({
              variants: next.length ? next : undefined,
              // The last one may have been the only one that named a template.
              ...(rest && !restOf(next) && !several && !template ? { template: rest["template"], ...(raw["subject"] === undefined ? { subject: rest["subject"] } : {}) } : {}),
            })
          }
          channels={channels}
          own={{ template, subject: textOf(raw["subject"]) }}
          fileOf={() => template || textOf(rest?.["template"])}
          mistakes={mistakes.variants}
          readOnly={readOnly}
        />
      </section>
      <section className={css["part"]} aria-label={marketing("lists.title")}>
        <h3>{marketing("lists.title")}</h3>
        <PicksForm lists={mapOf(raw["picks"])} change={(picks) => set({ picks: Object.keys(picks).length ? picks : undefined })} mistakes={mistakes.picks} readOnly={readOnly} kind={kindOfFile(textOf(shownBy))} />
      </section>
      <Field label={t("edit.class")}>
        {(id) => <Select id={id} value={textOf(raw["class"]) || "marketing"} onChange={(value) => set({ class: value })} options={(["marketing", "service"] as const).map((value) => ({ value, label: t(`edit.${value}`) }))} />}
      </Field>
      <Checkbox checked={best} onChange={(event) => set(event.target.checked ? { when: "best hour", within: "24 hours" } : { when: undefined, within: undefined })}>
        {t("edit.bestHour")}
      </Checkbox>
      {best && <Duration label={t("edit.bestWithin")} value={textOf(raw["within"]) || "24 hours"} onChange={(within) => set({ within })} />}
      {(best || several) && <Foretold message={Object.fromEntries(TIMED.filter((key) => raw[key] !== undefined).map((key) => [key, raw[key]]))} audience="" />}
      <Optional label={t("edit.useful")} none={t("edit.usefulNever")} value={textOf(raw["useful"])} start="1 day" onChange={(useful) => set({ useful })} />
    </>
  );
}

/** What of a message says when and by what it goes. */
const TIMED = ["channel", "class", "cap", "quiet_hours", "when", "within", "response_value"];

function offered(known: readonly string[], chosen: string) {
  return [...known, ...(chosen && !known.includes(chosen) ? [chosen] : [])].map((value) => ({ value, label: value }));
}

/** What is told to another system: where, and what beside the person. */
function Post({ raw, set }: { raw: Raw; set: (patch: Raw) => void }) {
  const { t } = useTranslation("journeys");
  const data = Object.entries(mapOf(raw["data"])).map(([key, value]): [string, string] => [key, textOf(value)]);
  const put = (rows: [string, string][]) => set({ data: rows.length ? Object.fromEntries(rows) : undefined });
  const free = () => {
    let name = "value";
    for (let number = 2; data.some(([key]) => key === name); number++) name = `value_${number}`;
    return name;
  };
  return (
    <>
      <Field label={t("edit.url")} hint={t("edit.urlHint")}>
        {(id) => <Input id={id} value={textOf(raw["url"])} spellCheck={false} onChange={(event) => set({ url: event.target.value.trim() })} />}
      </Field>
      {data.map(([key, value], index) => (
        <span key={index} className={parts["row"]}>
          <Input
            aria-label={t("edit.dataKey", { number: index + 1 })}
            value={key}
            spellCheck={false}
            onChange={(event) => {
              const next = event.target.value.trim();
              if (next && !data.some(([other], place) => other === next && place !== index)) put(data.map((row, place) => (place === index ? [next, value] : row)));
            }}
          />
          <Input aria-label={t("edit.dataText", { number: index + 1 })} value={value} onChange={(event) => put(data.map((row, place) => (place === index ? [key, event.target.value] : row)))} />
          <Button aria-label={t("edit.removeData", { number: index + 1 })} icon={<Icon name="trash" size={16} />} onClick={() => put(data.filter((_, place) => place !== index))} />
        </span>
      ))}
      <Button onClick={() => put([...data, [free(), ""]])}>{t("edit.addData")}</Button>
    </>
  );
}

function Give({ raw, set }: { raw: Raw; set: (patch: Raw) => void }) {
  const { t } = useTranslation("journeys");
  const names = useVocabulary();
  const tag = textOf(raw["tag"]);
  const type = names.data?.tags.find((item) => item.key === tag)?.type;
  const keys = (names.data?.tags ?? []).map((item) => item.key);
  const value = raw["value"];
  const typed = (text: string): unknown => (text === "true" || text === "false" ? text === "true" : type === "number" && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
  return (
    <>
      <Field label={t("edit.tag")}>{(id) => <Choice id={id} value={tag} onChange={(next) => set({ tag: next })} words={keys} />}</Field>
      <Checkbox checked={value === null} onChange={(event) => set({ value: event.target.checked ? null : true })}>
        {t("edit.back")}
      </Checkbox>
      {value !== null && <Field label={t("edit.value")}>{(id) => <Input id={id} value={textOf(value ?? true)} onChange={(event) => set({ value: typed(event.target.value) })} />}</Field>}
    </>
  );
}
