import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";

/** What a message would show the person next, and why. */
export function Next({ id }: { id: string }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  const found = useAnswer("/api/v1/people/{id}/picks", { params: { path: { id }, query: { count: 3 } } });
  return (
    <Card title={t("next.title")}>
      {found.error ? (
        <Failure small error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading rows={2} />
      ) : found.data.picks.length === 0 ? (
        <Empty small icon="content" title={t("next.none")}>
          {t("next.noneNote")}
        </Empty>
      ) : (
        <ol className={css["list"]}>
          {found.data.picks.map((pick) => (
            <li key={pick.name}>
              <div className={css["line"]}>
                <Link to={placeOf("content", pick.name) ?? "/content/library"}>{pick.title}</Link>
                {pick.weight !== null && <span className={css["under"]}>{format.percent(pick.weight)}</span>}
              </div>
              <div className={css["under"]}>
                {pick.kind === "interest"
                  ? pick.label === null
                    ? t("next.hidden")
                    : t("next.interest", { tag: titleIn(pick.tag_titles, language, pick.tag ?? ""), label: pick.label })
                  : t(`next.${pick.kind}`, { count: pick.people })}
              </div>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
