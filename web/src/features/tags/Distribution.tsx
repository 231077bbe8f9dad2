import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Empty } from "../../components/States";
import { peopleWhere } from "../../lib/places";
import { useFormat } from "../../lib/useFormat";
import css from "./tags.module.css";
import { useValueWords, type Value } from "./values";

const MOST = 12;

/** How many people have each value, as bars; each row leads to its people. Without a value comes last, in grey. */
export function Distribution({ type, values, masked }: { type: string | null; values: readonly Value[]; masked?: boolean }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const words = useValueWords(type);
  const [all, setAll] = useState(false);
  const known = values.filter((value) => value.kind !== "unknown");
  const unknown = values.filter((value) => value.kind === "unknown");
  if (!values.length) {
    return (
      <Empty small title={t("noValues")}>
        {t("noValuesNote")}
      </Empty>
    );
  }
  const most = Math.max(1, ...values.map((value) => value.people));
  const shown = all || known.length <= MOST + 2 ? known : known.slice(0, MOST);
  return (
    <>
      <ul className={css["bars"]}>
        {[...shown, ...unknown].map((value, index) => {
          const label = words(value);
          const said = t("row", { label, people: format.exact(value.people), share: format.percent(value.share) });
          const row = (
            <>
              <span className={css["barLabel"]} title={label} data-quiet={value.kind === "unknown" || value.kind === "rest"}>
                {label}
              </span>
              <span className={css["barTrack"]} aria-hidden="true">
                <span data-tone={value.kind === "unknown" ? "everybody" : "accent"} style={{ width: `${(value.people / most) * 100}%` }} />
              </span>
              <span className={css["number"]}>{format.exact(value.people)}</span>
              <span className={css["share"]}>{format.percent(value.share)}</span>
            </>
          );
          return (
            <li key={index}>
              {value.where === null ? (
                <div className={css["barRow"]} role="group" aria-label={said}>
                  {row}
                </div>
              ) : (
                <Link className={css["barRow"]} to={peopleWhere(value.where)} title={said}>
                  {row}
                </Link>
              )}
            </li>
          );
        })}
      </ul>
      {known.length > MOST + 2 && (
        <Button type="link" size="small" onClick={() => setAll(!all)}>
          {all ? t("showLess") : t("showAll", { exact: format.exact(known.length) })}
        </Button>
      )}
      {masked && <p className={css["faint"]}>{t("masked")}</p>}
    </>
  );
}
