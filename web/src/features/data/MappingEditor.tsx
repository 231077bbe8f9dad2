import { AutoComplete, Button, Input, Select } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Said } from "../../components/Said";
import { Empty, FailureLine } from "../../components/States";
import { answer, api, useAnswer } from "../../lib/api";
import { useSession } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { useReason } from "./Frame";
import { type Checked, choiceOf, type Form, FORMATS, type FormColumn, type Guessed, withColumn, withEvent, withRole } from "./mapping";

/** The state of a mapping that is being made: its text, and what the server last said of it. */
export interface Draft {
  text: string;
  checked: Checked;
  /** Whether the server has not yet said what the latest change makes of the rows. */
  checking: boolean;
  error: unknown;
  setForm: (form: Form) => void;
  setText: (text: string) => void;
}

const WAIT = 350;

/** A mapping as form and text at once: whichever is changed, the other follows, and the first rows are tried. */
export function useDraft(upload: string, begin: Checked): Draft {
  const [text, setOwnText] = useState(begin.mapping);
  const [checked, setChecked] = useState(begin);
  const [checking, setChecking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const round = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const ask = useCallback(
    (mapping: string, form: Form | null, wait: number) => {
      const mine = ++round.current;
      clearTimeout(timer.current);
      setChecking(true);
      timer.current = setTimeout(() => {
        answer(api.POST("/api/v1/imports/check", { body: { upload, mapping, ...(form ? { form } : {}) } }))
          .then((said) => {
            if (mine !== round.current) return;
            setError(null);
            setChecked(said);
            if (form) setOwnText(said.mapping);
          })
          .catch((problem: unknown) => {
            if (mine === round.current) setError(problem);
          })
          .finally(() => {
            if (mine === round.current) setChecking(false);
          });
      }, wait);
    },
    [upload],
  );
  const setForm = useCallback(
    (form: Form) => {
      setChecked((was) => ({ ...was, form }));
      ask(text, form, WAIT);
    },
    [ask, text],
  );
  const setText = useCallback(
    (next: string) => {
      setOwnText(next);
      ask(next, null, WAIT);
    },
    [ask],
  );
  return { text, checked, checking, error, setForm, setText };
}

/** Columns and their roles beside the mapping's text, and below what the first rows become. */
export function MappingEditor({ draft, guessed }: { draft: Draft; guessed: Guessed }) {
  const { t } = useTranslation("data");
  const { checked } = draft;
  return (
    <>
      <div className={css["sides"]}>
        <Card flush title={t("map.title")} note={t("map.note")}>
          {checked.form ? <FormSide form={checked.form} guessed={guessed} change={draft.setForm} /> : <Empty small title={t("map.changed")} />}
        </Card>
        <Card title={t("map.text")} note={t("map.textNote")}>
          <CodeEditor label={t("map.text")} language="yaml" value={draft.text} onChange={draft.setText} problems={checked.problems} height={420} />
        </Card>
      </div>
      {draft.error !== null && <FailureLine error={draft.error} />}
      <Preview checked={checked} busy={draft.checking} />
    </>
  );
}

function FormSide({ form, guessed, change }: { form: Form; guessed: Guessed; change: (form: Form) => void }) {
  const { t } = useTranslation("data");
  const { workspace } = useSession();
  const keys = useAnswer("/api/v1/identity").data?.keys ?? [];
  const held = new Map(guessed.held.map((item) => [item.column, item]));
  const column = form.event.kind === "column" || form.columns.some((item) => item.role === "event");
  const kinds = [
    ...(form.event.kind === "cases" ? ["cases" as const] : []),
    "name" as const,
    ...(column ? ["column" as const] : []),
    "none" as const,
  ];
  return (
    <>
      <div className={css["head"]}>
        <label>
          {t("map.event")}
          <Select
            aria-label={t("map.event")}
            value={form.event.kind}
            popupMatchSelectWidth={false}
            onChange={(kind) => change(withEvent(form, kind, form.event.name))}
            options={kinds.map((value) => ({ value, label: t(`map.eventKinds.${value}`), disabled: value !== "none" && !form.time }))}
          />
        </label>
        {form.event.kind === "name" && (
          <label>
            {t("map.eventName")}
            <Input value={form.event.name} maxLength={200} onChange={(event) => change({ ...form, event: { ...form.event, name: event.target.value } })} />
          </label>
        )}
        {form.time && (
          <>
            <label>
              {t("map.format")}
              <AutoComplete
                aria-label={t("map.format")}
                value={form.time.format}
                popupMatchSelectWidth={false}
                onChange={(format: string) => change({ ...form, time: { zone: form.time?.zone ?? workspace.zone, format } })}
                options={FORMATS.map((value) => ({ value, label: value === "iso" ? "iso (2026-03-05 14:22)" : value }))}
              />
            </label>
            <label>
              {t("map.zone")}
              <Input value={form.time.zone} onChange={(event) => change({ ...form, time: { format: form.time?.format ?? "iso", zone: event.target.value } })} />
            </label>
          </>
        )}
        <label>
          {t("map.source")}
          <Input value={form.source} maxLength={200} title={t("map.sourceNote")} onChange={(event) => change({ ...form, source: event.target.value })} />
        </label>
        {form.currency !== "" && (
          <label>
            {t("map.currency")}
            <Input value={form.currency} maxLength={3} onChange={(event) => change({ ...form, currency: event.target.value.toUpperCase() })} />
          </label>
        )}
        {form.event.kind === "cases" && <p>{t("map.cases", { names: form.event.cases.join(", ") })}</p>}
      </div>
      <div className={css["scroll"]}>
        <table className={css["columns"]} aria-label={t("map.title")}>
          <thead>
            <tr>
              <th>{t("map.column")}</th>
              <th>{t("map.role")}</th>
              <th>{t("map.name")}</th>
              <th>{t("map.type")}</th>
            </tr>
          </thead>
          <tbody>
            {form.columns.map((item) => (
              <ColumnRow key={item.column} column={item} held={held.get(item.column)} keys={keys} form={form} change={change} />
            ))}
          </tbody>
        </table>
      </div>
      {form.more.length > 0 && (
        <div className={css["head"]}>
          <p>{t("map.more")}</p>
          {form.more.map((item) => (
            <span key={`${item.section} ${item.name}`} className={css["chips"]}>
              <code>
                {item.name} = {item.text}
              </code>
              <Button size="small" type="text" icon={<Icon name="close" size={16} />} aria-label={t("map.moreRemove", { name: item.name })} onClick={() => change({ ...form, more: form.more.filter((other) => other !== item) })} />
            </span>
          ))}
        </div>
      )}
    </>
  );
}

const TYPES = ["", "text", "number", "money", "flag", "instant"] as const;

function ColumnRow({
  column,
  held,
  keys,
  form,
  change,
}: {
  column: FormColumn;
  held: Guessed["held"][number] | undefined;
  keys: readonly string[];
  form: Form;
  change: (form: Form) => void;
}) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const { workspace } = useSession();
  const field = column.role === "property" || column.role === "attribute";
  const roles = [
    { value: "user_id", label: t("map.roles.user_id") },
    { value: "device_id", label: t("map.roles.device_id") },
    ...keys.map((key) => ({ value: `key:${key}`, label: t("map.roles.key", { key }) })),
    { value: "time", label: t("map.roles.time") },
    ...(form.event.kind !== "none" ? [{ value: "event", label: t("map.roles.event") }, { value: "property", label: t("map.roles.property") }] : []),
    { value: "attribute", label: t("map.roles.attribute") },
    { value: "ignore", label: t("map.roles.ignore") },
  ];
  const share = held && held.rows > 0 ? held.filled / held.rows : 0;
  return (
    <tr data-ignored={column.role === "ignore"}>
      <td>
        {column.column}
        <small title={held?.examples.join(" · ")}>{held?.filled ? held.examples.join(" · ") : t("map.empty")}</small>
        {share > 0 && share < 0.95 && <small>{t("map.filled", { share: format.percent(share, 0) })}</small>}
      </td>
      <td>
        <Select
          className={css["role"] ?? ""}
          aria-label={t("map.roleOf", { column: column.column })}
          value={choiceOf(column)}
          popupMatchSelectWidth={false}
          options={roles}
          onChange={(choice) => change(withRole(form, column.column, choice, workspace.zone))}
        />
      </td>
      <td>
        {field && (
          <Input
            className={css["called"] ?? ""}
            aria-label={t("map.nameOf", { column: column.column })}
            value={column.name}
            maxLength={100}
            onChange={(event) => change(withColumn(form, column.column, { name: event.target.value }))}
          />
        )}
      </td>
      <td>
        {field && (
          <Select
            className={css["type"] ?? ""}
            aria-label={t("map.typeOf", { column: column.column })}
            value={column.type}
            popupMatchSelectWidth={false}
            options={TYPES.map((value) => ({ value, label: t(`map.types.${value}`) }))}
            onChange={(type) => change(withColumn(form, column.column, { type, format: "" }))}
          />
        )}
        {field && column.without && <small>{t("map.without", { characters: column.without })}</small>}
      </td>
    </tr>
  );
}

