import { useTranslation } from "react-i18next";

import { DataTable } from "../../components/DataTable";
import { Card, Page } from "../../components/Page";
import { Empty } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";

type Row = Answer<"/api/v1/referrals">["referrals"][number];

/** Every referral: who has a code, who came, and who of them counts. */
export default function List() {
  const { t } = useTranslation("referrals");
  const { language } = usePreferences();
  const found = useAnswer("/api/v1/referrals", {}, { refetchInterval: 30_000 });
  return (
    <Page title={t("title")} description={t("note")}>
      <Card flush>
        <DataTable<Row>
          name={t("title")}
          rows={found.data?.referrals}
          rowKey={(row) => row.name}
          to={(row) => placeOf("referral", row.name) ?? "/marketing/referrals"}
          problem={found.error}
          again={() => void found.refetch()}
          empty={
            <Empty icon="marketing" title={t("none")}>
              {t("noneNote")}
            </Empty>
          }
          columns={[
            { key: "name", title: t("columns.name"), value: (row) => (row.error ? `${row.name} · ${t("wrong")}` : titleIn(row.titles, language, row.name)) },
            { key: "members", title: t("columns.members"), align: "right", value: (row) => row.members },
            { key: "came", title: t("columns.came"), align: "right", value: (row) => row.came, wide: true },
            { key: "brought", title: t("columns.brought"), align: "right", value: (row) => row.brought },
            { key: "succeeded", title: t("columns.succeeded"), align: "right", value: (row) => row.succeeded },
          ]}
        />
      </Card>
    </Page>
  );
}
