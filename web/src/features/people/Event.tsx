import { useState } from "react";
import { useTranslation } from "react-i18next";

import { When } from "../../components/Numbers";
import type { Answer } from "../../lib/api";
import css from "./people.module.css";
import { text, useEventName } from "./say";

export type Happened = Answer<"/api/v1/people/{id}/events">["events"][number];

const FEW = 4;

/** One event: when, what, from where, and its properties; of many the first are shown, technical ones ($…) when asked. */
export function EventLine({ event, as = "time" }: { event: Happened; as?: "time" | "date" }) {
  const { t } = useTranslation("people");
  const nameOf = useEventName();
  const [whole, setWhole] = useState(false);
  const all = Object.entries(event.properties);
  const shown = whole ? all : all.filter(([name]) => !name.startsWith("$")).slice(0, FEW);
  return (
    <li className={css["event"]} data-as={as}>
      <When at={event.at} as={as} />
      <span className={css["eventName"]}>{nameOf(event.event)}</span>
      <span className={css["eventSource"]}>
        {event.source}
        {event.known_then === false && ` · ${t("timeline.notKnown")}`}
      </span>
      {all.length > 0 && (
        <div className={css["properties"]}>
          {shown.map(([name, value]) => (
            <div key={name}>
              <span className={css["quiet"]}>{name}</span>
              <span>{text(value)}</span>
            </div>
          ))}
          {(whole || all.length > shown.length) && (
            <button type="button" className={css["moreOf"]} aria-expanded={whole} onClick={() => setWhole(!whole)}>
              {whole ? t("timeline.less") : t("timeline.all")}
            </button>
          )}
        </div>
      )}
    </li>
  );
}
