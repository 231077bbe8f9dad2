import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { When } from "../../components/Numbers";
import { Card, Facts, Page } from "../../components/Page";
import { Shown } from "../../components/States";
import { useAnswer } from "../../lib/api";
import css from "./data.module.css";
import { Report } from "./Report";

/** One import of the history: its report, its bad lines and its mapping. */
export default function OneImport() {
  const { t } = useTranslation("data");
  const go = useNavigate();
  const { id = "" } = useParams();
  const found = useAnswer(
    "/api/v1/imports/{id}",
    { params: { path: { id } } },
    { refetchInterval: ({ state }) => (state.data?.status === "running" ? 2_000 : false) },
  );
  const again = found.data?.upload && (
    <Button
      title={t("imports.againNote")}
      onClick={() => void go(`/data/imports/new?${new URLSearchParams({ upload: found.data.upload ?? "", name: found.data.file, from: id }).toString()}`)}
    >
      {t("imports.again")}
    </Button>
  );
  return (
    <Page title={found.data?.file ?? t("imports.title")} above={[{ to: "/data/imports", title: t("imports.title") }]} actions={again}>
      <Shown of={found} shape="page">
        {(item) => (
          <>
            <Card>
              <Facts
                facts={[
                  [t("imports.status"), t(`imports.statuses.${item.status}`)],
                  [t("map.source"), item.source],
                  [t("imports.when"), <When key="at" at={item.at} as="moment" />],
                  [t("imports.by"), item.by],
                ]}
              />
            </Card>
            <Report item={item} />
            {item.mapping && (
              <Card title={t("imports.mapping")} note={t("imports.mappingNote")}>
                <div className={css["stack"]}>
                  <CodeEditor readOnly label={t("imports.mapping")} language="yaml" value={item.mapping} onChange={() => undefined} height="auto" />
                </div>
              </Card>
            )}
          </>
        )}
      </Shown>
    </Page>
  );
}
