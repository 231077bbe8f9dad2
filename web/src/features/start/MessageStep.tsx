import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { useFormat } from "../../lib/useFormat";
import type { StepProps } from "./Start";
import css from "./start.module.css";

/** The way on to a first campaign. */
export function MessageStep({ started }: StepProps) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const navigate = useNavigate();
  const count = started.steps.find((step) => step.step === "message")?.count ?? 0;
  return (
    <>
      {count > 0 && <p>{t("message.have", { count, exact: format.exact(count) })}</p>}
      <p className={css["quiet"]}>{t("message.note")}</p>
      <div className={css["buttons"]}>
        <Button type="primary" onClick={() => void navigate("/marketing/new")}>
          {t("message.go")}
        </Button>
      </div>
    </>
  );
}
