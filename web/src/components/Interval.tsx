import css from "./interval.module.css";

/** An estimate with its bounds on a line whose zero is marked; `from` and `to` bound the line. */
export function Interval({ value, low, high, from, to, label, height = 28 }: { value: number; low: number; high: number; from?: number; to?: number; label: string; height?: number }) {
  const least = from ?? Math.min(0, low);
  const most = to ?? Math.max(0, high);
  const place = (at: number) => 2 + ((at - least) / (most - least || 1)) * 96;
  const clear = low > 0 || high < 0;
  return (
    <svg className={css["interval"]} viewBox={`0 0 100 ${height}`} height={height} preserveAspectRatio="none" role="img" aria-label={label} data-clear={clear ? "1" : "0"}>
      <title>{label}</title>
      <line x1={0} x2={100} y1={height / 2} y2={height / 2} className={css["axis"]} />
      <line x1={place(0)} x2={place(0)} y1={2} y2={height - 2} className={css["zero"]} />
      <line x1={place(low)} x2={place(high)} y1={height / 2} y2={height / 2} className={css["reach"]} />
      <line x1={place(value)} x2={place(value)} y1={height / 4} y2={(height * 3) / 4} className={css["estimate"]} />
    </svg>
  );
}
