import type { Answer } from "../../lib/api";

export type CampaignShown = Answer<"/api/v1/campaigns/{name}">;
export type Fields = NonNullable<CampaignShown["fields"]>;
export type Sending = CampaignShown["entries"][number];
export type Report = Answer<"/api/v1/campaigns/{name}/report">;
export type CheckList = Answer<"/api/v1/campaigns/{name}/check", "post">;
export type Power = Answer<"/api/v1/campaigns/power", "post">;
export type Approval = Answer<"/api/v1/approvals">["approvals"][number];

/** An audience in an expression. */
export function inAudience(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `in audience ${name}` : `in audience "${name.replaceAll('"', '""')}"`;
}

/** A recurring time as the form offers it; null for a cron expression that it cannot show. */
export interface Recurring {
  every: "day" | "week" | "month";
  time: string;
  /** Days of the week, 0 is Sunday. */
  days: number[];
  /** Day of the month. */
  day: number;
}

export function recurringOf(cron: string): Recurring | null {
  const found = /^(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|[0-7](?:,[0-7])*)$/.exec(cron.trim());
  if (!found) return null;
  const [, minute = "0", hour = "0", day = "*", days = "*"] = found;
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (day !== "*" && days !== "*") return null;
  if (day !== "*") return { every: "month", time, days: [1], day: Number(day) };
  if (days !== "*") return { every: "week", time, days: days.split(",").map((item) => Number(item) % 7), day: 1 };
  return { every: "day", time, days: [1], day: 1 };
}

export function cronOf({ every, time, days, day }: Recurring): string {
  const [hour = "10", minute = "0"] = time.split(":");
  const at = `${Number(minute)} ${Number(hour)}`;
  if (every === "month") return `${at} ${day} * *`;
  if (every === "week") return `${at} * * ${[...days].sort((a, b) => a - b).join(",") || "1"}`;
  return `${at} * * *`;
}

/** Whether a schedule names one moment. */
export function isMoment(schedule: string): boolean {
  return /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(schedule);
}

/** Days in a duration's words: "14 days", "2 weeks". */
export function daysOf(duration: string): number {
  const found = /^(\d+)\s+(second|minute|hour|day|week)s?$/.exec(duration.trim());
  if (!found) return 14;
  const seconds = { second: 1, minute: 60, hour: 3_600, day: 86_400, week: 604_800 }[found[2] as "day"];
  return Math.max(1, Math.min(366, Math.round((Number(found[1]) * seconds) / 86_400)));
}
