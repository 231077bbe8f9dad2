import { describe, expect, it } from "vitest";

import { formatOf, NOTHING } from "./format";

const zh = formatOf({ language: "zh", zone: "Asia/Shanghai", currency: "CNY" });
const en = formatOf({ language: "en", zone: "Europe/London", currency: "GBP" });
const at = "2026-11-22T06:05:09Z";

describe("numbers", () => {
  it("are exact up to 9,999 and short beyond, in 万 and 亿 in Chinese", () => {
    expect([9_999, 12_345, 123_456_789].map((value) => zh.count(value))).toEqual(["9,999", "1.2万", "1.2亿"]);
    expect([9_999, 12_345, 1_234_567].map((value) => en.count(value))).toEqual(["9,999", "12.3K", "1.2M"]);
  });

  it("stay exact where exactness is asked for", () => {
    expect(zh.exact(123_456_789)).toBe("123,456,789");
    expect(en.exact(0.1 + 0.2)).toBe("0.3");
  });

  it("show what is not there as a dash, never as zero or NaN", () => {
    for (const value of [null, undefined, "", "x", Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(en.exact(value)).toBe(NOTHING);
      expect(en.percent(value)).toBe(NOTHING);
      expect(en.money(value)).toBe(NOTHING);
    }
    expect(en.exact(0)).toBe("0");
  });

  it("say a span of a definition in the language", () => {
    expect([zh.span("3 days"), zh.span("1 month"), en.span("3 days"), zh.span("never")]).toEqual(["3 天", "1 个月", "3 days", "never"]);
  });

  it("say a share as a percentage and a change with its sign", () => {
    expect(en.percent(0.1234)).toBe("12.3%");
    expect([0.05, -0.05, 0].map((value) => en.change(value))).toEqual(["+5%", "-5%", "0%"]);
  });
});

describe("money", () => {
  it("is of the workspace's currency unless another is named", () => {
    expect(zh.money("1234.5")).toBe("¥1,234.50");
    expect(en.money(1234.5)).toBe("£1,234.50");
    expect(en.money(1234.5, "EUR")).toBe("€1,234.50");
  });

  it("is short beyond 10,000 where that is asked for", () => {
    expect(zh.moneyShort(123_456)).toBe("¥12.3万");
    expect(en.moneyShort(999)).toBe("£999.00");
  });
});

describe("times", () => {
  it("are those of the workspace's zone, not of the browser's", () => {
    expect(zh.time(at)).toBe("14:05");
    expect(en.time(at)).toBe("06:05");
    expect(zh.date("2026-11-22T17:00:00Z")).toBe("2026年11月23日");
    expect(en.moment(at)).toBe("22 Nov 2026, 06:05");
  });

  it("fall back to UTC for a zone that the browser does not know", () => {
    expect(formatOf({ language: "en", zone: "Mars/Olympus", currency: "GBP" }).time(at)).toBe("06:05");
  });

  it("are relative for a month, then dates", () => {
    const now = Date.parse(at);
    expect(en.ago(now - 10_000, now)).toBe("now");
    expect(en.ago(now - 3 * 60_000, now)).toBe("3 minutes ago");
    expect(en.ago(now + 2 * 86_400_000, now)).toBe("in 2 days");
    expect(zh.ago(now - 86_400_000, now)).toBe("昨天");
    expect(en.ago(now - 40 * 86_400_000, now)).toBe("13 Oct 2026");
    expect(en.ago("never")).toBe(NOTHING);
  });

  it("last as long as people say they last", () => {
    expect([0.012, 0.4, 42, 75, 1_200, 4_800, 100_000].map((value) => en.duration(value))).toEqual([
      "12 ms",
      "0.4 s",
      "42 s",
      "1 min 15 s",
      "20 min",
      "1 h 20 min",
      "1 d 3 h",
    ]);
    expect(zh.duration(4_800)).toBe("1 小时 20 分");
  });
});

it("sizes are in steps of a thousand", () => {
  expect([999, 1_500, 12_345_678].map((value) => en.bytes(value))).toEqual(["999 B", "1.5 kB", "12.3 MB"]);
});
