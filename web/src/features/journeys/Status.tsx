import { useTranslation } from "react-i18next";

import type en from "./en";
import css from "./journeys.module.css";

/** What a journey is at, as a small mark with its word. */
export function Status({ of }: { of: keyof typeof en.status }) {
  const { t } = useTranslation("journeys");
  return (
    <span className={css["status"]} data-status={of}>
      {t(`status.${of}`)}
    </span>
  );
}

/** The pages that stand beside each other. */
export const TABS = [
  { key: "journeys", to: "/marketing/journeys" },
  { key: "tasks", to: "/marketing/tasks" },
] as const;
