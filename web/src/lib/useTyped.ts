import { useCallback, useEffect, useRef, useState } from "react";

/**
 * A field whose words are kept elsewhere, such as in the address: `const [typed, type] = useTyped(q, setQ)`.
 *
 * What is typed stands in the field at once and is kept `wait` milliseconds after the last key. What others put there
 * (the back button, "clear") appears in the field; what comes back from one's own typing does not overwrite it.
 */
export function useTyped(kept: string, keep: (value: string) => void, wait = 250) {
  const [typed, setTyped] = useState(kept);
  const own = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef({ kept, keep });
  useEffect(() => {
    latest.current = { kept, keep };
  }, [kept, keep]);
  useEffect(() => {
    if (own.current.delete(kept)) return;
    own.current.clear();
    setTyped(kept);
  }, [kept]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = useCallback(
    (value: string) => {
      setTyped(value);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => {
        if (value === latest.current.kept) return;
        own.current.add(value);
        latest.current.keep(value);
      }, wait);
    },
    [wait],
  );
  return [typed, type] as const;
}
