import { expect, test } from "vitest";

import { suggestionsOf } from "./suggest";

const tags = [
  { key: "value_tier", type: "text", values: ["high", "low"], title: "价值层级" },
  { key: "city", type: "text", values: ["上海", "Xi'an"], title: "城市" },
  { key: "tea_lover", type: "flag", values: [], title: "绿茶爱好者" },
  { key: "spent", type: "money", values: [], title: "消费" },
];
const meant = (word: string) => suggestionsOf(word, tags, (tag) => tag.title).map((one) => one.where);

test("a tag's title or key offers its values, and a value its tag", () => {
  expect(meant("价值")).toEqual(["value_tier = 'high'", "value_tier = 'low'"]);
  expect(meant("上海")).toEqual(["city = '上海'"]);
  expect(meant("HIGH")).toEqual(["value_tier = 'high'"]);
});

test("a flag is its own condition, and another tag without listed values is asked whether it is known", () => {
  expect(meant("绿茶")).toEqual(["tea_lover"]);
  expect(meant("spent")).toEqual(["known(spent)"]);
});

test("a quote in a value does not end it", () => {
  expect(meant("xi")).toEqual(["city = 'Xi''an'"]);
});

test("nothing is offered for what nothing means", () => {
  expect(meant("nobody")).toEqual([]);
});
