import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card, Figure } from "../../components/Page";
import { Empty } from "../../components/States";
import type { Answer } from "../../lib/api";
import { peopleWhere, placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import css from "./overview.module.css";
import { titleOf } from "./titleOf";

type Ours = Answer<"/api/v1/overview">["people"];
type Class = Ours["classes"][number];

/** Who our people are: how many, how many new and active, and into which classes they fall. */
export function People({ people }: { people: Ours }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const share = (n: number) => (people.total ? t("people.share", { share: format.percent(n / people.total) }) : undefined);
  return (
    <Card title={t("people.title")} note={t("asOf", { when: format.moment(people.as_of) })}>
      <div className={css["figures"]}>
        <Figure label={t("people.total")} value={<Link to="/people">{format.exact(people.total)}</Link>} />
        <Figure label={t("people.new")} value={<Link to={peopleWhere(people.new.where)}>{format.exact(people.new.people)}</Link>} note={share(people.new.people)} />
        <Figure label={t("people.active")} value={<Link to={peopleWhere(people.active.where)}>{format.exact(people.active.people)}</Link>} note={share(people.active.people)} />
      </div>
      {people.classes.length ? (
        <div className={css["classes"]}>
          {people.classes.map((one) => (
            <Distribution key={one.tag} one={one} />
          ))}
        </div>
      ) : (
        <Empty small icon="tags" title={t("people.noClass")} action={<Link to="/tags">{t("people.make")}</Link>}>
          {t("people.noClassNote")}
        </Empty>
      )}
    </Card>
  );
}

function Distribution({ one }: { one: Class }) {
  const { t } = useTranslation("overview");
  const { language } = usePreferences();
  const format = useFormat();
  const most = Math.max(...one.values.map((item) => item.share), 0.0001);
  return (
    <div>
      <h3 className={css["classTitle"]}>
        <Link to={placeOf("tag", one.tag) ?? "/tags"}>{titleOf(one.titles, language, one.tag)}</Link>
        {one.as_of && <span className={css["faint"]}>{t("people.asOf", { when: format.moment(one.as_of) })}</span>}
      </h3>
      <ul className={css["rows"]}>
        {one.values.filter((item) => item.value !== null || item.people > 0).map((item) => {
          const label = item.value ?? t("people.unknown");
          return (
            <li key={label}>
              <Link to={peopleWhere(item.where)} className={css["row"]} title={t("people.row", { label, people: format.exact(item.people), share: format.percent(item.share) })}>
                <span className={css["rowLabel"]}>{label}</span>
                <span className={css["rowTrack"]}>
                  <span className={item.value === null ? css["rowUnknown"] : css["rowBar"]} style={{ width: `${(item.share / most) * 100}%` }} />
                </span>
                <span className={css["rowNumber"]}>{format.exact(item.people)}</span>
                <span className={css["rowShare"]}>{format.percent(item.share)}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
