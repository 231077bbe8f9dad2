import { useTranslation } from "react-i18next";

import { HourBars } from "../../components/HourBars";
import { Card } from "../../components/Page";
import { Failure, Loading } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import { useChannel } from "./say";

type Habit = Answer<"/api/v1/people/{id}/when">;

/** When and by which channel this person is best written to, and on what that rests. */
export function Reach({ id }: { id: string }) {
  const { t } = useTranslation("people");
  const found = useAnswer("/api/v1/people/{id}/when", { params: { path: { id } } });
  return <Card title={t("reach.title")}>{found.error ? <Failure small error={found.error} retry={() => void found.refetch()} /> : found.data ? <Known habit={found.data} /> : <Loading rows={3} />}</Card>;
}

function Known({ habit }: { habit: Habit }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const channelOf = useChannel();
  const values = habit.others ?? habit.hours;
  const time = (hour: number) => `${String(hour % 24).padStart(2, "0")}:00`;
  const numbers = { from: time(habit.best ?? 0), to: time((habit.best ?? 0) + habit.band), n: format.exact(habit.n), of: format.exact(habit.of), segment: habit.segment ?? "", seen: format.exact(habit.observations), least: format.exact(habit.least) };
  const known = habit.channels.filter((row) => row.asked > 0 || row.objection === "");
  const best = habit.channels.filter((row) => row.objection === "").sort((one, other) => other.share - one.share)[0];
  return (
    <>
      <p>{habit.best === null ? t("reach.nothing") : t(`reach.${habit.whose}`, numbers)}</p>
      {habit.best !== null && (
        <HourBars
          values={values}
          best={habit.best}
          band={habit.band}
          label={t("reach.chart", { zone: habit.zone })}
          said={(hour, value) => t("reach.bar", { hour: time(hour), n: habit.others ? format.percent(value) : format.exact(value) })}
        />
      )}
      <div className={css["under"]}>{t("reach.clock", { zone: habit.zone })}</div>
      <h3 className={css["heading"]}>{t("reach.channels")}</h3>
      {known.length === 0 ? (
        <p className={css["quiet"]}>{t("reach.none")}</p>
      ) : (
        <ul className={css["list"]}>
          {known.map((row) => (
            <li key={row.channel}>
              <div className={css["line"]}>
                <span>
                  {channelOf(row.channel)}
                  {best === row && row.everybody.asked > 0 && known.length > 1 && ` · ${t("reach.best")}`}
                </span>
                <span>{row.everybody.asked > 0 ? t("reach.likely", { share: format.percent(row.share) }) : t("reach.unknown")}</span>
              </div>
              <div className={css["under"]}>
                {[
                  t("reach.answered", { n: format.exact(row.answered), of: format.exact(row.asked) }),
                  row.everybody.asked > 0 && t("reach.all", { share: format.percent(row.everybody.share) }),
                  row.objection && t("reach.not", { reason: row.objection }),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </div>
            </li>
          ))}
        </ul>
      )}
      <div className={css["under"]}>{t("reach.note", { within: format.span(habit.response_within) })}</div>
    </>
  );
}
