import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";

import { Icon } from "../../components/Icon";
import { Interval } from "../../components/Interval";
import { AsOf, Bar, Count, Money } from "../../components/Numbers";
import { Card, Facts, Figure, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import parts from "../../components/parts.module.css";
import { Failure, Loading, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import { useReason } from "../marketing/useReason";
import css from "./scenes.module.css";
import { State, Status } from "./Status";
import { useDates } from "./useDates";

type Scene = Answer<"/api/v1/scenes/{name}">;
type Report = Answer<"/api/v1/scenes/{name}/report">;

/** One scene: its goal and how far it is, whom it may reach, what belongs to it, and what it changed. */
export default function One() {
  const { name = "" } = useParams();
  const { t } = useTranslation("scenes");
  const found = useAnswer("/api/v1/scenes/{name}", { params: { path: { name } } }, { retry: false, refetchInterval: 30_000 });
  if (found.error && !found.data)
    return (
      <Page title={name} above={[{ to: "/marketing/scenes", title: t("title") }]}>
        <Failure error={found.error} retry={() => void found.refetch()} />
      </Page>
    );
  return (
    <Shown of={found} shape="page">
      {(scene) => <OneScene scene={scene} />}
    </Shown>
  );
}

function OneScene({ scene }: { scene: Scene }) {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const format = useFormat();
  const dates = useDates();
  const go = useNavigate();
  const may = useMay("operator");
  const { name } = scene;
  const report = useAnswer("/api/v1/scenes/{name}/report", { params: { path: { name } } }, { retry: false, refetchInterval: 60_000 });
  const theme = Object.entries(scene.theme);
  return (
    <Page
      title={titleIn(scene.titles, language, name)}
      above={[{ to: "/marketing/scenes", title: t("title") }]}
      description={
        <span className={parts["row"]}>
          <State of={scene.state} />
          <span>{dates.between(scene.from, scene.until)}</span>
          {scene.owner && <span>{scene.owner}</span>}
        </span>
      }
      actions={
        may && (
          <>
            <Button icon={<Icon name="edit" />} onClick={() => void go(`/marketing/scenes/${encodeURIComponent(name)}/edit`)}>
              {t("one.edit")}
            </Button>
            <Button type="primary" icon={<Icon name="plus" />} onClick={() => void go(`/marketing/new?${new URLSearchParams({ scene: name, ...(scene.audience ? { audience: scene.audience } : {}) }).toString()}`)}>
              {t("one.campaign")}
            </Button>
          </>
        )
      }
    >
      {scene.why && <p className={css["why"]}>{scene.why}</p>}
      {scene.problems.length > 0 && (
        <div className={parts["notice"]} data-tone="warn">
          <strong>{t("one.wrong")}</strong>
          <ul>
            {scene.problems.map((problem, index) => (
              <li key={index}>
                <Said of={problem} />
              </li>
            ))}
          </ul>
        </div>
      )}
      <Card>
        <div className={parts["figures"]}>
          <Figure
            label={t("one.reach")}
            value={scene.people === null ? "–" : <Count value={scene.people} short {...(scene.audience ? { where: `in audience "${scene.audience}"` } : {})} />}
            note={scene.people === null ? t("one.unknown") : scene.audience ? <Link to={placeOf("audience", scene.audience) ?? ""}>{t("one.reachNote", { audience: scene.audience })}</Link> : t("one.reachAll")}
          />
          {scene.products && (
            <Figure label={t("one.products")} value={scene.objects === null ? "–" : format.exact(scene.objects)} note={<code>{scene.products}</code>} />
          )}
          <Figure label={t("one.heldOut")} value={scene.holdout ? format.percent(scene.holdout) : "–"} />
          <Figure label={t("one.channels")} value={<span className={css["words"]}>{scene.channels.length ? format.list(scene.channels.map((channel) => t(`channel.${channel as "email"}`))) : t("anyChannel")}</span>} />
        </div>
      </Card>
      {report.data ? (
        <div className={parts["below"]}>
          <Goal report={report.data} />
          <Effect report={report.data} />
        </div>
      ) : report.error ? (
        <Failure small error={report.error} />
      ) : (
        <Loading shape="cards" rows={2} />
      )}
      <Members scene={scene} report={report.data} />
      {theme.length > 0 && (
        <Card title={t("one.theme")} note={t("one.themeNote", { example: `theme.${theme[0]?.[0] ?? ""}` })}>
          <Facts facts={theme.map(([key, value]) => [<code key={key}>{key}</code>, value] as const)} />
        </Card>
      )}
    </Page>
  );
}

function Goal({ report }: { report: Report }) {
  const { t } = useTranslation("scenes");
  const format = useFormat();
  const { goal, baseline, so_far: now, before, target } = report;
  if (!goal)
    return (
      <Card title={t("one.goal")}>
        <p>{t("one.noGoal")}</p>
      </Card>
    );
  const number = (value: number | null) => (goal.money ? format.money(value, report.currency) : format.exact(value));
  const counts = goal.metric ? t("one.counts.metric", { metric: goal.metric }) : goal.money ? t("one.counts.money", { event: goal.event, money: goal.money }) : t("one.counts.event", { event: goal.event });
  const facts: [string, React.ReactNode][] = [];
  if (before) facts.push([t("one.before"), number(before.value)]);
  facts.push([
    t("one.baseline"),
    baseline.value !== null ? (
      <>
        {number(baseline.value)} <span className={parts["faint"]}>{baseline.stated !== null ? t("one.stated") : t("one.measured", { from: format.date(baseline.from), until: format.date(baseline.until) })}</span>
      </>
    ) : (
      t(`one.noBaseline.${baseline.why_not ?? "no_dates"}`)
    ),
  ]);
  if (goal.target)
    facts.push([
      t("one.target"),
      <>
        {number(target)} {goal.target.relative && <span className={parts["faint"]}>{format.change(goal.target.number)}</span>}
      </>,
    ]);
  return (
    <Card title={t("one.goal")} note={[counts, goal.where, goal.products].filter(Boolean).join(" · ")} extra={<AsOf at={report.as_of} />}>
      <div className={css["progress"]}>
        <Figure label={t("one.soFar")} value={now ? number(now.value) : "–"} note={now && t("one.people", { count: now.active, exact: format.exact(now.active) })} />
        <span className={css["judged"]} data-judged={report.judged}>
          {t(`one.judged.${report.judged}`)}
        </span>
      </div>
      {report.progress !== null && <Bar share={report.progress} label={t("one.progress", { percent: format.percent(report.progress, 0) })} />}
      {report.progress !== null && <p className={parts["faint"]}>{t("one.progress", { percent: format.percent(report.progress, 0) })}</p>}
      <Facts facts={facts} />
      {report.message && <p className={parts["bad"]}><Said of={report.message} /></p>}
      {baseline.value !== null && baseline.from && <p className={parts["faint"]}>{t("one.comparison")}</p>}
    </Card>
  );
}

function Effect({ report }: { report: Report }) {
  const { t } = useTranslation("scenes");
  const format = useFormat();
  const { effect, returned } = report;
  const made = effect.incremental;
  const rates = effect.converted;
  const money = effect.money;
  const bounds = made ? [made.low, made.high].map(Math.abs).sort((a, b) => a - b) : [];
  return (
    <Card title={t("one.effect")} note={effect.since ? t(effect.everybody ? "one.effectAll" : "one.effectNote", { since: format.moment(effect.since) }) : undefined}>
      {made ? (
        <>
          <p className={css["verdict"]}>
            {made.low <= 0 && made.high >= 0
              ? t("one.even")
              : t(made.high < 0 ? "one.fewer" : "one.more", { people: format.exact(Math.abs(made.conversions), 0), low: format.exact(bounds[0] ?? 0, 0), high: format.exact(bounds[1] ?? 0, 0) })}
          </p>
          <Interval value={made.conversions} low={made.low} high={made.high} label={`${format.exact(made.conversions, 0)} (${format.exact(made.low, 0)} – ${format.exact(made.high, 0)})`} />
        </>
      ) : (
        <p>
          {t(`one.why.${effect.why_not ?? "problem"}`, {
            treated: format.exact(rates?.treated.k ?? 0),
            all: format.exact(rates?.treated.n ?? 0),
            held: format.exact(rates?.held_out.k ?? 0),
            heldAll: format.exact(rates?.held_out.n ?? 0),
          })}
        </p>
      )}
      {rates && <p className={parts["faint"]}>{t("one.rates", { treated: format.percent(rates.treated.rate, 1), held: format.percent(rates.held_out.rate, 1) })}</p>}
      {money && <p>{t("one.money", { total: format.money(money.total, money.currency), low: format.money(money.low, money.currency), high: format.money(money.high, money.currency) })}</p>}
      <h3 className={css["small"]}>{t("one.returned")}</h3>
      <p>
        {returned.cost > 0 && <>{t("one.spent", { cost: format.money(returned.cost, report.currency) })} · </>}
        {returned.per_unit !== null
          ? t("one.perUnit", { value: format.exact(returned.per_unit), low: format.exact(returned.low), high: format.exact(returned.high) })
          : returned.why_not === "no_cost" || returned.why_not === "no_money"
            ? t(`one.why.${returned.why_not}`)
            : "–"}
      </p>
    </Card>
  );
}

function Members({ scene, report }: { scene: Scene; report: Report | undefined }) {
  const { t } = useTranslation("scenes");
  const { language } = usePreferences();
  const format = useFormat();
  const why = useReason();
  const told = new Map((report?.members ?? []).map((row) => [row.name, row]));
  const rows = [
    ...scene.campaigns.map((row) => ({ kind: "campaign" as const, name: row.name, titles: row.titles, status: row.status, channels: [row.channel], next: row.next_at, variants: row.variants })),
    ...scene.journeys.map((row) => ({ kind: "journey" as const, name: row.name, titles: row.titles, status: row.status, channels: row.channels, next: null, variants: 0 })),
  ];
  const suppressed = Object.entries(report?.total.suppressed ?? {});
  return (
    <Card title={t("one.members")} note={rows.length === 0 ? t("one.membersNote") : undefined}>
      {rows.length === 0 ? (
        <p>{t("one.membersNone")}</p>
      ) : (
        <div className={css["scroll"]}>
          <table className={css["table"]}>
            <thead>
              <tr>
                <th>{t("one.columns.name")}</th>
                <th>{t("one.columns.kind")}</th>
                <th>{t("one.columns.status")}</th>
                <th>{t("one.columns.channel")}</th>
                <th>{t("one.columns.next")}</th>
                <th data-align="right">{t("one.columns.sent")}</th>
                <th data-align="right">{t("one.columns.waiting")}</th>
                <th data-align="right">{t("one.columns.notSent")}</th>
                <th data-align="right">{t("one.columns.cost")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => {
                const sent = told.get(row.name);
                const kept = Object.values(sent?.suppressed ?? {}).reduce((sum, people) => sum + people, 0);
                return (
                  <tr key={row.name}>
                    <td>
                      <Link to={placeOf(row.kind, row.name) ?? ""}>{titleIn(row.titles, language, row.name)}</Link>
                      {row.variants > 0 && <span className={parts["faint"]}> {t("one.variants", { count: row.variants, exact: format.exact(row.variants) })}</span>}
                    </td>
                    <td>{t(`one.kind.${row.kind}`)}</td>
                    <td>
                      <Status of={row.status} />
                    </td>
                    <td>{format.list(row.channels.map((channel) => t(`channel.${channel as "email"}`)))}</td>
                    <td>{row.next ? format.moment(row.next) : "–"}</td>
                    <td data-align="right">{sent ? <Count value={sent.sent} /> : "–"}</td>
                    <td data-align="right">{sent ? <Count value={sent.waiting} /> : "–"}</td>
                    <td data-align="right">{sent ? <Count value={kept} /> : "–"}</td>
                    <td data-align="right">{sent ? <Money value={sent.cost} /> : "–"}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {suppressed.length > 0 && (
        <>
          <h3 className={css["small"]}>{t("one.reasons")}</h3>
          <Facts facts={suppressed.map(([reason, people]) => [why(reason), format.exact(people)] as const)} />
        </>
      )}
    </Card>
  );
}
