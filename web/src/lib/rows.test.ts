import { expect, it } from "vitest";

import { collator, matches } from "./rows";

it("a row matches when every word stands somewhere in it", () => {
  expect(matches("tea high", ["High value", "likes Tea", 3])).toBe(true);
  expect(matches("tea low", ["High value", "likes Tea"])).toBe(false);
  expect(matches("  ", [])).toBe(true);
});

it("names are in the order that people expect", () => {
  expect(["tag 10", "tag 2", "Tag 1"].sort(collator.compare)).toEqual(["Tag 1", "tag 2", "tag 10"]);
});
