import { expect, test } from "vitest";

import { diff, folded } from "./diff";

const shown = (before: string, after: string) => diff(before, after).map(({ kind, text }) => ({ same: " ", added: "+", removed: "-" })[kind] + text);

test("lines that stay stand once, and a change is a line away and a line more", () => {
  expect(shown("a\nb\nc\n", "a\nx\nc\n")).toEqual([" a", "-b", "+x", " c"]);
  expect(shown("a\nb\n", "a\nb\n")).toEqual([" a", " b"]);
});

test("a text that is new or gone is all added or all removed", () => {
  expect(shown("", "a\nb\n")).toEqual(["+a", "+b"]);
  expect(shown("a\n", "")).toEqual(["-a"]);
});

test("a line that moved is found again", () => {
  expect(shown("a\nb\nc\nd\n", "b\nc\na\nd\n")).toEqual(["-a", " b", " c", "+a", " d"]);
});

test("what was taken and added gives both texts back", () => {
  const texts = ["", "a", "a\nb\na\nc", "c\na\nb\n\na", "x\ny\nz\na\nb\nq", "a\na\na"];
  for (const before of texts) {
    for (const after of texts) {
      const lines = diff(before, after);
      const text = (kinds: string[]) => lines.filter((line) => kinds.includes(line.kind)).map((line) => line.text).join("\n");
      expect(text(["same", "removed"])).toBe(before);
      expect(text(["same", "added"])).toBe(after);
    }
  }
});

test("far lines are folded and counted", () => {
  const lines = diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\nx\n");
  expect(folded(lines, 1).map((part) => part.folded || part.lines.length)).toEqual([4, 3]);
  expect(folded(diff("a\n", "a\n"))).toEqual([{ lines: [], folded: 1 }]);
});
