import { Select } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../../components/Icon";
import { useTitle, type Vocabulary } from "../words";
import css from "./builder.module.css";
import { newId, type Row } from "./model";

interface Option {
  value?: string;
  label: string;
  note?: string;
  /** What the search looks at. */
  words?: string;
  options?: Option[];
}

const WRITTEN = "text:";

/** A choice of what a condition is about: a tag, an attribute, an event, an audience, or one's own words. */
export function SubjectSelect({
  value,
  onChange,
  vocabulary,
  label,
  adding,
  prominent,
}: {
  value: string | null;
  onChange: (row: Row) => void;
  vocabulary: Vocabulary;
  label: string;
  adding?: boolean;
  prominent?: boolean;
}) {
  const { t } = useTranslation("audiences");
  const title = useTitle();
  const groups = useMemo((): (Option & { options: Option[] })[] => {
    const option = (kind: string, key: string, shown: string, note = ""): Option => ({ value: `${kind}:${key}`, label: shown, note, words: `${shown} ${key} ${note}`.toLowerCase() });
    const found = [
      { label: t("groups.tags"), options: vocabulary.tags.map((tag) => option("tag", tag.key, title(tag.titles, tag.key), tag.key)) },
      { label: t("groups.events"), options: ["*", ...vocabulary.events].map((name) => option("did", name, `${t("did")} ${name}`)) },
      { label: t("groups.attributes"), options: vocabulary.attributes.map((name) => option("attribute", name, name)) },
      { label: t("groups.audiences"), options: vocabulary.audiences.map((name) => option("audience", name, name)) },
      { label: t("groups.other"), options: [option("text", "", t("written"))] },
    ];
    return found.filter((group) => group.options.length > 0);
  }, [vocabulary, t, title]);
  const known = value === null || groups.some((group) => group.options.some((option) => option.value === value));
  return (
    <Select<string | null, Option>
      className={(adding ? css["adding"] : css["subject"]) ?? ""}
      {...(prominent ? { "data-prominent": true } : {})}
      variant={adding ? "borderless" : "outlined"}
      value={adding ? null : value}
      aria-label={adding ? label : t("subject")}
      placeholder={
        <span className={css["placeholder"]}>
          <Icon name="plus" size={16} /> {label}
        </span>
      }
      showSearch={{ filterOption: (typed, option) => typed.toLowerCase().split(/\s+/).every((word) => option?.words?.includes(word) ?? false) }}
      popupMatchSelectWidth={320}
      options={known ? groups : [{ label: t("groups.other"), options: [{ value, label: t("notFound", { name: value.slice(value.indexOf(":") + 1) }), note: "", words: value }] }, ...groups]}
      labelRender={({ label: shown, value: key }) => (String(key).startsWith("did:") ? String(key).slice(4) : shown)}
      optionRender={(option) => (
        <span className={css["option"]}>
          <span>{option.data.label}</span>
          <span className={css["optionNote"]}>{option.data.note}</span>
        </span>
      )}
      onChange={(chosen) => {
        if (chosen) onChange(rowFor(chosen, vocabulary));
      }}
    />
  );
}

/** A new row about what was chosen, with what is asked most often of it. */
export function rowFor(chosen: string, vocabulary: Vocabulary): Row {
  const at = chosen.indexOf(":");
  const [kind, key] = [chosen.slice(0, at), chosen.slice(at + 1)];
  const id = newId();
  if (chosen === WRITTEN) return { kind: "text", id, text: "", tree: null };
  if (kind === "audience") return { kind: "audience", id, not: false, name: key };
  if (kind === "did") return { kind: "did", id, not: false, event: key, times: null, window: { of: "last", n: 30, unit: "day" }, where: [] };
  const plain = { kind: "value", id, not: false, values: [], window: null } as const;
  if (kind === "attribute") return { ...plain, values: [], subject: { of: "attribute", path: [key] }, test: "=" };
  const subject = { of: "tag", path: [key] } as const;
  switch (vocabulary.tags.find((tag) => tag.key === key)?.type) {
    case "flag":
      return { ...plain, values: [], subject: { ...subject, path: [key] }, test: "isTrue" };
    case "number":
    case "money":
      return { ...plain, values: [], subject: { ...subject, path: [key] }, test: ">=" };
    case "instant":
      return { ...plain, values: [], subject: { ...subject, path: [key] }, test: "within", window: { of: "last", n: 30, unit: "day" } };
    case "list":
      return { ...plain, values: [], subject: { ...subject, path: [key] }, test: "includes" };
    default:
      return { ...plain, values: [], subject: { ...subject, path: [key] }, test: "in" };
  }
}
