import { Button, Input } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Mark, type Method, type Nature } from "../../components/Mark";
import { Bar } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty } from "../../components/States";
import type { Answer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import { useSay } from "./say";

export type Portrayed = Answer<"/api/v1/people/{id}">;
type TagValue = Portrayed["tags"][number]["tags"][number];

const MANY = 12;

/** What we believe: the tags by category. `today` is the present portrait when the shown one is of the past. */
export function Tags({ person, today, ask, give }: { person: Portrayed; today: Portrayed | undefined; ask: (key: string) => void; give: (() => void) | undefined }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const go = useNavigate();
  const [word, setWord] = useState("");
  const now = useMemo(() => (today ? new Map(today.tags.flatMap((group) => group.tags).map((tag) => [tag.key, tag])) : undefined), [today]);
  const many = person.tags.reduce((sum, group) => sum + group.tags.length, 0) > MANY;
  const typed = word.trim().toLowerCase();
  const fits = (tag: TagValue) => [titleIn(tag.titles, language, tag.key), tag.key, String(tag.value)].some((said) => said.toLowerCase().includes(typed));
  const groups = useMemo(() => byRoot(person.tags), [person.tags]);
  const shown = groups.map(([root, tags]) => [root, typed ? tags.filter(fits) : tags] as const).filter(([, tags]) => tags.length > 0);
  return (
    <Card
      title={t("tags.title")}
      note={person.tags.length ? t("tags.note") : undefined}
      extra={
        <>
          {many && <Input size="small" className={css["find"] ?? ""} allowClear value={word} placeholder={t("tags.filter")} aria-label={t("tags.filter")} onChange={(event) => setWord(event.target.value)} />}
          {give && (
            <Button size="small" onClick={give}>
              {t("give.one")}
            </Button>
          )}
        </>
      }
    >
      {person.tags.length === 0 ? (
        <Empty small icon="tags" title={t("tags.none")} action={<Button onClick={() => void go("/tags")}>{t("tags.noneAction")}</Button>}>
          {t("tags.noneNote")}
        </Empty>
      ) : (
        <div className={css["categories"]}>
          {shown.length === 0 && <p className={css["quiet"]}>{t("tags.noMatch")}</p>}
          {shown.map(([root, tags]) => {
            const name = root === "unsorted" ? t("tags.unsorted") : root;
            return (
              <section key={root} className={css["category"]} aria-label={name}>
                <h3>{name}</h3>
                {tags.map((tag) => (
                  <TagLine key={tag.key} tag={tag} then={now ? (now.get(tag.key) ?? null) : undefined} ask={ask} />
                ))}
              </section>
            );
          })}
        </div>
      )}
    </Card>
  );
}

function TagLine({ tag, then, ask }: { tag: TagValue; then: TagValue | null | undefined; ask: (key: string) => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  const say = useSay();
  const title = titleIn(tag.titles, language, tag.key);
  const value = say(tag.value, tag.type);
  const changed = then !== undefined && then?.value !== tag.value;
  return (
    <button
      type="button"
      className={css["tag"]}
      aria-haspopup="dialog"
      title={tag.coverage === null ? undefined : t("tags.coverage", { share: format.percent(tag.coverage) })}
      onClick={() => ask(tag.key)}
    >
      <Mark nature={tag.nature as Nature} method={tag.method as Method} />
      <span>{title}</span>
      <span className={css["tagValue"]}>{value}</span>
      <span className={css["tagUnder"]}>
        {tag.weight === null || tag.labels.length > 1 ? <span /> : <Bar share={tag.weight} width={72} label={t("tags.weight", { share: format.percent(tag.weight) })} />}
        {changed ? (
          <span className={css["changed"]}>{then ? t("asOf.today", { value: say(then.value, then.type) }) : t("asOf.gone")}</span>
        ) : (
          <span>
            {[
              tag.given && t(tag.given.origin === "imported" ? "give.importedBy" : tag.given.who === "customer" ? "give.byCustomer" : "give.by", { who: tag.given.by, when: format.date(tag.given.at) }),
              tag.expires_at && t("tags.until", { when: format.date(tag.expires_at) }),
            ]
              .filter(Boolean)
              .join(" · ")}
          </span>
        )}
      </span>
      {tag.labels.length > 1 && <Labels labels={tag.labels.slice(0, MOST_LABELS)} more={tag.labels.length - MOST_LABELS} formula={tag.formula} />}
    </button>
  );
}

/** So many labels stand in the portrait; the others are in the reasons. */
const MOST_LABELS = 5;

/** Labels with their weights as small bars, the greatest first. `more`: how many are left out; `formula`: how a weight comes about. */
export function Labels({ labels, more = 0, formula }: { labels: TagValue["labels"]; more?: number; formula?: string | null }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  return (
    <span className={css["labels"]} title={formula ?? undefined}>
      {labels.map((item) => (
        <span key={item.label} className={css["labelled"]}>
          <span className={css["labelName"]} title={item.label}>
            {item.label}
          </span>
          <Bar share={item.weight} width={72} label={t("tags.labelWeight", { label: item.label, share: format.percent(item.weight) })} />
          <span className={css["labelWeight"]} aria-hidden="true">
            {format.percent(item.weight)}
          </span>
        </span>
      ))}
      {more > 0 && <span className={css["quiet"]}>{t("tags.moreLabels", { count: more, exact: format.exact(more) })}</span>}
    </span>
  );
}

/** The tags by the first step of their categories. */
function byRoot(groups: Portrayed["tags"]): [string, TagValue[]][] {
  const roots = new Map<string, TagValue[]>();
  for (const group of groups) {
    const root = group.category.split("/")[0] ?? group.category;
    roots.set(root, [...(roots.get(root) ?? []), ...group.tags]);
  }
  return [...roots];
}
