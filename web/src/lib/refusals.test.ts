import { expect, test } from "vitest";

import { refusalIn } from "./refusals";

const draft = { code: "draft", message: "'warm' is a draft, which is not computed" };

test("a refusal is said in Chinese with the name that it is about", () => {
  expect(refusalIn(draft, "zh")).toBe("“warm”是草稿，不参与计算。");
  expect(refusalIn({ code: "unknown_sheet", message: "the workbook has no sheet '$& 二月'" }, "zh")).toBe("工作簿中没有工作表“$& 二月”。");
});

test("the server's sentence stands in English, and where nothing else is known", () => {
  expect(refusalIn(draft, "en")).toBe(draft.message);
  expect(refusalIn({ code: "toString", message: "no such word" }, "zh")).toBe("no such word");
  expect(refusalIn({ code: "draft", message: "a draft is not computed" }, "zh")).toBe("a draft is not computed");
});
