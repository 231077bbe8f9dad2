import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";

import css from "./mark.module.css";

export type Nature = "fact" | "model" | "prediction";
export type Method = "observed" | "statistic" | "rule" | "learned" | "manual" | "imported";

/** How sure a belief is, as a small mark: a full circle for a fact, a half one for a model, a ring for a prediction. */
export function Mark({ nature, method, words }: { nature: Nature; method?: Method; words?: boolean }) {
  const { t } = useTranslation();
  const name = [t(`nature.${nature}`), method ? t(`method.${method}`) : ""].filter(Boolean).join(" · ");
  return (
    <Tooltip title={words ? t(`natureNote.${nature}`) : `${name}. ${t(`natureNote.${nature}`)}`} mouseEnterDelay={0.3}>
      <span className={css["mark"]} role="img" aria-label={name}>
        <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
          <circle cx="6" cy="6" r="4.5" fill={nature === "fact" ? "currentColor" : "none"} stroke="currentColor" strokeWidth="1.5" strokeDasharray={nature === "prediction" ? "2.2 1.6" : undefined} />
          {nature === "model" && <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" />}
        </svg>
        {words && <span>{name}</span>}
      </span>
    </Tooltip>
  );
}
