import { describe, expect, it } from "vitest";

import { graphOf } from "./graph";
import { HIGH, layoutOf, START, WIDE } from "./layout";

const FORK = graphOf({
  start: { event: "Product Added" },
  leave: [{ name: "bought", event: "Order Paid" }],
  steps: {
    look: { branch: [{ when: "vip", next: "call" }], next: "remind" },
    remind: { message: { template: "a.html" } },
    again: { wait: "1 day", next: "look" },
    call: { task: "Call" },
  },
});

describe("the layout of a journey", () => {
  const layout = layoutOf(FORK);
  const at = (id: string) => layout.boxes.find((box) => box.id === id) ?? { x: NaN, y: NaN };

  it("puts each step below those that lead to it, and who leaves beside", () => {
    expect(at(START).y).toBeLessThan(at("look").y);
    expect(at("remind").y).toBe(at("call").y);
    expect(at("again").y).toBeGreaterThan(at("remind").y);
    expect(at("end").y).toBeGreaterThan(at("call").y);
    expect(at(":leave:0").x).toBeGreaterThan(Math.max(at("remind").x, at("call").x));
  });

  it("marks the one line that leads back up", () => {
    expect(layout.lines.filter((line) => line.back).map((line) => line.id)).toEqual(["again>look"]);
  });

  it("lets no box lie on another, and no line pass through one", () => {
    for (const box of layout.boxes) {
      const others = layout.boxes.filter((other) => other !== box && other.y === box.y);
      for (const other of others) expect(Math.abs(other.x - box.x)).toBeGreaterThanOrEqual(WIDE);
      for (const line of layout.lines.filter((item) => !item.back)) {
        for (const point of line.points.slice(1, -1)) {
          const within = point.x > box.x && point.x < box.x + WIDE && point.y >= box.y && point.y <= box.y + HIGH;
          expect(within).toBe(false);
        }
      }
    }
  });

  it("gives the same picture for the same journey", () => {
    expect(layoutOf(FORK)).toEqual(layout);
  });

  it("draws one line for two ways to the same step", () => {
    const both = layoutOf(graphOf({ start: {}, steps: { ask: { wait_for: "Order Paid", at_most: "1 day" }, call: { task: "Call" } } }));
    expect(both.lines.find((line) => line.id === "ask>call")?.ways.map((way) => way.name)).toEqual(["", "missed"]);
  });

  it("draws a journey whose steps lead nowhere, or that has none", () => {
    expect(layoutOf(graphOf({ steps: { a: { wait: "1 day", next: "gone" } } })).lines.map((line) => line.id)).toEqual([":start>a"]);
    expect(layoutOf(graphOf({})).boxes.map((box) => box.id)).toEqual([START, "end"]);
  });
});
