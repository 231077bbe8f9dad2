import { Button, Input, Table, type TableColumnType } from "antd";
import { type KeyboardEvent, type MouseEvent, type ReactNode, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { csv, download } from "../lib/csv";
import { collator, matches, type Sortable } from "../lib/rows";
import { type Kept, useUrlState } from "../lib/url";
import { useFormat } from "../lib/useFormat";
import { useReachable } from "../lib/useReachable";
import { useTyped } from "../lib/useTyped";
import { Icon } from "./Icon";
import { Empty, Failure, Loading } from "./States";
import css from "./table.module.css";

export interface Column<Row> {
  key: string;
  title: string;
  /** What the column holds: sorted, searched, filtered and written to CSV by it. */
  value: (row: Row) => Sortable;
  /** How it is shown; without it the value itself is, numbers exactly. */
  render?: (row: Row) => ReactNode;
  /** Whether its heading sorts (true unless `server`). */
  sort?: boolean;
  /** Choices by which it can be filtered; true: its own values. */
  filter?: true | readonly { value: string; label: string }[];
  align?: "left" | "right" | "center";
  width?: number;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** Left out of the CSV. */
  quiet?: boolean;
  /** Only in the search and the CSV. */
  hidden?: boolean;
}

export interface DataTableProps<Row> {
  /** What the rows are, in words: "Tags". It names the table and its CSV file. */
  name: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  problem?: unknown;
  again?: (() => void) | undefined;
  /** The page of a row: its first cell becomes a link, Enter and a click open it. */
  to?: (row: Row) => string;
  /** What stands here when there are no rows at all. */
  empty?: ReactNode;
  /** Whether the server searches and sorts: the rows are shown as they come; read the words with useTableState. */
  server?: boolean;
  /** More rows can be fetched: shown as a button below. */
  more?: (() => void) | undefined;
  loadingMore?: boolean;
  /** Without a search field. */
  plain?: boolean;
  /** Further filters and buttons beside the search. */
  actions?: ReactNode;
  /** Which rows are chosen, where some can be. */
  chosen?: readonly string[];
  onChoose?: (keys: string[]) => void;
  /** The beginning of its names in the address, where a page has several tables. */
  prefix?: string;
  pageSize?: number;
}

/** The search and sort of a table, as the address keeps them: for lists that the server searches. */
export function useTableState(prefix = "") {
  const defaults = useMemo<Record<string, Kept>>(() => ({ [`${prefix}q`]: "", [`${prefix}sort`]: "", [`${prefix}page`]: 1 }), [prefix]);
  const [state, set] = useUrlState(defaults);
  const word = (key: string) => String(state[`${prefix}${key}`] ?? "");
  return {
    q: word("q"),
    sort: word("sort"),
    page: Number(state[`${prefix}page`] ?? 1),
    set: (change: { q?: string | undefined; sort?: string | undefined; page?: number | undefined }) =>
      set(Object.fromEntries(Object.entries(change).map(([key, value]) => [`${prefix}${key}`, value]))),
  };
}

/** A list of records: search, sort and filters in the address, CSV of what is shown, and what to do when it is empty. */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { name, columns, rows, rowKey, problem, again, to, empty, server, more, plain, actions, prefix = "", pageSize = 50 } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const frame = useRef<HTMLDivElement>(null);
  useReachable(frame);
  const { q, sort, page, set } = useTableState(prefix);
  const [filters, setFilters] = useFilters(columns, prefix);
  const shown = useMemo(() => (server ? rows : pick(rows, columns, q, sort, filters)), [server, rows, columns, q, sort, filters]);
  const [typed, setTyped] = useTyped(q, (next) => set({ q: next, page: 1 }), server ? 300 : 80);

  if (rows === undefined && problem) return <Failure error={problem} retry={again} />;
  const filtered = q !== "" || Object.values(filters).some((chosen) => chosen.length > 0);
  const nothing = rows !== undefined && rows.length === 0 && !filtered;
  if (nothing && empty !== undefined) return <>{empty}</>;

  const clear = () => {
    setTyped("");
    set({ q: "", page: 1 });
    setFilters({});
  };
  const save = () => {
    const written = columns.filter((column) => !column.quiet);
    const content = csv(
      written.map((column) => column.title),
      (shown ?? []).map((row) => written.map((column) => column.value(row))),
    );
    download(`${name}.csv`, content);
  };
  return (
    <div ref={frame} className={css["table"]}>
      {!plain && (
        <div className={css["actions"]}>
          <Input
            type="search"
            className={css["search"] ?? ""}
            prefix={<Icon name="search" size={16} />}
            placeholder={t("searchIn", { what: name })}
            aria-label={t("searchIn", { what: name })}
            title={t("pressSlash")}
            value={typed}
            allowClear
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape" && typed) {
                event.stopPropagation();
                setTyped("");
              }
            }}
          />
          {actions}
          <span className={css["count"]} role="status">
            {shown !== undefined && rows !== undefined && !more && (filtered && !server ? t("shownOf", { shown: format.exact(shown.length), all: format.exact(rows.length) }) : t("shown", { count: shown.length, shown: format.exact(shown.length) }))}
          </span>
          <Button type="text" icon={<Icon name="download" />} title={t("download")} aria-label={t("download")} disabled={!shown?.length} onClick={save} />
        </div>
      )}
      {shown === undefined ? (
        <Loading shape="table" rows={6} />
      ) : (
        <Table<Row>
          size="middle"
          aria-label={name}
          dataSource={shown}
          rowKey={rowKey}
          columns={columns.filter((column) => !column.hidden).map((column, index) => columnOf(column, index === 0 ? to : undefined, props, sort, filters, format.exact))}
          scroll={{ x: "max-content" }}
          showSorterTooltip={false}
          pagination={server || shown.length <= pageSize ? false : { current: page, pageSize, showSizeChanger: false, size: "small" }}
          locale={{ emptyText: <NoMatch clear={filtered ? clear : undefined} /> }}
          {...(props.onChoose
            ? { rowSelection: { selectedRowKeys: [...(props.chosen ?? [])], onChange: (keys: React.Key[]) => props.onChoose?.(keys.map(String)) } }
            : {})}
          onChange={(pagination, chosen, sorter, { action }) => {
            if (action === "paginate") set({ page: pagination.current });
            if (action === "filter") {
              setFilters(Object.fromEntries(Object.entries(chosen).map(([key, values]) => [key, (values ?? []).map(String)])));
              set({ page: 1 });
            }
            if (action === "sort" && !Array.isArray(sorter)) {
              const key = String(sorter.columnKey ?? "");
              set({ sort: sorter.order ? `${sorter.order === "descend" ? "-" : ""}${key}` : "", page: 1 });
            }
          }}
          onRow={(row) =>
            to
              ? {
                  tabIndex: 0,
                  className: css["row"] ?? "",
                  onClick: (event: MouseEvent) => {
                    if (!interactive(event.target) && !window.getSelection()?.toString()) open(event, to(row), (place) => void navigate(place));
                  },
                  onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
                    if (event.target !== event.currentTarget) return;
                    if (event.key === "Enter") void navigate(to(row));
                    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event);
                  },
                }
              : {}
          }
        />
      )}
      {more && (
        <div className={css["more"]}>
          <Button onClick={more} loading={props.loadingMore ?? false}>
            {t("more")}
          </Button>
        </div>
      )}
    </div>
  );
}

