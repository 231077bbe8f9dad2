export type Line = { kind: "same" | "added" | "removed"; text: string };

/** What to take from `before` and add to it to have `after`, line by line; as few changes as there can be. */
export function diff(before: string, after: string): Line[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return [...a.slice(0, start).map(same), ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)), ...a.slice(a.length - end).map(same)];
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  return text.replace(/\n$/, "").split("\n");
}

function same(text: string): Line {
  return { kind: "same", text };
}

/** The longest common subsequence, by a table; definitions have few lines. */
function middle(a: string[], b: string[]): Line[] {
  const longest = a.map(() => new Array<number>(b.length + 1).fill(0));
  longest.push(new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => longest[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = longest[i];
    if (!row) continue;
    for (let j = b.length - 1; j >= 0; j--) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const found: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [x, y] = [a[i], b[j]];
    if (x !== undefined && x === y) {
      found.push(same(x));
      i++;
      j++;
    } else if (x !== undefined && (y === undefined || at(i + 1, j) >= at(i, j + 1))) {
      found.push({ kind: "removed", text: x });
      i++;
    } else {
      found.push({ kind: "added", text: y ?? "" });
      j++;
    }
  }
  return found;
}

export interface Part {
  lines: Line[];
  /** How many unchanged lines are left out. */
  folded: number;
}

/** The lines with at most `around` unchanged ones about each change; the others are counted. */
export function folded(lines: readonly Line[], around = 3): Part[] {
  const near = lines.map((_, index) => lines.slice(Math.max(0, index - around), index + around + 1).some((line) => line.kind !== "same"));
  const parts: Part[] = [];
  lines.forEach((line, index) => {
    let last = parts.at(-1);
    const kept = near[index] ?? false;
    if (!last || (last.folded > 0) === kept) {
      last = { lines: [], folded: 0 };
      parts.push(last);
    }
    if (kept) last.lines.push(line);
    else last.folded++;
  });
  return parts;
}
