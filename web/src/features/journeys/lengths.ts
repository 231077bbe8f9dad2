export const UNITS = ["minute", "hour", "day", "week"] as const;
export type Unit = (typeof UNITS)[number];

export interface Length {
  n: number;
  unit: Unit | "second";
}

/** A duration as a file says it ("2 hours"), or null for what is none. */
export function lengthOf(said: string): Length | null {
  const found = /^\s*(\d+)\s+(second|minute|hour|day|week)s?\s*$/.exec(said);
  return found ? { n: Number(found[1]), unit: found[2] as Length["unit"] } : null;
}

/** The duration as a file says it. */
export function said({ n, unit }: Length): string {
  return `${n} ${unit}${n === 1 ? "" : "s"}`;
}
