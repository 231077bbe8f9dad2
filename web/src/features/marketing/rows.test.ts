import { describe, expect, it } from "vitest";

import { asked, freeName, moved, ordered, refitted, renamedKey, restOf, snippetOf, within, withSnippet } from "./rows";

const GOLD = { name: "gold", when: "tier = 'gold'", template: "gold.html" };
const REST = { name: "rest", when: "", template: "rest.html" };

describe("variants", () => {
  it("end with the one for everybody else, if that has no condition", () => {
    expect(restOf([GOLD, REST])).toBe(REST);
    expect(restOf([REST, GOLD])).toBeUndefined();
    expect(restOf([])).toBeUndefined();
  });

  it("say first what they are called and for whom they are", () => {
    expect(Object.keys(ordered({ template: "x.html", name: "gold", when: "a" }))).toEqual(["name", "when", "template"]);
    expect(Object.keys(ordered({ template: "x.html", name: "rest" }))).toEqual(["name", "template"]);
  });

  it("change places", () => {
    expect(moved(["a", "b", "c"], 2, 1)).toEqual(["a", "c", "b"]);
    expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  });

  it("keep their text when the channels change", () => {
    const several = refitted([GOLD], ["email"], ["email", "sms"], "own.html");
    expect(several).toEqual([{ name: "gold", when: "tier = 'gold'", templates: { email: "gold.html" } }]);
    expect(refitted(several, ["email", "sms"], ["email"], "own.html")).toEqual([GOLD]);
    expect(refitted(several, ["email", "sms"], ["sms"], "own.yml")).toEqual([{ name: "gold", when: "tier = 'gold'", template: "own.yml" }]);
  });

  it("have the mistakes of their own row", () => {
    const wrong = { path: ["variants", 1, "when"], message: "unknown tag", hint: null, code: "unknown_name" };
    expect(within([wrong, { ...wrong, path: ["variants"] }, { ...wrong, path: ["picks", "a"] }], "variants")).toEqual([{ ...wrong, path: [1, "when"] }]);
  });
});

describe("picks", () => {
  it("say only what is not as usual", () => {
    expect(asked({ count: 3, least: 0 }, { least: 1, only: ["article"], by: [], from: "content" })).toEqual({ count: 3, only: ["article"] });
    expect(asked({ count: 3 }, { popularity: 0, least: 0 })).toEqual({ count: 3, popularity: 0, least: 0 });
  });

  it("keep their place under another name", () => {
    expect(Object.keys(renamedKey({ a: {}, b: {}, c: {} }, "b", "z"))).toEqual(["a", "z", "c"]);
    expect(freeName("articles", ["articles", "articles_2"])).toBe("articles_3");
  });

  it("stand at the end of what is shown", () => {
    const html = withSnippet("<html><body>\n<p>Hi</p>\n</body></html>\n", "html", snippetOf("articles", "html", true));
    expect(html).toMatch(/^<html><body>\n<p>Hi<\/p>\n{% for item in picks\.articles %}\n<p>[^\n]+<\/p>\n{% endfor %}\n<\/body><\/html>\n$/);
    expect(withSnippet("<p>Hi</p>", "html", "X")).toBe("<p>Hi</p>\nX\n");
    expect(withSnippet("<mjml><mj-body></mj-body></mjml>", "mjml", "X")).toBe("<mjml><mj-body>\nX\n</mj-body></mjml>");
    expect(withSnippet("Hi\n", "text", "X")).toBe("Hi\n\nX\n");
    expect(withSnippet("text: Hi\n", "keys", "X")).toBeNull();
  });
});
