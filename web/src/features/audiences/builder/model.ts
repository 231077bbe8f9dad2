/**
 * The builder's rows and the language's tree, and the way between them without loss: what no row can show stays a text.
 *
 * A tree is JSON as the server reads and writes it; a path leads to one of its nodes as the server numbers them.
 */

export type Tree = string | number | boolean | TreeNode;
export interface TreeNode {
  is: string;
  [field: string]: unknown;
}

export type Literal = string | number | boolean | { is: "instant"; value: string };
export type Mode = "all" | "any" | "none" | "notAll";

export interface Group {
  kind: "group";
  id: string;
  mode: Mode;
  items: Item[];
}

export const VALUE_TESTS = [
  "=", "!=", "<", "<=", ">", ">=", "between", "in", "notIn", "contains", "starts with", "ends with", "includes",
  "matches", "known", "unknown", "isTrue", "isFalse", "within",
] as const;
export type ValueTest = (typeof VALUE_TESTS)[number];

/** A test of a tag or an attribute; `not` stands before the whole test. */
export interface ValueRow {
  kind: "value";
  id: string;
  not: boolean;
  subject: Subject;
  test: ValueTest;
  values: Literal[];
  window: Span | null;
}

export interface Subject {
  of: "tag" | "attribute" | "property";
  /** The key of a tag, or the path of an attribute. */
  path: string[];
}

export const TIMES = ["at least", "at most", "exactly", "more than", "fewer than"] as const;
export type TimesOp = (typeof TIMES)[number];

/** Whether somebody did something. */
export interface DidRow {
  kind: "did";
  id: string;
  not: boolean;
  event: string;
  times: { op: TimesOp; n: number } | null;
  window: Span | null;
  /** What the event's properties must satisfy, all of it. */
  where: ValueRow[];
}

export interface AudienceRow {
  kind: "audience";
  id: string;
  not: boolean;
  name: string;
}

/** Anything else. `tree` is what the text says, null while it is being written or wrong. */
export interface TextRow {
  kind: "text";
  id: string;
  text: string | null;
  tree: Tree | null;
}

export type Row = ValueRow | DidRow | AudienceRow | TextRow;
export type Item = Group | Row;

export const UNITS = ["second", "minute", "hour", "day", "week"] as const;
export const CALENDAR_UNITS = ["day", "week", "month", "year"] as const;

/** A window of time. */
export type Span =
  | { of: "last" | "next" | "longAgo"; n: number; unit: string }
  | { of: "lastCalendar"; n: number; unit: string }
  | { of: "this"; unit: string }
  | { of: "since" | "before"; at: string }
  | { of: "between"; from: string; to: string };

let made = 0;
/** A name for a row that no other row has. */
export function newId(): string {
  made += 1;
  return `c${made}`;
}

export function emptyGroup(mode: Mode = "all"): Group {
  return { kind: "group", id: newId(), mode, items: [] };
}

// --- from the tree ---------------------------------------------------------------------------------

/** The rows that say what the tree says. `isTag` knows which bare names are tags. */
export function fromTree(tree: Tree, isTag: (name: string) => boolean): Group {
  const item = itemOf(tree, isTag);
  if (item.kind === "group") return item;
  return { kind: "group", id: newId(), mode: "all", items: [item] };
}

/** Those of the group for whom the tree holds, too. A part of the tree that stands there already is not added again. */
export function narrowed(root: Group, tree: Tree, isTag: (name: string) => boolean): Group {
  const added = itemOf(tree, isTag);
  const more = added.kind === "group" && added.mode === "all" ? added.items : [added];
  const whole = root.mode === "all" || root.items.length === 0 ? { ...root, mode: "all" as const } : { ...emptyGroup(), items: [root] };
  const said = new Set(whole.items.map(written));
  return { ...whole, items: [...whole.items, ...more.filter((item) => !said.has(written(item)))] };
}

function written(item: Item): string {
  return JSON.stringify(toTree({ kind: "group", id: "", mode: "all", items: [item] }).tree);
}

