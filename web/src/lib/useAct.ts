import { useState } from "react";

/** Work that somebody asked for: whether it goes on, how the last of it failed, and `act`, which begins it unless it goes on. */
export function useAct(): { busy: boolean; error: unknown; act: (work: () => Promise<unknown>) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async (work: () => Promise<unknown>) => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, act };
}
