import { expect, it } from "vitest";

import { part } from "./caged";

it("inline styles and handlers are moved or gone before anything is parsed", () => {
  const { markup } = part(`<p class="x" STYLE="color:red" onclick='go()'>style="kept" onload=</p>`);
  expect(markup).toBe(`<p class="x" data-own-style="color:red" >style="kept" onload=</p>`);
});

it("a style in another attribute's value stays what it is", () => {
  expect(part(`<a title='a > b style="x"' href=/y style=color:red>`).markup).toBe(`<a title='a > b style="x"' href=/y data-own-style=color:red>`);
});

it("style sheets are taken out, comments with them", () => {
  expect(part("<!--[if mso]><style>x{}</style><![endif]--><style media=all>p > a{}</style><p>")).toEqual({ markup: "<p>", sheets: ["p > a{}"] });
});

it("a style sheet that never ends takes the rest", () => {
  expect(part("<p><style>p{}")).toEqual({ markup: "<p>", sheets: ["p{}"] });
});
