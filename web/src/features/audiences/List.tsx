import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { type Column, DataTable } from "../../components/DataTable";
import { Count, Sparkline, When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import { SavedViews } from "../../components/SavedViews";
import { Empty } from "../../components/States";
import { type Answer, useAnswer, useAsked } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./audiences.module.css";
import { inAudience, useTitle } from "./words";

type Row = Answer<"/api/v1/audiences">["audiences"][number];

/** All audiences. */
export default function List() {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const title = useTitle();
  const navigate = useNavigate();
  const may = useMay("operator");
  const found = useAnswer("/api/v1/audiences", { params: { query: { limit: 200 } } });
  const add = may && (
    <Button type="primary" onClick={() => void navigate("/audiences/new")}>
      {t("new")}
    </Button>
  );
  const columns: Column<Row>[] = [
    {
      key: "name",
      title: t("name"),
      value: (row) => `${title(row.titles, row.name)} ${row.name}`,
      render: (row) => (
        <span className={css["name"]}>
          <span>{title(row.titles, row.name)}</span>
          <small>{row.name}</small>
        </span>
      ),
    },
    { key: "people", title: t("size"), value: (row) => row.people, align: "right", render: (row) => <Size row={row} /> },
    {
      key: "trend",
      title: t("trend"),
      value: (row) => row.sizes.at(-1),
      sort: false,
      quiet: true,
      wide: true,
      align: "left",
      render: (row) =>
        row.sizes.length > 1 ? (
          <Sparkline values={row.sizes} label={t("trendOf", { sizes: row.sizes.map((size) => format.exact(size)).join(", ") })} />
        ) : (
          <span className={css["quiet"]}>–</span>
        ),
    },
    {
      key: "used",
      title: t("usedBy"),
      value: (row) => row.used_by.map((user) => title(user.titles, user.name)).join(", "),
      wide: true,
      render: (row) => <Users users={row.used_by} />,
    },
    {
      key: "changed",
      title: t("changed"),
      value: (row) => row.changed?.at,
      wide: true,
      render: (row) =>
        row.changed ? (
          <span className={css["stack"]}>
            <When at={row.changed.at} />
            <small>{row.changed.by ? t("changedBy", { who: row.changed.by }) : t("changedByHand")}</small>
          </span>
        ) : (
          "–"
        ),
    },
    { key: "owner", title: t("owner"), value: (row) => row.owner, filter: true, wide: true },
    {
      key: "condition",
      title: t("condition"),
      value: (row) => row.expression ?? "",
      sort: false,
      wide: true,
      render: (row) => <code className={css["condition"]}>{row.problem ? row.problem : row.members === null ? row.expression : t("list", { members: format.exact(row.members) })}</code>,
    },
  ];
  return (
    <Page
      title={t("title")}
      description={t("note")}
      actions={
        <>
          {(found.data?.audiences.length ?? 0) > 1 && <Button onClick={() => void navigate("/audiences/compare")}>{t("compare")}</Button>}
          {add}
        </>
      }
    >
      <Card flush>
        <DataTable
          name={t("title")}
          rows={found.data?.audiences}
          rowKey={(row) => row.name}
          to={(row) => `/audiences/${encodeURIComponent(row.name)}`}
          columns={columns}
          problem={found.error}
          again={() => void found.refetch()}
          actions={<SavedViews page="audiences" />}
          empty={
            <Empty icon="audiences" title={t("none")} action={add}>
              {t("noneNote")}
            </Empty>
          }
        />
      </Card>
    </Page>
  );
}

/** The size of the last snapshot; where there is none, the exact count now. */
function Size({ row }: { row: Row }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const where = inAudience(row.name);
  const now = useAsked("/api/v1/audiences/count", { body: { expression: where, view: "", as_of: "" } }, { enabled: row.people === null && !row.problem, staleTime: 60_000 });
  if (row.problem) return <span className={css["wrong"]}>{t("broken")}</span>;
  if (row.people !== null) {
    return (
      <span className={css["stack"]}>
        <Count value={row.people} where={where} />
        <small title={format.full(row.as_of)}>{t("sizeOn", { when: format.date(row.as_of) })}</small>
      </span>
    );
  }
  return (
    <span className={css["stack"]}>
      {now.data ? <Count value={now.data.count} where={where} /> : <span>–</span>}
      <small>{now.data ? t("sizeNow") : now.error ? <Said of={now.error} /> : t("counting")}</small>
    </span>
  );
}

/** What uses an audience, each with the way to it. */
export function Users({ users }: { users: Row["used_by"] }) {
  const { t } = useTranslation("audiences");
  const title = useTitle();
  if (!users.length) return <span className={css["quiet"]}>{t("unused")}</span>;
  return (
    <span className={css["users"]}>
      {users.map((user) => (
        <Link key={`${user.kind} ${user.name}`} to={placeOf(user.kind, user.name) ?? "/"} title={t(`kinds.${user.kind}`)}>
          {title(user.titles, user.name)}
        </Link>
      ))}
    </span>
  );
}
