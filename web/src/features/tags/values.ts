import { useTranslation } from "react-i18next";

import type { Answer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";

export type Value = Answer<"/api/v1/tags/{key}">["values"][number];

/** How a tag's values are written here: money as money, days as days, and what has no value in words. */
export function useValueWords(type: string | null): (value: Value) => string {
  const { t } = useTranslation("tags");
  const one = useOneValue(type);
  return (value) => {
    if (value.kind === "unknown" || value.kind === "rest") return t(`value.${value.kind}`);
    if (value.kind === "value") return one(value.value);
    const low = one(value.low ?? "");
    return value.high === null ? t("value.more", { low }) : t("value.range", { low, high: one(value.high) });
  };
}

/** How one exact value is written. */
export function useOneValue(type: string | null): (value: string) => string {
  const { t } = useTranslation("tags");
  const format = useFormat();
  return (value) => {
    if (type === "flag") return value === "true" ? t("value.yes") : t("value.no");
    if (type === "number") return format.exact(value, 4);
    if (type === "money") return format.money(value);
    if (type === "instant") return format.moment(value);
    return value;
  };
}
