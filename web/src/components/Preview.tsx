import { useMemo } from "react";

import { caged } from "../lib/caged";
import { NONCE } from "../lib/theme";

/** An e-mail as a recipient sees it, in a frame that runs nothing and loads nothing from elsewhere; `dark`: as on a dark screen. */
export function Preview({ html, title, height = 480, dark = false }: { html: string; title: string; height?: number; dark?: boolean }) {
  const content = useMemo(() => caged(html, NONCE), [html]);
  return <iframe title={title} sandbox="" srcDoc={content} style={{ width: "100%", height, border: 0, background: dark ? "#1f1f1f" : "#ffffff", colorScheme: dark ? "dark" : "light", borderRadius: 6 }} />;
}
