import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { NOTHING } from "../../lib/format";
import { useFormat } from "../../lib/useFormat";

const DAY = /^\d{4}-\d\d-\d\d$/;

/** How a tag's value is written: money, moments, yes and no, numbers, words. */
export function useSay(): (value: unknown, type: string) => string {
  const { t } = useTranslation("people");
  const format = useFormat();
  return useCallback(
    (value, type) => {
      if (value === null || value === undefined) return NOTHING;
      if (typeof value === "boolean") return t(value ? "tags.yes" : "tags.no");
      if (type === "money") return format.money(value as string | number);
      if (type === "instant" && typeof value === "string") return DAY.test(value) ? format.date(value) : format.moment(value);
      if (typeof value === "number") return format.exact(value, 6);
      return text(value);
    },
    [t, format],
  );
}

/** Any JSON as a short text. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return NOTHING;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What an event is called: the product's own events in words, others by their own name. */
export function useEventName(): (name: string) => string {
  const { t } = useTranslation("people");
  return useCallback(
    (name) => {
      const names: Record<string, string> = t("timeline.names", { returnObjects: true });
      return names[name] ?? name;
    },
    [t],
  );
}

/** What a kind of identifier is called, and an identifier with its kind. */
export function useKind(): (kind: string) => string {
  const { t } = useTranslation("people");
  return useCallback(
    (kind) => {
      const kinds: Record<string, string> = t("kinds", { returnObjects: true });
      return kinds[kind] ?? kind;
    },
    [t],
  );
}

/** What a channel is called. */
export function useChannel(): (channel: string) => string {
  const { t } = useTranslation("people");
  return useCallback(
    (channel) => {
      const channels: Record<string, string> = t("channels", { returnObjects: true });
      return channels[channel] ?? channel;
    },
    [t],
  );
}
