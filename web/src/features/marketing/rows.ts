import type { Channel } from "../../lib/channels";
import { mapOf, merged, type Raw, textOf } from "../../lib/raw";

export const NAME = /^[a-z][a-z0-9_]{0,63}$/;
export const MOST_LISTS = 5;
export const MOST_PICKS = 20;
/** Where picks come from when nothing else is said. */
export const LIBRARY = "content";
/** In what is left out: what was in a message to the person before. */
export const SENT = "sent";

/** The kinds of templates that a channel sends. */
export const KINDS: Record<Channel, readonly string[]> = { email: ["html", "mjml", "text"], wechat: ["wechat"], sms: ["sms"], push: ["push"], miniprogram: ["miniprogram"], wecom: ["wecom"], apprise: ["apprise"] };

/** What the server says is wrong, and the keys that lead there. */
export interface RowMistake {
  path: readonly (string | number)[];
  message: string;
  hint: string | null;
  code: string;
}

/** The mistakes in a row of what stands at `at`, each with its path from the row on. */
export function within<M extends RowMistake>(mistakes: readonly M[], ...at: readonly string[]): M[] {
  return mistakes.filter(({ path }) => path.length > at.length && at.every((key, place) => path[place] === key)).map((mistake) => ({ ...mistake, path: mistake.path.slice(at.length) }));
}

/** `base`, or `base_2`, `base_3` … where that is taken. */
export function freeName(base: string, taken: readonly string[]): string {
  let name = base;
  for (let number = 2; taken.includes(name); number++) name = `${base}_${number}`;
  return name;
}

// Variants

/** The variant that is for everybody else: the last, if it has no condition. */
export function restOf(rows: readonly Raw[]): Raw | undefined {
  const last = rows.at(-1);
  return last && !textOf(last["when"]).trim() ? last : undefined;
}

/** A variant with its keys as one reads them. */
export function ordered(row: Raw): Raw {
  return merged({ name: row["name"], when: row["when"] }, row);
}

export function moved<T>(rows: readonly T[], from: number, to: number): T[] {
  const left = rows.filter((_, place) => place !== from);
  return [...left.slice(0, to), ...rows.slice(from, from + 1), ...left.slice(to)];
}

/** The variants when the message goes by other channels: one has a template, several have one for each of them. */
export function refitted(rows: readonly Raw[], before: readonly Channel[], after: readonly Channel[], own: string): Raw[] {
  const [old = "email", next = "email"] = [before[0], after[0]];
  return rows.map((row) => {
    const files = mapOf(row["templates"]);
    const kept = before.length > 1 ? files : { [old]: row["template"] };
    if (after.length < 2) return merged(row, { templates: undefined, template: textOf(kept[next]) || own });
    const fitting = Object.fromEntries(after.flatMap((channel) => (textOf(kept[channel]) ? [[channel, kept[channel]]] : [])));
    return merged(row, { template: undefined, templates: Object.keys(fitting).length ? fitting : undefined });
  });
}

// Picks

/** A list's row with something changed; what is as usual is not said. */
export function asked(row: Raw, patch: Raw): Raw {
  const usual: Raw = { from: LIBRARY, where: "", popular: "", popularity: 0.3, least: 1 };
  return merged(
    row,
    Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, value === usual[key] || (Array.isArray(value) && value.length === 0) ? undefined : value])),
  );
}

/** The lists with one under another name, in its place. */
export function renamedKey(lists: Raw, from: string, to: string): Raw {
  return Object.fromEntries(Object.entries(lists).map(([name, row]) => [name === from ? to : name, row]));
}

/** What kind of text a template is, by its file's name: html, mjml, text, or keys. */
export function kindOfFile(file: string): string {
  if (file.endsWith(".mjml")) return "mjml";
  return file.endsWith(".txt") ? "text" : file.endsWith(".yml") ? "keys" : "html";
}

/** What a template says to show a list. */
export function snippetOf(name: string, kind: string, library: boolean): string {
  const loop = `{% for item in picks.${name} %}`;
  const title = '{% if item.link %}<a href="{{ item.link }}">{{ item.title }}</a>{% else %}{{ item.title }}{% endif %}';
  const line = `<p>${title}${library ? "<br>{{ item.text | default('') }}" : ""}</p>`;
  switch (kind) {
    case "html":
      return `${loop}\n${line}\n{% endfor %}`;
    case "mjml":
      return `<mj-section><mj-column><mj-text>\n${loop}\n${line}\n{% endfor %}\n</mj-text></mj-column></mj-section>`;
    case "text":
      return `${loop}\n- {{ item.title }} {{ item.link | default('') }}\n{% endfor %}`;
    default:
      return `${loop}{{ loop.index }}. {{ item.title }} {% endfor %}`;
  }
}

/** The text with the snippet at its end: in HTML within the body. null where a text of keys has no end to put it at. */
export function withSnippet(text: string, kind: string, snippet: string): string | null {
  const closing = kind === "html" ? "</body>" : kind === "mjml" ? "</mj-body>" : "";
  if (!closing) return kind === "text" ? `${text.trimEnd()}\n\n${snippet}\n` : null;
  const place = text.toLowerCase().lastIndexOf(closing);
  if (place < 0) return kind === "html" ? `${text.trimEnd()}\n${snippet}\n` : null;
  const before = text.slice(0, place).replace(/[ \t]+$/, "");
  return `${before}${before.endsWith("\n") ? "" : "\n"}${snippet}\n${text.slice(before.length)}`;
}
