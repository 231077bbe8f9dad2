import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { DataTable } from "../../components/DataTable";
import { AsOf } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import css from "./life.module.css";
import { Predict } from "./Predict";

type Lint = Answer<"/api/v1/tags/lint">;
type Finding = Lint["findings"][number];

const FILTERS = { level: "", code: "", key: "" };
const LEVELS = ["bad", "warn", "note"] as const;

/** What somebody should look at in all tags: by level, kind and tag, with what to do about it. */
export default function Health() {
  const { t } = useTranslation("tags");
  const lint = useAnswer("/api/v1/tags/lint");
  return (
    <Page
      title={t("lint.title")}
      description={
        <>
          {t("lint.note")} {lint.data?.as_of && <AsOf at={lint.data.as_of} />}
        </>
      }
      above={[{ to: "/tags", title: t("title") }]}
    >
      <Shown of={lint} shape="table" rows={8}>
        {(data) => (
          <>
            <Findings lint={data} />
            {data.tags > 0 && <Predict />}
          </>
        )}
      </Shown>
    </Page>
  );
}

function Findings({ lint }: { lint: Lint }) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const format = useFormat();
  const [filters, setFilters] = useUrlState(FILTERS);
  if (lint.tags === 0 && lint.broken.length === 0) {
    return (
      <Card>
        <Empty icon="tags" title={t("lint.empty")} action={<Link to="/tags">{t("title")}</Link>}>
          {t("lint.emptyNote")}
        </Empty>
      </Card>
    );
  }
  const broken = lint.broken.length > 0 && (
    <p className={css["bad"]}>
      {t("lint.broken", { count: lint.broken.length, exact: format.exact(lint.broken.length) })}:{" "}
      <Keys keys={lint.broken} />
    </p>
  );
  if (lint.findings.length === 0) {
    return (
      <Card>
        {broken || (
          <Empty icon="check" title={t("lint.none")}>
            {t("lint.noneNote", { tags: format.exact(lint.tags) })}
          </Empty>
        )}
      </Card>
    );
  }
  const fits = ({ level, code, tags }: Finding, but?: keyof typeof FILTERS) =>
    (but === "level" || !filters.level || filters.level === level) &&
    (but === "code" || !filters.code || filters.code === code) &&
    (but === "key" || !filters.key || tags.includes(filters.key));
  const rows = lint.findings.filter((item) => fits(item)).map((item, index) => ({ ...item, id: `${item.code} ${item.tags.join(" ")} ${index}` }));
  /** The choices of a filter, each with how many findings it would leave. */
  const choices = <T extends string>(field: keyof typeof FILTERS, words: readonly T[], label: (word: T) => string, has: (item: Finding, word: T) => boolean) => {
    const left = lint.findings.filter((item) => fits(item, field));
    return [
      { value: "", label: `${t(`lint.filter.${field}`)}: ${t("lint.all")}` },
      ...words.map((value) => ({ value, label: `${label(value)} (${format.exact(left.filter((item) => has(item, value)).length)})` })),
    ];
  };
  const select = (field: keyof typeof FILTERS, options: { value: string; label: string }[]) => (
    <Select
      value={filters[field]}
      onChange={(value) => setFilters({ [field]: value }, { push: true })}
      aria-label={t(`lint.filter.${field}`)}
      popupMatchSelectWidth={false}
      className={css["choice"] ?? ""}
      {...(field === "key" ? { showSearch: { optionFilterProp: "label" } } : {})}
      options={options}
    />
  );
  const codes = [...new Set(lint.findings.map((item) => item.code))];
  const keys = [...new Set(lint.findings.flatMap((item) => item.tags))].sort();
  return (
    <>
      {broken}
      <Card flush>
        <DataTable
          name={t("lint.findings")}
          rows={rows}
          rowKey={(item) => item.id}
          empty={
            <Empty small title={common("noMatch")} action={<Button onClick={() => setFilters(FILTERS)}>{common("clearFilters")}</Button>}>
              {common("noMatchNote")}
            </Empty>
          }
          actions={
            <>
              {select("level", choices("level", LEVELS, (word) => t(`level.${word}`), (item, word) => item.level === word))}
              {select("code", choices("code", codes, (word) => t(`lint.code.${word}`), (item, word) => item.code === word))}
              {select("key", choices("key", keys, (word) => word, (item, word) => item.tags.includes(word)))}
            </>
          }
          columns={[
            {
              key: "finding",
              title: t("lint.finding"),
              sort: false,
              value: (item) => `${t(`lint.code.${item.code}`)}: ${t(`lint.text.${item.code}`, said(item, format.exact))}`,
              render: (item) => <Found finding={item} />,
            },
            { key: "tags", title: t("lint.tags"), value: (item) => item.tags.join(" "), hidden: true },
            { key: "level", title: t("lint.filter.level"), value: (item) => t(`level.${item.level}`), sort: false, wide: true },
            { key: "proposal", title: t("lint.proposal"), value: (item) => t(`lint.proposals.${item.proposal}`), wide: true },
          ]}
        />
      </Card>
    </>
  );
}

function Found({ finding }: { finding: Finding }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  return (
    <div className={css["found"]} data-level={finding.level}>
      <strong>{t(`lint.code.${finding.code}`)}</strong>
      <span className="unseen"> {t(`level.${finding.level}`)} </span>{" "}
      <Keys keys={finding.tags} />
      <p>{t(`lint.text.${finding.code}`, said(finding, format.exact))}</p>
      <p className={css["faint"]}>{t(`lint.hint.${finding.code}`)}</p>
    </div>
  );
}

/** The numbers that show it, as they are written; what is not told is a dash. */
function said(finding: Finding, exact: (value: number) => string) {
  const word = (name: string) => {
    const value = finding.numbers[name];
    return value === undefined ? "–" : exact(value);
  };
  return { shared: word("shared"), either: word("either"), uses: word("uses"), people: word("people"), everybody: word("everybody"), changes: word("changes"), right: word("right"), of: word("of") };
}

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className={css["keys"]}>
      {keys.map((key) => (
        <Link key={key} to={placeOf("tag", key) ?? "/tags"}>
          <code>{key}</code>
        </Link>
      ))}
    </span>
  );
}
