import css from "./hours.module.css";

const HEIGHT = 60;

/** How often in each hour of a day, as bars; the band that begins at `best` stands out. */
export function HourBars({ values, best, band = 1, label, said }: { values: readonly number[]; best?: number | null; band?: number; label: string; said: (hour: number, value: number) => string }) {
  const most = Math.max(1e-9, ...values);
  const step = 100 / values.length;
  const inBand = (hour: number) => best !== null && best !== undefined && (hour - best + values.length) % values.length < band;
  return (
    <div>
      <svg className={css["chart"]} viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {values.map((value, hour) => {
          const size = value === 0 ? 1 : Math.max(2, (value / most) * HEIGHT);
          return (
            <rect key={hour} x={hour * step + step * 0.12} y={HEIGHT - size} width={step * 0.76} height={size} className={css[inBand(hour) ? "band" : value === 0 ? "none" : "bar"]}>
              <title>{said(hour, value)}</title>
            </rect>
          );
        })}
      </svg>
      <div className={css["ends"]} aria-hidden="true">
        {[0, 6, 12, 18, 24].map((hour) => (
          <span key={hour}>{`${String(hour).padStart(2, "0")}:00`}</span>
        ))}
      </div>
    </div>
  );
}
