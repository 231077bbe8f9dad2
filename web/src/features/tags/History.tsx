import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, FailureLine, Shown } from "../../components/States";
import { useAnswer, useChange } from "../../lib/api";
import { DiffView } from "./DiffView";
import { useTabs } from "./One";
import css from "./tags.module.css";

/** Who changed the definition here, when, and what; the last edit can be taken back. */
export default function History() {
  const { key = "" } = useParams();
  const { t } = useTranslation("tags");
  const go = useNavigate();
  const tabs = useTabs(key);
  const path = { kind: "tags", name: key };
  const history = useAnswer("/api/v1/definitions/{kind}/{name}/history", { params: { path } });
  const undo = useChange("post", "/api/v1/definitions/{kind}/{name}/undo", {
    invalidates: [["tags"], ["definitions"], ["expressions"]],
    onDone: (done) => {
      if (!done.there) void go("/tags");
    },
  });
  return (
    <Page title={t("edits.title", { name: key })} name={key} above={[{ to: "/tags", title: t("title") }]} tabs={tabs}>
      <Shown of={history} shape="table">
        {({ edits }) => {
          const last = edits.find((edit) => !edit.undone && edit.action !== "undo");
          return edits.length === 0 ? (
            <Card>
              <Empty icon="clock" title={t("edits.none")}>
                {t("edits.noneNote")}
              </Empty>
            </Card>
          ) : (
            <>
              {undo.error && <FailureLine error={undo.error} />}
              {edits.map((edit) => (
                <Card
                  key={edit.id}
                  title={
                    <span className={css["editHead"]}>
                      {edit.by} {t(`edits.${verbOf(edit)}`)} <span className={css["faint"]}>
                        <When at={edit.at} as="moment" />
                        {edit.undone && ` · ${t("edits.undone")}`}
                      </span>
                    </span>
                  }
                  extra={
                    edit.id === last?.id && (
                      <Button size="small" icon={<Icon name="undo" size={16} />} loading={undo.isPending} onClick={() => undo.mutate({ params: { path } })}>
                        {t("edits.undoLast")}
                      </Button>
                    )
                  }
                >
                  {edit.before === edit.after ? (
                    <p className={css["faint"]}>{t("edits.same")}</p>
                  ) : (
                    <DiffView before={edit.before ?? ""} after={edit.after ?? ""} label={`${edit.by} ${t(`edits.${verbOf(edit)}`)}`} />
                  )}
                </Card>
              ))}
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

function verbOf(edit: { action: string; before: string | null }): "made" | "save" | "delete" | "undo" {
  if (edit.action === "undo" || edit.action === "delete") return edit.action;
  return edit.before === null ? "made" : "save";
}
