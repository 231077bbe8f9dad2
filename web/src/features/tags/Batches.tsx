import { Button, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, FailureLine, Shown } from "../../components/States";
import { type Answer, useAnswer, useRows } from "../../lib/api";
import { useBatches } from "../../lib/batches";
import { peopleWhere, placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import css from "./life.module.css";
import { titleOf } from "./titleOf";
import { useOneValue } from "./values";

type Batch = Answer<"/api/v1/batches">["batches"][number];

/** What was given, taken, imported and undone: by whom, to whom, and what still stands; each can be undone exactly. */
export default function Batches() {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const [undoing, setUndoing] = useState<Batch | null>(null);
  const list = useRows("/api/v1/batches", (page) => page.batches, undefined, { limit: 30 });
  return (
    <Page
      title={t("batches.title")}
      description={t("batches.note")}
      above={[{ to: "/tags", title: t("title") }]}
      actions={
        <Link to="/tags/import">
          <Button icon={<Icon name="upload" size={16} />}>{t("import.title")}</Button>
        </Link>
      }
    >
      <Shown of={{ data: list.rows, error: list.problem, refetch: list.again }} shape="cards" rows={3}>
        {(rows) =>
          rows.length === 0 ? (
            <Card>
              <Empty
                icon="tags"
                title={t("batches.none")}
                action={
                  <Link to="/people">
                    <Button>{t("batches.noneAction")}</Button>
                  </Link>
                }
              >
                {t("batches.noneNote")}
              </Empty>
            </Card>
          ) : (
            <>
              {rows.map((row) => (
                <One key={row.batch} row={row} undo={() => setUndoing(row)} />
              ))}
              {list.more && (
                <Button loading={list.loadingMore} onClick={list.more}>
                  {common("more")}
                </Button>
              )}
            </>
          )
        }
      </Shown>
      <Modal open={undoing !== null} title={t("batches.undoTitle")} footer={null} width={520} onCancel={() => setUndoing(null)} destroyOnHidden>
        {undoing && <Undoing row={undoing} close={() => setUndoing(null)} />}
      </Modal>
    </Page>
  );
}

function useSaid(): (row: Batch) => string {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const one = useOneValue(null);
  return (row) => {
    const tag = titleOf(row.titles, language, row.tag);
    const value = row.value === null ? "" : typeof row.value === "boolean" ? t(row.value ? "value.yes" : "value.no") : one(String(row.value));
    return row.what === "correct" ? t("batches.corrected", { tag, value }) : t(`batches.what.${row.what}`, { tag, value });
  };
}

function One({ row, undo }: { row: Batch; undo: () => void }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const said = useSaid();
  const isCondition = row.what !== "undo" && row.what !== "import" && !/^(one person|\d+ people by name)$/.test(row.chosen);
  const title = said(row);
  return (
    <Card
      title={title}
      note={
        <>
          {t("batches.by", { name: row.by })} · <When at={row.at} as="moment" />
        </>
      }
      extra={
        row.standing > 0 && (
          <Button size="small" icon={<Icon name="undo" size={16} />} aria-label={`${t("batches.undo")}: ${title}`} onClick={undo}>
            {t("batches.undo")}
          </Button>
        )
      }
    >
      <p className={css["faint"]}>
        {t("batches.people", { count: row.people, exact: format.exact(row.people) })} ·{" "}
        {row.standing > 0 ? t("batches.standing", { count: row.standing, exact: format.exact(row.standing) }) : t(row.undone_by === null ? "batches.over" : "batches.undone")}
        {row.source && ` · ${t("batches.source", { source: row.source })}`}
      </p>
      {isCondition && row.chosen && (
        <p className={css["faint"]}>
          {t("batches.where")} <Link to={peopleWhere(row.chosen)}><code className={css["code"]}>{row.chosen}</code></Link>
        </p>
      )}
    </Card>
  );
}

function Undoing({ row, close }: { row: Batch; close: () => void }) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const format = useFormat();
  const said = useSaid();
  const toast = useUndoToast();
  const batches = useBatches();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const found = useAnswer("/api/v1/batches/{batch}/undo", { params: { path: { batch: row.batch } } }, { staleTime: 0 });
  const go = () => {
    setBusy(true);
    setError(null);
    batches
      .undo(row.batch)
      .then((done) => {
        close();
        const made = done.batch;
        const count = done.changes ?? 0;
        toast(t("batches.undoneToast", { count, exact: format.exact(count) }), made ? () => batches.undo(made) : undefined);
      })
      .catch((problem: unknown) => setError(problem))
      .finally(() => setBusy(false));
  };
  return (
    <div className={css["ask"]}>
      <p>{said(row)}</p>
      <Shown of={found} rows={2}>
        {(seen) => (
          <>
            <p role="status">{t("batches.back", { count: seen.changes, exact: format.exact(seen.changes) })}</p>
            {seen.changed_total > 0 && (
              <>
                <p>{t("batches.changed", { count: seen.changed_total, exact: format.exact(seen.changed_total) })}</p>
                <ul className={css["changedSince"]}>
                  {seen.changed.map((one) => (
                    <li key={one.person}>
                      <Link to={placeOf("person", one.person) ?? "/people"}>{one.person}</Link> {one.by} · <When at={one.at} as="moment" />
                    </li>
                  ))}
                </ul>
              </>
            )}
          </>
        )}
      </Shown>
      {error !== null && <FailureLine error={error} />}
      <footer className={css["buttons"]}>
        <Button onClick={close}>{common("cancel")}</Button>
        <Button type="primary" loading={busy} disabled={!found.data || found.data.changes === 0} onClick={go}>
          {t("batches.undo")}
        </Button>
      </footer>
    </div>
  );
}
