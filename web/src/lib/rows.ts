export type Sortable = string | number | boolean | null | undefined;

/** Words in the order that people of both languages expect: 2 before 10, Chinese by its sound. */
export const collator = new Intl.Collator(["zh-CN", "en"], { numeric: true, sensitivity: "base" });

/** Whether every word of `q` stands somewhere in the values. */
export function matches(q: string, values: readonly Sortable[]): boolean {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const text = values.filter((value) => value !== null && value !== undefined).map((value) => String(value).toLowerCase()).join("\n");
  return words.every((word) => text.includes(word));
}
