/** The day of the calendar that a text names (2026-04-01), as its first instant in UTC. */
export function dayOf(said: string): Date {
  return new Date(`${said}T00:00:00Z`);
}

/** The text that names a day. */
export function said(day: Date): string {
  return day.toISOString().slice(0, 10);
}

/** So many days later, or earlier. */
export function later(day: string, days: number): string {
  const at = dayOf(day);
  at.setUTCDate(at.getUTCDate() + days);
  return said(at);
}

/** The Monday on or before a day. */
export function mondayOf(day: string): string {
  return later(day, -((dayOf(day).getUTCDay() + 6) % 7));
}

/** The first day of the month, so many months later or earlier. */
export function monthOf(day: string, months = 0): string {
  const at = dayOf(day);
  return said(new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1)));
}

/** The weeks (their Mondays) that a month's calendar shows. */
export function weeksOf(month: string): string[] {
  const first = mondayOf(monthOf(month));
  const after = monthOf(month, 1);
  const weeks: string[] = [];
  for (let week = first; week < after; week = later(week, 7)) weeks.push(week);
  return weeks;
}
