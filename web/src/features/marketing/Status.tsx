import { useTranslation } from "react-i18next";

import type en from "./en";
import css from "./marketing.module.css";

export type StatusName = Exclude<keyof typeof en.status, "all">;

/** What a campaign or a sending is at, as a small mark with its word. */
export function Status({ of }: { of: string }) {
  const { t } = useTranslation("marketing");
  return (
    <span className={css["status"]} data-status={of}>
      {t(`status.${of as StatusName}`)}
    </span>
  );
}
