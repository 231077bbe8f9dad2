import { END, type Graph, isMap, type Kind, kindOf, listOf, mainOf, mapOf, type Raw, type Step, textOf } from "./graph";

/** A journey's steps as its file has them, in their order. */
export type Steps = Record<string, Raw>;

/** The words that new steps are made of. */
export interface Known {
  event: string;
  template: string;
  tag: string;
  /** What a member of staff is asked to do. */
  task: string;
  subject: string;
}

/** A name for a new step that no other has: message, message_2, … */
export function freeName(kind: Kind, steps: readonly Step[]): string {
  const taken = new Set([END, ...steps.map((step) => step.name)]);
  let name: string = kind;
  for (let number = 2; taken.has(name); number++) name = `${kind}_${number}`;
  return name;
}

/** A new step of a kind, all of whose ways lead on to `next`. */
export function newStep(kind: Kind, next: string, known: Known): Raw {
  switch (kind) {
    case "wait":
      return { wait: "1 day" };
    case "until":
      return { until: "10:00" };
    case "wait_for":
      return { wait_for: known.event, at_most: "2 days" };
    case "branch":
      return { branch: [{ when: `did "${known.event}" in last 30 days`, next }] };
    case "split":
      return { split: { a: { percent: 50, next }, b: { percent: 50, next } } };
    case "message":
      return { message: { channel: "email", template: known.template, subject: known.subject, class: "marketing" } };
    case "tag":
      return { tag: known.tag, value: true };
    case "webhook":
      return { webhook: { url: "https://example.com/hook", data: { event: known.event } } };
    case "task":
      return { task: known.task, within: "1 day" };
  }
}

/** The step put in on a way out of `from` (null: before the first): that way leads to it, and it leads on as the way did. */
export function inserted(graph: Graph, from: { step: string; way: string } | null, kind: Kind, known: Known): { steps: Steps; name: string } {
  const name = freeName(kind, graph.steps);
  const before = graph.steps.find((step) => step.name === from?.step);
  const next = before?.ways.find((way) => way.name === from?.way)?.next ?? (from === null ? graph.steps[0]?.name : undefined) ?? END;
  const raw = newStep(kind, next, known);
  const made: Step = { name, kind, raw, ways: waysTo(raw, next) };
  const steps = graph.steps.map((step) => (step === before ? { ...step, ways: step.ways.map((way) => (way.name === from?.way ? { ...way, next: name } : way)) } : step));
  const place = before ? graph.steps.indexOf(before) + 1 : from === null ? 0 : steps.length;
  return { steps: rewired([...steps.slice(0, place), made, ...steps.slice(place)]), name };
}

/** All ways of a step lead to `next`. */
function waysTo(raw: Raw, next: string): Step["ways"] {
  const kind = kindOf(raw);
  if (kind === "wait_for") return ["", "missed"].map((name) => ({ name, next }));
  if (kind === "branch") return [...listOf(raw["branch"]).map((_, index) => ({ name: String(index + 1), next })), { name: "", next }];
  if (kind === "split") return Object.keys(mapOf(raw["split"])).map((name) => ({ name, next }));
  return [{ name: "", next }];
}

/** Without the step: whoever would have come to it goes on as most would have from it. Steps to which nobody comes any more go, too. */
export function removed(graph: Graph, name: string): { steps: Steps; gone: string[] } {
  const step = graph.steps.find((item) => item.name === name);
  if (!step) return { steps: rewired(graph.steps), gone: [] };
  const main = mainOf(step).next;
  const next = main === name ? END : main;
  const led = graph.steps
    .filter((item) => item !== step)
    .map((item) => ({ ...item, ways: item.ways.map((way) => (way.next === name ? { ...way, next } : way)) }));
  const begins = graph.steps[0]?.name === name ? next : graph.steps[0]?.name;
  const there = comeTo(led, begins ?? END);
  const left = led.filter((item) => there.has(item.name));
  const first = left.find((item) => item.name === begins);
  return {
    steps: rewired(first ? [first, ...left.filter((item) => item !== first)] : left),
    gone: led.filter((item) => !there.has(item.name)).map((item) => item.name),
  };
}

