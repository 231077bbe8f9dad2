import type { Language } from "../../lib/preferences";

/** The title in the language, else the one for all languages, else any, else the name. */
export function titleOf(titles: Record<string, string>, language: Language, name: string): string {
  return titles[language] ?? titles[""] ?? Object.values(titles)[0] ?? name;
}
