import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, FailureLine, Shown } from "../../components/States";
import { once, useAnswer, useChange } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import { DiffView } from "./DiffView";
import { type TagShown, useTabs } from "./One";
import { Review } from "./Review";
import css from "./life.module.css";
import { titleOf } from "./titleOf";
import { useTagStore } from "./useTagStore";

/** Every text of a tag that was applied, against the file as it stands; any of them can be written back. */
export default function Versions() {
  const { key = "" } = useParams();
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const tabs = useTabs(key);
  const tag = useAnswer("/api/v1/tags/{key}", { params: { path: { key } } });
  const name = tag.data ? titleOf(tag.data.titles, language, key) : key;
  return (
    <Page title={t("versions.title", { name })} name={name} above={[{ to: "/tags", title: t("title") }]} tabs={tabs}>
      <Shown of={tag} shape="table">
        {(data) => (
          <>
            <Review tag={data} />
            <Listed tag={data} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Listed({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const may = useMay("operator");
  const toast = useUndoToast();
  const store = useTagStore(tag.key);
  const path = { key: tag.key };
  const found = useAnswer("/api/v1/tags/{key}/versions", { params: { path } });
  const back = useChange("post", "/api/v1/tags/{key}/rollback", {
    invalidates: [["tags"], ["definitions"], ["expressions"]],
    onDone: (done) => toast(t("versions.rolled", { version: format.exact(done.version) }), store.undo, t("versions.rolledNote")),
  });
  return (
    <Shown of={found} shape="table">
      {({ versions }) =>
        versions.length === 0 ? (
          <Card>
            <Empty icon="clock" title={t("versions.none")}>
              {t("versions.noneNote")}
            </Empty>
          </Card>
        ) : (
          <>
            {back.error && <FailureLine error={back.error} />}
            {versions.map((item, index) => (
              <Card
                key={item.version}
                title={t("versions.one", { version: format.exact(item.version) })}
                note={
                  <>
                    {t("versions.by", { name: item.by })} · <When at={item.at} as="moment" />
                    {item.approved_by !== null && ` · ${t("versions.approved", { name: item.approved_by })}`}
                    {item.current && ` · ${t("versions.current")}`}
                    {item.in_file && ` · ${t("versions.inFile")}`}
                  </>
                }
                extra={
                  may &&
                  !item.in_file && (
                    <Button
                      size="small"
                      icon={<Icon name="undo" size={16} />}
                      loading={back.isPending && back.variables.body.version === item.version}
                      disabled={back.isPending}
                      aria-label={`${t("versions.rollback")}: ${t("versions.one", { version: format.exact(item.version) })}`}
                      onClick={() => back.mutate({ params: { path }, body: { version: item.version }, headers: once() })}
                    >
                      {t("versions.rollback")}
                    </Button>
                  )
                }
              >
                {item.in_file ? (
                  <p className={css["faint"]}>{t("versions.same")}</p>
                ) : (
                  <details className={css["more"]} open={index === 0 || index === 1}>
                    <summary>{t("versions.diff", { version: format.exact(item.version) })}</summary>
                    <DiffView before={item.text} after={tag.text} label={t("versions.diff", { version: format.exact(item.version) })} />
                  </details>
                )}
              </Card>
            ))}
          </>
        )
      }
    </Shown>
  );
}
