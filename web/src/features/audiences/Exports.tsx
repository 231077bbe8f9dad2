import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { DataTable, useTableState } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { Count, When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { SavedViews } from "../../components/SavedViews";
import { Empty } from "../../components/States";
import { useRows } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";

/** Who took which people out, when and why. */
export default function Exports() {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const { q } = useTableState();
  const list = useRows("/api/v1/exports", (page) => page.exports, { params: { query: { q } } });
  return (
    <Page title={t("exports")} description={t("exportsNote")} above={[{ to: "/audiences", title: t("title") }]}>
      <Card flush>
        <DataTable
          name={t("exports")}
          rows={list.rows}
          rowKey={(row) => row.id}
          problem={list.problem}
          again={list.again}
          server
          more={list.more}
          loadingMore={list.loadingMore}
          actions={<SavedViews page="exports" />}
          empty={
            q ? undefined : (
              <Empty icon="download" title={t("noExports")} action={<Link to="/audiences">{t("toAudiences")}</Link>}>
                {t("noExportsNote")}
              </Empty>
            )
          }
          columns={[
            { key: "at", title: t("when"), value: (row) => row.at, render: (row) => <When at={row.at} as="moment" /> },
            {
              key: "what",
              title: t("what"),
              value: (row) => row.name ?? row.what,
              render: (row) => (row.what === "audience" && row.name ? <Link to={`/audiences/${encodeURIComponent(row.name)}`}>{row.name}</Link> : t("person")),
            },
            { key: "people", title: t("size"), value: (row) => row.people, render: (row) => <Count value={row.people} /> },
            { key: "by", title: t("by"), value: (row) => row.by },
            { key: "reason", title: t("reason"), value: (row) => row.reason },
            {
              key: "file",
              title: t("file"),
              value: (row) => row.format,
              render: (row) =>
                row.there ? (
                  <Button size="small" type="link" icon={<Icon name="download" size={16} />} href={`/api/v1/exports/${row.id}/file`} download aria-label={`${t("downloadFile")} (${row.reason})`}>
                    {row.format} · {format.bytes(row.bytes)}
                  </Button>
                ) : (
                  t("fileGone")
                ),
            },
          ]}
        />
      </Card>
    </Page>
  );
}
