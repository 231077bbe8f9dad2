import { Segmented, Select } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { useConflictTabs } from "./Groups";
import css from "./import.module.css";
import { titleOf } from "./titleOf";
import { useOneValue } from "./values";

type Conflicted = Answer<"/api/v1/conflicts">["tags"][number];

/** Where a value that somebody gave differs from what would stand there otherwise: of one tag at a time, in pages. */
export default function Conflicts() {
  const { t } = useTranslation("tags");
  const tabs = useConflictTabs();
  const found = useAnswer("/api/v1/conflicts");
  return (
    <Page title={t("given.title")} description={t("given.note")} above={[{ to: "/tags", title: t("title") }]} tabs={tabs}>
      <Shown of={found} shape="table">
        {({ tags }) =>
          tags.length === 0 ? (
            <Card>
              <Empty icon="check" title={t("given.none")}>
                {t("given.noneNote")}
              </Empty>
            </Card>
          ) : (
            <Of tags={tags} />
          )
        }
      </Shown>
    </Page>
  );
}

function Of({ tags }: { tags: readonly Conflicted[] }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const [state, set] = useUrlState({ tag: "", show: "standing" });
  const chosen = tags.find((tag) => tag.key === state.tag) ?? tags[0];
  const key = chosen?.key ?? "";
  const standing = state.show !== "all";
  const about = useAnswer("/api/v1/tags", { params: { query: { limit: 200, sort: "key" } } }, { staleTime: 60_000 });
  const say = useSaid(about.data?.tags.find((tag) => tag.key === key)?.type ?? null);
  const list = useRows("/api/v1/tags/{key}/conflicts", (page) => page.conflicts, { params: { path: { key }, query: { standing } } }, { limit: 50 });
  return (
    <Card
      title={<Link to={placeOf("tag", key) ?? "/tags"}>{chosen ? titleOf(chosen.titles, language, key) : key}</Link>}
      note={chosen && t("given.counts", { standing: format.exact(chosen.standing), total: format.exact(chosen.total) })}
      flush
      extra={
        <>
            <Select
              value={key}
              aria-label={t("given.which")}
              className={css["which"] ?? ""}
              popupMatchSelectWidth={false}
              onChange={(tag) => set({ tag }, { push: true })}
              options={tags.map((tag) => ({ value: tag.key, label: t("given.option", { title: titleOf(tag.titles, language, tag.key), exact: format.exact(tag.standing) }) }))}
            />
            <Segmented
              value={standing ? "standing" : "all"}
              aria-label={t("given.show")}
              onChange={(show) => set({ show })}
              options={[
                { value: "standing", label: t("given.standing") },
                { value: "all", label: t("given.all") },
              ]}
            />
          </>
      }
    >
      <DataTable
        name={t("given.title")}
        rows={list.rows}
        rowKey={(row) => `${row.person} ${row.at}`}
        problem={list.problem}
        again={list.again}
        more={list.more}
        loadingMore={list.loadingMore}
        server
        plain
        empty={<p className={css["foot"]}>{t("given.noRow")}</p>}
        columns={[
          { key: "person", title: t("groups.person"), value: (row) => row.person, render: (row) => <Link to={placeOf("person", row.person) ?? "/people"}>{row.person}</Link> },
          { key: "given", title: t("given.given"), value: (row) => say(row.given), render: (row) => <strong className={css["value"]}>{say(row.given)}</strong> },
          { key: "computed", title: t("given.computed"), value: (row) => say(row.computed) },
          { key: "by", title: t("given.by"), value: (row) => row.by, wide: true },
          { key: "since", title: t("given.since"), value: (row) => row.at, wide: true, render: (row) => <When at={row.at} as="moment" /> },
          { key: "until", title: t("given.until"), value: (row) => row.ended ?? "", wide: true, render: (row) => (row.ended === null ? <span className={css["faint"]}>{t("given.stands")}</span> : <When at={row.ended} as="moment" />) },
        ]}
      />
      {list.first?.masked && <p className={css["foot"]}>{t("groups.masked")}</p>}
    </Card>
  );
}

/** How a value of the type is said; nothing where there is none. */
function useSaid(type: string | null): (value: boolean | number | string | null) => string {
  const one = useOneValue(type);
  return (value) => (value === null ? "–" : one(String(value)));
}
