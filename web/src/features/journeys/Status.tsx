import { useTranslation } from "react-i18next";

import parts from "../../components/parts.module.css";
import type en from "./en";

/** What a journey is at, as a small mark with its word. */
export function Status({ of }: { of: keyof typeof en.status }) {
  const { t } = useTranslation("journeys");
  return (
    <span className={parts["status"]} data-status={of}>
      {t(`status.${of}`)}
    </span>
  );
}

/** The pages that stand beside each other. */
export const TABS = [
  { key: "journeys", to: "/marketing/journeys" },
  { key: "tasks", to: "/marketing/tasks" },
  { key: "inbox", to: "/marketing/inbox" },
] as const;
