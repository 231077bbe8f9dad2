import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "../../lib/useFormat";
import { useScheduleWords } from "../marketing/useWhen";
import { type Graph, type Leave, listOf, mapOf, type Raw, startKindOf, type Step, textOf } from "./graph";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
export type Day = (typeof DAYS)[number];

export interface Words {
  length: (said: string) => string;
  kind: (step: Step) => string;
  /** What the step does, in few words. */
  says: (step: Step) => string;
  way: (step: Step, name: string) => string;
  start: (start: Raw) => string;
  leave: (leave: Leave) => string;
}

/** Says the parts of a journey in the reader's language. */
export function useWords(): Words {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  const schedule = useScheduleWords();
  const length = format.span;
  return useMemo(() => {
    const says = ({ kind, raw }: Step): string => {
      const message = mapOf(raw["message"]);
      switch (kind) {
        case "wait":
          return length(textOf(raw["wait"]));
        case "until": {
          const days = daysOf(raw["on"]);
          const workdays = days.length === 5 && !days.includes("saturday") && !days.includes("sunday");
          if (days.length === 0 || days.length === 7) return t("says.until", { time: textOf(raw["until"]) });
          return t("says.untilOn", { time: textOf(raw["until"]), days: workdays ? t("says.workdays") : format.list(days.map((day) => t(`dayShort.${day}`))) });
        }
        case "wait_for":
          return t("says.waitFor", { event: textOf(raw["wait_for"]), length: length(textOf(raw["at_most"])) });
        case "branch": {
          const cases = listOf(raw["branch"]);
          return cases.length === 1 ? textOf(mapOf(cases[0])["when"]) : t("says.branch", { count: cases.length, exact: format.exact(cases.length) });
        }
        case "split":
          return Object.entries(mapOf(raw["split"]))
            .map(([name, item]) => t("way.share", { name, percent: textOf(mapOf(item)["percent"]) }))
            .join(" · ");
        case "message":
          return textOf(message["subject"]) || textOf(message["template"]);
        case "tag":
          return raw["value"] === null ? t("says.tagBack", { tag: textOf(raw["tag"]) }) : t("says.tag", { tag: textOf(raw["tag"]), value: textOf(raw["value"] ?? true) });
        case "webhook":
          return textOf(mapOf(raw["webhook"])["url"]).replace(/^https?:\/\//, "");
        case "task":
          return raw["within"] ? t("says.within", { text: textOf(raw["task"]), length: length(textOf(raw["within"])) }) : textOf(raw["task"]);
        default:
          return "";
      }
    };
    const way = ({ kind, raw }: Step, name: string): string => {
      if (kind === "wait_for") return t(name === "missed" ? "way.missed" : "way.did");
      if (kind === "branch") return name ? textOf(mapOf(listOf(raw["branch"])[Number(name) - 1])["when"]) : t("way.otherwise");
      return kind === "split" ? t("way.share", { name, percent: textOf(mapOf(mapOf(raw["split"])[name])["percent"]) }) : "";
    };
    const start = (raw: Raw): string => {
      const audience = textOf(raw["audience"]);
      switch (startKindOf(raw)) {
        case "event":
          return raw["where"] ? t("start.eventWhere", { event: textOf(raw["event"]), where: textOf(raw["where"]) }) : t("start.event", { event: textOf(raw["event"]) });
        case "enters":
          return t("start.enters", { audience: textOf(raw["enters"]) });
        case "leaves":
          return t("start.leaves", { audience: textOf(raw["leaves"]) });
        case "date": {
          const side = raw["before"] ? "dateBefore" : raw["after"] ? "dateAfter" : "dateOn";
          const when = t(`start.${side}`, { date: textOf(raw["date"]), time: textOf(raw["at"]), length: length(textOf(raw["before"] ?? raw["after"])) });
          return raw["yearly"] === true ? t("start.yearly", { when }) : when;
        }
        case "schedule":
          return t("start.schedule", { audience, when: schedule(textOf(raw["schedule"])) });
        default:
          return t("start.unclear");
      }
    };
    return {
      length,
      kind: (step: Step) => (step.kind ? t(`kind.${step.kind}`) : t("unknownKind")),
      says,
      way,
      start,
      leave: (leave: Leave) =>
        leave.event ? t(leave.where ? "leave.eventWhere" : "leave.event", { event: leave.event, where: leave.where }) : t("leave.when", { when: leave.when }),
    };
  }, [t, format, length, schedule]);
}

/** The days that a step names, as the file has them. */
export function daysOf(given: unknown): Day[] {
  const named = (typeof given === "string" ? [given] : listOf(given)).map((day) => textOf(day).toLowerCase());
  return DAYS.filter((day) => named.includes(day));
}

export { DAYS };

/** A step by its name. */
export function stepOf(graph: Graph, name: string): Step | undefined {
  return graph.steps.find((step) => step.name === name);
}
