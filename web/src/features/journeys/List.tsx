import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { Empty, Failure, Loading } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { Status, TABS } from "./Status";

type Row = Answer<"/api/v1/journeys">["journeys"][number];

/** Every journey: what it is at, how many are in it, entered, went to the end, and left before. */
export default function List() {
  const { t } = useTranslation("journeys");
  const { language } = usePreferences();
  const go = useNavigate();
  const may = useMay("operator");
  const found = useAnswer("/api/v1/journeys", {}, { refetchInterval: 15_000 });
  const add = may && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => void go("/marketing/journeys/new")}>
      {t("new")}
    </Button>
  );
  return (
    <Page title={t("title")} description={t("description")} actions={add} tabs={TABS.map((tab) => ({ to: tab.to, title: t(`tabs.${tab.key}`) }))}>
      {found.data?.journeys.length === 0 ? (
        <Empty icon="marketing" title={t("none")} action={add}>
          {t("noneNote")}
        </Empty>
      ) : found.data ? (
        <Card flush>
          <DataTable<Row>
            name={t("title")}
            rows={found.data.journeys}
            rowKey={(row) => row.name}
            to={(row) => placeOf("journey", row.name) ?? "/marketing/journeys"}
            columns={[
              { key: "name", title: t("columns.name"), value: (row) => titleIn(row.titles, language, row.name) },
              {
                key: "status",
                title: t("columns.status"),
                value: (row) => t(`status.${row.status}`),
                render: (row) => (
                  <span className={parts["row"]}>
                    <Status of={row.error && row.status === "not started" ? "broken" : row.status} />
                    {(row.changed || (row.error !== null && row.status !== "not started")) && <span className={parts["faint"]}>{t(row.error ? "status.broken" : "changedMark")}</span>}
                  </span>
                ),
              },
              { key: "inside", title: t("columns.inside"), align: "right", value: (row) => row.inside },
              { key: "entered", title: t("columns.entered"), align: "right", value: (row) => row.entered },
              { key: "finished", title: t("columns.finished"), align: "right", value: (row) => row.finished, wide: true },
              { key: "left", title: t("columns.left"), align: "right", value: (row) => row.left, wide: true },
            ]}
          />
        </Card>
      ) : found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Loading shape="table" />
      )}
    </Page>
  );
}
