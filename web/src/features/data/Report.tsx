import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { Card, Figure } from "../../components/Page";
import { Said } from "../../components/Said";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { useReason } from "./Frame";

export type Import = Answer<"/api/v1/imports/{id}">;

/** What became of a file's rows, with the rows that were not taken. */
export function ReportOf({ id }: { id: string }) {
  const found = useAnswer("/api/v1/imports/{id}", { params: { path: { id } } });
  return <Shown of={found}>{(item) => <Report item={item} />}</Shown>;
}

export function Report({ item }: { item: Import }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const { report } = item;
  const warned = Object.entries(t("imports.warnings", { returnObjects: true })).filter(([code]) => report.warnings[code]);
  return (
    <>
      <Card title={t("imports.report")} note={t("countersNote")}>
        <div className={css["figures"]}>
          {(["received", "stored", "duplicate", "quarantined", "rejected"] as const).map((name) => (
            <Figure key={name} label={t(`counters.${name}`)} value={format.exact(report[name])} />
          ))}
        </div>
        {warned.length > 0 && (
          <ul className={css["plain"]}>
            {warned.map(([code, words]) => (
              <li key={code} className={css["quiet"]}>
                {format.exact(report.warnings[code] ?? 0)} {words}
              </li>
            ))}
          </ul>
        )}
      </Card>
      {item.status !== "running" && <Bad item={item} />}
    </>
  );
}

function Bad({ item }: { item: Import }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const say = useReason();
  if (item.bad === 0) return item.report.received > 0 ? <Empty small title={t("imports.allIn")} /> : null;
  const listed = item.report.lines;
  return (
    <Card
      flush
      title={`${t("imports.bad")}: ${format.exact(item.bad)}`}
      note={!item.lines_kept ? t("imports.badGone") : listed.length < item.bad ? t("imports.badFirst", { exact: format.exact(listed.length) }) : t("imports.badAll")}
      extra={
        item.lines_kept && (
          <Button icon={<Icon name="download" />} href={`/api/v1/imports/${encodeURIComponent(item.id)}/lines`}>
            {t("imports.badDownload")}
          </Button>
        )
      }
    >
      <DataTable
        plain
        name={t("imports.bad")}
        prefix="bad-"
        rows={listed}
        rowKey={(row) => String(row.line)}
        columns={[
          { key: "line", title: t("imports.line"), value: (row) => row.line },
          { key: "code", title: t("imports.reason"), value: (row) => say(row.code), filter: true },
          { key: "message", title: t("imports.message"), value: (row) => row.message, render: (row) => <span className={css["message"]}><Said of={row.message} /></span> },
        ]}
      />
    </Card>
  );
}
