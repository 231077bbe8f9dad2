import { useTranslation } from "react-i18next";

import parts from "../../components/parts.module.css";
import type en from "./en";

/** Where a scene stands in its dates. */
export function State({ of }: { of: string }) {
  const { t } = useTranslation("scenes");
  return (
    <span className={parts["status"]} data-status={of}>
      {t(`state.${of as keyof typeof en.state}`)}
    </span>
  );
}

/** What a campaign or journey of a scene is at. */
export function Status({ of }: { of: string }) {
  const { t } = useTranslation("scenes");
  return (
    <span className={parts["status"]} data-status={of}>
      {t(`status.${of as keyof typeof en.status}`)}
    </span>
  );
}
