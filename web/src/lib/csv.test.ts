import { expect, it } from "vitest";

import { csv } from "./csv";

const lines = (rows: unknown[][]) => csv(["a", "b"], rows).slice(1).split("\r\n").slice(1, -1);

it("begins with the mark by which Excel knows UTF-8", () => {
  expect(csv(["名称"], []).codePointAt(0)).toBe(0xfeff);
});

it("quotes what holds commas, quotes or line ends", () => {
  expect(lines([['say "tea", please', "two\nlines"]])).toEqual(['"say ""tea"", please","two\nlines"']);
});

it("leaves nothing empty and keeps numbers exact", () => {
  expect(lines([[null, 1234567.89]])).toEqual([",1234567.89"]);
});

it("does not let a customer's text become a formula, and leaves negative numbers alone", () => {
  expect(lines([["=HYPERLINK(1)", -5], ["@x", "-12.5"]])).toEqual(["'=HYPERLINK(1),-5", "'@x,-12.5"]);
});
