import type { Answer } from "../../lib/api";
import type { Language } from "../../lib/preferences";
import en from "./en";
import zh from "./zh";

export const READY = ["cart", "welcome", "birthday", "win_back", "task"] as const;
export type Ready = (typeof READY)[number];
type Vocabulary = Answer<"/api/v1/expressions/names">;

const ADDED = ["Product Added", "Cart Added", "Add To Cart", "AddToCart"];
const PAID = ["Order Paid", "Order Completed", "Purchase", "Paid"];
const SIGNED = ["Signed Up", "Account Created", "Registered", "Sign Up"];

export interface Made {
  text: string;
  /** The template that it sends, to be made when it is not there. */
  template: string | null;
  /** An event that it waits for and that nobody knows here yet. */
  unseen: string | null;
}

/** A journey's text to begin with: one that can be started as it is, of this workspace's own events and audiences. */
export function readyText(kind: Ready, name: string, names: Vocabulary, language: Language): Made {
  const among = (wanted: readonly string[]) => wanted.find((event) => names.events.includes(event)) ?? wanted[0] ?? "";
  const q = (value: string) => JSON.stringify(value);
  const [added, paid, signed] = [among(ADDED), among(PAID), among(SIGNED)];
  const title = (of: Ready) => `title: {en: ${q(en.ready[of])}, zh: ${q(zh.ready[of])}}\n`;
  const own = (key: "cartSubject" | "welcomeSubject" | "birthdaySubject" | "winSubject" | "call" | "callNew") => q((language === "zh" ? zh : en).ready[key]);
  const template = `${name}.html`;
  const unseen = (...events: string[]) => events.find((event) => !names.events.includes(event)) ?? null;
  switch (kind) {
    case "cart":
      return {
        template,
        unseen: unseen(added, paid),
        text:
          title(kind) +
          `start: {event: ${q(added)}}\nagain: 7 days\nleave:\n  - {name: bought, event: ${q(paid)}}\nholdout: 0.1\n` +
          `steps:\n  pause: {wait: 2 hours}\n  remind:\n    message: {channel: email, template: ${template}, subject: ${own("cartSubject")}, class: service, useful: 1 day}\n` +
          `  later: {wait: 1 day}\n  again:\n    message: {channel: email, template: ${template}, subject: ${own("cartSubject")}, class: service, useful: 1 day}\n`,
      };
    case "welcome":
      return {
        template,
        unseen: unseen(signed, paid),
        text:
          title(kind) +
          `start: {event: ${q(signed)}}\nholdout: 0.1\n` +
          `steps:\n  hello:\n    message: {channel: email, template: ${template}, subject: ${own("welcomeSubject")}, class: service, useful: 2 days}\n` +
          `  first_order: {wait_for: ${q(paid)}, at_most: 1 week, next: end, missed: call}\n  call: {task: ${own("callNew")}, within: 2 days}\n`,
      };
    case "birthday": {
      const date = names.attributes.find((attribute) => attribute.toLowerCase().includes("birth")) ?? "birthday";
      return {
        template,
        unseen: null,
        text:
          title(kind) +
          `start: {date: person.${/^\w+$/.test(date) ? date : q(date)}, at: "09:00", yearly: true}\nagain: true\nholdout: 0.1\n` +
          `steps:\n  wish:\n    message: {channel: email, template: ${template}, subject: ${own("birthdaySubject")}, useful: 12 hours}\n`,
      };
    }
    case "win_back":
      return {
        template,
        unseen: unseen(paid),
        text:
          title(kind) +
          `start: {enters: ${q(names.audiences[0] ?? "quiet_buyers")}}\nagain: 90 days\nleave:\n  - {name: back, event: ${q(paid)}}\nholdout: 0.1\n` +
          `steps:\n  lot:\n    split:\n      now: {percent: 50, next: write}\n      later: {percent: 50, next: pause}\n    sticky: true\n` +
          `  pause: {wait: 3 days}\n  write:\n    message: {channel: email, template: ${template}, subject: ${own("winSubject")}, useful: 2 days}\n`,
      };
    case "task":
      return {
        template: null,
        unseen: unseen(paid),
        text: title(kind) + `start: {event: ${q(paid)}}\nholdout: 0\nsteps:\n  pause: {wait: 1 day}\n  call: {task: ${own("call")}, within: 2 days}\n`,
      };
  }
}
