import { Button, InputNumber, Select } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Copy } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { useAnswer } from "../../lib/api";
import { listOf, mapOf, merged, type Raw, textOf } from "../../lib/raw";
import { Condition } from "../audiences/Condition";
import { useTitle, useVocabulary } from "../audiences/words";
import { Field } from "../tags/Form";
import { NameField, Row, Action } from "./RowParts";
import { asked, freeName, LIBRARY, MOST_LISTS, MOST_PICKS, renamedKey, type RowMistake, SENT, snippetOf } from "./rows";
import css from "./rows.module.css";

export interface PicksFormProps {
  /** The lists by name, as their file has them. */
  lists: Raw;
  change: (lists: Raw) => void;
  /** What is wrong, with the path from a list's name on. */
  mistakes: readonly RowMistake[];
  readOnly: boolean;
  /** What kind of text the template is: html, mjml, text or keys. */
  kind: string;
  /** The template that is open beside the form: its text, whether that is saved, and how something is put at its end (null: it cannot be). */
  open?: { file: string; text: string; dirty: boolean; put: ((snippet: string) => void) | null };
}

/** Lists of content or products that are filled for each person; a template loops over them. */
export function PicksForm({ lists, change, mistakes, readOnly, kind, open }: PicksFormProps) {
  const { t } = useTranslation("marketing");
  const adding = useRef<HTMLDivElement>(null);
  const [begun, setBegun] = useState("");
  const names = Object.keys(lists);
  const add = () => {
    const name = freeName("articles", names);
    setBegun(name);
    change({ ...lists, [name]: { count: 3 } });
  };
  return (
    <div className={css["rows"]}>
      {names.map((name, index) => (
        <List
          key={index}
          name={name}
          names={names}
          row={mapOf(lists[name])}
          set={(row) => change({ ...lists, [name]: row })}
          rename={(to) => change(renamedKey(lists, name, to))}
          remove={() => {
            setBegun("");
            change(merged(lists, { [name]: undefined }));
            adding.current?.querySelector("button")?.focus();
          }}
          mistakes={mistakes.filter(({ path }) => path[0] === name)}
          focus={begun === name}
          readOnly={readOnly}
          kind={kind}
          open={open}
        />
      ))}
      {names.length === 0 && <p className={css["faint"]}>{t("lists.none")}</p>}
      {!readOnly && (
        <div className={css["buttons"]} ref={adding}>
          <Button icon={<Icon name="plus" size={16} />} disabled={names.length >= MOST_LISTS} onClick={add}>
            {t("lists.add")}
          </Button>
          {names.length >= MOST_LISTS && <span className={css["faint"]}>{t("lists.most", { most: String(MOST_LISTS) })}</span>}
        </div>
      )}
    </div>
  );
}

interface ListProps {
  name: string;
  names: readonly string[];
  row: Raw;
  set: (row: Raw) => void;
  rename: (to: string) => void;
  remove: () => void;
  mistakes: readonly RowMistake[];
  focus: boolean;
  readOnly: boolean;
  kind: string;
  open: PicksFormProps["open"];
}

const SELDOM = ["by", "least", "popular", "popularity"];