function comeTo(steps: readonly Step[], begins: string): Set<string> {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const found = new Set<string>();
  const waiting = [begins];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const step = byName.get(name);
    if (!step || found.has(name)) continue;
    found.add(name);
    waiting.push(...step.ways.map((way) => way.next));
  }
  return found;
}

/** The step that can change places with this one: the next on its main way, or the one whose main way leads here. */
export function neighbour(graph: Graph, name: string, side: "earlier" | "later"): string | null {
  const step = graph.steps.find((item) => item.name === name);
  if (!step) return null;
  if (side === "earlier") return graph.steps.find((item) => item.name !== name && mainOf(item).next === name)?.name ?? null;
  const next = mainOf(step).next;
  return next !== name && graph.steps.some((item) => item.name === next) ? next : null;
}

/** The step one place earlier or later on its way: it and its neighbour change places. */
export function moved(graph: Graph, name: string, side: "earlier" | "later"): Steps {
  const other = neighbour(graph, name, side);
  if (other === null) return rewired(graph.steps);
  const [above, below] = side === "later" ? [name, other] : [other, name];
  const after = mainOf(graph.steps.find((step) => step.name === below) ?? { name: "", kind: null, raw: {}, ways: [] }).next;
  const steps = graph.steps.map((step) => {
    const main = mainOf(step).name;
    if (step.name === above) return { ...step, ways: step.ways.map((way) => (way.name === main ? { ...way, next: after === above ? below : after } : way)) };
    const turned = step.ways.map((way) => (way.next === above ? { ...way, next: below } : way));
    return step.name === below ? { ...step, ways: turned.map((way) => (way.name === main ? { ...way, next: above } : way)) } : { ...step, ways: turned };
  });
  const first = steps.find((step) => step.name === above);
  const order = steps.filter((step) => step !== first);
  const place = order.findIndex((step) => step.name === below) + 1;
  if (!first) return rewired(order);
  if (steps[0] === first) {
    // The journey begins with the other one now.
    const begins = order.filter((step) => step.name === below);
    return rewired([...begins, first, ...order.filter((step) => step.name !== below)]);
  }
  return rewired([...order.slice(0, place), first, ...order.slice(place)]);
}

/** The step says something else now; its ways are as it says them. */
export function changed(graph: Graph, name: string, raw: Raw): Steps {
  return Object.fromEntries(graph.steps.map((step) => [step.name, step.name === name ? raw : step.raw]));
}

/** The step under another name, also where others lead to it. */
export function renamed(graph: Graph, name: string, to: string): Steps {
  return rewired(
    graph.steps.map((step) => ({
      ...step,
      name: step.name === name ? to : step.name,
      ways: step.ways.map((way) => (way.next === name ? { ...way, next: to } : way)),
    })),
  );
}

/** The steps as the file says them in this order: a `next` stands only where it is not simply the step that follows. */
export function rewired(steps: readonly Step[]): Steps {
  return Object.fromEntries(steps.map((step, index) => [step.name, led(step, steps[index + 1]?.name ?? END)]));
}

function led(step: Step, following: string): Raw {
  const raw = structuredClone(step.raw);
  for (const { name, next } of step.ways) {
    if (step.kind === "split") {
      const share = mapOf(raw["split"])[name];
      if (isMap(share)) share["next"] = next;
    } else if (step.kind === "branch" && name !== "") {
      const item = listOf(raw["branch"])[Number(name) - 1];
      if (isMap(item)) item["next"] = next;
    } else {
      const key = name || "next";
      const said = textOf(raw[key]);
      if (said === next || (!said && following === next)) continue;
      if (following === next) Reflect.deleteProperty(raw, key);
      else raw[key] = next;
    }
  }
  return raw;
}
