import { useTranslation } from "react-i18next";

import type { IconName } from "../../components/Icon";
import { useFormat } from "../../lib/useFormat";
import { type Counts, wayKey } from "./counts";
import { END, type Graph, type Kind, type Step } from "./graph";
import { leaveId, type Line, START } from "./layout";
import { stepOf, useWords } from "./useWords";

export interface PictureProps {
  graph: Graph;
  counts?: Counts | undefined;
  /** Steps in which something is wrong. */
  problems?: ReadonlySet<string>;
  /** Ways (`step way`) and steps of one person, to be seen. */
  lit?: ReadonlySet<string> | undefined;
  /** The step that is being changed. */
  chosen?: string | undefined;
  onStep?: ((name: string) => void) | undefined;
  onStart?: (() => void) | undefined;
  onAdd?: ((from: { step: string; way: string } | null) => void) | undefined;
}

export const ICONS: Record<Kind, IconName> = { wait: "clock", until: "calendar", wait_for: "eye", branch: "filter", split: "effects", message: "send", tag: "tags", webhook: "external", task: "people" };

interface BoxWords {
  icon: IconName;
  kind: string;
  says: string;
  count: string;
  tone: "start" | "end" | "leave" | Kind | "unknown";
  problem: boolean;
  lit: boolean;
  chosen: boolean;
  open?: (() => void) | undefined;
}

/** What stands in a box, by its id. */
export function useBoxes({ graph, counts, problems, lit, chosen, onStep, onStart }: PictureProps): (id: string) => BoxWords & Record<string, unknown> {
  const { t } = useTranslation("journeys");
  const words = useWords();
  const format = useFormat();
  const number = (key: "here" | "entered" | "finished" | "left", value: number | undefined) => (value === undefined ? "" : t(`count.${key}`, { count: value, exact: format.exact(value) }));
  const plain = { problem: false, lit: false, chosen: false };
  return (id) => {
    if (id === START) {
      return { ...plain, icon: "people", kind: t("start.title"), says: words.start(graph.start), count: number("entered", counts?.entered), tone: "start", lit: lit?.has(START) ?? false, open: onStart };
    }
    if (id === END) return { ...plain, icon: "check", kind: t("end"), says: graph.goal ? t(`goal.${graph.goal.of}`, { name: graph.goal.name, length: words.length(graph.goal.within) }) : "", count: number("finished", counts?.finished), tone: "end", lit: lit?.has(END) ?? false };
    const leave = graph.leaves.find((_, index) => leaveId(index) === id);
    if (leave) return { ...plain, icon: "external", kind: t("leave.title"), says: words.leave(leave), count: number("left", counts && (counts.left.get(leave.name) ?? 0)), tone: "leave", open: onStart };
    const step = stepOf(graph, id);
    const messages = counts?.messages.get(id);
    const parts = messages ? (["sent", "waiting", "failed"] as const).filter((part) => messages[part] > 0 || part === "sent").map((part) => t(`messages.${part}`, { exact: format.exact(messages[part]) })) : [];
    return {
      icon: step?.kind ? ICONS[step.kind] : "warning",
      kind: step ? words.kind(step) : id,
      says: (step && words.says(step)) || id,
      count: [number("here", counts && (counts.here.get(id) ?? 0)), ...parts].filter(Boolean).join(" · "),
      tone: step?.kind ?? "unknown",
      problem: problems?.has(id) ?? false,
      lit: lit?.has(id) ?? false,
      chosen: chosen === id,
      open: onStep && (() => onStep(id)),
    };
  };
}

export interface WayWords {
  name: string;
  label: string;
  count: string;
  countTitle: string;
  /** Where a step would be put in, in words. */
  where: string;
}

/** What stands at a line, for each way that goes along it. */
export function useLines({ graph, counts }: PictureProps): (line: Pick<Line, "from" | "ways">) => WayWords[] {
  const { t } = useTranslation("journeys");
  const words = useWords();
  const format = useFormat();
  const title = (step: Step) => `${words.kind(step)} ${words.says(step)}`.trim();
  return ({ from, ways }) => {
    const step = stepOf(graph, from);
    if (!step) return [{ name: "", label: "", count: "", countTitle: "", where: t("canvas.first") }];
    return ways.map((way) => {
      const label = words.way(step, way.name);
      const went = counts && (counts.passed.get(wayKey(from, way.name)) ?? 0);
      return {
        name: way.name,
        label,
        count: went === undefined ? "" : format.exact(went),
        countTitle: went === undefined ? "" : t("count.went", { count: went, exact: format.exact(went) }),
        where: label ? t("canvas.afterWay", { step: title(step), way: label }) : t("canvas.after", { step: title(step) }),
      };
    });
  };
}