function List({ name, names, row, set, rename, remove, mistakes, focus, readOnly, kind, open }: ListProps) {
  const { t } = useTranslation("marketing");
  const title = useTitle();
  const vocabulary = useVocabulary();
  const kinds = useAnswer("/api/v1/objects");
  const source = textOf(row["from"]) || LIBRARY;
  const library = source === LIBRARY;
  const objects = kinds.data?.kinds.find((item) => item.kind === source);
  const choices = useChoices(source, objects !== undefined);
  const put = (patch: Raw) => set(asked(row, patch));
  const texts = (key: string) => listOf(row[key]).map(textOf);
  const number = (key: string, usual: number) => (typeof row[key] === "number" ? row[key] : usual);
  const count = number("count", 3);
  const events = vocabulary.data?.events ?? [];
  const columns = [...(objects?.columns ?? []).map((column) => ({ word: column.name, note: column.type })), ...(objects?.tags ?? []).map((tag) => ({ word: tag.key, note: title(tag.titles, tag.key) }))];
  const weighted = (vocabulary.data?.tags ?? []).filter((tag) => tag.weighted).map((tag) => ({ value: tag.key, label: title(tag.titles, tag.key) }));
  const head = t("lists.row", { name });
  return (
    <Row title={head} says={t(library ? "lists.content" : "lists.objects", { count, exact: String(count) })} mistakes={mistakes} actions={!readOnly && <Action icon="trash" label={t("lists.remove", { title: head })} disabled={false} onClick={remove} />}>
      <div className={css["pair"]}>
        <NameField label={t("lists.name")} name={name} taken={names.filter((other) => other !== name)} rename={rename} focus={focus} readOnly={readOnly} />
        <Field label={t("lists.count")}>
          {(id) => <InputNumber id={id} min={1} max={MOST_PICKS} precision={0} disabled={readOnly} value={count} onChange={(value) => value && put({ count: value })} style={{ width: "100%" }} />}
        </Field>
      </div>
      <Field label={t("lists.from")}>
        {(id) => (
          <Select
            id={id}
            disabled={readOnly}
            value={source}
            onChange={(from) => put({ from, only: undefined, where: undefined })}
            options={[
              { value: LIBRARY, label: t("lists.fromLibrary") },
              ...(kinds.data?.kinds ?? []).map((item) => ({ value: item.kind, label: title(item.titles, item.kind) })),
              ...(library || objects ? [] : [{ value: source, label: source }]),
            ]}
          />
        )}
      </Field>
      <Field label={t(library ? "lists.only" : "lists.onlyObjects")}>
        {(id) => <Words id={id} value={texts("only")} onChange={(only) => put({ only })} options={choices} free placeholder={t("lists.onlyAll")} readOnly={readOnly} />}
      </Field>
      {!library && <Condition label={t("lists.where")} value={textOf(row["where"])} onChange={(where) => put({ where: where.trim() ? where : "" })} readOnly={readOnly} words={columns} placeholder={columns[0] ? `${columns[0].word} = …` : ""} />}
      <Field label={t("lists.leaveOut")} hint={t("lists.leaveOutNote")}>
        {(id) => (
          <Words
            id={id}
            value={texts("leave_out")}
            onChange={(out) => put({ leave_out: out })}
            options={[{ value: SENT, label: t("lists.sent") }, ...events.map((event) => ({ value: event, label: event }))]}
            placeholder={t("lists.leaveOutNothing")}
            readOnly={readOnly}
          />
        )}
      </Field>
      <details className={css["more"]} open={SELDOM.some((key) => row[key] !== undefined) || undefined}>
        <summary>{t("lists.more")}</summary>
        <div className={css["rows"]}>
          <Field label={t("lists.by")}>{(id) => <Words id={id} value={texts("by")} onChange={(by) => put({ by })} options={weighted} placeholder={t("lists.byAll")} readOnly={readOnly} />}</Field>
          <Field label={t("lists.least")} hint={t("lists.leastNote")}>
            {(id) => <InputNumber id={id} min={0} max={count} precision={0} disabled={readOnly} value={number("least", 1)} onChange={(least) => least !== null && put({ least })} style={{ width: "100%" }} />}
          </Field>
          <div className={css["pair"]}>
            <Field label={t("lists.popular")}>
              {(id) => (
                <Select id={id} showSearch disabled={readOnly} value={textOf(row["popular"])} onChange={(popular) => put({ popular })} options={[{ value: "", label: t("lists.popularAny") }, ...offered(events, textOf(row["popular"]))]} />
              )}
            </Field>
            <Field label={t("lists.popularity")} hint={t("lists.popularityNote")}>
              {(id) => <InputNumber id={id} min={0} max={10} step={0.1} disabled={readOnly} value={number("popularity", 0.3)} onChange={(popularity) => popularity !== null && put({ popularity })} style={{ width: "100%" }} />}
            </Field>
          </div>
        </div>
      </details>
      <Snippet name={name} library={library} kind={kind} open={readOnly ? undefined : open} />
    </Row>
  );
}

/** What may be named of a source: words and items of the library, or objects. */
function useChoices(source: string, known: boolean): { value: string; label: string }[] {
  const title = useTitle();
  const library = source === LIBRARY;
  const items = useAnswer("/api/v1/content", { params: { query: { limit: 200 } } }, { enabled: library });
  const objects = useAnswer("/api/v1/objects/{kind}", { params: { path: { kind: source }, query: { limit: 200 } } }, { enabled: !library && known });
  if (library) {
    const words = [...new Set((items.data?.items ?? []).flatMap((item) => item.words))];
    return [...words.map((word) => ({ value: word, label: word })), ...(items.data?.items ?? []).filter((item) => !words.includes(item.name)).map((item) => ({ value: item.name, label: `${title(item.titles, item.name)} (${item.name})` }))];
  }
  return (objects.data?.objects ?? []).map((item) => {
    const called = item.values["title"] ?? item.values["name"];
    return { value: item.id, label: typeof called === "string" ? `${called} (${item.id})` : item.id };
  });
}

function Words({ id, value, onChange, options, free, placeholder, readOnly }: { id: string; value: string[]; onChange: (value: string[]) => void; options: readonly { value: string; label: string }[]; free?: boolean; placeholder: string; readOnly: boolean }) {
  const others = value.filter((one) => !options.some((option) => option.value === one)).map((one) => ({ value: one, label: one }));
  return (
    <span
      className={css["words"]}
      onKeyDownCapture={(event) => {
        // Tab leads on; by itself the list would take up what is just highlighted in it.
        if (event.key === "Tab") event.stopPropagation();
      }}
    >
      <Select<string[]>
        id={id}
        mode={free ? "tags" : "multiple"}
        disabled={readOnly}
        placeholder={placeholder}
        showSearch={{ optionFilterProp: "label" }}
        {...(free ? { tokenSeparators: [",", "，"] } : {})}
        value={value}
        onChange={onChange}
        options={[...options, ...others]}
      />
    </span>
  );
}

function offered(known: readonly string[], chosen: string) {
  return [...known, ...(chosen && !known.includes(chosen) ? [chosen] : [])].map((value) => ({ value, label: value }));
}

/** What a template says to show the list, and whether the open one does. */
function Snippet({ name, library, kind, open }: { name: string; library: boolean; kind: string; open: PicksFormProps["open"] }) {
  const { t } = useTranslation("marketing");
  const snippet = snippetOf(name, kind, library);
  const shown = open !== undefined && new RegExp(`picks\\.${name}\\b`).test(open.text);
  return (
    <div className={css["field"]}>
      <Copy text={snippet} title={t("lists.snippet")} />
      {open && (
        <div className={css["buttons"]}>
          {!shown && open.put && (
            <Button size="small" onClick={() => open.put?.(snippet)}>
              {t("lists.insert", { file: open.file })}
            </Button>
          )}
          <span className={css["faint"]} role="status">
            {shown ? t(open.dirty ? "lists.inserted" : "lists.shown", { file: open.file }) : open.put ? "" : t("lists.insertKeys")}
          </span>
        </div>
      )}
    </div>
  );
}
