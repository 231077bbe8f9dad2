import type { Answer } from "../../lib/api";

type Given = NonNullable<Answer<"/api/v1/tags/form", "post">["fields"]>;
type GivenMeasure = NonNullable<Given["measure"]>;
type GivenWindow = NonNullable<GivenMeasure["window"]>;

export type Window = Required<GivenWindow>;
export type Measure = Required<Omit<GivenMeasure, "window">> & { window: Window | null };
export type Case = NonNullable<Given["cases"]>[number];
/** A tag's file as the form holds it: every field is there. */
export type Fields = Required<Omit<Given, "measure">> & { measure: Measure | null };

export const NATURES = ["fact", "model", "prediction"] as const;
export const METHODS = ["observed", "statistic", "rule"] as const;
export const TYPES = ["flag", "text", "number", "money", "instant"] as const;
export const FUNCTIONS = ["count", "sum", "avg", "min", "max", "distinct", "first", "last", "most_frequent", "recency", "first_time", "last_time"] as const;
export const WINDOWS = ["in_last", "in_last_calendar", "in_this", "since", "from_to"] as const;
export const UNITS = ["second", "minute", "hour", "day", "week"] as const;
export const CALENDAR_UNITS = ["day", "week", "month", "year"] as const;

/** Functions of a property of the events; the others need the events alone. */
export const OF_PROPERTY: readonly string[] = ["sum", "avg", "min", "max", "distinct", "first", "last", "most_frequent"];

const WINDOW: Window = { kind: "in_last", n: 30, unit: "day", first: "", last: "" };

/** The form of what the server read. */
export function fieldsOf(given: Given | null): Fields | null {
  if (!given) return null;
  const { measure = null, title = {}, cases = [], tests = [], ...rest } = given;
  return { ...rest, title, cases, tests, measure: measure && { ...measure, window: measure.window ?? null } };
}

/** Another method: its kind of definition is begun, and those of the others go. */
export function withMethod(fields: Fields, method: string, event: string): Partial<Fields> {
  const dynamic = method !== "observed";
  return {
    method,
    nature: method === "rule" ? "model" : "fact",
    validity: dynamic && !fields.validity && !fields.refresh ? "2 days" : fields.validity,
    attribute: method === "observed" ? fields.attribute : "",
    statistic: method === "statistic" ? fields.statistic : "",
    measure: method === "statistic" ? (fields.measure ?? { function: "count", of: "", event, where: "", window: WINDOW }) : null,
    cases: method === "rule" ? (fields.cases.length ? fields.cases : [{ when: "", then: fields.type === "flag" ? "true" : "" }]) : [],
    otherwise: method === "rule" ? fields.otherwise : "",
    by: method === "rule" ? fields.by : "",
    ...(method === "statistic" && !fields.measure ? { type: "number" } : {}),
  };
}

/** Another kind of window, with what it needs. */
export function windowOf(kind: string, now: Window | null, today: string): Window | null {
  const found = WINDOWS.find((item) => item === kind);
  if (!found) return null;
  const calendar = found === "in_last_calendar" || found === "in_this";
  const units: readonly string[] = calendar ? CALENDAR_UNITS : UNITS;
  const unit = now?.unit && units.includes(now.unit) ? now.unit : calendar ? "month" : "day";
  return {
    kind: found,
    n: found === "in_last" || found === "in_last_calendar" ? now?.n || (calendar ? 3 : 30) : 0,
    unit: found === "since" || found === "from_to" ? "" : unit,
    first: found === "since" || found === "from_to" ? now?.first || `${today.slice(0, 4)}-01-01` : "",
    last: found === "from_to" ? now?.last || today : "",
  };
}

/** The type of what a function gives, where it does not follow from the property. */
export function typeOf(measure: Measure, property: string | undefined): string {
  if (measure.function === "count" || measure.function === "distinct" || measure.function === "recency") return "number";
  if (measure.function === "first_time" || measure.function === "last_time") return "instant";
  if (measure.function === "avg") return property === "money" ? "money" : "number";
  return property && property !== "list" ? property : "number";
}
