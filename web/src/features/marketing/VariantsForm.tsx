import { Button, Input, Select } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { useAnswer } from "../../lib/api";
import type { Channel } from "../../lib/channels";
import { mapOf, merged, type Raw, textOf } from "../../lib/raw";
import { Condition } from "../audiences/Condition";
import { Field } from "../tags/Form";
import { NameField, Row, Action } from "./RowParts";
import { freeName, KINDS, moved, ordered, restOf, type RowMistake } from "./rows";
import css from "./rows.module.css";

export interface VariantsFormProps {
  /** The variants as their file has them. */
  rows: readonly Raw[];
  change: (rows: Raw[]) => void;
  channels: readonly Channel[];
  /** The message's own text, for whoever no variant is for. */
  own: { template: string; subject: string };
  /** The template that a new variant begins with. */
  fileOf: (name: string) => string;
  /** What is wrong, with the path from a variant on. */
  mistakes: readonly RowMistake[];
  readOnly: boolean;
}

/** Other texts for those of whom something is true: the first that fits somebody is theirs. */
export function VariantsForm({ rows, change, channels, own, fileOf, mistakes, readOnly }: VariantsFormProps) {
  const { t } = useTranslation("marketing");
  const adding = useRef<HTMLDivElement>(null);
  const templates = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } }).data?.templates ?? [];
  const [begun, setBegun] = useState("");
  const rest = restOf(rows);
  const names = rows.map((row) => textOf(row["name"]));
  const several = channels.length > 1;
  const put = (next: Raw[]) => {
    setBegun("");
    change(next);
  };
  const set = (index: number, patch: Raw) => change(rows.map((row, place) => (place === index ? ordered(merged(row, patch)) : row)));
  const rename = (row: Raw, index: number, to: string) => {
    const file = textOf(row["template"]);
    // A file that nobody has written yet follows the name.
    const follows = file === fileOf(textOf(row["name"])) && !templates.some((item) => item.name === file);
    set(index, { name: to, ...(follows && !several ? { template: fileOf(to) } : {}) });
  };
  const add = (everybodyElse: boolean) => {
    const name = freeName(everybodyElse ? "others" : "some", names);
    const row: Raw = { name, ...(several ? {} : { template: fileOf(name) }) };
    const last = rest && !everybodyElse ? rows.length - 1 : rows.length;
    setBegun(name);
    change([...rows.slice(0, last), row, ...rows.slice(last)]);
  };
  return (
    <div className={css["rows"]}>
      {rows.map((row, index) => {
        const when = textOf(row["when"]);
        const open = !when.trim();
        const lacking = open && row !== rest;
        const title = t("texts.row", { number: String(index + 1) });
        return (
          <Row
            key={index}
            title={title}
            says={t(open ? (lacking ? "texts.lacking" : "texts.rest") : index === 0 ? "texts.first" : "texts.then")}
            mistakes={mistakes.filter(({ path, message }) => path[0] === index && !(lacking && message.startsWith("'when'")))}
            actions={
              !readOnly && (
                <>
                  <Action icon="up" label={t("texts.up", { title })} disabled={index === 0} onClick={() => put(moved(rows, index, index - 1))} />
                  <Action icon="down" label={t("texts.down", { title })} disabled={index === rows.length - 1} onClick={() => put(moved(rows, index, index + 1))} />
                  <Action
                    icon="trash"
                    label={t("texts.remove", { title })}
                    disabled={false}
                    onClick={() => {
                      put(rows.filter((_, place) => place !== index));
                      adding.current?.querySelector("button")?.focus();
                    }}
                  />
                </>
              )
            }
          >
            <div className={css["pair"]}>
              <NameField
                label={t("texts.name")}
                name={names[index] ?? ""}
                taken={names.filter((_, place) => place !== index)}
                rename={(to) => rename(row, index, to)}
                focus={begun !== "" && begun === names[index]}
                readOnly={readOnly}
              />
              {several ? (
                channels.map((channel) => {
                  const files = mapOf(row["templates"]);
                  return (
                    <Template
                      key={channel}
                      label={t("texts.templateFor", { channel: t(`channel.${channel}`) })}
                      files={fitting(templates, channel)}
                      value={textOf(files[channel])}
                      onChange={(file) => {
                        const next = merged(files, { [channel]: file || undefined });
                        set(index, { templates: Object.keys(next).length ? next : undefined });
                      }}
                      clear={t("texts.ownTemplate")}
                      readOnly={readOnly}
                    />
                  );
                })
              ) : (
                <Template label={t("content.template")} files={fitting(templates, channels[0] ?? "email")} value={textOf(row["template"])} onChange={(template) => set(index, { template })} readOnly={readOnly} />
              )}
            </div>
            <Condition label={t("texts.when")} value={when} onChange={(next) => set(index, { when: next.trim() ? next : undefined })} readOnly={readOnly} placeholder={t("texts.whenHint")} />
            {channels.includes("email") && (
              <Field label={t("content.subject")}>
                {(id) => <Input id={id} disabled={readOnly} value={textOf(row["subject"])} placeholder={own.subject ? t("texts.ownSubject", { subject: own.subject }) : ""} onChange={(event) => set(index, { subject: event.target.value || undefined })} />}
              </Field>
            )}
          </Row>
        );
      })}
      <p className={css["faint"]} role="status">
        {rows.length === 0 ? t("texts.none") : rest ? t("texts.order") : [t("texts.order"), t("texts.ownRest", { template: own.template || t("texts.ownText") })].join(" ")}
      </p>
      {!readOnly && (
        <div className={css["buttons"]} ref={adding}>
          <Button icon={<Icon name="plus" size={16} />} onClick={() => add(false)}>
            {t("texts.add")}
          </Button>
          {rows.length > 0 && !rest && (
            <Button icon={<Icon name="plus" size={16} />} onClick={() => add(true)}>
              {t("texts.addRest")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function fitting(templates: readonly { name: string; kind: string }[], channel: Channel): string[] {
  return templates.filter((item) => KINDS[channel].includes(item.kind)).map((item) => item.name);
}

/** A template out of those that fit. `clear`: what it means that none is chosen, where that may be. */
function Template({ label, files, value, onChange, clear, readOnly }: { label: string; files: readonly string[]; value: string; onChange: (file: string) => void; clear?: string; readOnly: boolean }) {
  return (
    <Field label={label}>
      {(id) => (
        <Select
          id={id}
          showSearch
          disabled={readOnly}
          status={value || clear ? "" : "error"}
          value={value || (clear ? "" : null)}
          onChange={(next: string | null) => onChange(next ?? "")}
          options={[...(clear ? [{ value: "", label: clear }] : []), ...[...new Set([...(value ? [value] : []), ...files])].map((file) => ({ value: file, label: file }))]}
        />
      )}
    </Field>
  );
}
