import type { Answer } from "../../lib/api";

export type Shown = Answer<"/api/v1/journeys/{name}">;

export interface Counts {
  entered: number;
  finished: number;
  /** How many left by which reason. */
  left: Map<string, number>;
  here: Map<string, number>;
  passed: Map<string, number>;
  messages: Map<string, NonNullable<Shown["steps"][number]["messages"]>>;
}

/** The name under which the people are counted who went a way. */
export function wayKey(step: string, way: string): string {
  return `${step} ${way}`;
}

/** How many are where: of every step and way, as the server counted them. */
export function countsOf(shown: Shown): Counts {
  return {
    entered: shown.entered,
    finished: shown.ended["end"] ?? 0,
    left: new Map(Object.entries(shown.ended).map(([why, people]) => [why.replace(/^left: /, ""), people] as const)),
    here: new Map(shown.steps.map((step) => [step.name, step.here])),
    passed: new Map(shown.steps.flatMap((step) => step.ways.map((way) => [wayKey(step.name, way.name), way.people] as const))),
    messages: new Map(shown.steps.flatMap((step) => (step.messages ? [[step.name, step.messages] as const] : []))),
  };
}
