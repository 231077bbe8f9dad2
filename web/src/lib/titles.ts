import type { Language } from "./preferences";

/** What a thing is called in a language: its title there, else in any, else its key. */
export function titleIn(titles: Record<string, string>, language: Language, key: string): string {
  return titles[language] ?? titles[""] ?? titles["en"] ?? Object.values(titles)[0] ?? key;
}
