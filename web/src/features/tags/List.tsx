import { Alert, Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { DataTable, useTableState } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { Mark, type Method, type Nature } from "../../components/Mark";
import { AsOf, Bar, Count, Percent, Sparkline } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import { Empty } from "../../components/States";
import { type Answer, useRows } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { Freshness } from "./Freshness";
import { Plan } from "./Plan";
import css from "./tags.module.css";
import { titleOf } from "./titleOf";
import { useTagRun } from "./useTagRun";

type Found = Answer<"/api/v1/tags">;
export type TagRow = Found["tags"][number];

const FILTERS = { category: "", nature: "", method: "", state: "", owner: "", stage: "", kind: "", sensitivity: "" };
const PANEL = { plan: false };
const NATURES = ["fact", "model", "prediction"] as const;
const METHODS = ["observed", "statistic", "rule", "learned", "manual", "imported"] as const;
const STAGES = ["draft", "review", "published", "deprecated"] as const;
const KINDS = ["static", "dynamic"] as const;
const SENSITIVITIES = ["public", "internal", "personal", "sensitive"] as const;
const STATES = ["stale", "applied", "new", "changed", "expired", "broken", "unused"] as const;
const SORTS = ["category", "key", "people", "coverage", "as_of", "used"] as const;
type Sort = (typeof SORTS)[number];

function oneOf<T extends string>(words: readonly T[], word: string): T | undefined {
  return words.find((item) => item === word);
}

export default function List() {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const { language } = usePreferences();
  const format = useFormat();
  const go = useNavigate();
  const may = useMay("operator");
  const { q, sort } = useTableState();
  const [filters, setFilters] = useUrlState(FILTERS);
  const [panel, setPanel] = useUrlState(PANEL);
  const run = useTagRun();
  const order: Sort = oneOf(SORTS, sort.replace(/^-/, "")) ?? "category";
  const asked = {
    q,
    category: filters.category,
    nature: oneOf(NATURES, filters.nature) ?? ("" as const),
    method: oneOf(METHODS, filters.method) ?? ("" as const),
    state: oneOf(STATES, filters.state) ?? ("" as const),
    owner: filters.owner,
    stage: oneOf(STAGES, filters.stage) ?? ("" as const),
    kind: oneOf(KINDS, filters.kind) ?? ("" as const),
    sensitivity: oneOf(SENSITIVITIES, filters.sensitivity) ?? ("" as const),
    sort: sort.startsWith("-") ? (`-${order}` as const) : order,
    trend: 30,
  };
  const list = useRows("/api/v1/tags", (page) => page.tags, { params: { query: asked } }, { limit: 200 });
  const found = list.first;
  const narrowed = q !== "" || Object.values(filters).some(Boolean);
  const add = may && (
    <Button key="add" type="primary" icon={<Icon name="plus" size={16} />} onClick={() => void go("/tags/new")}>
      {t("new")}
    </Button>
  );
  const compute = may && (
    <Button key="compute" icon={<Icon name="refresh" size={16} />} loading={run.busy} onClick={() => run.start([])}>
      {t("computeAll")}
    </Button>
  );
  const plan = may && (
    <Button key="plan" aria-expanded={panel.plan} onClick={() => setPanel({ plan: !panel.plan }, { push: true })}>
      {t("plan.title")}
    </Button>
  );
  const nothing = found !== undefined && found.defined === 0;
  const choice = (field: keyof typeof FILTERS, choices: { value: string; label: string }[], className?: string) => (
    <Select
      value={filters[field]}
      onChange={(value) => setFilters({ [field]: value }, { push: true })}
      aria-label={t(`filter.${field}`)}
      popupMatchSelectWidth={false}
      className={[css["choice"], className].filter(Boolean).join(" ")}
      options={[{ value: "", label: `${t(`filter.${field}`)}: ${t("filter.any")}` }, ...choices]}
    />
  );
  return (
    <Page
      title={t("title")}
      description={
        <>
          {t("note")} {found?.as_of && <AsOf at={found.as_of} />}
        </>
      }
      actions={!nothing && [plan, compute, add]}
    >
      {run.progress}
      {may && panel.plan && !nothing && <Plan keys={[]} open />}
      {found && found.problems.length > 0 && <WrongFiles problems={found.problems} />}
      {found && found.as_of === null && found.defined > 0 && (
        <Alert type="info" showIcon title={t("notComputed")} description={t("notComputedNote")} action={compute} />
      )}
      {nothing ? (
        <Card>
          <Empty icon="tags" title={t("none")} action={add}>
            {t("noneNote")}
          </Empty>
        </Card>
      ) : (
        <div className={css["catalogue"]}>
          <Categories found={found} chosen={filters.category} choose={(category) => setFilters({ category }, { push: true })} />
          <Card flush>
            <DataTable
              name={t("title")}
              rows={list.rows}
              rowKey={(tag) => tag.key}
              to={(tag) => `/tags/${encodeURIComponent(tag.key)}`}
              problem={list.problem}
              again={list.again}
              server
              more={list.more}
              loadingMore={list.loadingMore}
              empty={
                narrowed ? (
                  <Empty small title={common("noMatch")} action={<Button onClick={() => setFilters(FILTERS)}>{common("clearFilters")}</Button>}>
                    {common("noMatchNote")}
                  </Empty>
                ) : undefined
              }
              actions={
                <>
                  {choice("category", (found?.categories ?? []).filter((item) => item.path).map((item) => ({ value: item.path, label: item.path })), css["narrow"])}
                  {choice("nature", NATURES.map((value) => ({ value, label: common(`nature.${value}`) })))}
                  {choice("method", METHODS.map((value) => ({ value, label: common(`method.${value}`) })))}
                  {choice("state", STATES.map((value) => ({ value, label: t(`state.${value}`) })))}
                  {choice("owner", (found?.owners ?? []).filter((item) => item.owner).map((item) => ({ value: item.owner, label: `${item.owner} · ${format.exact(item.tags)}` })))}
                  {choice("stage", STAGES.map((value) => ({ value, label: t(`stage.${value}`) })))}
                  {choice("kind", KINDS.map((value) => ({ value, label: t(`change.${value}`) })))}
                  {choice("sensitivity", SENSITIVITIES.map((value) => ({ value, label: t(`sensitivity.${value}`) })))}
                </>
              }
              columns={[
                {
                  key: "key",
                  title: t("col.tag"),
                  sort: true,
                  value: (tag) => tag.key,
                  render: (tag) => (
                    <span className={css["name"]}>
                      <span>{titleOf(tag.titles, language, tag.key)}</span>
                      <code>{tag.key}</code>
                    </span>
                  ),
                },
                { key: "category", title: t("col.category"), value: (tag) => tag.category ?? "", hidden: true },
                {
                  key: "people",
                  title: t("col.people"),
                  value: (tag) => tag.people,
                  sort: true,
                  render: (tag) => (tag.as_of === null ? <span className={css["faint"]}>–</span> : <Count value={tag.people} where={tag.where} />),
                },
                {
                  key: "coverage",
                  title: t("col.coverage"),
                  value: (tag) => tag.coverage,
                  sort: true,
                  wide: true,
                  render: (tag) => (
                    <span className={css["coverage"]}>
                      <Bar share={tag.coverage} width={56} />
                      <Percent value={tag.coverage} />
                    </span>
                  ),
                },
                {
                  key: "kind",
                  title: t("col.kind"),
                  value: (tag) => [tag.nature, tag.method].filter(Boolean).join(" "),
                  wide: true,
                  render: (tag) => <Kind tag={tag} />,
                },
                {
                  key: "trend",
                  title: t("col.trend"),
                  value: (tag) => tag.trend.filter((people) => people !== null).join(" "),
                  quiet: true,
                  wide: true,
                  render: (tag) => <Course trend={tag.trend} exact={format.exact} />,
                },
                {
                  key: "as_of",
                  title: t("col.state"),
                  value: (tag) => tag.as_of,
                  sort: true,
                  render: (tag) => <Freshness tag={tag} />,
                },
                { key: "used", title: t("col.used"), value: uses, sort: true, wide: true, render: (tag) => <Used tag={tag} /> },
              ]}
            />
          </Card>
        </div>
      )}
    </Page>
  );
}

function uses(tag: TagRow): number {
  return tag.used_by.tags + tag.used_by.audiences + tag.used_by.campaigns + tag.used_by.journeys;
}

export function Kind({ tag, words }: { tag: { nature: string | null; method: string | null }; words?: boolean }) {
  const nature = oneOf<Nature>(NATURES, tag.nature ?? "");
  const method = oneOf<Method>(METHODS, tag.method ?? "");
  if (!nature) return <span className={css["faint"]}>–</span>;
  return <Mark nature={nature} {...(method ? { method } : {})} words={words ?? true} />;
}

function Course({ trend, exact }: { trend: readonly (number | null)[]; exact: (value: number) => string }) {
  const { t } = useTranslation("tags");
  const numbers = trend.filter((people) => people !== null);
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first === undefined || last === undefined) return <span className={css["faint"]}>{t("noTrend")}</span>;
  return <Sparkline values={trend} label={t("trendLabel", { first: exact(first), last: exact(last) })} />;
}

