import css from "./overview.module.css";

/** Numbers as thin bars, the last one strongest: its shape is all that it is for, so the numbers stand beside it. */
export function Bars({ values, label, titles, height = 40 }: { values: readonly number[]; label: string; titles?: (index: number) => string; height?: number }) {
  const most = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length);
  return (
    <svg className={css["bars"]} viewBox={`0 0 100 ${height}`} height={height} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.map((value, index) => {
        const size = value === 0 ? 0.75 : Math.max(1.5, (value / most) * (height - 1));
        return (
          <rect
            key={index}
            x={index * step + step * 0.12}
            y={height - size}
            width={step * 0.76}
            height={size}
            className={value === 0 ? css["barNone"] : index === values.length - 1 ? css["barNow"] : css["bar"]}
          >
            {titles && <title>{titles(index)}</title>}
          </rect>
        );
      })}
    </svg>
  );
}
