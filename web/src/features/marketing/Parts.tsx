import { useTranslation } from "react-i18next";

import { Count } from "../../components/Numbers";
import { useFormat } from "../../lib/useFormat";
import css from "./marketing.module.css";
import { useReason } from "./useReason";

export interface Counted {
  audience: number;
  held_out: number;
  suppressed: Record<string, number>;
  waiting: number;
  sent: number;
  failed: number;
  in_doubt: number;
}

export const PARTS = ["sent", "waiting", "held_out", "failed", "in_doubt"] as const;

/** Where everybody is, as one bar and as numbers; each number leads to its people where `to` says how. */
export function Parts({ counts, to }: { counts: Counted; to?: (part: string, reason: string) => string | undefined }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const why = useReason();
  const set = Object.entries(counts.suppressed);
  const rows = [
    ...PARTS.filter((part) => counts[part] > 0 || part === "held_out" || (part === "sent" && counts.waiting === 0)).map((part) => ({ key: part, part: part, reason: "", label: t(`one.parts.${part}`), value: counts[part] })),
    ...set.map(([reason, value]) => ({ key: `s ${reason}`, part: "suppressed", reason, label: `${t("one.parts.suppressed")}: ${why(reason)}`, value })),
  ];
  return (
    <div>
      <div className={css["parts"]} aria-hidden="true">
        {counts.audience > 0 &&
          rows
            .filter((row) => row.value > 0)
            .map((row) => <span key={row.key} data-part={row.part} style={{ flexGrow: row.value }} title={`${row.label}: ${format.exact(row.value)}`} />)}
      </div>
      <ul className={css["legendList"]}>
        {rows.map((row) => {
          const target = to?.(row.part, row.reason);
          return (
            <li key={row.key}>
              <span className={css["swatch"]} data-part={row.part} />
              <span>{row.label}</span>
              <Count value={row.value} {...(target && row.value > 0 ? { to: target } : {})} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}
