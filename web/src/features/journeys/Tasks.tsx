import { useTranslation } from "react-i18next";

import { Card, Page } from "../../components/Page";
import { TABS } from "./Status";
import { TaskTable } from "./TaskTable";

/** What journeys ask members of staff to do. */
export default function Tasks() {
  const { t } = useTranslation("journeys");
  return (
    <Page title={t("tasks.title")} description={t("tasks.description")} tabs={TABS.map((tab) => ({ to: tab.to, title: t(`tabs.${tab.key}`) }))}>
      <Card flush>
        <TaskTable />
      </Card>
    </Page>
  );
}
