import { describe, expect, it } from "vitest";

import { later, mondayOf, monthOf, weeksOf } from "./days";

describe("days of the calendar", () => {
  it("go over the ends of months and years", () => {
    expect(later("2026-12-31", 1)).toBe("2027-01-01");
    expect(later("2028-03-01", -1)).toBe("2028-02-29");
    expect(mondayOf("2026-11-29")).toBe("2026-11-23");
    expect(mondayOf("2026-11-23")).toBe("2026-11-23");
    expect(monthOf("2026-01-31", 1)).toBe("2026-02-01");
    expect(monthOf("2026-01-15", -1)).toBe("2025-12-01");
  });

  it("make the weeks of a month, the last one whole", () => {
    expect(weeksOf("2026-06-10")).toEqual(["2026-06-01", "2026-06-08", "2026-06-15", "2026-06-22", "2026-06-29"]);
    expect(weeksOf("2027-02-01")).toHaveLength(4);
    expect(weeksOf("2026-08-05")).toHaveLength(6);
  });
});
