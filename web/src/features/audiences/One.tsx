import { App, Button, Dropdown } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";

import { useUndoToast } from "../../components/Confirm";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { AsOf, Count, Sparkline, When } from "../../components/Numbers";
import { Card, Facts, Figure, Page } from "../../components/Page";
import { Empty, Failure, FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, answer, api, jobOf, once, useAnswer, useAsked, useChange } from "../../lib/api";
import { peopleWhere } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./audiences.module.css";
import { Effect, scaleOf } from "./builder/Effect";
import { Export } from "./Export";
import { Users } from "./List";
import { Portrait } from "./Portrait";
import { inAudience, useTitle } from "./words";

type Audience = Answer<"/api/v1/audiences/{name}">;

/** One audience: who it is, why, and what was done with it. */
export default function One() {
  const { name = "" } = useParams();
  const found = useAnswer("/api/v1/audiences/{name}", { params: { path: { name } } });
  return (
    <Shown of={found} shape="page">
      {(audience) => <Audience audience={audience} />}
    </Shown>
  );
}

function Audience({ audience }: { audience: Audience }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const title = useTitle();
  const navigate = useNavigate();
  const may = useMay("operator");
  const [exporting, setExporting] = useState(false);
  const name = audience.name;
  const shown = title(audience.titles, name);
  const place = encodeURIComponent(name);
  const where = inAudience(name);
  const remove = useRemoval(audience);
  const portrait = useAsked("/api/v1/audiences/portrait", { body: { name, against: "", most: 100 } }, { enabled: (audience.count ?? 0) > 0, staleTime: 60_000 });
  const share = audience.count !== null && audience.everybody ? audience.count / audience.everybody : 0;
  return (
    <Page
      title={shown}
      description={audience.why}
      above={[{ to: "/audiences", title: t("title") }]}
      actions={
        <>
          <Button onClick={() => void navigate(`/audiences/compare?a=${place}`)}>{t("compare")}</Button>
          {may && (
            <>
              <Button icon={<Icon name="download" />} disabled={!audience.count} onClick={() => setExporting(true)}>
                {t("export")}
              </Button>
              <Button icon={<Icon name="edit" />} onClick={() => void navigate(`/audiences/${place}/edit`)}>
                {t("edit")}
              </Button>
              <Dropdown menu={{ items: [{ key: "delete", danger: true, label: t("delete"), onClick: remove }] }} trigger={["click"]}>
                <Button icon={<Icon name="more" />} aria-label={t("delete")} />
              </Dropdown>
              <Button type="primary" icon={<Icon name="send" />} onClick={() => void navigate(`/marketing/new?audience=${place}`)}>
                {t("useIn")}
              </Button>
            </>
          )}
        </>
      }
    >
      {audience.problem && <Failure small error={new Error(audience.problem)} />}
      <div className={css["columns"]}>
        <div className={css["stackOfCards"]}>
          <Card>
            <div className={css["columns"]}>
              <Figure
                label={t("size")}
                value={<Count value={audience.count} where={where} />}
                note={
                  audience.count === null ? undefined : (
                    <>
                      {t("ofEverybody", { percent: format.percent(share), everybody: format.exact(audience.everybody) })} · <AsOf at={audience.now} />
                    </>
                  )
                }
              />
              <Facts
                facts={[
                  [t("usedBy"), <Users key="users" users={audience.used_by} />],
                  [t("owner"), audience.owner || undefined],
                  [
                    t("changed"),
                    audience.changed ? (
                      <>
                        <When at={audience.changed.at} /> {audience.changed.by ? t("changedBy", { who: audience.changed.by }) : t("changedByHand")}
                      </>
                    ) : undefined,
                  ],
                ]}
              />
            </div>
          </Card>
          <Definition audience={audience} />
          <People audience={audience} where={where} />
        </div>
        <div className={css["stackOfCards"]}>
          <Card title={t("portrait")} note={t("portraitNote")}>
            {audience.count === 0 ? <Empty small title={t("emptyCrowd")} /> : <Portrait of={portrait} most={14} whole />}
          </Card>
          <History audience={audience} />
          {may && <Edits name={name} />}
        </div>
      </div>
      <Export name={name} title={shown} people={audience.count ?? 0} open={exporting} close={() => setExporting(false)} />
    </Page>
  );
}

/** The condition in its parts, each with its effect, and the file it stands in. */
function Definition({ audience }: { audience: Audience }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const top = audience.conditions[0];
  // The parts right below the whole say it best; a single condition is its own part.
  const below = audience.conditions.filter((condition) => condition.path.length === 1);
  const joined = top && isJoined(audience.tree) ? below : audience.conditions.slice(0, 1);
  return (
    <Card title={t("definition")} note={audience.members === null ? undefined : t("list", { members: format.exact(audience.members) })}>
      {joined.length > 0 && (
        <ul className={css["words"]} style={{ marginBottom: 16 }}>
          {joined.map((condition) => (
            <li key={condition.path.join(".")}>
              <code>{condition.expression}</code>
              <Effect of={condition} count={audience.count ?? undefined} scale={scaleOf(joined, audience.count ?? 0)} />
            </li>
          ))}
        </ul>
      )}
      <pre className={css["file"]} aria-label={t("file")} tabIndex={0}>
        {audience.text}
      </pre>
    </Card>
  );
}

