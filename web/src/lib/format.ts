import type { Language } from "./preferences";

type Amount = number | string | null | undefined;

export interface Place {
  language: Language;
  zone: string;
  currency: string;
}

/** What stands where there is no value. */
export const NOTHING = "–";

export interface Format {
  /** The exact number: 1,234,567. */
  exact: (value: Amount, digits?: number) => string;
  /** Exact up to 9,999; beyond, short: 123.5万, 1.2M. Show the exact one in a title. */
  count: (value: Amount) => string;
  /** 12.3 % of a share (0.123). */
  percent: (share: Amount, digits?: number) => string;
  /** +12.3 % with its sign, for changes. */
  change: (share: Amount, digits?: number) => string;
  /** An amount of the workspace's currency (or of `currency`): ¥1,234.50. */
  money: (value: Amount, currency?: string) => string;
  /** The same, short beyond 10,000: ¥12.3万. */
  moneyShort: (value: Amount, currency?: string) => string;
  /** 22 Nov 2026. */
  date: (at: Instant) => string;
  /** 14:05. */
  time: (at: Instant) => string;
  /** 22 Nov 2026, 14:05. */
  moment: (at: Instant) => string;
  /** 22 Nov 2026, 14:05:09 UTC+8: for titles. */
  full: (at: Instant) => string;
  /** 3 minutes ago, in 2 days; older than 30 days: the date. */
  ago: (at: Instant, now?: number) => string;
  /** 1 h 20 min, 40 ms of seconds. */
  duration: (seconds: Amount) => string;
  /** A span as definitions write it ("3 days"). */
  span: (said: string) => string;
  /** 12.3 MB. */
  bytes: (value: Amount) => string;
  /** "a, b and c". */
  list: (items: readonly string[]) => string;
}

export type Instant = string | number | Date | null | undefined;

const LOCALES: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };
/** British short numbers are "1.2m", which reads as a metre: American ones are "1.2M". */
const SHORT: Record<Language, string> = { en: "en-US", zh: "zh-CN" };
const made = new Map<string, Format>();

/** How numbers, money and times are written for people of a language, in a workspace's zone and currency. */
export function formatOf({ language, zone, currency }: Place): Format {
  const key = `${language} ${zone} ${currency}`;
  const found = made.get(key) ?? makeFormat(language, zone, currency);
  made.set(key, found);
  return found;
}

