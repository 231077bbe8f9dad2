import { CHANNELS } from "./channels";
import { span } from "./format";
import type { Language } from "./preferences";

/**
 * Sentences of the server in Chinese, by the English sentence with `{}` where a value stands (`{*}`: another sentence).
 * A test of the server's own source fails where one of why a message is kept back, or of what is refused in an
 * expression, an import or a form's row, has none here.
 */
interface Known {
  sentences: Readonly<Record<string, string>>;
  words: Readonly<Record<string, string>>;
}

interface Pattern {
  shape: RegExp;
  nested: readonly boolean[];
  chinese: string;
}

let words: Readonly<Record<string, string>> = {};
let exact = new Map<string, string>();
let patterns: readonly Pattern[] = [];

/** From now on these are known. */
export function learnSentences(known: Known): void {
  words = known.words;
  exact = new Map(Object.entries(known.sentences).filter(([english]) => !english.includes("{")));
  patterns = Object.entries(known.sentences)
    .filter(([english]) => english.includes("{"))
    .sort(([one], [other]) => spoken(other) - spoken(one))
    .map(([english, chinese]) => {
      const places = english.match(/\{\*?\}/g) ?? [];
      const shape = english.split(/\{\*?\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      // Of a pattern that says little, a value is one word: it would fit what it is not for.
      const value = spoken(english) < 14 ? "(\\S+)" : "(.+?)";
      const between = places.map((place) => (place === "{*}" ? "(.+)" : value));
      return { shape: new RegExp(`^${shape.map((part, at) => part + (between[at] ?? "")).join("")}$`, "su"), nested: places.map((place) => place === "{*}"), chinese };
    });
}

function spoken(english: string): number {
  return english.replace(/\{\*?\}/g, "").length;
}

/** Loads them where Chinese is read; until then, and where none is known, the server's own words stand. */
export async function loadSentences(language: string): Promise<void> {
  if (language === "zh" && exact.size === 0) learnSentences((await import("./sentences.json")).default);
}

/** A sentence with what to do behind it. */
const HINTED = /^(.+?) \((.+)\)$/su;
const BY = new RegExp(`^(${CHANNELS.join("|")}): (.+)$`, "su");

function valueIn(value: string): string {
  return Object.hasOwn(words, value) ? (words[value] ?? value) : span(value, "zh");
}

/** One sentence in Chinese, its values filled in; undefined where it is not known. */
export function chineseOf(sentence: string): string | undefined {
  const known = exact.get(sentence);
  if (known !== undefined) return known;
  for (const { shape, nested, chinese } of patterns) {
    const found = shape.exec(sentence);
    if (found) return chinese.replace(/\{(\d)\}/g, (_, place: string) => (nested[Number(place) - 1] ? saidIn(found[Number(place)] ?? "", "zh") : valueIn(found[Number(place)] ?? "")));
  }
  const told = HINTED.exec(sentence);
  if (told) {
    const first = chineseOf(told[1] ?? "");
    return first === undefined ? undefined : `${first}（${saidIn(told[2] ?? "", "zh")}）`;
  }
  const by = BY.exec(sentence);
  if (by) {
    const rest = chineseOf(by[2] ?? "");
    return rest === undefined ? undefined : `${valueIn(by[1] ?? "")}：${rest}`;
  }
  return undefined;
}

/** What the server said, in the reader's language as far as that is known; several sentences stand beside each other with `; `. */
export function saidIn(text: string, language: Language): string {
  if (language !== "zh" || !text) return text;
  const whole = text.includes("; ") ? exact.get(text) : chineseOf(text);
  if (whole !== undefined) return whole;
  const start = /^(held|scene): /u.exec(text);
  const parts = (start ? text.slice(start[0].length) : text).split("; ");
  // A sentence may hold a semicolon itself, so the longest run of parts that is known goes first.
  const said: string[] = [];
  for (let from = 0; from < parts.length; ) {
    let to = parts.length;
    let chinese: string | undefined;
    while (to > from && (chinese = chineseOf(parts.slice(from, to).join("; "))) === undefined) to -= 1;
    said.push(chinese ?? parts[from] ?? "");
    from = chinese === undefined ? from + 1 : to;
  }
  const joined = said.join("；");
  return start ? (start[1] === "held" ? `已暂缓：${joined}` : `场景：${joined}`) : joined;
}
