import { Tooltip } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { type Instant, instant, NOTHING } from "../lib/format";
import { peopleWhere } from "../lib/places";
import { useFormat } from "../lib/useFormat";
import css from "./numbers.module.css";

type Amount = number | string | null | undefined;

/**
 * How many. With `where` (an expression) it leads to these people; with `to` to wherever else they are listed.
 * `short` writes big ones as 1.2万 or 12K with the exact number in the title.
 */
export function Count({ value, where, to, short }: { value: Amount; where?: string; to?: string; short?: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const text = short ? format.count(value) : format.exact(value, 0);
  const exact = format.exact(value, 0);
  const target = to ?? (where === undefined ? undefined : peopleWhere(where));
  const title = [text === exact ? "" : exact, target ? t("seePeople") : ""].filter(Boolean).join(" · ") || undefined;
  if (target === undefined || text === NOTHING) {
    return (
      <span className={css["number"]} title={title}>
        {text}
      </span>
    );
  }
  return (
    <Link to={target} className={css["number"]} title={title}>
      {text}
    </Link>
  );
}

/** An amount of money; `short` writes big ones short with the exact amount in the title. */
export function Money({ value, currency, short, change }: { value: Amount; currency?: string; short?: boolean; change?: boolean }) {
  const format = useFormat();
  const exact = format.money(value, currency);
  const text = short ? format.moneyShort(value, currency) : exact;
  return (
    <span className={css["number"]} title={text === exact ? undefined : exact}>
      {change && Number(value) > 0 ? "+" : ""}
      {text}
    </span>
  );
}

/** A share (0.123) as 12.3%; with `change` it carries its sign; with `low` and `high` the interval stands behind it. */
export function Percent({ value, digits = 1, change, low, high }: { value: Amount; digits?: number; change?: boolean; low?: Amount; high?: Amount }) {
  const format = useFormat();
  const write = change ? format.change : format.percent;
  return (
    <span className={css["number"]}>
      {write(value, digits)}
      {low !== undefined && high !== undefined && (
        <span className={css["interval"]}>
          {" "}
          {write(low, digits)} – {write(high, digits)}
        </span>
      )}
    </span>
  );
}

/** When: "3 minutes ago" (kept up to date), or the moment or date itself; the exact time is in the title. */
export function When({ at, as = "ago" }: { at: Instant; as?: "ago" | "moment" | "date" | "time" }) {
  const format = useFormat();
  const now = useNow(as === "ago" ? at : undefined);
  const when = instant(at);
  if (when === undefined) return <span>{NOTHING}</span>;
  return (
    <Tooltip title={format.full(at)} mouseEnterDelay={0.4}>
      <time className={css["number"]} dateTime={new Date(when).toISOString()}>
        {as === "ago" ? format.ago(at, now) : format[as](at)}
      </time>
    </Tooltip>
  );
}

/** The present, again every half minute while `at` is less than a day away. */
function useNow(at: Instant): number {
  const [now, setNow] = useState(Date.now);
  const when = instant(at);
  const near = when !== undefined && Math.abs(when - now) < 86_400_000;
  useEffect(() => {
    if (!near) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, [near]);
  return now;
}

/** Says from when the numbers beside it are: "as of 14:05". */
export function AsOf({ at }: { at: Instant }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow(at);
  const when = instant(at);
  if (when === undefined) return null;
  const today = format.date(when) === format.date(now);
  return (
    <span className={css["asOf"]} title={format.full(at)}>
      {t("asOf", { when: today ? format.time(at) : format.moment(at) })}
    </span>
  );
}

/** A share as a thin bar, with its words beside it where there are any. */
export function Bar({ share, tone = "accent", label, width }: { share: number; tone?: "accent" | "everybody" | "danger"; label?: string; width?: number }) {
  const format = useFormat();
  const kept = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0));
  return (
    <span className={css["bar"]} role="img" aria-label={label ?? format.percent(kept)} title={label ?? format.percent(kept)} style={width ? { width } : undefined}>
      <span data-tone={tone} style={{ width: `${kept * 100}%` }} />
    </span>
  );
}

/** A course of numbers in the height of a line. Gaps (null) stay gaps. */
export function Sparkline({ values, label, width = 96, height = 24 }: { values: readonly (number | null)[]; label: string; width?: number; height?: number }) {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known, 0);
  const high = Math.max(...known, low + 1e-9);
  const x = (index: number) => (values.length > 1 ? (index / (values.length - 1)) * (width - 4) + 2 : width / 2);
  const y = (value: number) => height - 2 - ((value - low) / (high - low)) * (height - 4);
  const last = values.at(-1);
  return (
    <svg className={css["spark"]} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <title>{label}</title>
      <path d={course(values, x, y)} />
      {typeof last === "number" && <circle cx={x(values.length - 1)} cy={y(last)} r="2" />}
    </svg>
  );
}

function course(values: readonly (number | null)[], x: (index: number) => number, y: (value: number) => number): string {
  return values
    .map((value, index) => {
      if (value === null) return "";
      const begins = index === 0 || values[index - 1] === null;
      return `${begins ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join("");
}
