import { describe, expect, it } from "vitest";

import { complete, emptyGroup, fromTree, type Group, type Item, isNode, narrowed, newId, toTree, type Tree, type TreeNode } from "./model";

const isTag = (name: string) => ["city", "orders", "loyal", "last_order"].includes(name);
const name = (key: string): TreeNode => ({ is: "name", name: key });
const city: TreeNode = { is: "compare", left: name("city"), op: "=", right: "上海" };
const orders: TreeNode = { is: "between", value: name("orders"), low: 2, high: 5 };
const paid: TreeNode = {
  is: "did",
  event: { is: "event", name: "Order Paid", where: { is: "and", args: [{ is: "compare", left: name("amount"), op: ">", right: 20 }, { is: "not", arg: { is: "among", value: name("store"), options: ["a", "b"] } }] } },
  times: { is: "times", op: "at least", n: 2 },
  window: { is: "in_last", duration: { is: "duration", n: 30, unit: "day" } },
};
const regularly: TreeNode = { is: "regularly", event: { is: "event", name: "Visit" }, least: 2, periods: 4, each: { is: "duration", n: 1, unit: "week" } };

/** Trees as the server gives them. */
const TREES: Record<string, Tree> = {
  comparison: city,
  flag: name("loyal"),
  "no flag": { is: "compare", left: name("loyal"), op: "=", right: false },
  "not a flag": { is: "not", arg: name("loyal") },
  "not in": { is: "not", arg: { is: "among", value: name("city"), options: ["a", "b"] } },
  unknown: { is: "not", arg: { is: "known", value: name("city") } },
  attribute: { is: "compare", left: { is: "attribute", path: ["address", "zip"] }, op: "!=", right: "200000" },
  "bare attribute": { is: "compare", left: name("birth_year"), op: "<", right: 1990 },
  instant: { is: "compare", left: name("last_order"), op: "<", right: { is: "instant", value: "2026-05-01" } },
  window: { is: "within", value: name("last_order"), window: { is: "from_to", first: { is: "instant", value: "2026-05-01" }, last: { is: "instant", value: "2026-06-01" } } },
  calendar: { is: "within", value: name("last_order"), window: { is: "in_last_calendar", n: 2, unit: "month" } },
  did: paid,
  "did not": { is: "not", arg: paid },
  audience: { is: "not", arg: { is: "in_audience", name: "followers" } },
  "no row for it": regularly,
  "not, and no row for it": { is: "not", arg: regularly },
  "twice not": { is: "not", arg: { is: "not", arg: city } },
  "two tags compared": { is: "compare", left: name("orders"), op: ">", right: name("loyal") },
  "literal first": { is: "compare", left: 3, op: "<", right: name("orders") },
  constant: true,
  nested: { is: "and", args: [city, { is: "or", args: [orders, { is: "not", arg: { is: "and", args: [paid, regularly] } }] }, { is: "not", arg: { is: "or", args: [city, name("loyal")] } }] },
};

function idsOf(item: Item): Item[] {
  return item.kind === "group" ? [item, ...item.items.flatMap(idsOf)] : [item];
}

function at(tree: Tree, path: string): Tree {
  return path
    .split(".")
    .filter(Boolean)
    .reduce((node: Tree, step) => {
      if (!isNode(node)) throw new Error("no node");
      return node.is === "not" ? (node["arg"] as Tree) : ((node["args"] as Tree[])[Number(step)] as Tree);
    }, tree);
}

describe("rows and tree", () => {
  it.each(Object.entries(TREES))("loses nothing: %s", (_, tree) => {
    expect(toTree(fromTree(tree, isTag)).tree).toEqual(tree);
  });

  it.each(Object.entries(TREES))("knows where each row stands: %s", (_, tree) => {
    const root = fromTree(tree, isTag);
    const { paths } = toTree(root);
    for (const item of idsOf(root)) {
      const path = paths.get(item.id);
      expect(path).toBeDefined();
      const alone = toTree(item.kind === "group" ? item : { ...emptyGroup(), items: [item] }).tree;
      expect(at(tree, path ?? "")).toEqual(alone);
    }
  });

  it("reads a group of the same kind inside as no group, as the language does", () => {
    const inner: Group = { kind: "group", id: newId(), mode: "all", items: idsOf(fromTree(city, isTag)).slice(1).concat(idsOf(fromTree(orders, isTag)).slice(1)) };
    const outer: Group = { kind: "group", id: newId(), mode: "all", items: [inner, ...fromTree(name("loyal"), isTag).items] };
    const { tree, paths } = toTree(outer);
    expect(tree).toEqual({ is: "and", args: [city, orders, name("loyal")] });
    expect(paths.has(inner.id)).toBe(false);
    expect(inner.items.map((item) => paths.get(item.id))).toEqual(["0", "1"]);
    expect(paths.get(outer.items[1]?.id ?? "")).toBe("2");
  });

  it("leaves out what is not complete", () => {
    const row: Item = { kind: "value", id: newId(), not: false, subject: { of: "tag", path: ["city"] }, test: "in", values: [], window: null };
    expect(complete(row)).toBe(false);
    expect(toTree({ ...emptyGroup(), items: [row] }).tree).toBeNull();
    expect(toTree({ ...emptyGroup(), items: [row, ...fromTree(city, isTag).items] }).tree).toEqual(city);
  });
});

describe("a crowd that is narrowed down", () => {
  const flag = name("loyal");
  const said = (root: Group) => toTree(root).tree;

  it("begins with the condition where there was none", () => {
    expect(said(narrowed(emptyGroup("any"), city, isTag))).toEqual(city);
  });

  it("has the condition beside those that stand there, once", () => {
    const first = narrowed(fromTree(city, isTag), flag, isTag);
    expect(said(first)).toEqual({ is: "and", args: [city, flag] });
    expect(said(narrowed(first, flag, isTag))).toEqual({ is: "and", args: [city, flag] });
  });

  it("keeps alternatives together", () => {
    const any: Tree = { is: "or", args: [city, orders] };
    expect(said(narrowed(fromTree(any, isTag), flag, isTag))).toEqual({ is: "and", args: [any, flag] });
  });
});
