import { Alert, Button } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { JobProgress } from "../../components/JobProgress";
import { AsOf, When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Said } from "../../components/Said";
import { Empty, FailureLine, Loading } from "../../components/States";
import { type Answer, ended, type Job, once, useAsked, useChange, useJob } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import css from "./plan.module.css";
import { titleOf } from "./titleOf";

type Planned = Answer<"/api/v1/tags/plan", "post">;

/** What publishing the saved files would change (`keys`: only these tags and what goes along), and publishing exactly that. */
export function Plan({ keys, unsaved = false, open = false }: { keys: readonly string[]; unsaved?: boolean; open?: boolean }) {
  const { t } = useTranslation("tags");
  const [asked, setAsked] = useState(open);
  // What is published is what was looked at: the plan is asked for again only by its button.
  const plan = useAsked("/api/v1/tags/plan", { body: { keys: [...keys], as_of: "" } }, { enabled: asked && !unsaved, staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false });
  const apply = useChange("post", "/api/v1/tags/apply", { invalidates: [] });
  const job = useJob(apply.data?.job);
  const look = () => {
    apply.reset();
    if (asked) void plan.refetch();
    else setAsked(true);
  };
  const begun = apply.isPending || apply.data !== undefined;
  const over = job.data !== undefined && ended(job.data);
  const data = plan.isFetching ? undefined : plan.data;
  return (
    <Card
      title={t("plan.title")}
      note={t("plan.note")}
      extra={
        <Button disabled={unsaved || plan.isFetching || (begun && !over)} onClick={look}>
          {asked ? t("plan.again") : t("plan.look")}
        </Button>
      }
    >
      {unsaved ? (
        <p className={css["faint"]}>{t("plan.unsaved")}</p>
      ) : !asked ? null : apply.data !== undefined ? (
        job.data === undefined ? (
          <Loading rows={2} />
        ) : (
          <Outcome job={job.data} look={look} />
        )
      ) : data ? (
        <div className={css["plan"]}>
          <Effects plan={data} />
          {apply.error && <FailureLine error={apply.error} />}
          {data.changes && (
            <div>
              <Button
                type="primary"
                disabled={data.plan === null}
                loading={begun}
                onClick={() => data.plan !== null && apply.mutate({ body: { keys: [...keys], plan: data.plan }, headers: once() })}
              >
                {t("plan.publish")}
              </Button>
            </div>
          )}
        </div>
      ) : plan.error && !plan.isFetching ? (
        <FailureLine error={plan.error} />
      ) : (
        <>
          <p className={css["faint"]}>{t("plan.counting")}</p>
          <Loading rows={3} />
        </>
      )}
    </Card>
  );
}

const REFUSED = ["publication_changed", "definitions_changed", "other_tags"] as const;