function columnOf<Row>(
  column: Column<Row>,
  index: ((row: Row) => string) | undefined,
  props: DataTableProps<Row>,
  sort: string,
  filters: Record<string, readonly string[]>,
  exact: (value: number) => string,
): TableColumnType<Row> {
  const direction = sort === column.key ? "ascend" : sort === `-${column.key}` ? "descend" : null;
  const numeric = props.rows?.some((row) => typeof column.value(row) === "number") ?? false;
  const cell = (row: Row): ReactNode => {
    if (column.render) return column.render(row);
    const value = column.value(row);
    if (typeof value === "number") return exact(value);
    return value === null || value === undefined || value === "" ? "–" : String(value);
  };
  const choices =
    column.filter === true
      ? [...new Set(props.rows?.map((row) => String(column.value(row) ?? "")))].sort(collator.compare).map((value) => ({ value, text: value || "–" }))
      : column.filter?.map(({ value, label }) => ({ value, text: label }));
  return {
    key: column.key,
    title: column.title,
    align: column.align ?? (numeric ? "right" : "left"),
    ...(column.width ? { width: column.width } : {}),
    ...(column.wide ? { responsive: ["md"] as const } : {}),
    ...((column.sort ?? !props.server) ? { sorter: true, sortOrder: direction, sortDirections: numeric ? ["descend", "ascend"] : ["ascend", "descend"] } : {}),
    ...(choices ? { filters: choices, filteredValue: [...(filters[column.key] ?? [])], filterSearch: choices.length > 8 } : {}),
    render: (_: unknown, row: Row) =>
      index ? (
        <Link to={index(row)} className={css["first"]}>
          {cell(row)}
        </Link>
      ) : (
        cell(row)
      ),
  };
}

