import { useSyncExternalStore } from "react";

export type Language = "en" | "zh";
export type ThemeChoice = "system" | "light" | "dark";

/** Both texts of one thing. */
export type Both = Record<Language, string>;

interface Preferences {
  language: Language;
  /** What was chosen. */
  theme: ThemeChoice;
  /** What is shown: the choice, or the system's. */
  dark: boolean;
}

/** Whether the system was asked for no movement: what appears stands where it is at once. */
export const STILL = globalThis.matchMedia("(prefers-reduced-motion: reduce)").matches;

const LANGUAGE = "limner.language";
const THEME = "limner_theme";
const system = globalThis.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let current: Preferences = first();

function first(): Preferences {
  const theme = chosenTheme();
  return { language: chosenLanguage() ?? (navigator.language.startsWith("zh") ? "zh" : "en"), theme, dark: isDark(theme) };
}

function chosenLanguage(): Language | undefined {
  const kept = read(LANGUAGE);
  return kept === "en" || kept === "zh" ? kept : undefined;
}

function chosenTheme(): ThemeChoice {
  const kept = document.cookie.split("; ").find((item) => item.startsWith(`${THEME}=`))?.slice(THEME.length + 1);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function isDark(theme: ThemeChoice): boolean {
  return theme === "dark" || (theme === "system" && system.matches);
}

function show(next: Preferences): void {
  current = next;
  document.documentElement.lang = next.language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset["theme"] = next.dark ? "dark" : "light";
  listeners.forEach((listener) => listener());
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage can be forbidden; the choice then lasts as long as the page
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // as above
  }
}

/** Chooses the language and remembers it on this device. */
export function setLanguage(language: Language): void {
  keep(LANGUAGE, language);
  show({ ...current, language });
}

/** Takes the account's language, unless another was chosen on this device. */
export function suggestLanguage(language: string): void {
  const short = language.slice(0, 2);
  if (chosenLanguage() === undefined && (short === "en" || short === "zh")) show({ ...current, language: short });
}

/** Chooses light, dark or the system's. A cookie keeps it, so that the server's first byte has the right ground. */
export function setTheme(theme: ThemeChoice): void {
  const age = theme === "system" ? 0 : 31_536_000;
  document.cookie = `${THEME}=${theme}; Path=/; Max-Age=${age}; SameSite=Lax`;
  show({ ...current, theme, dark: isDark(theme) });
}

export function preferences(): Preferences {
  return current;
}

/** The language and theme, kept up to date. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

system.addEventListener("change", () => show({ ...current, dark: isDark(current.theme) }));
show(current);
