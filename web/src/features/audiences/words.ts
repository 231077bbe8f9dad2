import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { type Answer, useAnswer } from "../../lib/api";
import type { Format } from "../../lib/format";
import { type Language, usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";

export type Vocabulary = Answer<"/api/v1/expressions/names">;
export type Crowd = Answer<"/api/v1/audiences/portrait", "post">;
export type CrowdTag = Crowd["tags"][number];
export type CrowdValue = CrowdTag["values"][number];

/** The title in the language, else in any, else the name itself. */
export function titled(titles: Record<string, string> | undefined, name: string, language: Language): string {
  return titles?.[language] || titles?.[""] || Object.values(titles ?? {}).find(Boolean) || name;
}

/** What things are called here: `title(row.titles, row.name)`. */
export function useTitle(): (titles: Record<string, string> | undefined, name: string) => string {
  const { language } = usePreferences();
  return useCallback((titles, name) => titled(titles, name, language), [language]);
}

/** Everything that a condition can name. */
export function useVocabulary() {
  return useAnswer("/api/v1/expressions/names", {}, { staleTime: 60_000 });
}

/** The words that the text editor completes. */
export function useCompletions(vocabulary: Vocabulary | undefined) {
  const title = useTitle();
  return useMemo(() => {
    if (!vocabulary) return [];
    return [
      ...vocabulary.tags.map((tag) => ({ word: tag.key, note: title(tag.titles, tag.key) })),
      ...vocabulary.attributes.map((name) => ({ word: `person.${nameText(name)}` })),
      ...vocabulary.events.map((name) => ({ word: nameText(name) })),
      ...vocabulary.properties.map((property) => ({ word: nameText(property.name), note: property.type })),
      ...vocabulary.audiences.map((name) => ({ word: nameText(name) })),
    ];
  }, [vocabulary, title]);
}

/** The name as it stands in a text. */
export function nameText(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** The condition that somebody is in the audience. */
export function inAudience(name: string): string {
  return `in audience ${nameText(name)}`;
}

/** How the value of a portrait is written. */
export function useValueWords(): (tag: CrowdTag, value: CrowdValue) => string {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  return useCallback(
    (tag, value) => {
      if (value.is === "unknown") return t("unknown");
      if (value.is === "rest") return t("rest");
      const write = (given: string | number | boolean | null) => written(given, tag.type, format, t("yes"), t("no"));
      if (value.is === "value") return write(value.of);
      return value.below === null ? t("andMore", { low: write(value.from) }) : t("range", { low: write(value.from), high: write(value.below) });
    },
    [t, format],
  );
}

function written(value: string | number | boolean | null, type: string, format: Format, yes: string, no: string): string {
  if (typeof value === "boolean") return value ? yes : no;
  if (type === "money") return format.money(value);
  if (type === "instant") return format.date(value);
  return typeof value === "number" ? format.exact(value) : (value ?? "");
}
