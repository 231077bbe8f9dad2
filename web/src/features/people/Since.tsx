import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import { text, useKind, useSay } from "./say";

type Diff = Answer<"/api/v1/people/{id}/diff">;

/** What is otherwise of the person today than on the day that the portrait shows. */
export function Since({ id, asOf, view }: { id: string; asOf: string; view: "known" | "true" }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const found = useAnswer("/api/v1/people/{id}/diff", { params: { path: { id }, query: { since: asOf, view } } });
  return (
    <Card title={t("since.title")} note={found.data?.changes ? t("since.total", { count: found.data.changes, exact: format.exact(found.data.changes) }) : undefined}>
      {found.error && !found.data ? (
        <Failure small error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading rows={4} />
      ) : found.data.changes === 0 ? (
        <Empty small icon="check" title={t("since.none")}>
          {t("since.noneNote", { when: format.moment(found.data.since) })}
        </Empty>
      ) : (
        <Changes diff={found.data} />
      )}
    </Card>
  );
}

function Changes({ diff }: { diff: Diff }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const say = useSay();
  const kindOf = useKind();
  const shown = (value: unknown, type: string) => (Array.isArray(value) ? value.map((one) => text(one)).join(", ") : say(value, type));
  return (
    <>
      {diff.tags.length > 0 && (
        <Part title={t("since.tags")}>
          {diff.tags.map((row) => (
            <Line key={row.key} name={titleIn(row.titles, language, row.key)} what={row.what} before={shown(row.before, row.type)} after={shown(row.after, row.type)} />
          ))}
        </Part>
      )}
      {diff.audiences.length > 0 && (
        <Part title={t("since.audiences")}>
          {diff.audiences.map((row) => (
            <li key={row.key} className={css["line"]}>
              <Link to={placeOf("audience", row.key) ?? "/audiences"}>{titleIn(row.titles, language, row.key)}</Link>
              <span className={css[row.what === "gone" ? "bad" : "good"]}>{t(row.what === "gone" ? "since.left" : "since.entered")}</span>
            </li>
          ))}
        </Part>
      )}
      {diff.attributes.length > 0 && (
        <Part title={t("since.attributes")}>
          {diff.attributes.map((row) => (
            <Line key={row.key} name={row.key} what={row.what} before={text(row.before)} after={text(row.after)} />
          ))}
        </Part>
      )}
      {diff.identifiers.length > 0 && (
        <Part title={t("since.identifiers")}>
          {diff.identifiers.map((row) => (
            <li key={`${row.kind}:${row.value}`}>
              <div className={css["line"]}>
                <span>{`${kindOf(row.kind)} ${row.value}`}</span>
                <span className={css[row.what === "gone" ? "bad" : "good"]}>{t(`since.${row.what}`)}</span>
              </div>
              {row.was && <div className={css["under"]}>{t("since.was", { who: row.was })}</div>}
            </li>
          ))}
        </Part>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className={css["day"]}>{title}</h3>
      <ul className={css["list"]}>{children}</ul>
    </section>
  );
}

function Line({ name, what, before, after }: { name: string; what: "added" | "gone" | "changed"; before: string; after: string }) {
  const { t } = useTranslation("people");
  return (
    <li className={css["line"]}>
      <span className={css["quiet"]}>{name}</span>
      <span>{what === "added" ? t("since.new", { value: after }) : what === "gone" ? t("since.lost", { value: before }) : t("since.became", { before, after })}</span>
    </li>
  );
}
