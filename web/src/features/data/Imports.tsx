import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable } from "../../components/DataTable";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty } from "../../components/States";
import { useRows } from "../../lib/api";
import { Drop } from "./Drop";
import { Frame } from "./Frame";
import type { Import } from "./Report";

/** Files: a place to drop the next one, and what became of the others. */
export default function Imports() {
  const { t } = useTranslation("data");
  const go = useNavigate();
  const list = useRows("/api/v1/imports", (page) => page.imports, undefined, { refetchInterval: 5_000 });
  return (
    <Frame title={t("imports.title")} note={t("imports.note")}>
      <Drop done={({ upload, name }) => void go(`/data/imports/new?${new URLSearchParams({ upload, name }).toString()}`)} />
      <Card flush title={t("imports.list")}>
        <DataTable<Import>
          name={t("imports.list")}
          rows={list.rows}
          rowKey={(item) => item.id}
          to={(item) => `/data/imports/${item.id}`}
          problem={list.problem}
          again={list.again}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            <Empty icon="upload" title={t("imports.none")}>
              {t("imports.noneNote")}
            </Empty>
          }
          columns={[
            { key: "file", title: t("imports.file"), value: (item) => item.file },
            { key: "source", title: t("map.source"), value: (item) => item.source, filter: true, wide: true },
            { key: "at", title: t("imports.when"), value: (item) => item.at, render: (item) => <When at={item.at} /> },
            { key: "status", title: t("imports.status"), value: (item) => t(`imports.statuses.${item.status}`), filter: true },
            ...(["received", "stored", "duplicate", "quarantined", "rejected"] as const).map((name) => ({
              key: name,
              title: t(`counters.${name}`),
              value: (item: Import) => item.report[name],
              wide: name !== "stored",
            })),
            { key: "by", title: t("imports.by"), value: (item) => item.by, wide: true },
          ]}
        />
      </Card>
    </Frame>
  );
}
