const keys = new Map<string, string>();

/** Write keys that were just made: they are shown once, and are forgotten when the page is loaded again. */
export const freshKeys = {
  keep: (source: string, key: string) => void keys.set(source, key),
  of: (source: string) => keys.get(source),
  forget: (source: string) => void keys.delete(source),
};
