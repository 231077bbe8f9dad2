import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

export type Kept = string | number | boolean | readonly string[];

/** The type of a filter as its default says it: `"" → string`, `[] → string[]`. */
type Wide<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : readonly string[];
type State<T> = { -readonly [K in keyof T]: Wide<T[K]> };

/** What the address says of `defaults`' keys; what it does not say, or says wrongly, is the default. */
export function readState<T extends Record<string, Kept>>(search: URLSearchParams, defaults: T): State<T> {
  const read = Object.entries(defaults).map(([key, standard]) => [key, readOne(search, key, standard)]);
  return Object.fromEntries(read) as State<T>;
}

function readOne(search: URLSearchParams, key: string, standard: Kept): Kept {
  if (typeof standard === "object") return search.has(key) ? search.getAll(key).filter(Boolean) : standard;
  const said = search.get(key);
  if (said === null) return standard;
  if (typeof standard === "number") return said !== "" && Number.isFinite(Number(said)) ? Number(said) : standard;
  if (typeof standard === "boolean") return said === "1" || (said === "0" ? false : standard);
  return said;
}

/** The address with `change` in it. Defaults are left out, so that the address says only what was chosen. */
export function writeState(search: URLSearchParams, defaults: Record<string, Kept>, change: Record<string, Kept | undefined>): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const [key, value] of Object.entries(change)) {
    next.delete(key);
    const standard = defaults[key];
    if (value === undefined || JSON.stringify(value) === JSON.stringify(standard)) continue;
    if (typeof value === "object") {
      if (value.length) value.forEach((item) => next.append(key, item));
      else next.append(key, "");
    } else next.set(key, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  return next;
}

/**
 * Filters that live in the address: `const [filters, setFilters] = useUrlState({ q: "", sort: "name", tags: [] })`.
 *
 * Give defaults that do not change (a constant outside of the component). `setFilters({ q }, { push: true })` makes a
 * step that the browser's back button undoes; without it the present step is replaced, as typing wants.
 */
export function useUrlState<const T extends Record<string, Kept>>(defaults: T) {
  const [search, setSearch] = useSearchParams();
  const state = useMemo(() => readState(search, defaults), [search, defaults]);
  const set = useCallback(
    (change: { [K in keyof T]?: Wide<T[K]> | undefined }, { push = false }: { push?: boolean } = {}) => {
      setSearch((now) => writeState(now, defaults, change), { replace: !push, preventScrollReset: true });
    },
    [setSearch, defaults],
  );
  return [state, set] as const;
}
