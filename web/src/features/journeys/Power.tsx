import { useQuery } from "@tanstack/react-query";
import { InputNumber } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Failure, Loading } from "../../components/States";
import { answer, api, asProblem } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./journeys.module.css";

/** Before a journey starts: how many would enter a week, and how long until its holdout tells an effect. */
export function Power({ name }: { name: string }) {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  const id = useId();
  const [points, setPoints] = useState(2);
  const found = useQuery({
    queryKey: ["journeys", name, "power", points],
    queryFn: () => answer(api.POST("/api/v1/journeys/{name}/power", { params: { path: { name } }, body: { effect: points / 100, text: "" } })),
    retry: false,
    staleTime: 60_000,
  });
  const told = found.data;
  return (
    <Card title={t("power.title")}>
      <div className={parts["form"]}>
        <div className={parts["field"]}>
          <label htmlFor={id}>{t("power.effect")}</label>
          <InputNumber id={id} min={0.1} max={100} step={0.5} value={points} onChange={(value) => setPoints(value ?? 2)} suffix="%" />
        </div>
        {told ? (
          <>
            {told.per_week !== null && <p>{t("power.perWeek", { people: format.exact(told.per_week, 1), weeks: format.exact(told.weeks_seen) })}</p>}
            {told.baseline !== null && <p>{t("power.baseline", { share: format.percent(told.baseline, 1) })}</p>}
            <p className={told.weeks === null ? undefined : css["verdict"]}>
              {told.weeks !== null ? t("power.weeks", { count: told.weeks, exact: format.exact(told.weeks) }) : t(`power.reason.${told.reason ?? "too_long"}`, { defaultValue: t("power.unknown") })}
            </p>
          </>
        ) : found.error ? (
          <Failure small error={asProblem(found.error)} />
        ) : (
          <Loading rows={2} />
        )}
      </div>
    </Card>
  );
}
