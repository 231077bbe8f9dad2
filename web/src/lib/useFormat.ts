import { type Format, formatOf } from "./format";
import { usePreferences } from "./preferences";
import { useSession } from "./session";

/** How numbers, money and times are written here. */
export function useFormat(): Format {
  const { language } = usePreferences();
  const { workspace } = useSession();
  return formatOf({ language, zone: workspace.zone, currency: workspace.currency });
}