function itemOf(tree: Tree, isTag: (name: string) => boolean): Item {
  if (isNode(tree)) {
    const args = argsOf(tree);
    if (args) return { kind: "group", id: newId(), mode: tree.is === "and" ? "all" : "any", items: args.map((arg) => itemOf(arg, isTag)) };
    if (tree.is === "not") {
      const inner = tree["arg"] as Tree;
      const inside = isNode(inner) ? argsOf(inner) : undefined;
      if (isNode(inner) && inside) {
        return { kind: "group", id: newId(), mode: inner.is === "and" ? "notAll" : "none", items: inside.map((arg) => itemOf(arg, isTag)) };
      }
      const row = rowOf(inner, isTag);
      if (row && row.kind !== "text") return negated(row);
      return { kind: "text", id: newId(), text: null, tree };
    }
  }
  return rowOf(tree, isTag) ?? { kind: "text", id: newId(), text: null, tree };
}

/** The row with the opposite meaning; in its shortest form. */
function negated(row: ValueRow | DidRow | AudienceRow): Row {
  if (row.kind !== "value") return { ...row, not: true };
  if (row.test === "in") return { ...row, test: "notIn" };
  if (row.test === "known") return { ...row, test: "unknown" };
  return { ...row, not: true };
}

function argsOf(tree: TreeNode): Tree[] | undefined {
  return tree.is === "and" || tree.is === "or" ? (tree["args"] as Tree[]) : undefined;
}

/** The row of a plain condition, or undefined where there is none for it. */
function rowOf(tree: Tree, isTag: (name: string) => boolean): Row | undefined {
  if (!isNode(tree)) return undefined;
  if (tree.is === "in_audience") return { kind: "audience", id: newId(), not: false, name: String(tree["name"]) };
  if (tree.is === "did") return didOf(tree);
  return valueOf(tree, (node) => personSubject(node, isTag));
}

function personSubject(node: Tree | undefined, isTag: (name: string) => boolean): Subject | undefined {
  if (!isNode(node)) return undefined;
  if (node.is === "attribute") return { of: "attribute", path: node["path"] as string[] };
  // A bare name that is no tag is an attribute; it stays bare, so that the text stays the same.
  if (node.is === "name") return { of: isTag(String(node["name"])) ? "tag" : "property", path: [String(node["name"])] };
  return undefined;
}

function eventSubject(node: Tree | undefined): Subject | undefined {
  return isNode(node) && node.is === "name" ? { of: "property", path: [String(node["name"])] } : undefined;
}

function valueOf(tree: Tree, subjectOf: (node: Tree | undefined) => Subject | undefined): ValueRow | undefined {
  if (!isNode(tree)) return undefined;
  const row = (subject: Subject | undefined, test: ValueTest, values: readonly unknown[] = [], window: Span | null = null): ValueRow | undefined =>
    subject && values.every(isLiteral) ? { kind: "value", id: newId(), not: false, subject, test, values: [...values], window } : undefined;
  const subject = subjectOf(tree["value"] as Tree | undefined);
  switch (tree.is) {
    case "name":
    case "attribute":
      return row(subjectOf(tree), "isTrue");
    case "compare": {
      const left = subjectOf(tree["left"] as Tree);
      const [op, right] = [tree["op"] as ValueTest, tree["right"]];
      if (op === "=" && right === false) return row(left, "isFalse");
      return row(left, op, [right]);
    }
    case "among":
      return row(subject, "in", tree["options"] as unknown[]);
    case "between":
      return row(subject, "between", [tree["low"], tree["high"]]);
    case "text_test":
      return row(subject, tree["op"] as ValueTest, [tree["operand"]]);
    case "known":
      return row(subject, "known");
    case "within": {
      const window = spanOf(tree["window"] as TreeNode);
      return window ? row(subject, "within", [], window) : undefined;
    }
    default:
      return undefined;
  }
}

function didOf(tree: TreeNode): DidRow | undefined {
  const event = tree["event"] as TreeNode;
  const times = tree["times"] as TreeNode | undefined;
  const given = tree["window"] as TreeNode | undefined;
  const window = given ? spanOf(given) : null;
  if (window === undefined) return undefined;
  const condition = event["where"] as Tree | undefined;
  const tests = condition === undefined ? [] : isNode(condition) && condition.is === "and" ? (condition["args"] as Tree[]) : [condition];
  const where = tests.map(propertyTest);
  if (where.some((test) => test === undefined)) return undefined;
  return {
    kind: "did",
    id: newId(),
    not: false,
    event: String(event["name"]),
    times: times ? { op: times["op"] as TimesOp, n: Number(times["n"]) } : null,
    window,
    where: where as ValueRow[],
  };
}

