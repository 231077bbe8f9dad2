import type { Answer } from "../../lib/api";

type Given = NonNullable<Answer<"/api/v1/tags/form", "post">["fields"]>;
type GivenMeasure = NonNullable<Given["measure"]>;
type GivenWindow = NonNullable<GivenMeasure["window"]>;

export type Window = Required<GivenWindow>;
export type Measure = Required<Omit<GivenMeasure, "window">> & { window: Window | null };
export type Case = NonNullable<Given["cases"]>[number];
export type Points = NonNullable<Given["points"]>[number];
export type Cuts = Required<NonNullable<Given["cuts"]>>;
type GivenInterest = NonNullable<Given["interest"]>;
export type Interest = Required<Omit<GivenInterest, "window">> & { window: Window | null };
/** A tag's file as the form holds it: every field is there. */
export type Fields = Required<Omit<Given, "measure" | "interest" | "cuts">> & { measure: Measure | null; interest: Interest | null; cuts: Cuts | null };
/** What a rule is written by; `tiers`: points, cut in tiers; `cuts`: the tiers of another tag. */
export type Shape = "cases" | "points" | "tiers" | "cuts";

export const NATURES = ["fact", "model", "prediction"] as const;
export const METHODS = ["observed", "statistic", "rule", "manual", "imported"] as const;
export const INTERESTS = ["interest", "demand"] as const;
export const INTEREST_UNITS = ["hour", "day", "week"] as const;
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
  const { measure = null, interest = null, cuts = null, title = {}, cases = [], points = [], values = [], kept = [], tests = [], ...rest } = given;
  return {
    ...rest,
    title,
    cases,
    points,
    values,
    kept,
    tests,
    cuts: cuts as Cuts | null,
    measure: measure && { ...measure, window: measure.window ?? null },
    interest: interest && { ...(interest as Required<GivenInterest>), window: interest.window ?? null },
  };
}

/** Tiers that a rule begins with. */
export const CUTS: Cuts = { of: "", tiers: ["low", "high"], at: ["1"], frozen: [], frozen_at: "", refresh: "" };

/** Another method: its kind of definition is begun, and those of the others go. */
export function withMethod(fields: Fields, method: string, event: string): Partial<Fields> {
  const given = method === "manual" || method === "imported";
  const dynamic = method === "statistic" || method === "rule";
  const begun = method === "rule" && !fields.cases.length && !fields.points.length && !fields.cuts;
  return {
    method,
    nature: method === "rule" || method === "manual" ? "model" : "fact",
    validity: dynamic && !fields.validity && !fields.refresh ? "2 days" : fields.validity,
    refresh: given ? "" : fields.refresh,
    attribute: method === "observed" ? fields.attribute : "",
    statistic: method === "statistic" ? fields.statistic : "",
    measure: method === "statistic" ? (fields.measure ?? (fields.interest ? null : { function: "count", of: "", event, where: "", window: WINDOW })) : null,
    interest: method === "statistic" ? fields.interest : null,
    cases: method === "rule" ? (begun ? [{ when: "", then: fields.type === "flag" ? "true" : "" }] : fields.cases) : [],
    points: method === "rule" ? fields.points : [],
    cuts: method === "rule" ? fields.cuts : null,
    otherwise: method === "rule" ? fields.otherwise : "",
    values: given ? fields.values : [],
    ...(method === "statistic" && !fields.measure && !fields.interest ? { type: "number" } : {}),
  };
}

/** What a rule is written by. */
export function shapeOf(fields: Fields): Shape {
  if (fields.points.length) return fields.cuts ? "tiers" : "points";
  return fields.cuts ? "cuts" : "cases";
}

/** Another way to write the rule: it is begun, and what the others hold goes. */
export function withShape(fields: Fields, shape: Shape): Partial<Fields> {
  const points = fields.points.length ? fields.points : [{ when: fields.cases[0]?.when ?? "", points: "1" }];
  const cuts = fields.cuts ?? CUTS;
  const same = (fields.cuts?.of ?? "") !== "" === (shape === "cuts");
  return {
    cases: shape === "cases" ? (fields.cases.length ? fields.cases : [{ when: fields.points[0]?.when ?? "", then: "" }]) : [],
    points: shape === "points" || shape === "tiers" ? points : [],
    cuts: shape === "tiers" ? { ...cuts, of: "", at: cuts.at.map((point) => point.replace("%", "")), frozen: [], frozen_at: "", refresh: "" } : shape === "cuts" ? (same ? cuts : { ...cuts, frozen: [], frozen_at: "" }) : null,
    otherwise: shape === "cases" || shape === "cuts" ? fields.otherwise : "",
    type: shape === "points" ? "number" : shape === "cases" ? fields.type : "text",
  };
}

/** Another function of the statistic: of events, or points for labels. */
export function withFunction(fields: Fields, name: string, event: string, property: string): Partial<Fields> {
  const interest = INTERESTS.find((item) => item === name);
  if (interest) {
    const now = fields.interest;
    return {
      measure: null,
      type: "text",
      interest: now
        ? { ...now, function: interest, until: interest === "demand" ? now.until : "" }
        : { function: interest, of: property, terms: [{ event: fields.measure?.event ?? event, points: 1, where: "" }], half_life: { n: 14, unit: "day" }, window: null, until: "", half_at: 10, most: 20 },
    };
  }
  const found = FUNCTIONS.find((item) => item === name) ?? "count";
  return { interest: null, measure: { function: found, of: OF_PROPERTY.includes(found) ? property : "", event: fields.interest?.terms[0]?.event ?? event, where: "", window: WINDOW }, type: "number" };
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