function pick<Row>(
  rows: readonly Row[] | undefined,
  columns: readonly Column<Row>[],
  q: string,
  sort: string,
  filters: Record<string, readonly string[]>,
): readonly Row[] | undefined {
  if (!rows) return rows;
  const kept = rows.filter(
    (row) =>
      matches(q, columns.map((column) => column.value(row))) &&
      columns.every((column) => {
        const chosen = filters[column.key];
        return !chosen?.length || chosen.includes(String(column.value(row) ?? ""));
      }),
  );
  const by = columns.find((column) => column.key === sort.replace(/^-/, ""));
  if (!by) return kept;
  const sign = sort.startsWith("-") ? -1 : 1;
  return kept.sort((a, b) => {
    const [x, y] = [by.value(a), by.value(b)];
    const [noX, noY] = [x === null || x === undefined || x === "", y === null || y === undefined || y === ""];
    if (noX || noY) return Number(noX) - Number(noY); // what has no value stands last, either way
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y)));
  });
}

function useFilters<Row>(columns: readonly Column<Row>[], prefix: string) {
  const keys = columns.filter((column) => column.filter).map((column) => column.key).join(" ");
  const defaults = useMemo<Record<string, readonly string[]>>(() => Object.fromEntries(keys.split(" ").filter(Boolean).map((key) => [`${prefix}${key}`, []])), [keys, prefix]);
  const [state, set] = useUrlState(defaults);
  const filters = useMemo(() => Object.fromEntries(Object.entries(state).map(([key, value]) => [key.slice(prefix.length), value])), [state, prefix]);
  const setFilters = (next: Record<string, readonly string[]>) => set(Object.fromEntries(Object.keys(defaults).map((key) => [key, next[key.slice(prefix.length)] ?? []])));
  return [filters, setFilters] as const;
}

function NoMatch({ clear }: { clear: (() => void) | undefined }) {
  const { t } = useTranslation();
  return (
    <Empty small title={t("noMatch")} action={clear && <Button onClick={clear}>{t("clearFilters")}</Button>}>
      {clear && t("noMatchNote")}
    </Empty>
  );
}

function interactive(target: EventTarget): boolean {
  return target instanceof Element && target.closest("a, button, input, label, [role=button], .ant-table-selection-column") !== null;
}

function open(event: MouseEvent, place: string, go: (place: string) => void): void {
  if (event.metaKey || event.ctrlKey) window.open(place, "_blank", "noopener");
  else go(place);
}

function step(event: KeyboardEvent<HTMLElement>): void {
  event.preventDefault();
  let next = event.key === "ArrowDown" ? event.currentTarget.nextElementSibling : event.currentTarget.previousElementSibling;
  while (next instanceof HTMLElement && next.tabIndex < 0) next = event.key === "ArrowDown" ? next.nextElementSibling : next.previousElementSibling;
  if (next instanceof HTMLElement) next.focus();
}
