import { Select, Tag } from "antd";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { type Answer, useRows } from "../lib/api";
import { placeOf } from "../lib/places";
import { usePreferences } from "../lib/preferences";
import { titleIn } from "../lib/titles";
import { useFormat } from "../lib/useFormat";
import { type Column, DataTable, useTableState } from "./DataTable";
import { Count, When } from "./Numbers";
import css from "./people.module.css";
import { Empty } from "./States";

export type PeopleFound = Answer<"/api/v1/people">;
export type PersonRow = PeopleFound["people"][number];
type Sort = "last_seen" | "first_seen" | "id";

const SORTS: readonly Sort[] = ["last_seen", "first_seen", "id"];

/** People found by a word and a condition: the list, with its search and sort in the address. */
export function usePeople(where: string, prefix = "", limit = 50) {
  const { q, sort } = useTableState(prefix);
  const by = SORTS.find((known) => known === sort) ?? "last_seen";
  return useRows("/api/v1/people", (answer) => answer.people, { params: { query: { q, where, sort: by } } }, { limit });
}

export interface PeopleTableProps {
  /** Only people for whom this expression holds. */
  where?: string;
  /** The beginning of its names in the address, where a page has several tables. */
  prefix?: string;
  /** What it is called; it names the CSV file. */
  name?: string;
  /** How many rows a page holds. */
  limit?: number;
  empty?: ReactNode;
  actions?: ReactNode;
}

/** People as a table, whose rows lead to their portraits; on a narrow screen as cards. */
export function PeopleTable({ where = "", prefix = "", name, limit = 50, empty, actions }: PeopleTableProps) {
  const { t } = useTranslation("people");
  const list = usePeople(where, prefix, limit);
  const { sort, set } = useTableState(prefix);
  const columns = useColumns();
  const by = SORTS.find((known) => known === sort) ?? "last_seen";
  return (
    <DataTable
      server
      name={name ?? t("title")}
      columns={columns}
      rows={list.rows}
      rowKey={(row) => row.person}
      to={(row) => placeOf("person", row.person) ?? "/people"}
      problem={list.problem}
      again={list.again}
      more={list.more}
      loadingMore={list.loadingMore}
      prefix={prefix}
      empty={empty ?? <Empty icon="people" title={t(where ? "nobody" : "none")}>{t(where ? "nobodyNote" : "noneNote")}</Empty>}
      actions={
        <>
          <Select<Sort>
            value={by}
            aria-label={t("sort.label")}
            popupMatchSelectWidth={false}
            onChange={(next) => set({ sort: next === "last_seen" ? "" : next })}
            options={SORTS.map((known) => ({ value: known, label: `${t("sort.label")} ${t(`sort.${known}`)}` }))}
          />
          {actions}
        </>
      }
    />
  );
}

function useColumns(): readonly Column<PersonRow>[] {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  return useMemo(() => {
    const tags = (row: PersonRow) => row.tags.map((tag) => ({ key: tag.key, title: titleIn(tag.titles, language, tag.key), value: String(tag.value) }));
    const chips = (row: PersonRow) =>
      tags(row).map((tag) => (
        <Tag key={tag.key} title={tag.title} variant="filled">
          {tag.value}
        </Tag>
      ));
    return [
      {
        key: "who",
        title: t("columns.who"),
        value: (row) => row.name ?? row.id?.value ?? row.person,
        render: (row) => (
          <span className={css["who"]}>
            <span className={css["name"]}>{row.name ?? <em>{t("anonymous")}</em>}</span>
            <span className={css["id"]}>{row.id?.value ?? row.person}</span>
            <span className={css["card"]}>
              <span className={css["chips"]}>{chips(row)}</span>
              <span>
                {row.contact?.value} {row.last_seen ? format.ago(row.last_seen) : t("never")}
              </span>
            </span>
          </span>
        ),
      },
      { key: "contact", title: t("columns.contact"), value: (row) => row.contact?.value, wide: true },
      {
        key: "tags",
        title: t("columns.tags"),
        value: (row) => tags(row).map((tag) => `${tag.title}: ${tag.value}`).join("; "),
        render: (row) => <span className={css["chips"]}>{chips(row)}</span>,
        wide: true,
      },
      { key: "last_seen", title: t("columns.last"), value: (row) => row.last_seen, render: (row) => (row.last_seen ? <When at={row.last_seen} /> : t("never")), wide: true },
      { key: "first_seen", title: t("columns.first"), value: (row) => row.first_seen, render: (row) => <When at={row.first_seen} as="date" />, wide: true },
      { key: "events", title: t("columns.events"), value: (row) => row.events, render: (row) => <Count value={row.events} />, wide: true },
    ];
  }, [t, language, format]);
}
