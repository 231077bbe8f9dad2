import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { DataTable, useTableState } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { AsOf, Count, When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty } from "../../components/States";
import { type Answer, useAnswer, useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { titleIn } from "../../lib/titles";
import { Approvals } from "./Approvals";
import type en from "./en";
import css from "./marketing.module.css";
import { Status, type StatusName } from "./Status";
import { useScheduleWords } from "./useWhen";
import { inAudience } from "./words";

type Row = Answer<"/api/v1/campaigns">["campaigns"][number];
type Effect = Answer<"/api/v1/effects">["effects"][number];

const FILTERS = { status: "" };
const STATUSES = ["draft", "scheduled", "missed", "running", "paused", "stopped", "done", "broken"] as const satisfies StatusName[];

/** Every campaign: what it is at, how many people, when, and what it changed in one line. */
export default function List() {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const go = useNavigate();
  const may = useMay("operator");
  const words = useScheduleWords();
  const { q } = useTableState();
  const [filters, setFilters] = useUrlState(FILTERS);
  const status = STATUSES.find((item) => item === filters.status) ?? "";
  const list = useRows("/api/v1/campaigns", (answer) => answer.campaigns, { params: { query: { q, status } } });
  const effects = useAnswer("/api/v1/effects", { params: { query: { limit: 200 } } });
  const latest = new Map<string, Effect>();
  effects.data?.effects.forEach((effect) => {
    if (!latest.has(effect.campaign)) latest.set(effect.campaign, effect);
  });
  const add = may && (
    <Button type="primary" icon={<Icon name="plus" />} onClick={() => void go("/marketing/new")}>
      {t("new")}
    </Button>
  );
  const nothing = q === "" && status === "" && list.rows?.length === 0;
  return (
    <Page title={t("title")} description={t("description")} actions={add}>
      <Approvals />
      {nothing ? (
        <Empty icon="marketing" title={t("none")} action={add}>
          {t("noneNote")}
        </Empty>
      ) : (
        <Card flush>
          <DataTable<Row>
            name={t("title")}
            server
            rows={list.rows}
            rowKey={(row) => row.name}
            to={(row) => placeOf("campaign", row.name) ?? "/marketing"}
            problem={list.problem}
            again={list.again}
            more={list.more}
            loadingMore={list.loadingMore}
            actions={
              <>
                <Select
                  aria-label={t("columns.status")}
                  value={status}
                  style={{ minWidth: 140 }}
                  onChange={(value) => setFilters({ status: value })}
                  options={[{ value: "" as const, label: t("status.all") }, ...STATUSES.map((value) => ({ value, label: t(`status.${value}`) }))]}
                />
                {list.first && <AsOf at={list.first.as_of} />}
              </>
            }
            columns={[
              { key: "name", title: t("columns.name"), value: (row) => titleIn(row.titles, language, row.name) },
              { key: "status", title: t("columns.status"), value: (row) => row.status, render: (row) => <Status of={row.status} /> },
              { key: "audience", title: t("columns.audience"), value: (row) => row.audience ?? "", wide: true },
              {
                key: "people",
                title: t("columns.people"),
                align: "right",
                value: (row) => row.people,
                render: (row) => <Count value={row.people} {...(row.entry === null && row.audience ? { where: inAudience(row.audience) } : {})} />,
              },
              { key: "sent", title: t("columns.sent"), align: "right", value: (row) => row.sent, wide: true },
              {
                key: "schedule",
                title: t("columns.schedule"),
                value: (row) => row.next_at ?? row.started_at ?? "",
                wide: true,
                render: (row) => (
                  <span className={css["name"]}>
                    <span>
                      {row.next_at ? <When at={row.next_at} as="moment" /> : row.started_at ? <When at={row.started_at} /> : t("when.never")}
                    </span>
                    {row.schedule && <span className={css["faint"]}>{words(row.schedule)}</span>}
                  </span>
                ),
              },
              {
                key: "effect",
                title: t("columns.effect"),
                value: (row) => latest.get(row.name)?.state ?? "",
                wide: true,
                render: (row) => {
                  if (row.problem) return <span className={css["bad"]}>{row.problem}</span>;
                  const effect = latest.get(row.name);
                  return effect ? <EffectLine effect={effect} /> : <span className={css["faint"]}>{row.goal ? "–" : t("effectLine.no_goal")}</span>;
                },
              },
            ]}
          />
        </Card>
      )}
    </Page>
  );
}

/** What a sending changed, in one line. */
export function EffectLine({ effect }: { effect: Effect }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const made = effect.incremental;
  if (made && (effect.state === "more" || effect.state === "fewer")) {
    const sign = effect.state === "more" ? 1 : -1;
    const bounds = [made.low * sign, made.high * sign].sort((a, b) => a - b);
    return (
      <span>
        {t(`effectLine.${effect.state}`, {
          people: format.exact(made.conversions * sign, 0),
          low: format.exact(bounds[0] ?? 0, 0),
          high: format.exact(bounds[1] ?? 0, 0),
        })}
      </span>
    );
  }
  if (effect.state === "not_enough" && effect.more_days) {
    return <span className={css["faint"]}>{t("effectLine.not_enough_days", { count: effect.more_days })}</span>;
  }
  return <span className={css["faint"]}>{t(`effectLine.${effect.state as keyof typeof en.effectLine}`)}</span>;
}
