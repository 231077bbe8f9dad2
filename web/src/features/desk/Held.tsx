import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Said } from "../../components/Said";
import parts from "../../components/parts.module.css";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import css from "./desk.module.css";

type Hold = Answer<"/api/v1/holds">["holds"][number];

/** Sendings that hold themselves, why, and the way to let them go on knowingly. */
export function Held() {
  const { t } = useTranslation("desk");
  const may = useMay("operator");
  const toast = useUndoToast();
  const [letting, setLetting] = useState<Hold | null>(null);
  const [why, setWhy] = useState("");
  const found = useAnswer("/api/v1/holds", {}, { refetchInterval: 30_000 });
  const release = useChange("post", "/api/v1/holds/{name}/release", { invalidates: [["holds"], ["campaigns"], ["journeys"]] });
  return (
    <Card flush title={t("held.title")} {...(found.data?.holds.length ? { note: t("held.note") } : {})}>
      <DataTable<Hold>
        name={t("held.title")}
        prefix="held-"
        plain
        rows={found.data?.holds}
        rowKey={(row) => `${row.kind} ${row.name} ${row.entry}`}
        problem={found.error}
        again={() => void found.refetch()}
        empty={
          <p className={parts["row"]} style={{ padding: "0 24px 20px", margin: 0 }}>
            <Icon name="check" /> {t("held.none")}
          </p>
        }
        columns={[
          { key: "name", title: t("held.name"), value: (row) => row.name, render: (row) => <Link to={placeOf(row.kind, row.name) ?? "/marketing"}>{row.name}</Link> },
          { key: "kind", title: t("report.class"), value: (row) => t(`held.kind.${row.kind}`), wide: true },
          { key: "entry", title: t("held.entry"), value: (row) => row.entry, wide: true },
          { key: "reason", title: t("held.reason"), value: (row) => row.reason, render: (row) => <span className={css["says"]}><Said of={row.reason} /></span> },
          { key: "since", title: t("held.since"), value: (row) => row.since, wide: true, render: (row) => <When at={row.since} /> },
          ...(may
            ? [
                {
                  key: "release",
                  title: t("held.release"),
                  value: () => "",
                  sort: false,
                  quiet: true,
                  render: (row: Hold) => (
                    <Button
                      size="small"
                      onClick={() => {
                        setWhy("");
                        setLetting(row);
                      }}
                    >
                      {t("held.release")}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      {letting && (
        <ConfirmCount
          open
          title={t("held.releaseTitle", { name: letting.name })}
          people={null}
          able={why.trim() !== ""}
          ok={t("held.release")}
          onOk={async () => {
            await release.mutateAsync({ params: { path: { name: letting.name } }, body: { why, entry: letting.entry }, headers: once() });
            setLetting(null);
            toast(t("held.released", { name: letting.name }));
          }}
          onCancel={() => setLetting(null)}
        >
          <p><Said of={letting.reason} /></p>
          <p>{t(letting.kind === "campaign" ? "held.releaseCampaign" : "held.releaseJourney")}</p>
          <label className={parts["field"]}>
            <span>{t("held.why")}</span>
            <Input.TextArea rows={2} maxLength={500} required value={why} onChange={(event) => setWhy(event.target.value)} />
          </label>
        </ConfirmCount>
      )}
    </Card>
  );
}
