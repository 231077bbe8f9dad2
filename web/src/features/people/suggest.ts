export interface Suggestion {
  label: string;
  where: string;
}

interface NamedTag {
  key: string;
  type: string;
  values: readonly string[];
}

/** The conditions that a typed word may mean: a tag of that name, or a value that a tag has. */
export function suggestionsOf<T extends NamedTag>(word: string, tags: readonly T[], titleOf: (tag: T) => string): Suggestion[] {
  const typed = word.trim().toLowerCase();
  const found: Suggestion[] = [];
  for (const tag of tags) {
    const title = titleOf(tag);
    const named = title.toLowerCase().includes(typed) || tag.key.includes(typed);
    for (const value of tag.values) {
      if (named || value.toLowerCase().includes(typed)) found.push({ label: `${title}: ${value}`, where: `${tag.key} = '${value.replaceAll("'", "''")}'` });
    }
    if (named && !tag.values.length) found.push({ label: title, where: tag.type === "flag" ? tag.key : `known(${tag.key})` });
  }
  return found;
}
