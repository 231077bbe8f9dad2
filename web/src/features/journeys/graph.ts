import { isMap, listOf, mapOf, type Raw, textOf } from "../../lib/raw";

export { isMap, listOf, mapOf, type Raw, textOf };

/** What a journey's file says, as JSON. */
export type Doc = Raw;

export const KINDS = ["wait", "until", "wait_for", "branch", "split", "message", "tag", "webhook", "task"] as const;
export type Kind = (typeof KINDS)[number];
export const STARTS = ["event", "enters", "leaves", "date", "schedule"] as const;
export type StartKind = (typeof STARTS)[number];

/** Where a way ends the journey. */
export const END = "end";

/** A way out of a step: its name as the server has it ("" is the usual one), and the step that it leads to. */
export interface Way {
  name: string;
  next: string;
}

export interface Step {
  name: string;
  /** null where the text does not say what the step is. */
  kind: Kind | null;
  raw: Raw;
  ways: Way[];
}

export interface Leave {
  name: string;
  event: string;
  where: string;
  when: string;
}

export interface Graph {
  start: Raw;
  /** What the journey is for: an event, and within how long. */
  goal: { of: "event" | "metric"; name: string; within: string } | null;
  steps: Step[];
  leaves: Leave[];
}

export function kindOf(raw: Raw): Kind | null {
  return KINDS.find((kind) => kind in raw) ?? null;
}

export function startKindOf(start: Raw): StartKind | null {
  return STARTS.find((kind) => kind in start) ?? null;
}

/** The journey that a file says; what is wrong in it is left as it is. */
export function graphOf(doc: Doc): Graph {
  const given = Object.entries(mapOf(doc["steps"]));
  const steps = given.map(([name, value], index): Step => {
    const raw = mapOf(value);
    return { name, kind: kindOf(raw), raw, ways: waysOf(raw, given[index + 1]?.[0] ?? END) };
  });
  const leaves = listOf(doc["leave"]).map((value, index): Leave => {
    const raw = mapOf(value);
    return { name: textOf(raw["name"]) || String(index + 1), event: textOf(raw["event"]), where: textOf(raw["where"]), when: textOf(raw["when"]) };
  });
  const goal = mapOf(doc["goal"]);
  return { start: mapOf(doc["start"]), goal: goal["event"] || goal["metric"] ? { of: goal["metric"] ? "metric" : "event", name: textOf(goal["metric"] ?? goal["event"]), within: textOf(goal["within"]) } : null, steps, leaves };
}

/** The ways out of a step; `following`: the step after it in the file, where one goes that is not said otherwise. */
function waysOf(raw: Raw, following: string): Way[] {
  const kind = kindOf(raw);
  const usual = { name: "", next: textOf(raw["next"]) || following };
  if (kind === "wait_for") return [usual, { name: "missed", next: textOf(raw["missed"]) || following }];
  if (kind === "branch") return [...listOf(raw["branch"]).map((item, index) => ({ name: String(index + 1), next: textOf(mapOf(item)["next"]) || following })), usual];
  if (kind === "split") return Object.entries(mapOf(raw["split"])).map(([name, item]) => ({ name, next: textOf(mapOf(item)["next"]) || following }));
  return [usual];
}

/** The way that most follow: what a step leads to when it is moved or taken out. */
export function mainOf(step: Step): Way {
  return step.ways.find((way) => way.name === "") ?? step.ways[0] ?? { name: "", next: END };
}