function isJoined(tree: unknown): boolean {
  const is: unknown = typeof tree === "object" && tree !== null ? Reflect.get(tree, "is") : undefined;
  return is === "and" || is === "or";
}

function People({ audience, where }: { audience: Audience; where: string }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const found = useAnswer("/api/v1/people", { params: { query: { where, limit: 10 } } }, { enabled: audience.problem === null });
  return (
    <Card flush title={t("peopleList")} extra={(audience.count ?? 0) > 0 && <Link to={peopleWhere(where)}>{t("allPeople", { exact: format.exact(audience.count) })}</Link>}>
      <DataTable
        plain
        name={t("peopleList")}
        rows={found.data?.people}
        rowKey={(row) => row.person}
        to={(row) => `/people/${encodeURIComponent(row.person)}`}
        problem={found.error}
        again={() => void found.refetch()}
        prefix="people-"
        empty={<Empty small title={t("noPeople")} />}
        columns={[
          { key: "person", title: t("person"), sort: false, value: (row) => row.name ?? row.id?.value ?? row.person.slice(0, 8) },
          { key: "contact", title: t("contact"), sort: false, value: (row) => row.contact?.value, wide: true },
          { key: "seen", title: t("lastSeen"), sort: false, value: (row) => row.last_seen, render: (row) => <When at={row.last_seen} /> },
        ]}
      />
    </Card>
  );
}

function History({ audience }: { audience: Audience }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const may = useMay("operator");
  const take = useChange("post", "/api/v1/audiences/{name}/snapshot", { invalidates: [["jobs"]] });
  const job = jobOf(take.data);
  const sizes = audience.history.map((size) => size.people).reverse();
  return (
    <Card
      title={t("history")}
      note={t("historyNote")}
      extra={
        may && (
          <Button size="small" loading={take.isPending} disabled={audience.problem !== null} onClick={() => take.mutate({ params: { path: { name: audience.name } }, headers: once() })}>
            {t("takeSnapshot")}
          </Button>
        )
      }
    >
      {take.error && <FailureLine error={take.error} />}
      {job !== undefined && (
        <div style={{ marginBottom: 12 }}>
          <JobOf id={job} />
        </div>
      )}
      {audience.history.length === 0 ? (
        <p className={css["quiet"]}>{t("noHistory")}</p>
      ) : (
        <>
          {sizes.length > 1 && <Sparkline values={sizes} label={t("trendOf", { sizes: sizes.map((size) => format.exact(size)).join(", ") })} width={280} height={48} />}
          <div className={css["scroll"]} tabIndex={0} role="group" aria-label={t("history")}>
            <table className={css["matrix"]}>
              <thead>
                <tr>
                  <th scope="col">{t("when")}</th>
                  <th scope="col">{t("size")}</th>
                  <th scope="col">{t("entered")}</th>
                  <th scope="col">{t("left")}</th>
                </tr>
              </thead>
              <tbody>
                {audience.history.slice(0, 12).map((size) => (
                  <tr key={size.at}>
                    <th scope="row">
                      <When at={size.at} as="moment" />
                    </th>
                    <td>{format.exact(size.people)}</td>
                    <td>{size.entered ? `+${format.exact(size.entered)}` : "–"}</td>
                    <td>{size.left ? `−${format.exact(size.left)}` : "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Card>
  );
}

function Edits({ name }: { name: string }) {
  const { t } = useTranslation("audiences");
  const found = useAnswer("/api/v1/definitions/{kind}/{name}/history", { params: { path: { kind: "audiences", name } } });
  if (found.isPending) return <Loading rows={2} />;
  if (!found.data?.edits.length) return null;
  return (
    <Card title={t("edits")}>
      <div className={css["scroll"]} tabIndex={0} role="group" aria-label={t("edits")}>
        <table className={css["matrix"]}>
          <tbody>
            {found.data.edits.slice(0, 8).map((edit) => (
              <tr key={edit.id}>
                <th scope="row">
                  <When at={edit.at} />
                </th>
                <td>
                  {edit.by} · {t(`edited.${edit.action as "save"}`)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function useRemoval(audience: Audience): () => void {
  const { t } = useTranslation("audiences");
  const title = useTitle();
  const { modal, message } = App.useApp();
  const navigate = useNavigate();
  const say = useUndoToast();
  const shown = title(audience.titles, audience.name);
  const path = { kind: "audiences", name: audience.name };
  const remove = useChange("delete", "/api/v1/definitions/{kind}/{name}", { invalidates: [["audiences"], ["definitions"], ["expressions"]] });
  return () =>
    void modal.confirm({
      title: t("deleteTitle", { name: shown }),
      content: t("deleteNote"),
      okText: t("delete"),
      okButtonProps: { danger: true },
      onOk: async () => {
        try {
          await remove.mutateAsync({ params: { path }, headers: { "If-Match": `"${audience.etag}"` } });
        } catch (error) {
          void message.error(error instanceof Error ? error.message : String(error), 8);
          return;
        }
        await navigate("/audiences");
        say(t("deleted", { name: shown }), async () => {
          await answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path } }));
          await navigate(`/audiences/${encodeURIComponent(audience.name)}`);
        });
      },
    });
}
