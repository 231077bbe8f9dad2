const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/MicroMessenger/, "WeChat"],
  [/Edg/, "Edge"],
  [/OPR|Opera/, "Opera"],
  [/Firefox|FxiOS/, "Firefox"],
  [/Chrome|CriOS|Chromium/, "Chrome"],
  [/Safari/, "Safari"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/HarmonyOS/, "HarmonyOS"],
  [/Mac OS X/, "macOS"],
  [/Windows/, "Windows"],
  [/Linux/, "Linux"],
];

/** "Chrome · macOS" of what a browser says of itself; its first words where it is none that is known. */
export function browserOf(agent: string): string {
  const first = (known: typeof BROWSERS) => known.find(([pattern]) => pattern.test(agent))?.[1];
  const parts = [first(BROWSERS), first(SYSTEMS)].filter(Boolean);
  return parts.length ? parts.join(" · ") : agent.slice(0, 40) || "–";
}