function Used({ tag }: { tag: TagRow }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const all = uses(tag);
  if (!all) return <span className={css["faint"]}>{t("unused")}</span>;
  return <span title={t("usedParts", tag.used_by)}>{t("usedCount", { count: all, exact: format.exact(all) })}</span>;
}

function Categories({ found, chosen, choose }: { found: Found | undefined; chosen: string; choose: (path: string) => void }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const entry = (path: string, name: string, depth: number, tags: number | undefined) => (
    <li key={path || "/"}>
      <button type="button" aria-current={chosen === path} style={{ paddingInlineStart: 12 + depth * 16 }} onClick={() => choose(path)}>
        <span>{name}</span>
        <span className={css["number"]}>{tags === undefined ? "" : format.exact(tags)}</span>
      </button>
    </li>
  );
  return (
    <nav className={css["categories"]} aria-label={t("categories")}>
      <ul>
        {entry("", t("allCategories"), 0, found?.defined)}
        {found?.categories
          .filter((item) => item.path)
          .map((item) => {
            const steps = item.path.split("/");
            return entry(item.path, steps.at(-1) ?? item.path, steps.length - 1, item.tags);
          })}
      </ul>
    </nav>
  );
}

function WrongFiles({ problems }: { problems: Found["problems"] }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  return (
    <Alert
      type="error"
      showIcon
      title={t("wrongFiles", { count: problems.length, exact: format.exact(problems.length) })}
      description={
        <ul className={css["plain"]}>
          {problems.map((problem, index) => {
            const key = /^tags\/([^:]+)\.yml/.exec(problem.where ?? "")?.[1];
            return (
              <li key={index}>
                {key ? <Link to={`/tags/${encodeURIComponent(key)}/edit`}>{problem.where}</Link> : problem.where}: <Said of={problem} />
              </li>
            );
          })}
        </ul>
      }
    />
  );
}
