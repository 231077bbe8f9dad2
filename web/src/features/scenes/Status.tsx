import { useTranslation } from "react-i18next";

import type en from "./en";
import css from "./scenes.module.css";

/** Where a scene stands in its dates. */
export function State({ of }: { of: string }) {
  const { t } = useTranslation("scenes");
  return (
    <span className={css["status"]} data-status={of}>
      {t(`state.${of as keyof typeof en.state}`)}
    </span>
  );
}

/** What a campaign or journey of a scene is at. */
export function Status({ of }: { of: string }) {
  const { t } = useTranslation("scenes");
  return (
    <span className={css["status"]} data-status={of}>
      {t(`status.${of as keyof typeof en.status}`)}
    </span>
  );
}