function propertyTest(tree: Tree): ValueRow | undefined {
  if (isNode(tree) && tree.is === "not") {
    const inner = valueOf(tree["arg"] as Tree, eventSubject);
    return inner && (negated(inner) as ValueRow);
  }
  return valueOf(tree, eventSubject);
}

function spanOf(window: TreeNode): Span | undefined {
  const duration = window["duration"] as TreeNode | undefined;
  const length = duration && { n: Number(duration["n"]), unit: String(duration["unit"]) };
  const at = (field: string) => String((window[field] as TreeNode)["value"]);
  switch (window.is) {
    case "in_last":
      return length && { of: "last", ...length };
    case "in_next":
      return length && { of: "next", ...length };
    case "more_than_ago":
      return length && { of: "longAgo", ...length };
    case "in_last_calendar":
      return { of: "lastCalendar", n: Number(window["n"]), unit: String(window["unit"]) };
    case "in_this":
      return { of: "this", unit: String(window["unit"]) };
    case "since":
      return { of: "since", at: at("instant") };
    case "before":
      return { of: "before", at: at("instant") };
    case "from_to":
      return { of: "between", from: at("first"), to: at("last") };
    default:
      return undefined;
  }
}

// --- to the tree -----------------------------------------------------------------------------------

export interface Written {
  /** null: there is no complete condition yet. */
  tree: Tree | null;
  /** Where each row or group stands in the server's tree; what is incomplete or has no node of its own is missing. */
  paths: Map<string, string>;
}

/** The tree of the rows, without those that are not complete. */
export function toTree(root: Group): Written {
  const paths = new Map<string, string>();
  const tree = treeOf(root);
  if (tree !== null) place(root, tree, [], paths);
  return { tree, paths };
}

/** Whether the row says something. */
export function complete(item: Item): boolean {
  return treeOf(item) !== null;
}

function treeOf(item: Item): Tree | null {
  if (item.kind === "group") {
    const found = item.items.map(treeOf).filter((tree) => tree !== null);
    const joined = join(item.mode === "all" || item.mode === "notAll" ? "and" : "or", found);
    if (joined === null) return null;
    return item.mode === "none" || item.mode === "notAll" ? { is: "not", arg: joined } : joined;
  }
  if (item.kind === "text") return item.tree;
  const plain = plainOf(item);
  if (plain === null) return null;
  return item.not ? { is: "not", arg: plain } : plain;
}

/** All or any of the conditions in one node, as the language reads it: a group of the same kind inside is no group. */
function join(is: "and" | "or", found: readonly Tree[]): Tree | null {
  const [first, ...rest] = found;
  if (first === undefined) return null;
  if (!rest.length) return first;
  return { is, args: found.flatMap((tree) => (isNode(tree) && tree.is === is ? (tree["args"] as Tree[]) : [tree])) };
}

function place(item: Item, tree: Tree, path: readonly number[], paths: Map<string, string>): void {
  paths.set(item.id, path.join("."));
  if (item.kind !== "group") return;
  const turned = item.mode === "none" || item.mode === "notAll";
  const inner = turned ? ((tree as TreeNode)["arg"] as Tree) : tree;
  const above = turned ? [...path, 0] : path;
  const found = item.items.map((child) => ({ child, tree: treeOf(child) })).filter((part) => part.tree !== null);
  if (found.length === 1 && found[0]) {
    place(found[0].child, found[0].tree as Tree, above, paths);
    return;
  }
  const is = (inner as TreeNode).is;
  let position = 0;
  for (const { child, tree: own } of found) {
    if (isNode(own) && own.is === is) {
      // its parts stand beside the others: it has no node of its own
      position = spread(child, own, above, position, paths);
    } else {
      place(child, own as Tree, [...above, position], paths);
      position += 1;
    }
  }
}

