import type { Answer } from "../../lib/api";

export type Guessed = Answer<"/api/v1/imports/guess", "post">;
export type Checked = Answer<"/api/v1/imports/check", "post">;
export type Form = NonNullable<Checked["form"]>;
export type FormColumn = Form["columns"][number];
export type Role = FormColumn["role"];

export const FORMATS = [
  "iso",
  "%Y-%m-%d %H:%M:%S",
  "%Y/%m/%d %H:%M:%S",
  "%Y/%m/%d %H:%M",
  "%Y/%m/%d",
  "%Y年%m月%d日",
  "%Y年%m月%d日 %H:%M",
  "%d/%m/%Y",
  "%d/%m/%Y %H:%M",
  "%m/%d/%Y",
  "%m/%d/%Y %H:%M",
  "%d.%m.%Y",
  "%Y%m%d",
  "unix",
  "unix_ms",
];

/** A column's role as one word of a choice: a declared key carries its kind. */
export function choiceOf(column: FormColumn): string {
  return column.role === "key" ? `key:${column.name}` : column.role;
}

/** The form after a column was given another role; what only one column can be leaves the one that was it. */
export function withRole(form: Form, name: string, choice: string, zone: string): Form {
  const [role, key] = choice.split(":") as [Role, string?];
  const hasEvent = form.event.kind !== "none";
  const free: Role = hasEvent ? "property" : "attribute";
  const columns = form.columns.map((column): FormColumn => {
    if (column.column === name) return { ...plain(column), role, name: nameFor(column, role, key), attribute: role === "key" ? (key ?? "") : "" };
    const taken = role === column.role && (role === "user_id" || role === "device_id" || role === "time" || role === "event" || (role === "key" && column.name === key));
    return taken ? { ...plain(column), role: free, name: column.column, attribute: "" } : column;
  });
  const next: Form = { ...form, columns };
  const timed = columns.some((column) => column.role === "time");
  if (role === "time" && !form.time) next.time = { format: "iso", zone };
  if (role === "time" && !hasEvent) next.event = { kind: "name", name: "Imported", cases: [] };
  if (role === "event") next.event = { kind: "column", name: "", cases: [] };
  else if (form.event.kind === "column" && !columns.some((column) => column.role === "event")) next.event = { kind: "name", name: "Imported", cases: [] };
  return timed ? next : withoutEvents(next);
}

/** The form after it was said what each row is. */
export function withEvent(form: Form, kind: Form["event"]["kind"], name: string): Form {
  if (kind === "none") return withoutEvents({ ...form, columns: form.columns.map((column) => (column.role === "time" ? { ...plain(column), role: "attribute", name: column.column } : column)) });
  const columns = form.columns.map((column): FormColumn => (column.role === "event" && kind !== "column" ? { ...plain(column), role: "property", name: column.column } : column));
  return { ...form, columns, event: { kind, name: kind === "name" ? name || "Imported" : "", cases: form.event.cases } };
}

/** Without a time there are no events: what was about the event is about the person. */
function withoutEvents(form: Form): Form {
  return {
    ...form,
    time: null,
    event: { kind: "none", name: "", cases: [] },
    columns: form.columns.map((column) => (column.role === "property" || column.role === "event" ? { ...column, role: "attribute", name: column.name || column.column } : column)),
    more: form.more.filter((item) => item.section === "attributes"),
  };
}

function plain(column: FormColumn): FormColumn {
  return { ...column, once: false, otherwise: false };
}

function nameFor(column: FormColumn, role: Role, key: string | undefined): string {
  if (role === "key") return key ?? "";
  if (role !== "property" && role !== "attribute") return "";
  return column.role === "property" || column.role === "attribute" ? column.name : column.column;
}

/** The form with one column changed. */
export function withColumn(form: Form, name: string, change: Partial<FormColumn>): Form {
  return { ...form, columns: form.columns.map((column) => (column.column === name ? { ...column, ...change } : column)) };
}