function Outcome({ job, look }: { job: Job; look: () => void }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const code = REFUSED.find((item) => item === field(job.error, "code"));
  if (job.status === "failed" && code) {
    return (
      <Alert
        type="warning"
        showIcon
        title={t("plan.refused")}
        description={t(`plan.reason.${code}`)}
        action={
          <Button size="small" type="primary" onClick={look}>
            {t("plan.again")}
          </Button>
        }
      />
    );
  }
  if (job.status !== "done") return <JobProgress job={job} stays />;
  const count = [field(job.answer, "tags"), field(job.answer, "removed")].flat().length;
  return <Alert type="success" showIcon title={t("plan.done", { count, exact: format.exact(count) })} />;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function Effects({ plan }: { plan: Planned }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const format = useFormat();
  const exact = format.exact;
  const names = (keys: readonly string[]) => keys.map((key) => <Key key={key} name={key} />);
  return (
    <>
      <p className={css["faint"]}>
        <AsOf at={plan.as_of} /> · {plan.epoch === 0 ? t("plan.first") : t("plan.against", { epoch: exact(plan.epoch) })}
      </p>
      {plan.problems.length > 0 && (
        <Alert
          type="error"
          showIcon
          title={t("plan.wrong", { count: plan.problems.length, exact: exact(plan.problems.length) })}
          description={
            <ul className={css["plain"]}>
              {plan.problems.map((problem, index) => (
                <li key={index}>
                  {problem.where}: <Said of={problem} />
                </li>
              ))}
            </ul>
          }
        />
      )}
      {plan.waiting.length > 0 && (
        <Alert
          type="info"
          showIcon
          title={t("plan.waiting", { count: plan.waiting.length, exact: exact(plan.waiting.length) })}
          description={<span className={css["keys"]}>{names(plan.waiting)}</span>}
        />
      )}
      {!plan.changes && plan.problems.length === 0 && (
        <Empty small title={t("plan.none")}>
          {t("plan.noneNote")}
        </Empty>
      )}
      {plan.tags.length > 0 && (
        <Part title={t("plan.tags")}>
          {plan.tags.map((tag) => (
            <Row key={tag.key} to={tag.why === "removed" ? undefined : placeOf("tag", tag.key)} name={titleOf(tag.titles, language, tag.key)} code={tag.key} before={tag.before} after={tag.after}>
              <Change entered={tag.entered} left={tag.left} moved={tag.moved + tag.revalued} />
              <span className={css["faint"]}>
                {t(`plan.why.${tag.why}`)}
                {tag.through.length > 0 && ` · ${t("plan.through", { names: tag.through.join(", ") })}`}
              </span>
            </Row>
          ))}
        </Part>
      )}
      {plan.read.length > 0 && (
        <details className={css["read"]}>
          <summary>{t("plan.read", { count: plan.read.length, exact: exact(plan.read.length) })}</summary>
          <ul className={css["rows"]}>
            {plan.read.map((tag) => (
              <Row key={tag.key} to={placeOf("tag", tag.key)} name={titleOf(tag.titles, language, tag.key)} code={tag.key} before={tag.before} after={tag.after}>
                <Change entered={tag.entered} left={tag.left} moved={tag.moved + tag.revalued} />
              </Row>
            ))}
          </ul>
        </details>
      )}
      {plan.audiences.length > 0 && (
        <Part title={t("plan.audiences")}>
          {plan.audiences.map((item) => (
            <Row key={item.name} to={placeOf("audience", item.name)} name={titleOf(item.titles, language, item.name)} code={item.name} before={item.before} after={item.after}>
              {item.entered === null || item.left === null ? <span className={css["faint"]}>{t("plan.uncounted")}</span> : <Change entered={item.entered} left={item.left} moved={0} />}
            </Row>
          ))}
        </Part>
      )}
      {plan.campaigns.length > 0 && (
        <Part title={t("plan.campaigns")}>
          {plan.campaigns.map((item) => (
            <Row key={item.name} to={placeOf("campaign", item.name)} name={titleOf(item.titles, language, item.name)} code={item.name}>
              <span className={css["faint"]}>
                {item.how.map((how) => t(`uses.how.${how}`)).join(", ")}
                {item.next_at && (
                  <>
                    {" · "}
                    {t("plan.next")} <When at={item.next_at} as="moment" />
                  </>
                )}
              </span>
              <span className={css["keys"]}>{names(item.tags)}</span>
            </Row>
          ))}
        </Part>
      )}
      {plan.journeys.length > 0 && (
        <Part title={t("plan.journeys")}>
          {plan.journeys.map((item) => (
            <Row key={item.name} to={placeOf("journey", item.name)} name={titleOf(item.titles, language, item.name)} code={item.name}>
              <span className={css["faint"]}>
                {[item.how.map((how) => t(`uses.how.${how}`)).join(", "), t("plan.inside", { count: item.inside })].join(" · ")}
              </span>
              <span className={css["keys"]}>{names(item.tags)}</span>
            </Row>
          ))}
        </Part>
      )}
      {plan.templates.length > 0 && (
        <Part title={t("plan.templates")}>
          {plan.templates.map((item) => (
            <Row key={item.name} to={placeOf("template", item.name)} name={item.name}>
              <span className={css["keys"]}>{names(item.tags)}</span>
            </Row>
          ))}
        </Part>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className={css["partTitle"]}>{title}</h3>
      <ul className={css["rows"]}>{children}</ul>
    </section>
  );
}

function Row({ to, name, code, before, after, children }: { to: string | undefined; name: string; code?: string; before?: number | null; after?: number; children: ReactNode }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  return (
    <li>
      <span className={css["rowName"]}>
        {to ? <Link to={to}>{name}</Link> : name} {code !== undefined && code !== name && <code>{code}</code>}
      </span>
      <span className={css["rowWhat"]}>{children}</span>
      {after !== undefined && <span className={css["rowPeople"]}>{t("plan.people", { before: before === null || before === undefined ? "–" : format.exact(before), after: format.exact(after) })}</span>}
    </li>
  );
}

function Change({ entered, left, moved }: { entered: number; left: number; moved: number }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const came = entered || left ? t("plan.effect", { entered: format.exact(entered), left: format.exact(left) }) : "";
  const other = moved ? t("plan.moved", { count: moved, exact: format.exact(moved) }) : "";
  return <strong>{[came, other].filter(Boolean).join(" · ") || t("plan.still")}</strong>;
}

function Key({ name }: { name: string }) {
  return (
    <Link to={placeOf("tag", name) ?? "/tags"}>
      <code>{name}</code>
    </Link>
  );
}
