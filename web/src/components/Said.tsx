import { useSaid } from "../lib/useSaid";

/** What the server said, a sentence or a mistake with what to do, in the reader's language as far as that is known. */
export function Said({ of }: { of: string | { code?: string; message: string; hint?: string | null } }) {
  const say = useSaid();
  if (typeof of === "string") return say(of);
  return [say(of), of.hint ? say(of.hint) : ""].filter(Boolean).join(" · ");
}
