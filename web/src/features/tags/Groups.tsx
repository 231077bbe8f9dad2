import { Button, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyButton } from "../../components/Copy";
import { When } from "../../components/Numbers";
import { Card, Facts, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import css from "./life.module.css";
import { titleOf } from "./titleOf";

type Group = Answer<"/api/v1/groups">["groups"][number];
type Pair = Answer<"/api/v1/groups/{key}/check">["pairs"][number];
const JUDGED = ["no_value", "first_never", "second_never", "too_many", "always_together", "first_needs_second", "second_needs_first", "both_hold", "may_not_be_free"] as const;
const KEEP = ["newest", "priority", "declared", "none"] as const;

/** Tags of which nobody has two: each group, whom it had to settle, and whether its tags can meet at all. */
export default function Groups() {
  const { t } = useTranslation("tags");
  const found = useAnswer("/api/v1/groups");
  const tabs = useConflictTabs();
  return (
    <Page title={t("groups.title")} description={t("groups.note")} above={[{ to: "/tags", title: t("title") }]} tabs={tabs}>
      <Shown of={found} shape="cards" rows={2}>
        {({ groups }) =>
          groups.length === 0 ? (
            <Card>
              <Empty icon="tags" title={t("groups.none")}>
                {t("groups.noneNote")}
              </Empty>
            </Card>
          ) : (
            groups.map((group) => <One key={group.key} group={group} />)
          )
        }
      </Shown>
      <Proposals />
    </Page>
  );
}

/** The pages of conflicts: those that groups settle, and those of given values. */
export function useConflictTabs(): { to: string; title: string }[] {
  const { t } = useTranslation("tags");
  return [
    { to: "/tags/groups", title: t("given.groups") },
    { to: "/tags/conflicts", title: t("given.values") },
  ];
}

function One({ group }: { group: Group }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  return (
    <Card
      title={
        <>
          {titleOf(group.titles, language, group.key)} <code className={css["code"]}>{group.key}</code>
        </>
      }
      note={group.why}
    >
      <Facts
        facts={[
          [t("groups.members"), <Keys key="tags" keys={group.tags} />],
          [t("groups.policy"), <Keep key="keep" keep={group.keep} />],
          [t("groups.owner"), group.owner || undefined],
          [t("groups.conflicts"), format.exact(group.conflicts)],
          [t("groups.standing"), format.exact(group.standing)],
        ]}
      />
      <Opened title={t("groups.show")}>
        <Conflicts group={group.key} />
      </Opened>
      <Opened title={t("groups.judge")}>
        <Judged group={group.key} />
      </Opened>
    </Card>
  );
}

/** What is asked for only when it is opened. */
function Opened({ title, children }: { title: string; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <details className={css["more"]} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && children}
    </details>
  );
}

function Keep({ keep }: { keep: string }) {
  const { t } = useTranslation("tags");
  const word = KEEP.find((item) => item === keep);
  return <>{word ? t(`groups.keep.${word}`) : keep}</>;
}

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className={css["keys"]}>
      {keys.map((key) => (
        <Link key={key} to={placeOf("tag", key) ?? "/tags"}>
          <code>{key}</code>
        </Link>
      ))}
    </span>
  );
}

function Conflicts({ group }: { group: string }) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const list = useRows("/api/v1/groups/{key}/conflicts", (page) => page.conflicts, { params: { path: { key: group }, query: { standing: true } } }, { limit: 20 });
  return (
    <Shown of={{ data: list.rows, error: list.problem, refetch: list.again }} rows={3}>
      {(rows) =>
        rows.length === 0 ? (
          <p className={css["faint"]}>{t("groups.noConflict")}</p>
        ) : (
          <>
            {list.first?.masked && <p className={css["faint"]}>{t("groups.masked")}</p>}
            <div className={css["scroll"]}>
              <table className={css["table"]} aria-label={t("groups.show")}>
                <thead>
                  <tr>
                    <th scope="col">{t("groups.person")}</th>
                    <th scope="col">{t("groups.kept")}</th>
                    <th scope="col">{t("groups.dropped")}</th>
                    <th scope="col">{t("groups.since")}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row, index) => (
                    <tr key={index}>
                      <td>
                        <Link to={placeOf("person", row.person) ?? "/people"}>{row.person}</Link>
                      </td>
                      <td>{row.kept === null ? t("groups.nothing") : <code>{row.kept}</code>}</td>
                      <td>
                        <code>{row.dropped}</code>
                      </td>
                      <td>
                        <When at={row.at} as="moment" />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {list.more && (
              <Button size="small" loading={list.loadingMore} onClick={list.more}>
                {common("more")}
              </Button>
            )}
          </>
        )
      }
    </Shown>
  );
}

