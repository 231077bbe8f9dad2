import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import { State } from "./Status";
import { useDates } from "./useDates";

type Row = Answer<"/api/v1/scenes">["scenes"][number];

/** Every scene: where it stands in its dates, whom it may reach, and how much belongs to it. */
export default function List() {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const format = useFormat();
  const dates = useDates();
  const go = useNavigate();
  const may = useMay("operator");
  const found = useAnswer("/api/v1/scenes", {}, { refetchInterval: 60_000 });
  const add = may && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => void go("/marketing/scenes/new")}>
      {t("new")}
    </Button>
  );
  return (
    <Page title={t("title")} description={t("description")} actions={add}>
      {found.data?.scenes.length === 0 ? (
        <Empty icon="marketing" title={t("none")} action={add}>
          {t("noneNote")}
        </Empty>
      ) : found.data ? (
        <Card flush>
          <DataTable<Row>
            name={t("title")}
            rows={found.data.scenes}
            rowKey={(row) => row.name}
            to={(row) => placeOf("scene", row.name) ?? "/marketing/scenes"}
            columns={[
              { key: "name", title: t("columns.name"), value: (row) => titleIn(row.titles, language, row.name) },
              { key: "state", title: t("columns.state"), value: (row) => t(`state.${row.state}`), render: (row) => <State of={row.state} /> },
              { key: "dates", title: t("columns.dates"), value: (row) => row.from ?? row.until ?? "", render: (row) => dates.between(row.from, row.until) },
              { key: "audience", title: t("columns.audience"), value: (row) => row.audience || t("everybody"), wide: true },
              { key: "campaigns", title: t("columns.campaigns"), align: "right", value: (row) => row.campaigns },
              { key: "journeys", title: t("columns.journeys"), align: "right", value: (row) => row.journeys },
              { key: "holdout", title: t("columns.holdout"), align: "right", value: (row) => row.holdout, render: (row) => (row.holdout ? format.percent(row.holdout) : "–"), wide: true },
              { key: "owner", title: t("columns.owner"), value: (row) => row.owner, wide: true },
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
