import { describe, expect, it } from "vitest";

import { changed, freeName, inserted, moved, neighbour, removed, renamed } from "./edits";
import { graphOf } from "./graph";

const KNOWN = { event: "Order Paid", template: "a.html", tag: "vip", task: "Call", subject: "Hello" };
const ROAD = graphOf({
  start: { event: "Product Added" },
  steps: {
    pause: { wait: "2 hours" },
    look: { branch: [{ when: "vip", next: "call" }] },
    remind: { message: { template: "a.html" }, next: "end" },
    call: { task: "Call" },
  },
});

describe("edits of a journey", () => {
  it("puts a step in where a way leads, and writes no next that goes without saying", () => {
    const { steps, name } = inserted(ROAD, { step: "pause", way: "" }, "wait", KNOWN);
    expect([name, Object.keys(steps)]).toEqual(["wait", ["pause", "wait", "look", "remind", "call"]]);
    expect([steps["pause"], steps["wait"]]).toEqual([{ wait: "2 hours" }, { wait: "1 day" }]);
  });

  it("puts a step in on one way of a branch", () => {
    const { steps } = inserted(ROAD, { step: "look", way: "1" }, "wait", KNOWN);
    expect(steps["look"]).toEqual({ branch: [{ when: "vip", next: "wait" }], next: "remind" });
    expect(steps["wait"]).toEqual({ wait: "1 day", next: "call" });
  });

  it("puts a step before all others", () => {
    expect(Object.keys(inserted(ROAD, null, "task", KNOWN).steps)[0]).toBe("task");
  });

  it("takes a step out, and with it those to which nobody comes any more", () => {
    expect(Object.keys(removed(ROAD, "pause").steps)).toEqual(["look", "remind", "call"]);
    const { steps, gone } = removed(ROAD, "look");
    expect([Object.keys(steps), gone]).toEqual([["pause", "remind"], ["call"]]);
  });

  it("changes the places of two steps on one way", () => {
    expect(neighbour(ROAD, "pause", "earlier")).toBeNull();
    const steps = moved(graphOf({ steps: { a: { wait: "1 day" }, b: { until: "10:00" }, c: { task: "x" } } }), "c", "earlier");
    expect(steps).toEqual({ a: { wait: "1 day" }, c: { task: "x" }, b: { until: "10:00" } });
  });

  it("moves the first step down", () => {
    const graph = graphOf({ steps: { a: { wait: "1 day" }, b: { until: "10:00", next: "end" }, c: { task: "x" } } });
    const steps = moved(graph, "a", "later");
    expect(Object.keys(steps)).toEqual(["b", "a", "c"]);
    expect(graphOf({ steps }).steps.map((step) => step.ways[0]?.next)).toEqual(["a", "end", "end"]);
  });

  it("renames a step wherever others lead to it", () => {
    const steps = renamed(ROAD, "call", "phone");
    expect([steps["look"], steps["phone"]]).toEqual([{ branch: [{ when: "vip", next: "phone" }] }, { task: "Call" }]);
  });

  it("changes one step alone, and finds free names", () => {
    expect(changed(ROAD, "call", { task: "Write" })["call"]).toEqual({ task: "Write" });
    expect(freeName("wait", graphOf({ steps: { wait: {}, wait_2: {} } }).steps)).toBe("wait_3");
  });
});
