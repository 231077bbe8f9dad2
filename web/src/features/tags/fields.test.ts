import { expect, test } from "vitest";

import { fieldsOf, typeOf, windowOf, withMethod } from "./fields";

const read = {
  title: { en: "A" }, nature: "fact", method: "statistic", type: "number", attribute: "", statistic: "count(x)", cases: [], otherwise: "", truth: "", at_least: "",
  validity: "2 days", refresh: "", category: "", owner: "", source: "", why: "", metric: "", stage: "", sensitivity: "",
  measure: { function: "count" as const, of: "", event: "x", where: "" },
};

test("what is read is the form, and events of any time have no window", () => {
  const fields = fieldsOf(read);
  expect(fields).toMatchObject({ title: { en: "A" }, owner: "", cases: [], measure: { function: "count", of: "", where: "", window: null } });
  expect(fieldsOf(null)).toBeNull();
});

test("another method begins its own definition and drops the others", () => {
  const fields = fieldsOf(read);
  if (!fields) throw new Error("no fields");
  expect(withMethod(fields, "rule", "x")).toMatchObject({ nature: "model", statistic: "", measure: null, cases: [{ when: "", then: "" }] });
  expect(withMethod({ ...fields, validity: "" }, "rule", "x")).toMatchObject({ validity: "2 days" });
  expect(withMethod({ ...fields, method: "observed", measure: null, statistic: "" }, "statistic", "Order Paid")).toMatchObject({
    nature: "fact",
    measure: { function: "count", event: "Order Paid", window: { kind: "in_last", n: 30, unit: "day" } },
  });
  expect(withMethod({ ...fields, validity: "" }, "observed", "x")).toMatchObject({ validity: "", statistic: "", measure: null });
});

test("a window keeps what fits its new kind", () => {
  const last = windowOf("in_last", null, "2026-05-04");
  expect(last).toMatchObject({ kind: "in_last", n: 30, unit: "day" });
  expect(windowOf("in_this", last, "2026-05-04")).toMatchObject({ kind: "in_this", n: 0, unit: "day" });
  expect(windowOf("from_to", last, "2026-05-04")).toMatchObject({ unit: "", first: "2026-01-01", last: "2026-05-04" });
  expect(windowOf("ever", last, "2026-05-04")).toBeNull();
});

test("a function says the tag's type, or the property does", () => {
  const measure = { function: "sum" as const, of: "amount", event: "x", where: "", window: null };
  expect(typeOf(measure, "money")).toBe("money");
  expect(typeOf({ ...measure, function: "last" }, "text")).toBe("text");
  expect(typeOf({ ...measure, function: "last_time" }, undefined)).toBe("instant");
  expect(typeOf({ ...measure, function: "distinct" }, "text")).toBe("number");
});
