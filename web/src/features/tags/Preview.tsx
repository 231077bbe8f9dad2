import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { AsOf } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { type Answer, useAsked } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { Distribution } from "./Distribution";
import css from "./tags.module.css";
import { useOneValue } from "./values";

/** Who would have the tag if the text were computed now, and whom that would change. Counted, not guessed. */
export function Preview({ name, text, ready }: { name: string; text: string; ready: boolean }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const body = useDebounced(JSON.stringify({ key: name, text }), 400);
  const current = ready && body === JSON.stringify({ key: name, text });
  const found = useAsked("/api/v1/tags/preview", { body: JSON.parse(body) as { key: string; text: string } }, { enabled: current, placeholderData: (last) => last, staleTime: 60_000 });
  const shown = found.data;
  const counting = ready && (!current || found.isFetching);
  return (
    <Card title={t("preview.title")} extra={shown && !counting && <AsOf at={shown.as_of} />}>
      <div aria-live="polite" aria-busy={counting} className={css["preview"]} data-old={counting || !ready}>
        {found.error && !counting ? (
          <FailureLine error={found.error} />
        ) : shown ? (
          <>
            <p className={css["previewPeople"]}>
              {t("preview.people", { count: shown.people, exact: format.exact(shown.people) })} <span className={css["faint"]}>{format.percent(shown.coverage)}</span>
            </p>
            <p className={css["previewChange"]}>
              {shown.entered || shown.left || shown.changed
                ? t("preview.change", { entered: `+${format.exact(shown.entered)}`, left: `−${format.exact(shown.left)}`, changed: format.exact(shown.changed) })
                : t("preview.same")}
            </p>
            <Distribution type={shown.type} values={shown.values} masked={shown.masked} />
            {shown.some.length > 0 && <Some people={shown.some} type={shown.type} of={shown.people} />}
          </>
        ) : (
          <p className={css["faint"]}>{counting ? t("preview.counting") : t("preview.waiting")}</p>
        )}
      </div>
    </Card>
  );
}

/** A few of those who would have it, each leading to their portrait; who gets it anew comes first. */
function Some({ people, type, of }: { people: Answer<"/api/v1/tags/preview", "post">["some"]; type: string; of: number }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const one = useOneValue(type);
  return (
    <section className={css["some"]} aria-label={t("preview.some")}>
      <h3>{people.length < of ? t("preview.someOf", { exact: format.exact(people.length), all: format.exact(of) }) : t("preview.some")}</h3>
      <ul>
        {people.map((person) => (
          <li key={person.person}>
            <Link to={placeOf("person", person.person) ?? "/people"}>{person.name ?? person.id?.value ?? person.person}</Link>
            <span>{one(person.value)}</span>
            <span className={css["faint"]}>{person.enters ? t("preview.enters") : ""}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
