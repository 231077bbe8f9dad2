import { Tooltip } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "../lib/useFormat";
import { Narrow, type Narrowing } from "./Narrow";
import { Count } from "./Numbers";
import css from "./tgi.module.css";

export interface TgiRow {
  key: string;
  label: ReactNode;
  /** The label as plain words, where `label` is none. */
  name?: string;
  /** 100: as among everybody. */
  tgi: number;
  low?: number | null | undefined;
  high?: number | null | undefined;
  /** The share in this audience, and among everybody. */
  share: number;
  base: number;
  people?: number;
  /** The expression of these people. */
  where?: string;
  /** What the bar does: it narrows the crowd down to these people. */
  narrow?: Narrowing | undefined;
}

/** By how many times a share may differ before its bar is cut off. */
const WIDEST = 8;

/** Bars left and right of 100 with their intervals: what sets this audience apart, and how surely. */
export function TgiBars({ rows }: { rows: readonly TgiRow[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const reach = reachOf(rows);
  return (
    <div className={css["tgi"]} role="list" aria-label={t("tgi.label")}>
      {rows.map((row) => {
        const name = row.name ?? (typeof row.label === "string" ? row.label : row.key);
        const sure = surely(row);
        const said = [
          t("tgi.row", { label: name, tgi: format.exact(row.tgi, 0), share: format.percent(row.share), base: format.percent(row.base) }),
          typeof row.low === "number" && typeof row.high === "number" ? t("tgi.interval", { low: format.exact(row.low, 0), high: format.exact(row.high, 0) }) : "",
          sure ? "" : t("tgi.unsure"),
        ]
          .filter(Boolean)
          .join(", ");
        const at = place(row.tgi, reach);
        return (
          <div key={row.key} role="listitem" className={css["row"]} data-sure={sure} aria-label={said}>
            <span className={css["label"]} title={name}>
              {row.label}
            </span>
            <Tooltip title={said} mouseEnterDelay={0.3}>
              <Narrow by={row.narrow} label={name} className={css["track"]}>
                <span className={css["axis"]} />
                <span
                  className={css["bar"]}
                  data-side={at >= 0.5 ? "more" : "less"}
                  style={{ left: `${Math.min(at, 0.5) * 100}%`, width: `${Math.abs(at - 0.5) * 100}%` }}
                />
                {typeof row.low === "number" && typeof row.high === "number" && (
                  <span
                    className={css["whisker"]}
                    style={{ left: `${place(row.low, reach) * 100}%`, width: `${(place(row.high, reach) - place(row.low, reach)) * 100}%` }}
                  />
                )}
              </Narrow>
            </Tooltip>
            <span className={css["value"]}>{format.exact(row.tgi, 0)}</span>
            <span className={css["share"]}>
              {row.people === undefined ? format.percent(row.share) : <Count value={row.people} {...(row.where === undefined ? {} : { where: row.where })} />}
            </span>
          </div>
        );
      })}
      <div className={css["foot"]} aria-hidden="true">
        <span />
        <span className={css["hundred"]}>100</span>
      </div>
    </div>
  );
}

/** Whether the interval leaves 100 out. Without an interval nothing is doubted. */
function surely({ low, high }: TgiRow): boolean {
  return typeof low !== "number" || typeof high !== "number" || low > 100 || high < 100;
}

/** How far the axis goes to each side, in halvings and doublings: enough for the widest bar. */
function reachOf(rows: readonly TgiRow[]): number {
  const furthest = rows.map(({ tgi }) => Math.abs(doublings(tgi)));
  return Math.max(1, Math.min(Math.log2(WIDEST), ...[Math.max(0, ...furthest) * 1.15]));
}

function doublings(tgi: number): number {
  return Math.log2(Math.min(WIDEST, Math.max(1 / WIDEST, tgi / 100)));
}

/** From 0 at the left end to 1 at the right; 100 is in the middle, twice as many as far from it as half as many. */
function place(tgi: number, reach: number): number {
  return Math.min(1, Math.max(0, 0.5 + doublings(tgi) / (2 * reach)));
}
