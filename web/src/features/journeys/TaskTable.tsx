import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import parts from "../../components/parts.module.css";
import { Empty } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";

type Task = Answer<"/api/v1/journey-tasks">["tasks"][number];

/** What journeys ask members of staff to do, with the way to say that it is done. */
export function TaskTable({ prefix = "" }: { prefix?: string }) {
  const { t } = useTranslation("journeys");
  const may = useMay("operator");
  const [doing, setDoing] = useState<Task | null>(null);
  const [note, setNote] = useState("");
  const toast = useUndoToast();
  const found = useAnswer("/api/v1/journey-tasks", { params: { query: { limit: 1_000 } } }, { refetchInterval: 15_000 });
  const done = useChange("post", "/api/v1/journey-tasks/{id}/done", { invalidates: [["journey-tasks"], ["journeys"]] });
  const finish = (task: Task) => {
    setNote("");
    setDoing(task);
  };
  return (
    <>
        <DataTable<Task>
          name={t("tasks.title")}
          prefix={prefix}
          rows={found.data?.tasks}
          rowKey={(row) => String(row.id)}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="check" title={t("tasks.none")}>
              {t("tasks.noneNote")}
            </Empty>
          }
          columns={[
            { key: "person", title: t("tasks.person"), value: (row) => row.called, render: (row) => <Link to={placeOf("person", row.person) ?? "/people"}>{row.called}</Link> },
            { key: "text", title: t("tasks.text"), value: (row) => row.text },
            { key: "journey", title: t("tasks.journey"), value: (row) => row.journey, filter: true, wide: true, render: (row) => <Link to={placeOf("journey", row.journey) ?? "/marketing/journeys"}>{row.journey}</Link> },
            { key: "to", title: t("tasks.to"), value: (row) => row.to || t("tasks.anybody"), wide: true },
            { key: "since", title: t("tasks.since"), value: (row) => row.since, wide: true, render: (row) => <When at={row.since} /> },
            {
              key: "until",
              title: t("tasks.until"),
              value: (row) => row.until ?? "",
              render: (row) => (
                <span className={row.late ? parts["bad"] : undefined}>
                  {row.until ? <When at={row.until} as="moment" /> : "–"}
                  {row.late && ` · ${t("tasks.late")}`}
                </span>
              ),
            },
            ...(may
              ? [
                  {
                    key: "done",
                    title: t("tasks.done"),
                    value: () => "",
                    sort: false,
                    quiet: true,
                    render: (row: Task) => (
                      <Button size="small" onClick={() => finish(row)}>
                        {t("tasks.done")}
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      {doing && (
        <ConfirmCount
          open
          title={t("tasks.doneTitle")}
          people={null}
          ok={t("tasks.done")}
          onOk={async () => {
            await done.mutateAsync({ params: { path: { id: String(doing.id) } }, body: { note }, headers: once() });
            setDoing(null);
            toast(t("tasks.thanks"));
          }}
          onCancel={() => setDoing(null)}
        >
          <p>
            {doing.text} · {doing.called}
          </p>
          <label className={parts["field"]}>
            <span>{t("tasks.note")}</span>
            <Input.TextArea rows={3} maxLength={2_000} value={note} placeholder={t("tasks.notePlaceholder")} onChange={(event) => setNote(event.target.value)} />
          </label>
        </ConfirmCount>
      )}
    </>
  );
}
