import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";

import { Count } from "../../../components/Numbers";
import { useFormat } from "../../../lib/useFormat";
import css from "./builder.module.css";

export interface EffectOf {
  /** The condition itself, as text. */
  expression: string;
  /** How many people it holds by itself. */
  people: number;
  /** How many the whole would hold without it. */
  without: number;
}

/** How many people the longest bar stands for, so that all bars beside each other can be compared. */
export function scaleOf(effects: Iterable<EffectOf>, count: number): number {
  return Math.max(1, count, ...Array.from(effects, (effect) => effect.without));
}

/** How many people a condition holds by itself, and what it takes from the result or adds to it. */
export function Effect({ of, count, scale }: { of: EffectOf | undefined; count: number | undefined; scale: number }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  if (!of || count === undefined) return <span className={css["effect"]} aria-hidden="true" />;
  const difference = count - of.without;
  const exact = format.exact(Math.abs(difference), 0);
  const without = format.exact(of.without, 0);
  const said = difference < 0 ? t("removes", { exact }) : difference > 0 ? t("adds", { exact }) : t("nothing");
  const note = difference < 0 ? t("removesNote", { exact, without }) : difference > 0 ? t("addsNote", { exact, without }) : t("nothingNote");
  const [less, more] = [Math.min(count, of.without) / scale, Math.max(count, of.without) / scale];
  return (
    <span className={css["effect"]}>
      <span className={css["alone"]}>
        <Count value={of.people} where={of.expression} />
      </span>
      <Tooltip title={note}>
        <span className={css["does"]} data-does={difference < 0 ? "removes" : difference > 0 ? "adds" : "nothing"} role="img" aria-label={`${said}. ${note}`}>
          <span className={css["bar"]}>
            <span className={css["more"]} style={{ width: `${more * 100}%` }} />
            <span className={css["less"]} style={{ width: `${less * 100}%` }} />
          </span>
          <span className={css["said"]}>{said}</span>
        </span>
      </Tooltip>
    </span>
  );
}