function makeFormat(language: Language, zone: string, home: string): Format {
  const locale = LOCALES[language];
  const timeZone = known(zone);
  const numbers = memo((digits: number) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }));
  const shares = memo(
    (digits: number) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits, minimumFractionDigits: 0 }),
  );
  const changes = memo(
    (digits: number) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits, signDisplay: "exceptZero" }),
  );
  const monies = memo(
    (currency: string) => new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }),
  );
  const shortMonies = memo(
    (currency: string) =>
      new Intl.NumberFormat(SHORT[language], { style: "currency", currency, currencyDisplay: "narrowSymbol", notation: "compact", maximumFractionDigits: 1 }),
  );
  const compact = new Intl.NumberFormat(SHORT[language], { notation: "compact", maximumFractionDigits: 1 });
  const dates = new Intl.DateTimeFormat(locale, { timeZone, year: "numeric", month: "short", day: "numeric" });
  const times = new Intl.DateTimeFormat(locale, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const moments = new Intl.DateTimeFormat(locale, {
    timeZone, year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  const fulls = new Intl.DateTimeFormat(locale, {
    timeZone, year: "numeric", month: "short", day: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "shortOffset",
  });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const lists = new Intl.ListFormat(locale, { type: "conjunction" });
  const at = (write: Intl.DateTimeFormat) => (value: Instant) => {
    const when = instant(value);
    return when === undefined ? NOTHING : write.format(when);
  };
  const num = (value: Amount, write: (given: number) => string): string => {
    const given = amount(value);
    return given === undefined ? NOTHING : write(given);
  };
  const currencyOf = (currency: string | undefined) => (/^[A-Z]{3}$/.test(currency ?? home) ? (currency ?? home) : "XXX");
  const date = at(dates);

  return {
    exact: (value, digits = 2) => num(value, (given) => numbers(digits).format(given)),
    count: (value) => num(value, (given) => (Math.abs(given) < 10_000 ? numbers(0).format(given) : compact.format(given))),
    percent: (share, digits = 1) => num(share, (given) => shares(digits).format(given)),
    change: (share, digits = 1) => num(share, (given) => changes(digits).format(given)),
    money: (value, currency) => num(value, (given) => monies(currencyOf(currency)).format(given)),
    moneyShort: (value, currency) =>
      num(value, (given) => (Math.abs(given) < 10_000 ? monies : shortMonies)(currencyOf(currency)).format(given)),
    date,
    time: at(times),
    moment: at(moments),
    full: at(fulls),
    ago: (value, now = Date.now()) => {
      const when = instant(value);
      if (when === undefined) return NOTHING;
      const seconds = (when - now) / 1_000;
      const size = Math.abs(seconds);
      if (size < 45) return relative.format(0, "second");
      if (size < 45 * 60) return relative.format(Math.round(seconds / 60), "minute");
      if (size < 22 * 3_600) return relative.format(Math.round(seconds / 3_600), "hour");
      if (size < 30 * 86_400) return relative.format(Math.round(seconds / 86_400), "day");
      return date(value);
    },
    duration: (value) => num(value, (seconds) => duration(seconds, language)),
    span: (said) => span(said, language),
    bytes: (value) => num(value, (size) => bytes(size, numbers(1))),
    list: (items) => lists.format(items),
  };
}

const UNITS: Record<string, string> = { second: "秒", minute: "分钟", hour: "小时", day: "天", week: "周", month: "个月", quarter: "个季度", year: "年" };

/** A span as definitions write it ("3 days"), in the words of the language. */
export function span(said: string, language: Language): string {
  const found = /^(\d+) ([a-z]+?)s?$/.exec(said);
  const unit = UNITS[found?.[2] ?? ""];
  return language === "zh" && found && unit ? `${found[1]} ${unit}` : said;
}

function duration(seconds: number, language: Language): string {
  const [h, m, s, d, ms] = language === "zh" ? ["小时", "分", "秒", "天", "毫秒"] : ["h", "min", "s", "d", "ms"];
  const join = (a: number, unitA: string, b: number, unitB: string) => `${a} ${unitA}${b ? ` ${b} ${unitB}` : ""}`;
  const whole = Math.round(seconds);
  if (seconds > 0 && seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1_000))} ${ms}`;
  if (seconds < 10 && seconds !== whole) return `${seconds.toFixed(1)} ${s}`;
  if (whole < 60) return `${whole} ${s}`;
  if (whole < 3_600) return join(Math.floor(whole / 60), m, whole < 600 ? whole % 60 : 0, s);
  if (whole < 86_400) return join(Math.floor(whole / 3_600), h, Math.floor((whole % 3_600) / 60), m);
  return join(Math.floor(whole / 86_400), d, Math.floor((whole % 86_400) / 3_600), h);
}

function bytes(size: number, numbers: Intl.NumberFormat): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (Math.abs(value) >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${numbers.format(value)} ${units[unit] ?? ""}`;
}

function amount(value: Amount): number | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  const given = Number(value);
  return Number.isFinite(given) ? given : undefined;
}

/** Milliseconds since 1970, or undefined for what is no instant. */
export function instant(value: Instant): number | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  const when = value instanceof Date ? value.getTime() : new Date(value).getTime();
  return Number.isNaN(when) ? undefined : when;
}

function known(zone: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const kept = new Map<K, V>();
  return (key) => {
    const found = kept.get(key) ?? make(key);
    kept.set(key, found);
    return found;
  };
}
