import { usePreferences } from "./preferences";
import { refusalIn } from "./refusals";
import { saidIn } from "./sentences";

/** What the server said, a sentence or a mistake with its code, in the reader's language as far as that is known. */
export function useSaid(): (said: string | { code?: string; message: string }) => string {
  const { language } = usePreferences();
  return (said) => (typeof said === "string" ? saidIn(said, language) : refusalIn(said, language));
}
