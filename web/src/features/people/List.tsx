import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { useTableState } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { AsOf } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { PeopleTable, usePeople } from "../../components/PeopleTable";
import { Empty } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { Give } from "./Give";
import css from "./people.module.css";
import { type Suggestion, suggestionsOf } from "./suggest";

const FILTERS = { q: "", where: "" };
const MOST = 6;

export default function List() {
  const { t } = useTranslation("people");
  const format = useFormat();
  const go = useNavigate();
  const may = useMay("operator");
  const [{ where }, setFilters] = useUrlState(FILTERS);
  const { first } = usePeople(where);
  const [giving, setGiving] = useState(false);
  const clear = () => setFilters({ where: "" }, { push: true });
  const words = first && (first.total === first.everybody ? t("total", { count: first.total, exact: format.exact(first.total) }) : t("totalOf", { exact: format.exact(first.total), all: format.exact(first.everybody) }));
  const empty = where ? (
    <Empty icon="people" title={t("nobody")} action={<Button onClick={clear}>{t("clearWhere")}</Button>}>
      {t("nobodyNote")}
    </Empty>
  ) : (
    <Empty icon="people" title={t("none")} action={may && <Button type="primary" onClick={() => void go("/data/sources")}>{t("noneAction")}</Button>}>
      {t("noneNote")}
    </Empty>
  );
  return (
    <Page
      title={t("title")}
      description={t(first?.masked ? "noteViewer" : "note")}
      actions={
        where !== "" &&
        may && (
          <>
            <Button onClick={() => void go(`/audiences/new?${new URLSearchParams({ where }).toString()}`)}>{t("make")}</Button>
            <Button type="primary" onClick={() => setGiving(true)}>
              {t("give.many")}
            </Button>
          </>
        )
      }
    >
      <div className={css["above"]}>
        <strong className={css["total"]} role="status" aria-live="polite">
          {words}
        </strong>
        {first && <AsOf at={first.as_of} />}
        {first?.masked && (
          <span className={css["hidden"]} title={t("maskedWhy")}>
            <Icon name="hidden" size={16} /> {t("masked")}
          </span>
        )}
        {where !== "" && (
          <span className={css["where"]} role="group" aria-label={t("where")}>
            <Icon name="filter" size={14} /> <code>{where}</code>
            <Button size="small" type="text" icon={<Icon name="close" size={14} />} aria-label={t("clearWhere")} title={t("clearWhere")} onClick={clear} />
          </span>
        )}
      </div>
      <Suggestions where={where} choose={(next) => setFilters({ q: "", where: next }, { push: true })} />
      <Card flush>
        <PeopleTable where={where} empty={empty} />
      </Card>
      <Give open={giving} close={() => setGiving(false)} where={where} />
    </Page>
  );
}

/** Conditions that the typed word may mean: tags of that name, and their values. */
function Suggestions({ where, choose }: { where: string; choose: (where: string) => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const { q } = useTableState();
  const names = useAnswer("/api/v1/expressions/names", {}, { enabled: q.trim().length > 1, staleTime: 300_000 });
  const found = q.trim().length > 1 && names.data ? suggestionsOf(q, names.data.tags, (tag) => titleIn(tag.titles, language, tag.key)).slice(0, MOST) : [];
  if (!found.length) return null;
  const take = (one: Suggestion) => choose(where ? `(${where}) and ${one.where}` : one.where);
  return (
    <div className={css["suggestions"]}>
      <span>{t("suggest")}</span>
      {found.map((one) => (
        <Button key={one.where} size="small" onClick={() => take(one)}>
          {one.label}
        </Button>
      ))}
    </div>
  );
}
