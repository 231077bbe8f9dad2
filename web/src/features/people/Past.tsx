import { Slider } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";

const DAY = "YYYY-MM-DD";

/** The days since somebody was first seen, on a line: wherever it is let go, the portrait is of that day; at its end, of now. */
export function Past({ first, asOf, setAsOf }: { first: string; asOf: string; setAsOf: (day: string) => void }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const start = dayjs(first).add(1, "day").startOf("day");
  const days = Math.max(0, dayjs().startOf("day").diff(start, "day") + 1);
  const [moving, setMoving] = useState<number | null>(null);
  if (days < 2) return null;
  const settled = asOf ? Math.min(days, Math.max(0, dayjs(asOf).diff(start, "day"))) : days;
  const place = moving ?? settled;
  const said = (value: number) => (value >= days ? t("asOf.now") : format.date(start.add(value, "day").format(DAY)));
  return (
    <div className={css["past"]}>
      <span>{t("asOf.label")}</span>
      <Slider
        className={css["pastLine"] ?? ""}
        min={0}
        max={days}
        value={place}
        ariaLabelForHandle={t("asOf.slider")}
        ariaValueTextFormatterForHandle={said}
        tooltip={{ formatter: (value) => said(value ?? days) }}
        onChange={setMoving}
        onChangeComplete={(value) => {
          setMoving(null);
          setAsOf(value >= days ? "" : start.add(value, "day").format(DAY));
        }}
      />
      <output>{said(place)}</output>
    </div>
  );
}
