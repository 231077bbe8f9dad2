import { Button, DatePicker, Input, InputNumber, Modal, Segmented, Select } from "antd";
import dayjs from "dayjs";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import { useUndoToast } from "../../components/Confirm";
import { FailureLine } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useAsked } from "../../lib/api";
import { useBatches } from "../../lib/batches";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useAct } from "../../lib/useAct";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import css from "./give.module.css";
import { useSay } from "./say";

type TagRow = Answer<"/api/v1/tags">["tags"][number];
type Given = boolean | string | number;
type Preview = Answer<"/api/v1/tags/{key}/give/preview", "post">;

const KEY = /^[a-z][a-z0-9_]{0,59}$/;
const MOST = 200;

export interface GiveProps {
  open: boolean;
  close: () => void;
  /** Everybody in this condition, or … */
  where?: string;
  /** … this person. */
  person?: string;
  /** The tag that is chosen already. */
  tag?: string;
}

/** Asks which value of which tag is given to whom, shows what would change, and does it. */
export function Give({ open, close, where = "", person = "", tag = "" }: GiveProps) {
  const { t } = useTranslation("people");
  return (
    <Modal open={open} title={t(person ? "give.one" : "give.many")} footer={null} width={560} onCancel={close} destroyOnHidden>
      <Asked close={close} where={where} person={person} tag={tag} />
    </Modal>
  );
}