/** What the first rows become: how many fit, and twenty of them one by one. */
export function Preview({ checked, busy }: { checked: Checked; busy: boolean }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const say = useReason();
  const { sample } = checked;
  if (!sample) return null;
  const all = sample.fits === sample.rows;
  const fits = all
    ? t("map.fitsAll", { count: sample.rows, exact: format.exact(sample.rows) })
    : t(sample.whole ? "map.fitsWhole" : "map.fitsFirst", { rows: format.exact(sample.rows), fits: format.exact(sample.fits) });
  return (
    <Card
      flush
      title={t("map.preview")}
      note={
        <span aria-live="polite">
          {fits}
          {!all && (
            <>
              {" "}
              {t("map.asideThen")} {format.list(Object.entries(sample.reasons).map(([code, n]) => `${say(code)} (${format.exact(n)})`))}
            </>
          )}
        </span>
      }
    >
      <div className={css["rows"]} data-busy={busy} tabIndex={0} role="region" aria-label={t("map.preview")}>
        <table className={css["preview"]} aria-label={t("map.preview")}>
          <thead>
            <tr>
              <th>{t("map.line")}</th>
              <th>{t("map.becomes")}</th>
              <th>{t("map.who")}</th>
              <th>{t("map.properties")}</th>
              <th>{t("map.attributes")}</th>
            </tr>
          </thead>
          <tbody>
            {sample.shown.map((row) => (
              <tr key={row.line} data-status={row.status}>
                <td>{row.line}</td>
                {row.status === "fits" ? (
                  <>
                    <td>
                      <strong className={css["nowrap"]}>{row.event === "$identify" ? t("map.facts") : row.event}</strong>
                      {row.event !== "$identify" && (
                        <div className={css["quiet"]}>
                          <When at={row.at} as="moment" />
                        </div>
                      )}
                    </td>
                    <td>{Object.keys(row.person).length ? <Chips of={row.person} /> : <span className={css["quiet"]}>{t("map.nobody")}</span>}</td>
                    <td>
                      <Chips of={row.properties} />
                    </td>
                    <td>
                      <Chips of={besides(row.attributes, row.person)} />
                    </td>
                  </>
                ) : (
                  <td colSpan={4}>
                    <strong>{say(row.code ?? "")}</strong> · <Said of={row.message ?? ""} />
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** The attributes that do not say again who it is. */
function besides(attributes: Record<string, unknown>, person: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([name, value]) => person[name] !== value));
}

function Chips({ of }: { of: Record<string, unknown> }) {
  return (
    <span className={css["chips"]}>
      {Object.entries(of).map(([name, value]) => {
        const said = typeof value === "string" ? value : JSON.stringify(value);
        return (
          <span key={name} className={css["chip"]} title={said}>
            <b>{name}</b> {said}
          </span>
        );
      })}
    </span>
  );
}

/** What to look at in a guessed mapping, each with the other way of reading it. */
export function Questions({ guessed, draft }: { guessed: Guessed; draft: Draft }) {
  const { t } = useTranslation("data");
  const form = draft.checked.form;
  const named = form?.columns.some((column) => ["user_id", "device_id", "key"].includes(column.role)) ?? true;
  return guessed.questions.map((question) => {
    if (question.code === "no_identifier" && named) return null;
    const current = form?.columns.find((column) => column.column === question.column);
    const time = current?.role === "time";
    const chosen = time ? form?.time?.format : current?.format;
    const other = question.choices.find((choice) => choice !== chosen);
    const use = (format: string) => {
      if (!form) return;
      draft.setForm(time ? { ...form, time: { format, zone: form.time?.zone ?? "" } } : withColumn(form, question.column, { format }));
    };
    return (
      <div key={question.code + question.column} className={css["banner"]} data-tone="warn" role="note">
        <span>{textOf(question.code)}</span>
        {question.code === "ambiguous_date" && form && other && (
          <Button size="small" onClick={() => use(other)}>
            {t("map.useOther", { format: other })}
          </Button>
        )}
      </div>
    );

    function textOf(code: string): string {
      if (code === "ambiguous_date") return t("map.questions.ambiguous_date", { column: question.column, chosen: chosen ?? "" });
      if (code === "decimal_comma") return t("map.questions.decimal_comma", { column: question.column });
      return code === "no_identifier" ? t("map.questions.no_identifier") : code;
    }
  });
}
