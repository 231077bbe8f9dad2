import { Button, Dropdown } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";

import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { AsOf, Count, When } from "../../components/Numbers";
import { Card, Facts, Figure, Grid, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import { Shown } from "../../components/States";
import { type Answer, answer, api, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import { Accuracy } from "./Accuracy";
import { Distribution } from "./Distribution";
import { Freshness } from "./Freshness";
import { Kind } from "./List";
import { Plan } from "./Plan";
import { Report } from "./Report";
import { Review } from "./Review";
import { Runs } from "./Runs";
import css from "./tags.module.css";
import { titleOf } from "./titleOf";
import { Transitions } from "./Transitions";
import { Trend } from "./Trend";
import { useTagRun } from "./useTagRun";
import { useTagStore } from "./useTagStore";
import { Weights } from "./Weights";

export type TagShown = Answer<"/api/v1/tags/{key}">;

/** States in which publishing the files would do something to the tag. */
const CHANGES = new Set<string>(["new", "changed", "removed"]);

export default function One() {
  const { key = "" } = useParams();
  const tag = useAnswer("/api/v1/tags/{key}", { params: { path: { key } } });
  return (
    <Shown of={tag} shape="page">
      {(data) => <Tag tag={data} />}
    </Shown>
  );
}

/** The pages about one tag. */
export function useTabs(key: string): { to: string; title: string; end?: boolean }[] {
  const { t } = useTranslation("tags");
  const may = useMay("operator");
  const place = `/tags/${encodeURIComponent(key)}`;
  return [{ to: place, title: t("about.overview"), end: true }, { to: `${place}/versions`, title: t("versions.tab") }, ...(may ? [{ to: `${place}/history`, title: t("about.history") }] : [])];
}

function Tag({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const go = useNavigate();
  const may = useMay("operator");
  const run = useTagRun();
  const tabs = useTabs(tag.key);
  const [deleting, setDeleting] = useState(false);
  // Once shown the plan stays, so that how its publishing went can be read.
  const [differed, setDiffered] = useState(false);
  if (!differed && CHANGES.has(tag.state)) setDiffered(true);
  const name = titleOf(tag.titles, language, tag.key);
  const place = `/tags/${encodeURIComponent(tag.key)}`;
  return (
    <Page
      title={name}
      name={name}
      description={tag.why}
      above={[{ to: "/tags", title: t("title") }]}
      tabs={tabs}
      actions={
        may && (
          <>
            {tag.etag !== null && (
              <Dropdown
                trigger={["click"]}
                menu={{ items: [{ key: "delete", danger: true, label: t("delete"), icon: <Icon name="trash" size={16} />, onClick: () => setDeleting(true) }] }}
              >
                <Button icon={<Icon name="more" size={16} />} aria-label={t("more")} />
              </Dropdown>
            )}
            <Button icon={<Icon name="refresh" size={16} />} loading={run.busy} disabled={tag.problems.length > 0} onClick={() => run.start(tag.state === "removed" ? [] : [tag.key])}>
              {t("compute")}
            </Button>
            <Button type="primary" icon={<Icon name="edit" size={16} />} onClick={() => void go(`${place}/edit`)}>
              {t("edit")}
            </Button>
          </>
        )
      }
    >
      <div className={css["marks"]}>
        <code>{tag.key}</code>
        <Kind tag={tag} />
        {tag.type && <span>{typeWord(t, tag.type)}</span>}
        {tag.category && <Link to={`/tags?category=${encodeURIComponent(tag.category)}`}>{tag.category}</Link>}
        {tag.as_of && <AsOf at={tag.as_of} />}
      </div>
      {run.progress}
      <Figures tag={tag} />
      {tag.health.length > 0 && <Health tag={tag} />}
      <Review tag={tag} quiet />
      {may && differed && <Plan keys={[tag.key]} />}
      <div className={css["columns"]}>
        <div className={css["side"]}>
          <Card title={t("about.distribution")} note={tag.values.some((value) => value.where !== null) && t("about.distributionNote")}>
            <Distribution type={tag.type} values={tag.values} masked={tag.masked} />
          </Card>
          {tag.labels.length > 0 && (
            <Card title={t("about.weights")} note={t("about.weightsNote")}>
              <Weights labels={tag.labels} formula={tag.formula} />
            </Card>
          )}
          <Definition tag={tag} />
          <Needs tag={tag} />
        </div>
        <div className={css["side"]}>
          <Trend tag={tag.key} type={tag.type} />
          {(tag.type === "text" || tag.type === "flag") && tag.as_of !== null && tag.state !== "removed" && !tag.masked && tag.problems.length === 0 && <Transitions name={tag.key} type={tag.type} />}
          {tag.goal && tag.problems.length === 0 && <Report name={tag.key} />}
          {tag.fields?.truth && tag.problems.length === 0 && <Accuracy name={tag.key} type={tag.type} />}
          <UsedBy tag={tag} />
          <Runs runs={tag.runs} />
        </div>
      </div>
      <Deleting tag={tag} name={name} open={deleting} close={() => setDeleting(false)} />
    </Page>
  );
}

type Words = ReturnType<typeof useTranslation<"tags">>["t"];

/** The name of a type: "money", "yes or no". */
export function typeWord(t: Words, type: string): string {
  return type === "flag" || type === "text" || type === "number" || type === "money" || type === "instant" ? t(`type.${type}`) : type;
}

function Figures({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const never = tag.as_of === null;
  const counts = { tags: tag.used_by.tags.length, audiences: tag.used_by.audiences.length, campaigns: tag.used_by.campaigns.length, journeys: tag.used_by.journeys.length };
  const used = counts.tags + counts.audiences + counts.campaigns + counts.journeys;
  return (
    <Card>
      <Grid least={200}>
        <Figure
          label={t("people")}
          value={never ? "–" : <Count value={tag.people} where={tag.where} />}
          note={!never && t("ofEverybody", { share: format.percent(tag.coverage), all: format.exact(tag.everybody) })}
        />
        <Figure label={t("col.used")} value={format.exact(used)} note={t("usedParts", counts)} />
        {tag.sum !== null && <Figure label={t("sum")} value={tag.type === "money" ? format.money(tag.sum) : format.exact(tag.sum)} />}
        <Figure
          label={t("fresh")}
          value={
            <span className={css["freshFigure"]}>
              <Freshness tag={tag} />
            </span>
          }
          note={
            <>
              {t("expires")} {tag.expires_at ? <When at={tag.expires_at} as="moment" /> : never ? "–" : t("forEver")}
              {" · "}
              {t("nextRun")} {tag.freshness.next ? <When at={tag.freshness.next} as="moment" /> : t("byHand")}
            </>
          }
        />
      </Grid>
    </Card>
  );
}

/** Why the last run could not compute the tag; what the data cause is said in the server's words. */
function asideWhy(t: Words, tag: TagShown): string {
  const aside = tag.aside;
  if (aside === null) return "";
  if (aside.code === "not_cut" || aside.code === "not_learned" || aside.code === "through") return t(`aside.${aside.code}`, { key: tag.key, through: aside.through ?? "" });
  return aside.message;
}

function Health({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  return (
    <Card title={t("about.health")}>
      <ul className={css["health"]}>
        {tag.health.map((note) => (
          <li key={note.code} data-level={note.level}>
            <Icon name={note.level === "note" ? "info" : "warning"} size={16} />
            <span>
              {t(`health.${note.code}`, { share: format.percent(note.value) })}
              {note.code === "aside" && tag.aside && <span className={css["faint"]}> <Said of={asideWhy(t, tag)} /></span>}
              {note.code === "broken" && tag.problems[0] && (
                <span className={css["faint"]}>
                  {" "}
                  {tag.problems[0].line}: <Said of={tag.problems[0]} />
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Definition({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const fields = tag.fields;
  const word = (text: string | undefined) => text || undefined;
  return (
    <Card title={t("about.definition")}>
      {fields?.cases?.length ? (
        <ol className={css["cases"]}>
          {fields.cases.map((item, index) => (
            <li key={index}>
              <code>{item.when}</code>
              <span aria-hidden="true">→</span>
              <strong>{item.then}</strong>
            </li>
          ))}
          {fields.otherwise && (
            <li>
              <span className={css["faint"]}>{t("field.otherwise")}</span>
              <span aria-hidden="true">→</span>
              <strong>{fields.otherwise}</strong>
            </li>
          )}
        </ol>
      ) : (
        tag.definition && <code className={css["expression"]}>{tag.definition}</code>
      )}
      {(tag.method === "imported" || tag.method === "manual") && <GivenFrom tag={tag} />}
      <Facts
        facts={[
          [t("field.validity"), word(fields?.validity) ?? t("forEver")],
          [t("field.refresh"), fields?.refresh ? <code>{fields.refresh}</code> : undefined],
          [t("field.owner"), word(tag.owner ?? "")],
          [t("field.source"), word(tag.source ?? "")],
        ]}
      />
      <details className={css["file"]}>
        <summary>
          {t("about.file")} <code>tags/{tag.key}.yml</code>
        </summary>
        <pre>{tag.text}</pre>
      </details>
    </Card>
  );
}

/** Where the values of a tag come from that is not computed. */
function GivenFrom({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const may = useMay("operator");
  if (!may) return null;
  return (
    <p>
      {tag.method === "imported" ? <Link to={`/tags/import?tag=${encodeURIComponent(tag.key)}`}>{t("import.title")}</Link> : <Link to="/people">{t("batches.noneAction")}</Link>}
      {" · "}
      <Link to="/tags/batches">{t("batches.title")}</Link>
    </p>
  );
}

function UsedBy({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const { tags, audiences } = tag.used_by;
  const reach = (["campaigns", "journeys"] as const).filter((kind) => tag.used_by[kind].length > 0);
  const none = !tags.length && !audiences.length && !reach.length;
  return (
    <Card title={t("about.usedBy")} extra={<Link to={`/tags/lineage?${new URLSearchParams({ focus: `tag:${tag.key}` }).toString()}`}>{t("lineage.title")}</Link>}>
      {none ? (
        <p className={css["faint"]}>{t("uses.none")}</p>
      ) : (
        <Facts
          facts={[
            [t("uses.tags"), tags.length ? <Names items={tags.map((item) => ({ to: placeOf("tag", item.key), name: titleOf(item.titles, language, item.key) }))} /> : undefined],
            [
              t("uses.audiences"),
              audiences.length ? (
                <Names items={audiences.map((item) => ({ to: placeOf("audience", item.name), name: titleOf(item.titles, language, item.name), note: item.direct ? "" : t("uses.through") }))} />
              ) : undefined,
            ],
            ...reach.map((kind): [string, ReactNode] => [
              t(`uses.${kind}`),
              <Names
                key={kind}
                items={tag.used_by[kind].map((item) => ({
                  to: placeOf(kind === "campaigns" ? "campaign" : "journey", item.name),
                  name: titleOf(item.titles, language, item.name),
                  note: item.how.map((how) => t(`uses.how.${how}`)).join(", "),
                }))}
              />,
            ]),
          ]}
        />
      )}
    </Card>
  );
}

function Names({ items }: { items: readonly { to: string | undefined; name: string; note?: string }[] }) {
  return (
    <ul className={css["plain"]}>
      {items.map((item) => (
        <li key={item.name}>
          {item.to ? <Link to={item.to}>{item.name}</Link> : item.name} {item.note && <span className={css["faint"]}>{item.note}</span>}
        </li>
      ))}
    </ul>
  );
}

function Needs({ tag }: { tag: TagShown }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const { tags, audiences, events, attributes } = tag.needs;
  const codes = (words: readonly string[]) =>
    words.length ? (
      <ul className={css["plain"]}>
        {words.map((word) => (
          <li key={word}>
            <code>{word}</code>
          </li>
        ))}
      </ul>
    ) : undefined;
  return (
    <Card title={t("about.needs")}>
      <Facts
        facts={[
          [t("needsList.tags"), tags.length ? <Names items={tags.map((item) => ({ to: placeOf("tag", item.key), name: titleOf(item.titles, language, item.key) }))} /> : undefined],
          [t("needsList.audiences"), audiences.length ? <Names items={audiences.map((name) => ({ to: placeOf("audience", name), name }))} /> : undefined],
          [t("needsList.events"), codes(events)],
          [t("needsList.attributes"), codes(attributes)],
        ]}
      />
    </Card>
  );
}

function Deleting({ tag, name, open, close }: { tag: TagShown; name: string; open: boolean; close: () => void }) {
  const { t } = useTranslation("tags");
  const go = useNavigate();
  const toast = useUndoToast();
  const store = useTagStore(tag.key);
  const remove = async () => {
    await answer(
      api.DELETE("/api/v1/definitions/{kind}/{name}", {
        params: { path: { kind: "tags", name: tag.key } },
        headers: { "If-Match": `"${tag.etag ?? ""}"` },
      }),
    );
    close();
    await go("/tags");
    await store.changed();
    toast(t("deleted", { name }), store.undo);
  };
  return (
    <ConfirmCount open={open} title={t("deleteTitle", { name })} people={tag.people} ok={t("delete")} danger onOk={remove} onCancel={close}>
      <p>{t("deleteNote")}</p>
    </ConfirmCount>
  );
}
