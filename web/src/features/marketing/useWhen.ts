import { useTranslation } from "react-i18next";

import { useFormat } from "../../lib/useFormat";
import type en from "./en";
import { isMoment, recurringOf } from "./words";

type Day = keyof typeof en.schedule.weekdays;

/** Says a schedule in words: "every Monday at 10:00". */
export function useScheduleWords(): (schedule: string) => string {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  return (schedule) => {
    if (!schedule) return "";
    if (isMoment(schedule)) return schedule.replace("T", " ");
    const found = recurringOf(schedule);
    if (!found) return t("recurring.cron", { cron: schedule });
    if (found.every === "day") return t("recurring.day", { time: found.time });
    if (found.every === "month") return t("recurring.month", { time: found.time, day: found.day });
    const days = format.list(found.days.map((day) => t(`schedule.weekdays.${String(day) as Day}`)));
    return t("recurring.week", { time: found.time, days });
  };
}
