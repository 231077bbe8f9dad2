import { readFileSync } from "node:fs";

import { expect, it, vi } from "vitest";

vi.stubGlobal("document", { querySelector: () => null });
const { COLOURS, themeOf } = await import("./theme");
const css = readFileSync(new URL("../base.css", import.meta.url), "utf8");

it.each(["light", "dark"] as const)("antd and the charts have the colours of the style sheet (%s)", (name) => {
  const block = css.slice(css.indexOf(`:root[data-theme="${name}"] {`)).split("}")[0] ?? "";
  const said = Object.fromEntries([...block.matchAll(/--([a-z0-9-]+): (#[0-9a-f]{6});/g)].map(([, key, value]): [string, string] => [key ?? "", value ?? ""]));
  expect(said).toEqual(COLOURS[name]);
});

const contrast = (a: string, b: string): number => {
  const light = (colour: string) => {
    const parts = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (parts[0] ?? 0) + 0.7152 * (parts[1] ?? 0) + 0.0722 * (parts[2] ?? 0);
  };
  const [high = 0, low = 0] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

it.each(["light", "dark"] as const)("words can be read on every ground they stand on (%s)", (name) => {
  const c = COLOURS[name];
  for (const words of [c.ink, c["ink-2"], c["ink-3"], c.accent, c.danger, c.warn, c.good]) {
    for (const ground of [c.ground, c.paper, c.raised]) expect(contrast(words, ground)).toBeGreaterThanOrEqual(4.5);
  }
  expect(contrast(c["accent-strong"], c["accent-soft"])).toBeGreaterThanOrEqual(4.5);
  expect(contrast(c["on-accent"], c.accent)).toBeGreaterThanOrEqual(4.5);
  expect(contrast(c.danger, c["danger-soft"])).toBeGreaterThanOrEqual(4.5);
});

it("nothing moves for whoever wants no movement", () => {
  expect(themeOf(false, true).token?.motion).toBe(false);
  expect(themeOf(false).token?.motion).toBe(true);
});
