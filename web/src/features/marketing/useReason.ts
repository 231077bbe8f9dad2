import { useTranslation } from "react-i18next";

import type en from "./en";

const KNOWN: Record<string, Exclude<keyof typeof en.reasons, "units" | "cap" | "missing">> = {
  "no consent": "consent",
  "no address": "address",
  "same address as another person": "same",
  unsubscribed: "unsubscribed",
  complained: "complained",
  bounced: "bounced",
  refused: "refused",
  erased: "erased",
  "quiet hours": "quiet",
  "the person is no longer known": "gone",
};

/** Says why somebody gets nothing in the reader's language; what a channel said stays as it is. */
export function useReason(): (reason: string) => string {
  const { t } = useTranslation("marketing");
  return (reason) => {
    const key = KNOWN[reason];
    if (key) return t(`reasons.${key}`);
    const cap = /^cap reached: (\d+) in (\d+) (day|hour|minute|second)s?$/.exec(reason);
    if (cap) return t("reasons.cap", { messages: cap[1] ?? "", length: cap[2] ?? "", unit: t(`reasons.units.${cap[3] as "day"}`) });
    const missing = /^missing (.+)$/.exec(reason);
    return missing ? t("reasons.missing", { what: missing[1] ?? "" }) : reason;
  };
}
