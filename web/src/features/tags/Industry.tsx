import { Alert, Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";

import { useUndoToast } from "../../components/Confirm";
import { CopyButton } from "../../components/Copy";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, once, useAnswer, useAsked, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import css from "./industry.module.css";
import { mappingOf } from "./mappingOf";
import { Kind } from "./List";
import { titleOf } from "./titleOf";

type Industry = Answer<"/api/v1/industries/{name}">;
type Needed = Industry["events"][number];

const KEPT = [["industries"], ["tags"], ["definitions"], ["audiences"], ["expressions"]];

/** One template: the data that it reads and which of them are here, what it brings, and putting it in. */
export default function IndustryPage() {
  const { name = "" } = useParams();
  const found = useAnswer("/api/v1/industries/{name}", { params: { path: { name } } });
  return (
    <Shown of={found} shape="page">
      {(data) => <One of={data} />}
    </Shown>
  );
}

function One({ of }: { of: Industry }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const may = useMay("operator");
  const title = titleOf(of.titles, language, of.name);
  return (
    <Page
      title={title}
      description={titleOf(of.about, language, "")}
      above={[
        { to: "/tags", title: t("title") },
        { to: "/tags/templates", title: t("industry.title") },
      ]}
    >
      {may && <Install of={of} />}
      <Needs of={of} />
      <Card flush title={t("industry.tags")}>
        <Tags of={of} />
      </Card>
      <Card flush title={t("industry.audiences")}>
        <DataTable
          name={t("industry.audiences")}
          plain
          prefix="a_"
          rows={of.audiences}
          rowKey={(item) => item.name}
          columns={[
            {
              key: "name",
              title: t("industry.audience"),
              value: (item) => titleOf(item.titles, language, item.name),
              render: (item) => <Named title={titleOf(item.titles, language, item.name)} code={item.name} to={item.exists ? placeOf("audience", item.name) : undefined} />,
            },
            { key: "expression", title: t("about.definition"), value: (item) => item.expression, wide: true, sort: false, render: (item) => <code className={css["expression"]}>{item.expression}</code> },
            { key: "here", title: t("industry.here"), value: (item) => String(item.exists), render: (item) => <Here is={item.exists} /> },
          ]}
        />
      </Card>
    </Page>
  );
}

function Named({ title, code, to }: { title: string; code: string; to: string | undefined }) {
  return (
    <span className={css["name"]}>
      {to ? <Link to={to}>{title}</Link> : <span>{title}</span>}
      <code>{code}</code>
    </span>
  );
}

function Here({ is }: { is: boolean }) {
  const { t } = useTranslation("tags");
  return is ? (
    <span className={css["known"]} data-known>
      <Icon name="check" size={16} /> {t("industry.yes")}
    </span>
  ) : (
    <span className={css["faint"]}>{t("industry.no")}</span>
  );
}

/** What would be written, whole or one category of it; writing it; and taking it back as one. */
function Install({ of }: { of: Industry }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const go = useNavigate();
  const toast = useUndoToast();
  const [{ only }, set] = useUrlState({ only: "" });
  const path = { name: of.name };
  const seen = useAsked("/api/v1/industries/{name}/install", { params: { path }, body: { only, dry_run: true } }, { placeholderData: (last) => last, staleTime: 0 });
  const undo = useChange("post", "/api/v1/industries/{name}/undo", { invalidates: KEPT });
  const install = useChange("post", "/api/v1/industries/{name}/install", { invalidates: KEPT });
  const back = () => undo.mutateAsync({ params: { path }, body: {}, headers: once() });
  const put = () =>
    install.mutate(
      { params: { path }, body: { only, dry_run: false }, headers: once() },
      { onSuccess: (done) => toast(t("industry.installed", { count: done.saved.length, exact: format.exact(done.saved.length) }), back, t("industry.installedNote")) },
    );
  const plan = seen.data;
  const others = plan?.there.filter((file) => !file.same) ?? [];
  const last = of.installation;
  return (
    <Card title={t("industry.install")} note={t("industry.installNote")}>
      <div className={css["install"]}>
        <Select
          value={only}
          onChange={(value) => set({ only: value }, { push: true })}
          aria-label={t("industry.which")}
          className={css["which"] ?? ""}
          popupMatchSelectWidth={false}
          options={[
            { value: "", label: t("industry.all", { exact: format.exact(of.tags.length) }) },
            ...of.categories.map((item) => ({ value: item.path, label: `${item.path} · ${format.exact(item.tags)}` })),
          ]}
        />
        <Button type="primary" disabled={!plan || seen.isFetching || plan.saved.length === 0} loading={install.isPending} onClick={put}>
          {t("industry.do")}
        </Button>
        {of.tags.some((tag) => tag.exists) && <Button onClick={() => void go("/tags?plan=true")}>{t("industry.look")}</Button>}
      </div>
      {seen.error && !seen.isFetching ? (
        <FailureLine error={seen.error} />
      ) : !plan ? (
        <Loading rows={2} />
      ) : (
        <div className={css["preview"]} role="status" aria-busy={seen.isFetching}>
          <strong>{plan.saved.length ? t("industry.would", { count: plan.saved.length, exact: format.exact(plan.saved.length) }) : t("industry.allHere")}</strong>
          {plan.there.length > 0 && plan.saved.length > 0 && <span>{t("industry.there", { count: plan.there.length, exact: format.exact(plan.there.length) })}</span>}
          {others.length > 0 && (
            <span>
              {t("industry.others")} {others.map((file) => file.file).join(", ")}
            </span>
          )}
          {plan.waiting.length > 0 && (
            <details className={css["more"]}>
              <summary>{t("industry.waiting", { count: plan.waiting.length, exact: format.exact(plan.waiting.length) })}</summary>
              <ul tabIndex={0}>
                {plan.waiting.map((tag) => (
                  <li key={tag.key}>
                    {titleOf(tag.titles, language, tag.key)} <code>{[...tag.events, ...tag.properties, ...tag.attributes].join(", ")}</code>
                  </li>
                ))}
              </ul>
            </details>
          )}
          {plan.saved.length > 0 && (
            <details className={css["more"]}>
              <summary>{t("industry.files")}</summary>
              <p className={css["files"]} tabIndex={0}>
                {plan.saved.map((file) => (
                  <code key={file}>{file}</code>
                ))}
              </p>
            </details>
          )}
        </div>
      )}
      {install.error && <FailureLine error={install.error} />}
      {last && (
        <Alert
          type="info"
          title={
            <>
              {t("industry.last", { count: last.files, exact: format.exact(last.files), name: last.by })} · <When at={last.at} as="moment" />
            </>
          }
          description={
            <>
              {last.changed.length > 0 && t("industry.changed", { names: last.changed.join(", ") })}
              {undo.error && <FailureLine error={undo.error} />}
            </>
          }
          action={
            <Button size="small" icon={<Icon name="undo" size={16} />} disabled={last.changed.length > 0} loading={undo.isPending} onClick={() => void back().catch(() => undefined)}>
              {t("industry.undo")}
            </Button>
          }
        />
      )}
    </Card>
  );
}

/** The names that the template reads, each with what it means and whether anybody here has had it. */
function Needs({ of }: { of: Industry }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const text = mappingOf(of);
  return (
    <Card title={t("industry.needs")} note={t("industry.needsNote")} extra={<Link to="/data/imports">{t("industry.import")}</Link>}>
      <div className={css["needs"]}>
        {(["events", "properties", "attributes"] as const).map((kind) => {
          const rows: readonly Needed[] = of[kind];
          return (
            <section key={kind} aria-label={t(`industry.kind.${kind}`)}>
              <h3>
                {t(`industry.kind.${kind}`)} <span className={css["faint"]}>{t("industry.of", { known: format.exact(rows.filter((row) => row.known).length), all: format.exact(rows.length) })}</span>
              </h3>
              <ul tabIndex={0}>
                {rows.map((row) => (
                  <NeededRow key={row.name} row={row} />
                ))}
              </ul>
            </section>
          );
        })}
      </div>
      <details className={css["more"]}>
        <summary>{t("industry.mapping")}</summary>
        <p className={css["faint"]}>{t("industry.mappingNote")}</p>
        <div className={css["file"]}>
          <pre tabIndex={0}>{text}</pre>
          <CopyButton text={text} />
        </div>
      </details>
    </Card>
  );
}

function NeededRow({ row }: { row: Needed }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  return (
    <li data-known={row.known}>
      <Icon name={row.known ? "check" : "clock"} size={16} />
      <span className={css["name"]}>
        <code>{row.name}</code>
        <span className={css["faint"]}>
          {titleOf(row.meaning, language, "")}
          {!row.known && ` · ${t("industry.missing")}`}
        </span>
      </span>
    </li>
  );
}

function Tags({ of }: { of: Industry }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const waits = (tag: Industry["tags"][number]) => [...tag.waits_for.events, ...tag.waits_for.properties, ...tag.waits_for.attributes];
  return (
    <DataTable
      name={t("industry.tags")}
      rows={of.tags}
      rowKey={(tag) => tag.key}
      pageSize={25}
      columns={[
        {
          key: "name",
          title: t("col.tag"),
          value: (tag) => `${titleOf(tag.titles, language, tag.key)} ${tag.key}`,
          render: (tag) => <Named title={titleOf(tag.titles, language, tag.key)} code={tag.key} to={tag.exists ? placeOf("tag", tag.key) : undefined} />,
        },
        { key: "category", title: t("col.category"), value: (tag) => tag.category, filter: true },
        { key: "kind", title: t("col.kind"), value: (tag) => `${tag.nature} ${tag.method}`, wide: true, render: (tag) => <Kind tag={tag} /> },
        { key: "definition", title: t("about.definition"), value: (tag) => tag.definition, wide: true, sort: false, render: (tag) => <code className={css["expression"]} title={tag.definition}>{tag.definition}</code> },
        {
          key: "waits",
          title: t("industry.waits"),
          value: (tag) => waits(tag).join(", "),
          render: (tag) => (waits(tag).length ? <span className={css["waits"]}>{waits(tag).join(", ")}</span> : <span className={css["faint"]}>{t("industry.nothing")}</span>),
        },
        { key: "here", title: t("industry.here"), value: (tag) => String(tag.exists), render: (tag) => <Here is={tag.exists} /> },
      ]}
    />
  );
}
