import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { AsOf, Count } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { FailureLine } from "../../components/States";
import type { Problem } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import type { Counted } from "./builder/useCount";
import css from "./edit.module.css";

/** How many people it is, exactly, of how many, and as of when; greyed while the next number comes. */
export function CountPanel({ counted, problem, stale, again, empty }: { counted: Counted | undefined; problem: Problem | null; stale: boolean; again: () => void; empty: boolean }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const share = counted?.everybody ? counted.count / counted.everybody : 0;
  return (
    <Card>
      <div className={css["count"]} role="status" aria-live="polite" aria-label={t("size")} data-stale={stale}>
        <div className={css["figure"]} data-stale={stale || counted === undefined}>
          {counted ? <Count value={counted.count} where={counted.expression} /> : <span>–</span>}{" "}
          <small>{counted ? t("people", { count: counted.count, exact: "" }).trim() : t("counting")}</small>
        </div>
        <span className={css["share"]} aria-hidden="true">
          <span style={{ width: `${share * 100}%` }} />
        </span>
        <div className={css["under"]}>
          <span>
            {counted && (empty ? t("everybodyNow") : t("ofEverybody", { percent: format.percent(share), everybody: format.exact(counted.everybody) }))}
          </span>
          {counted && (
            <span className={css["asOf"]}>
              <AsOf at={counted.as_of} />
              <Button type="text" size="small" icon={<Icon name="refresh" size={14} />} aria-label={t("asOfNow")} title={t("asOfNow")} onClick={again} />
            </span>
          )}
        </div>
        {counted?.count === 0 && !stale && <p className={css["hint"]}>{t("nobody")}</p>}
        {problem && !stale && <FailureLine error={problem} />}
      </div>
    </Card>
  );
}
