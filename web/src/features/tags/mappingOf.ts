interface Named {
  name: string;
}

/** The text of a mapping that brings a file under a template's names; whoever has the file puts its columns in. */
export function mappingOf({ events, properties, attributes }: { events: readonly Named[]; properties: readonly Named[]; attributes: readonly Named[] }): string {
  const lines = (names: readonly Named[]) => names.map(({ name }) => `  ${quoted(name)}: ""`);
  return [
    "source: shop",
    'person: {user_id: ""}',
    'time: {column: ""}',
    `event: ${quoted(events[0]?.name ?? "")}`,
    ...(properties.length ? ["properties:", ...lines(properties)] : []),
    ...(attributes.length ? ["attributes:", ...lines(attributes)] : []),
    "file: {kind: csv}",
    "",
  ].join("\n");
}

function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_ ]*$/.test(name) ? name : JSON.stringify(name);
}