function Asked({ close, where, person, tag: first }: Required<Omit<GiveProps, "open">>) {
  const { t } = useTranslation("people");
  const { t: common } = useTranslation();
  const { language } = usePreferences();
  const format = useFormat();
  const toast = useUndoToast();
  const batches = useBatches();
  const [key, setKey] = useState(first);
  const [making, setMaking] = useState(false);
  const [value, setValue] = useState<Given | undefined>(undefined);
  const [until, setUntil] = useState("");
  const { busy, error, act } = useAct();
  const list = useAnswer("/api/v1/tags", { params: { query: { limit: MOST, sort: "key" } } });
  const tags = (list.data?.tags ?? []).filter((item) => item.type !== null && (person !== "" || item.method === "manual"));
  const tag = tags.find((item) => item.key === key);
  const given = value ?? (tag?.type === "flag" ? true : undefined);
  const asked = useDebounced(given, 250);
  const ready = tag !== undefined && given !== undefined && given !== "";
  const preview = useAsked(
    "/api/v1/tags/{key}/give/preview",
    { params: { path: { key } }, body: { value: asked ?? true, until, where, person, people: [] } },
    { enabled: ready && asked !== undefined, staleTime: 0 },
  );
  const seen = ready && asked === given ? preview.data : undefined;
  const go = () =>
    act(async () => {
      if (!ready) return;
      const title = titleIn(tag.titles, language, tag.key);
      const done = person
        ? await answer(api.PUT("/api/v1/people/{person}/tags/{key}", { params: { path: { person, key } }, body: { value: given, until }, headers: once() }))
        : await batches.give(key, where, given, until);
      if (person) await batches.changed();
      const changes = done.changes ?? 0;
      close();
      const made = done.batch;
      toast(t("give.done", { count: changes, exact: format.exact(changes), tag: title }), made ? () => batches.undo(made) : undefined);
    });
  return (
    <form
      className={css["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      {where && (
        <p className={css["where"]}>
          {t("give.where")} <code>{where}</code>
        </p>
      )}
      {!making && (
        <Field label={t("give.tag")}>
          <Select
            className={css["wide"] ?? ""}
            showSearch={{ optionFilterProp: "label" }}
            value={key || null}
            placeholder={t("give.choose")}
            aria-label={t("give.tag")}
            loading={list.isPending}
            notFoundContent={t("give.noTag")}
            onChange={(next: string) => {
              setKey(next);
              setValue(undefined);
            }}
            options={tags.map((item) => ({ value: item.key, label: titleIn(item.titles, language, item.key) }))}
          />
          <Button type="link" className={css["new"] ?? ""} onClick={() => setMaking(true)}>
            {t("give.new")}
          </Button>
        </Field>
      )}
      {making && (
        <Making
          close={() => setMaking(false)}
          made={(next) => {
            setMaking(false);
            setValue(undefined);
            setKey(next);
          }}
        />
      )}
      {tag && !making && (
        <>
          {tag.method !== "manual" && (
            <p className={css["note"]} role="note">
              {t(tag.method === "imported" ? "give.correctsImported" : "give.corrects")}
            </p>
          )}
          <Field label={t("give.value")}>
            <ValueInput tag={tag} value={given} change={setValue} />
          </Field>
          <Field label={t("give.until")}>
            <DatePicker
              value={until ? dayjs(until) : null}
              placeholder={t("give.forever")}
              aria-label={t("give.until")}
              disabledDate={(day) => !day.isAfter(dayjs(), "day")}
              onChange={(day: dayjs.Dayjs | null) => setUntil(day ? day.format("YYYY-MM-DD") : "")}
            />
          </Field>
          {preview.error ? <FailureLine error={preview.error} /> : ready && <Seen preview={seen} type={tag.type ?? "text"} person={person} />}
        </>
      )}
      {error !== null && <FailureLine error={error} />}
      {!making && (
        <footer>
          <Button onClick={close}>{common("cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={busy} disabled={!seen || seen.changes === 0}>
            {person ? t("give.ok") : t("give.okMany", { count: seen?.changes ?? 0, exact: format.exact(seen?.changes ?? 0) })}
          </Button>
        </footer>
      )}
    </form>
  );
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={css["field"]}>
      <span aria-hidden="true">{label}</span>
      {children}
    </div>
  );
}

function ValueInput({ tag, value, change }: { tag: TagRow; value: Given | undefined; change: (next: Given | undefined) => void }) {
  const { t } = useTranslation("people");
  const label = t("give.value");
  if (tag.type === "flag") {
    return <Segmented value={value !== false} onChange={change} options={[true, false].map((one) => ({ value: one, label: t(one ? "tags.yes" : "tags.no") }))} />;
  }
  if (tag.allowed.length > 0) {
    return (
      <Select
        className={css["wide"] ?? ""}
        value={value === undefined ? null : String(value)}
        aria-label={label}
        placeholder={t("give.chooseValue")}
        onChange={(next: string) => change(tag.allowed.find((one) => String(one) === next))}
        options={tag.allowed.map((one) => ({ value: String(one), label: String(one) }))}
      />
    );
  }
  if (tag.type === "number" || tag.type === "money") {
    return <InputNumber value={typeof value === "number" ? value : null} aria-label={label} onChange={(next) => change(next ?? undefined)} />;
  }
  if (tag.type === "instant") {
    return (
      <DatePicker
        value={typeof value === "string" && value ? dayjs(value) : null}
        aria-label={label}
        onChange={(day: dayjs.Dayjs | null) => change(day ? day.format("YYYY-MM-DD") : undefined)}
      />
    );
  }
  return <Input value={typeof value === "string" ? value : ""} aria-label={label} maxLength={200} onChange={(event) => change(event.target.value || undefined)} />;
}

/** What would change: how many people, from which values. */
function Seen({ preview, type, person }: { preview: Preview | undefined; type: string; person: string }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const say = useSay();
  if (!preview) return <p className={css["seen"]}>{t("give.counting")}</p>;
  if (person) {
    const before = preview.before[0];
    return (
      <p className={css["seen"]} role="status">
        {preview.changes === 0 ? t("give.sameOne") : before?.value === undefined || before.value === null ? t("give.fromNone") : t("give.from", { value: say(before.value, type) })}
      </p>
    );
  }
  return (
    <div className={css["seen"]} role="status">
      <strong>{t("give.changes", { count: preview.changes, exact: format.exact(preview.changes), all: format.exact(preview.people) })}</strong>
      {preview.same > 0 && <span>{t("give.same", { count: preview.same, exact: format.exact(preview.same) })}</span>}
      {preview.rejected_total > 0 && <span>{t("give.left", { count: preview.rejected_total, exact: format.exact(preview.rejected_total) })}</span>}
      {preview.before.length > 0 && (
        <ul aria-label={t("give.before")}>
          {preview.before.map((row, index) => (
            <li key={index}>
              <span>{row.value === null ? t("give.noValue") : say(row.value, type)}</span>
              <span>{format.exact(row.people)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A tag of one's own, in three words: what it is called, its key, and which values it has. */
function Making({ close, made }: { close: () => void; made: (key: string) => void }) {
  const { t } = useTranslation("people");
  const { t: common } = useTranslation();
  const { language } = usePreferences();
  const batches = useBatches();
  const [title, setTitle] = useState("");
  const [key, setKey] = useState("");
  const [values, setValues] = useState<string[]>([]);
  const [kind, setKind] = useState<"flag" | "text">("flag");
  const { busy, error, act } = useAct();
  const name = key || keyOf(title);
  const fits = title.trim() !== "" && KEY.test(name);
  const make = () =>
    act(async () => {
      const text = [
        `title: {${language}: ${JSON.stringify(title.trim())}}`,
        "nature: model",
        "method: manual",
        `type: ${kind}`,
        ...(kind === "text" && values.length ? [`values: ${JSON.stringify(values)}`] : []),
        "",
      ].join("\n");
      await answer(api.PUT("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "tags", name } }, headers: { "If-None-Match": "*" }, body: { text } }));
      await batches.changed();
      made(name);
    });
  return (
    <section className={css["making"]} aria-label={t("give.new")}>
      <Field label={t("give.title")}>
        <Input value={title} aria-label={t("give.title")} maxLength={60} autoFocus onChange={(event) => setTitle(event.target.value)} />
      </Field>
      <Field label={t("give.key")}>
        <Input
          value={name}
          aria-label={t("give.key")}
          maxLength={60}
          spellCheck={false}
          status={name && !KEY.test(name) ? "error" : ""}
          onChange={(event) => setKey(event.target.value)}
        />
        <span className={css["hint"]}>{t("give.keyNote")}</span>
      </Field>
      <Field label={t("give.kind")}>
        <Segmented value={kind} onChange={setKind} options={(["flag", "text"] as const).map((one) => ({ value: one, label: t(`give.kinds.${one}`) }))} />
      </Field>
      {kind === "text" && (
        <Field label={t("give.values")}>
          <Select className={css["wide"] ?? ""} mode="tags" open={false} suffix={null} value={values} aria-label={t("give.values")} placeholder={t("give.valuesNote")} onChange={setValues} tokenSeparators={[",", "，", "、"]} />
        </Field>
      )}
      {error !== null && <FailureLine error={error} />}
      <div className={css["buttons"]}>
        <Button onClick={close}>{common("cancel")}</Button>
        <Button type="primary" loading={busy} disabled={!fits} onClick={() => void make()}>
          {t("give.make")}
        </Button>
      </div>
    </section>
  );
}

/** A key out of a title in Latin letters; empty when there are none. */
function keyOf(title: string): string {
  return title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 60);
}
