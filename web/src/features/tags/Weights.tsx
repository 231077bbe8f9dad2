import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { peopleWhere } from "../../lib/places";
import { useFormat } from "../../lib/useFormat";
import type { TagShown } from "./One";
import css from "./tags.module.css";

/** The labels to which the tag gives weights, by their mean, as bars; each row leads to its people. */
export function Weights({ labels, formula }: { labels: TagShown["labels"]; formula: string | null }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const most = Math.max(1e-9, ...labels.map((item) => item.mean));
  return (
    <>
      <ul className={css["bars"]}>
        {labels.map((item) => {
          const said = t("about.weightsRow", { label: item.label, mean: format.percent(item.mean), people: format.exact(item.people) });
          const row = (
            <>
              <span className={css["barLabel"]} title={item.label}>
                {item.label}
              </span>
              <span className={css["barTrack"]} aria-hidden="true">
                <span data-tone="accent" style={{ width: `${(item.mean / most) * 100}%` }} />
              </span>
              <span className={css["number"]}>{format.exact(item.people)}</span>
              <span className={css["share"]}>{format.percent(item.mean)}</span>
            </>
          );
          return (
            <li key={item.label}>
              {item.where === null ? (
                <div className={css["barRow"]} role="group" aria-label={said}>
                  {row}
                </div>
              ) : (
                <Link className={css["barRow"]} to={peopleWhere(item.where)} title={said}>
                  {row}
                </Link>
              )}
            </li>
          );
        })}
      </ul>
      {formula && <code>{formula}</code>}
    </>
  );
}
