import { useTranslation } from "react-i18next";

import { useSaid } from "../../lib/useSaid";
import type en from "./en";

const KNOWN: Record<string, Exclude<keyof typeof en.reasons, "units" | "cap" | "missing" | "sceneAfter" | "sceneBefore" | "sceneOutside" | "sceneHeld">> = {
  "no consent": "consent",
  "no address": "address",
  "same address as another person": "same",
  unsubscribed: "unsubscribed",
  complained: "complained",
  bounced: "bounced",
  refused: "refused",
  blocked: "blocked",
  erased: "erased",
  "in the global holdout": "global",
  "quiet hours": "quiet",
  "the person is no longer known": "gone",
};

const OF_SCENE = [
  [/^after the dates of scene (.+)$/, "sceneAfter"],
  [/^before the dates of scene (.+)$/, "sceneBefore"],
  [/^outside the audience of scene (.+)$/, "sceneOutside"],
  [/^held out of scene (.+)$/, "sceneHeld"],
] as const;

/** Says why somebody gets nothing in the reader's language; what a channel said stays as it is. */
export function useReason(): (reason: string) => string {
  const { t } = useTranslation("marketing");
  const say = useSaid();
  return (reason) => {
    const key = KNOWN[reason];
    if (key) return t(`reasons.${key}`);
    const cap = /^cap reached: (\d+) in (\d+) (day|hour|minute|second)s?$/.exec(reason);
    if (cap) return t("reasons.cap", { messages: cap[1] ?? "", length: cap[2] ?? "", unit: t(`reasons.units.${cap[3] as "day"}`) });
    for (const [pattern, word] of OF_SCENE) {
      const scene = pattern.exec(reason)?.[1];
      if (scene) return t(`reasons.${word}`, { scene });
    }
    const missing = /^missing (.+)$/.exec(reason);
    return missing ? t("reasons.missing", { what: missing[1] ?? "" }) : say(reason);
  };
}
