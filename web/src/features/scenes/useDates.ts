import { useTranslation } from "react-i18next";

import { dayOf } from "./days";
import { usePreferences } from "../../lib/preferences";

/** Says a day (2026-04-01), and from which day to which something is, as people of the language write it. */
export function useDates() {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const write = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { timeZone: "UTC", year: "numeric", month: "short", day: "numeric" });
  const day = (said: string) => write.format(dayOf(said));
  const between = (from: string | null, until: string | null) => {
    if (from && until) return t("dates.both", { from: day(from), until: day(until) });
    if (from) return t("dates.from", { from: day(from) });
    return until ? t("dates.until", { until: day(until) }) : t("dates.none");
  };
  return { day, between };
}
