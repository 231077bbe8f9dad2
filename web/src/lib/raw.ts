/** What a file says at one place, as JSON: a mapping of which nothing is taken for granted. */
export type Raw = Record<string, unknown>;

export function isMap(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function mapOf(value: unknown): Raw {
  return isMap(value) ? value : {};
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** What a mapping says with some keys changed; undefined takes one away. */
export function merged(raw: Raw, patch: Raw): Raw {
  return Object.fromEntries(Object.entries({ ...raw, ...patch }).filter(([, value]) => value !== undefined));
}
