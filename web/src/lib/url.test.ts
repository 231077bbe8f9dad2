import { expect, it } from "vitest";

import { readState, writeState } from "./url";

const DEFAULTS = { q: "", page: 1, wide: false, tags: [] as string[], days: 28 };

const read = (search: string) => readState(new URLSearchParams(search), DEFAULTS);
const write = (search: string, change: Parameters<typeof writeState>[2]) => writeState(new URLSearchParams(search), DEFAULTS, change).toString();

it("an address without filters is the defaults", () => {
  expect(read("")).toEqual(DEFAULTS);
});

it("a filter has the type of its default", () => {
  expect(read("q=tea&page=3&wide=1&tags=a&tags=b")).toEqual({ q: "tea", page: 3, wide: true, tags: ["a", "b"], days: 28 });
});

it("what an address says wrongly is the default", () => {
  expect(read("page=many&wide=maybe&days=")).toEqual(DEFAULTS);
});

it("only what was chosen stands in the address", () => {
  expect(write("", { q: "tea", page: 1, tags: [] })).toBe("q=tea");
  expect(write("q=tea&page=2", { q: "", page: undefined })).toBe("");
});

it("what others keep in the address stays", () => {
  expect(write("where=has+x&q=a", { q: "b" })).toBe("where=has+x&q=b");
});

it("choosing nothing where something is the default is kept", () => {
  const defaults = { kinds: ["order"] };
  const written = writeState(new URLSearchParams(), defaults, { kinds: [] });
  expect(readState(written, defaults)).toEqual({ kinds: [] });
});

it("every state comes back as it was written", () => {
  const state = { q: "茶 & 杯", page: 7, wide: true, tags: ["a b", "c,d"], days: 7 };
  expect(readState(writeState(new URLSearchParams(), DEFAULTS, state), DEFAULTS)).toEqual(state);
});