function Judged({ group }: { group: string }) {
  const { t } = useTranslation("tags");
  const found = useAnswer("/api/v1/groups/{key}/check", { params: { path: { key: group } } });
  return (
    <Shown of={found} rows={3}>
      {(data) => (
        <>
          <p>{data.proved ? t("groups.proved") : t("groups.unproved")}</p>
          {data.missing.length > 0 && <p className={css["bad"]}>{t("groups.missing", { names: data.missing.join(", ") })}</p>}
          <ul className={css["pairs"]}>
            {data.pairs.map((pair) => (
              <PairRow key={`${pair.first} ${pair.second}`} pair={pair} />
            ))}
          </ul>
        </>
      )}
    </Shown>
  );
}

function PairRow({ pair }: { pair: Pair }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const witness = Object.entries(pair.witness);
  const judged = JUDGED.find((code) => code === pair.code);
  return (
    <li data-relation={pair.relation}>
      <Keys keys={[pair.first, pair.second]} />
      <div>
        <strong>{pair.implies === "" ? t(`groups.relation.${pair.relation}`) : t(`groups.implies.${pair.implies}`, { first: pair.first, second: pair.second })}</strong>
        {pair.excludes === "suggested" && <span className={css["faint"]}> · {t("groups.suggested")}</span>}
        {(judged || pair.why) && <p className={css["faint"]}>{judged ? t(`judged.${judged}`) : pair.why}</p>}
        {witness.length > 0 && (
          <p className={css["faint"]}>
            {t("groups.witness")}{" "}
            {witness.map(([name, value]) => (
              <code key={name}>
                {name} = {value}{" "}
              </code>
            ))}
          </p>
        )}
        {pair.people && (
          <p className={css["faint"]}>{t("groups.both", { both: format.exact(pair.people.both), expected: format.exact(Math.round(pair.people.expected)) })}</p>
        )}
      </div>
    </li>
  );
}

function Proposals() {
  const { t } = useTranslation("tags");
  const { exact } = useFormat();
  const [asked, setAsked] = useState(false);
  const [category, setCategory] = useState("");
  const catalogue = useAnswer("/api/v1/tags", { params: { query: { limit: 1 } } }, { staleTime: 60_000 });
  const found = useAnswer("/api/v1/tags/siblings", { params: { query: { category } } }, { enabled: asked });
  return (
    <Card
      title={t("groups.proposals")}
      note={t("groups.proposalsNote")}
      extra={
        <>
          <Select
            value={category}
            onChange={setCategory}
            aria-label={t("filter.category")}
            popupMatchSelectWidth={false}
            options={[
              { value: "", label: t("allCategories") },
              ...(catalogue.data?.categories ?? []).filter((item) => item.path).map((item) => ({ value: item.path, label: item.path })),
            ]}
          />
          {!asked && <Button onClick={() => setAsked(true)}>{t("groups.find")}</Button>}
        </>
      }
    >
      {asked && (
        <Shown of={found} rows={3}>
          {({ proposals }) =>
            proposals.length === 0 ? (
              <Empty small title={t("groups.noProposal")}>
                {t("groups.noProposalNote")}
              </Empty>
            ) : (
              <ul className={css["pairs"]}>
                {proposals.map((item) => (
                  <li key={item.category + item.tags.join(" ")}>
                    <div>
                      <strong>{item.category || t("noCategory")}</strong>
                      <p className={css["faint"]}>{t("groups.pairs", { proved: exact(item.proved), suggested: exact(item.suggested) })}</p>
                      <p className={css["faint"]}>
                        {t("groups.policy")}: <Keep keep={item.keep} />
                      </p>
                      <Keys keys={item.tags} />
                    </div>
                    <div className={css["file"]}>
                      <pre>{item.text}</pre>
                      <CopyButton text={item.text} />
                    </div>
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
      )}
    </Card>
  );
}
