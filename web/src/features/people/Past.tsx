import { Segmented, Slider } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import type { Portrayed } from "./Tags";

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

/** By what a day of the past is shown: what was known then, or what is true of it by all that is known today. */
export type View = "known" | "true";

/** The view that an address names; none: the server's choice. */
export function viewOf(word: string): View | "" {
  return word === "known" || word === "true" ? word : "";
}

/** The two views of a past day, with a sentence that says what counts. */
export function Views({ person, setView }: { person: Portrayed; setView: (view: View) => void }) {
  const { t } = useTranslation("people");
  return (
    <>
      <Segmented<View>
        size="small"
        value={person.view}
        aria-label={t("asOf.view")}
        options={[
          { value: "known", label: t("asOf.known") },
          { value: "true", label: t("asOf.true") },
        ]}
        onChange={setView}
      />
      <span>
        {t(person.view === "known" ? "asOf.knownNote" : "asOf.trueNote")} {person.then && <Identity then={person.then} view={person.view} />}
      </span>
    </>
  );
}

/** Who they were then, and whose the events that are theirs today were known to be. */
function Identity({ then, view }: { then: NonNullable<Portrayed["then"]>; view: View }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const { events } = then;
  return (
    <>
      {then.known ? t(then.same ? "asOf.same" : view === "known" ? "asOf.were" : "asOf.joined") : t("asOf.unknown")}
      {events.theirs !== null && events.others !== null && events.theirs < events.events && (
        <>
          {" "}
          {t("asOf.events", { all: format.exact(events.events), theirs: format.exact(events.theirs), others: format.exact(events.others), unheard: format.exact(events.unheard) })}
        </>
      )}
    </>
  );
}