function spread(item: Item, tree: TreeNode, above: readonly number[], position: number, paths: Map<string, string>): number {
  if (item.kind !== "group") return position + (tree["args"] as Tree[]).length;
  let next = position;
  for (const child of item.items) {
    const own = treeOf(child);
    if (own === null) continue;
    if (isNode(own) && own.is === tree.is) next = spread(child, own, above, next, paths);
    else {
      place(child, own, [...above, next], paths);
      next += 1;
    }
  }
  return next;
}

function plainOf(row: ValueRow | DidRow | AudienceRow): Tree | null {
  if (row.kind === "audience") return row.name ? { is: "in_audience", name: row.name } : null;
  if (row.kind === "value") return testOf(row);
  if (!row.event) return null;
  const tests = row.where.map((test) => {
    const plain = testOf(test);
    return plain !== null && test.not ? { is: "not", arg: plain } : plain;
  });
  const where = join("and", tests.filter((test) => test !== null));
  const window = row.window && windowOf(row.window);
  if (row.window && !window) return null;
  return {
    is: "did",
    event: { is: "event", name: row.event, ...(where === null ? {} : { where }) },
    ...(row.times ? { times: { is: "times", ...row.times } } : {}),
    ...(window ? { window } : {}),
  };
}

function testOf(row: ValueRow): Tree | null {
  if (!row.subject.path[0]) return null;
  const value: TreeNode = row.subject.of === "attribute" ? { is: "attribute", path: row.subject.path } : { is: "name", name: row.subject.path[0] };
  const [first, second] = row.values;
  switch (row.test) {
    case "isTrue":
      return value;
    case "isFalse":
      return { is: "compare", left: value, op: "=", right: false };
    case "known":
      return { is: "known", value };
    case "unknown":
      return { is: "not", arg: { is: "known", value } };
    case "in":
    case "notIn": {
      if (!row.values.length) return null;
      const among = { is: "among", value, options: row.values };
      return row.test === "in" ? among : { is: "not", arg: among };
    }
    case "between":
      return said(first) && said(second) ? { is: "between", value, low: first, high: second } : null;
    case "within": {
      const window = row.window && windowOf(row.window);
      return window ? { is: "within", value, window } : null;
    }
    case "contains":
    case "starts with":
    case "ends with":
    case "matches":
    case "includes":
      return said(first) ? { is: "text_test", value, op: row.test, operand: first } : null;
    default:
      return said(first) ? { is: "compare", left: value, op: row.test, right: first } : null;
  }
}

function said(value: Literal | undefined): value is Literal {
  if (value === undefined) return false;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "object") return value.value !== "";
  return true;
}

function windowOf(span: Span): TreeNode | null {
  const instant = (value: string) => ({ is: "instant", value });
  switch (span.of) {
    case "last":
    case "next":
    case "longAgo": {
      if (!(span.n >= 1)) return null;
      const is = { last: "in_last", next: "in_next", longAgo: "more_than_ago" }[span.of];
      return { is, duration: { is: "duration", n: span.n, unit: span.unit } };
    }
    case "lastCalendar":
      return span.n >= 1 ? { is: "in_last_calendar", n: span.n, unit: span.unit } : null;
    case "this":
      return { is: "in_this", unit: span.unit };
    case "since":
    case "before":
      return span.at ? { is: span.of, instant: instant(span.at) } : null;
    case "between":
      return span.from && span.to ? { is: "from_to", first: instant(span.from), last: instant(span.to) } : null;
  }
}

export function isNode(tree: unknown): tree is TreeNode {
  return typeof tree === "object" && tree !== null && "is" in tree;
}

function isLiteral(value: unknown): value is Literal {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" || (isNode(value) && value.is === "instant");
}

// --- editing ---------------------------------------------------------------------------------------

/** The group with one of its rows (at any depth) replaced; null takes it away. */
export function changed(root: Group, id: string, item: Item | null): Group {
  return {
    ...root,
    items: root.items.flatMap((child): Item[] => {
      if (child.id === id) return item === null ? [] : [item];
      return [child.kind === "group" ? changed(child, id, item) : child];
    }),
  };
}

/** How many conditions there are, at any depth. */
export function sizeOf(item: Item): number {
  return item.kind === "group" ? item.items.reduce((sum, child) => sum + sizeOf(child), 0) : 1;
}
