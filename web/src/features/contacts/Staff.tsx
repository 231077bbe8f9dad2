import { Button, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";

type Found = Answer<"/api/v1/staff">;
type Member = Found["staff"][number];
type Customer = Answer<"/api/v1/staff/{staff}/customers">["customers"][number];
type Task = Answer<"/api/v1/staff-tasks">["tasks"][number];

const CHOSEN = { of: "" };

/** Staff, their customers and tasks, and hand-overs. */
export default function Staff() {
  const { t } = useTranslation("contacts");
  const [admin, operator] = [useMay("admin"), useMay("operator")];
  const [{ of: staff }, choose] = useUrlState(CHOSEN);
  const [giving, setGiving] = useState<Member | null>(null);
  const found = useAnswer("/api/v1/staff", {}, { refetchInterval: 15_000 });
  const sync = useChange("post", "/api/v1/contacts/sync", { invalidates: [["staff"]] });
  const read = operator && found.data?.configured && (
    <Button loading={sync.isPending} onClick={() => sync.mutate({ body: {}, headers: once() })}>
      {t("sync")}
    </Button>
  );
  const nameOf = (id: string) => found.data?.staff.find((row) => row.staff === id)?.name || id;
  return (
    <Page title={t("staff")} description={t("staffPageNote")} actions={read}>
      {found.data && !found.data.configured && <p className={parts["faint"]}>{t("notConfigured")}</p>}
      {sync.data && (
        <p role="status" className={parts["faint"]}>
          {t("syncing")}
        </p>
      )}
      <Card flush>
        <DataTable<Member>
          name={t("staff")}
          rows={found.data?.staff}
          rowKey={(row) => row.staff}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="account" title={t("noStaff")} action={read}>
              {t("noStaffNote")}
            </Empty>
          }
          columns={[
            {
              key: "name",
              title: t("member"),
              value: (row) => row.name || row.staff,
              render: (row) => (
                <Button type="link" size="small" onClick={() => choose({ of: row.staff }, { push: true })}>
                  {row.name || row.staff}
                </Button>
              ),
            },
            { key: "customers", title: t("customers"), value: (row) => row.customers },
            { key: "owned", title: t("owned"), value: (row) => row.owned, wide: true },
            { key: "tasks", title: t("tasks"), value: (row) => row.tasks },
            { key: "going", title: t("going"), value: (row) => row.going, wide: true },
            { key: "left", title: t("status"), value: (row) => t(row.left_at ? "left" : "here"), filter: true },
            ...(admin
              ? [
                  {
                    key: "give",
                    title: t("handOver"),
                    value: () => "",
                    sort: false,
                    quiet: true,
                    render: (row: Member) => (
                      <Button size="small" disabled={row.owned === 0} onClick={() => setGiving(row)}>
                        {t("handOver")}
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      </Card>
      {staff !== "" && <Customers key={staff} staff={staff} name={nameOf(staff)} />}
      <Tasks staff={staff} nameOf={nameOf} />
      {found.data && found.data.hand_overs.length > 0 && <HandOvers rows={found.data.hand_overs} nameOf={nameOf} />}
      {giving && <HandOver giver={giving} others={found.data?.staff ?? []} close={() => setGiving(null)} />}
    </Page>
  );
}

function Customers({ staff, name }: { staff: string; name: string }) {
  const { t } = useTranslation("contacts");
  const found = useAnswer("/api/v1/staff/{staff}/customers", { params: { path: { staff }, query: { limit: 200 } } });
  return (
    <Card flush title={t("ofStaff", { name })}>
      <DataTable<Customer>
        name={t("ofStaff", { name })}
        prefix="c-"
        rows={found.data?.customers}
        rowKey={(row) => `${row.person} ${row.since}`}
        problem={found.error}
        again={() => void found.refetch()}
        empty={<Empty small title={t("noCustomers")} />}
        columns={[
          {
            key: "called",
            title: t("customer"),
            value: (row) => row.called || row.person || t("unnamed"),
            render: (row) => (row.person ? <Link to={placeOf("person", row.person) ?? "/people"}>{row.called || row.person}</Link> : t("unnamed")),
          },
          { key: "since", title: t("since"), value: (row) => row.since, render: (row) => <When at={row.since} as="date" /> },
          { key: "scene", title: t("scene"), value: (row) => row.scene || "–", filter: true },
          { key: "owns", title: t("owns"), value: (row) => t(row.owns ? "yes" : "no"), filter: true, wide: true },
          { key: "tags", title: t("tagsThere"), value: (row) => row.tags, wide: true },
        ]}
      />
    </Card>
  );
}

function Tasks({ staff, nameOf }: { staff: string; nameOf: (id: string) => string }) {
  const { t } = useTranslation("contacts");
  const found = useAnswer("/api/v1/staff-tasks", { params: { query: { staff } } }, { refetchInterval: 15_000 });
  return (
    <Card flush title={t("tasksTitle")}>
      <DataTable<Task>
        name={t("tasksTitle")}
        prefix="t-"
        rows={found.data?.tasks}
        rowKey={(row) => String(row.id)}
        problem={found.error}
        again={() => void found.refetch()}
        empty={<Empty small title={t("noTasks")} />}
        columns={[
          { key: "called", title: t("customer"), value: (row) => row.called, render: (row) => <Link to={placeOf("person", row.person) ?? "/people"}>{row.called}</Link> },
          { key: "task", title: t("task"), value: (row) => row.text },
          { key: "staff", title: t("member"), value: (row) => (row.staff ? nameOf(row.staff) : t("nobody")), filter: true },
          { key: "journey", title: t("journey"), value: (row) => row.journey, wide: true, render: (row) => <Link to={placeOf("journey", row.journey) ?? "/marketing/journeys"}>{row.journey}</Link> },
          {
            key: "until",
            title: t("dueBy"),
            value: (row) => row.until ?? "",
            render: (row) => (
              <span className={row.late ? parts["bad"] : undefined}>
                {row.until ? <When at={row.until} as="moment" /> : "–"}
                {row.late && ` · ${t("late")}`}
              </span>
            ),
          },
        ]}
      />
    </Card>
  );
}

function HandOvers({ rows, nameOf }: { rows: Found["hand_overs"]; nameOf: (id: string) => string }) {
  const { t } = useTranslation("contacts");
  return (
    <Card flush title={t("handOvers")}>
      <DataTable<Found["hand_overs"][number]>
        name={t("handOvers")}
        prefix="h-"
        rows={rows}
        rowKey={(row) => `${row.giver} ${row.taker} ${row.status} ${row.reason}`}
        columns={[
          { key: "giver", title: t("from"), value: (row) => nameOf(row.giver) },
          { key: "taker", title: t("taker"), value: (row) => nameOf(row.taker) },
          { key: "customers", title: t("customers"), value: (row) => row.customers },
          { key: "status", title: t("status"), value: (row) => t(`statuses.${row.status}`), filter: true },
          { key: "reason", title: t("reason"), value: (row) => row.reason || "–", wide: true },
          { key: "at", title: t("at"), value: (row) => row.at, wide: true, render: (row) => <When at={row.at} /> },
        ]}
      />
    </Card>
  );
}

function HandOver({ giver, others, close }: { giver: Member; others: readonly Member[]; close: () => void }) {
  const { t } = useTranslation("contacts");
  const takers = others.filter((row) => row.staff !== giver.staff && !row.left_at);
  const [taker, setTaker] = useState(takers[0]?.staff ?? "");
  const [message, setMessage] = useState("");
  const change = useChange("post", "/api/v1/staff/{giver}/hand-over", { invalidates: [["staff"]], onDone: close });
  return (
    <ConfirmCount
      open
      title={t("handOverTitle", { name: giver.name || giver.staff })}
      people={giver.owned}
      ok={t("handOver")}
      danger
      onOk={() => change.mutateAsync({ params: { path: { giver: giver.staff } }, body: { taker, message, dry_run: false }, headers: once() })}
      onCancel={close}
    >
      <label className={parts["field"]}>
        <span>{t("taker")}</span>
        <Select aria-label={t("taker")} value={taker} onChange={setTaker} options={takers.map((row) => ({ value: row.staff, label: row.name || row.staff }))} />
      </label>
      {!giver.left_at && (
        <label className={parts["field"]}>
          <span>{t("message")}</span>
          <Input value={message} maxLength={200} onChange={(event) => setMessage(event.target.value)} />
        </label>
      )}
    </ConfirmCount>
  );
}
