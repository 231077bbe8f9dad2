import { expect, test } from "vitest";

import { arrange, reached } from "./lineage";

const nodes = [
  { id: "a", layer: 0 },
  { id: "b", layer: 0 },
  { id: "c", layer: 1 },
  { id: "d", layer: 1 },
  { id: "e", layer: 2 },
];

test("columns are ordered so that arrows do not cross where they need not", () => {
  const columns = arrange(nodes, [
    { from: "a", to: "d" },
    { from: "b", to: "c" },
    { from: "c", to: "e" },
  ]);
  const names = columns.map((column) => column.map((node) => node.id));
  const [first, second] = names;
  expect(first?.indexOf("a")).toBe(second?.indexOf("d"));
  expect(first?.indexOf("b")).toBe(second?.indexOf("c"));
  expect(names[2]).toEqual(["e"]);
});

test("the same graph gives the same picture in whatever order it comes", () => {
  const arrows = [{ from: "a", to: "c" }, { from: "b", to: "c" }, { from: "b", to: "d" }];
  const ids = (columns: { id: string }[][]) => columns.map((column) => column.map((node) => node.id));
  const sorted = [...nodes].sort((a, b) => a.id.localeCompare(b.id));
  expect(ids(arrange(sorted, arrows))).toEqual(ids(arrange(sorted, [...arrows].reverse())));
});

test("what is reached ends in a circle, too", () => {
  const arrows = [{ from: "a", to: "b" }, { from: "b", to: "a" }, { from: "b", to: "c" }];
  expect([...reached("a", arrows)].sort()).toEqual(["a", "b", "c"]);
  expect([...reached("c", arrows, true)].sort()).toEqual(["a", "b", "c"]);
  expect([...reached("c", arrows)]).toEqual(["c"]);
});
