import { Button, Drawer } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon } from "../../components/Icon";
import { Mark, type Method, type Nature } from "../../components/Mark";
import { Facts } from "../../components/Page";
import { FailureLine, Shown } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { useBatches } from "../../lib/batches";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import { EventLine } from "./Event";
import { Give } from "./Give";
import css from "./people.module.css";
import { text, useSay } from "./say";
import { Labels } from "./Tags";

type WhyOf = Answer<"/api/v1/people/{id}/tags/{key}/why">;
type Rule = NonNullable<WhyOf["rule"]>;
type Deciding = NonNullable<WhyOf["statistic"]>;
type Tiers = NonNullable<WhyOf["tiers"]>;
type Learned = NonNullable<WhyOf["learned"]>;
type Side = NonNullable<Tiers["above"]>;

/** Why the person has a tag's value, or has none, in a drawer. `tag` empty: closed. */
export function Why({ id, tag, asOf, view, ask, close }: { id: string; tag: string; asOf: string; view: "known" | "true"; ask: (key: string) => void; close: () => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const found = useAnswer("/api/v1/people/{id}/tags/{key}/why", { params: { path: { id, key: tag }, query: asOf ? { as_of: asOf, view } : {} } }, { enabled: tag !== "" });
  const name = found.data ? titleIn(found.data.titles, language, found.data.key) : tag;
  return (
    <Drawer open={tag !== ""} onClose={close} size={560} title={t("tags.why", { tag: name })} aria-label={t("tags.why", { tag: name })} destroyOnHidden>
      <Shown of={found} rows={8}>
        {(why) => <Reasons why={why} past={asOf !== ""} ask={ask} />}
      </Shown>
    </Drawer>
  );
}

function Reasons({ why, past, ask }: { why: WhyOf; past: boolean; ask: (key: string) => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  const say = useSay();
  return (
    <>
      <div className={css["part"]}>
        {why.known ? <div className={css["whyValue"]}>{say(why.value, why.type)}</div> : <p>{t("why.noValue")}</p>}
        <Mark nature={why.nature as Nature} method={why.method as Method} words />
        {why.expired && why.expires_at && <Note>{t("why.expired", { when: format.moment(why.expires_at) })}</Note>}
        {!why.computed && <Note>{past ? t("why.then") : t("why.notComputed")}</Note>}
        {why.defined_later && <Note>{t("why.definedLater")}</Note>}
        {why.joined_since && <Note>{t("why.joinedSince")}</Note>}
        {why.redefined && <Note>{t("why.redefined")}</Note>}
        {!why.agrees && <Note>{why.recomputed === null ? t("why.disagreesNone") : t("why.disagrees", { value: say(why.recomputed, why.type) })}</Note>}
      </div>
      <ByHand why={why} past={past} />
      {!why.available && (
        <div className={css["part"]}>
          <h3>{t("why.unavailable")}</h3>
          <p>{why.unavailable?.[language]}</p>
        </div>
      )}
      {why.points && <Scored points={why.points} />}
      {why.tiers && <Tiered tiers={why.tiers} ask={ask} />}
      {why.rule && <Cases rule={why.rule} type={why.type} ask={ask} />}
      {why.weights && why.weights.labels.length > 0 && (
        <div className={css["part"]}>
          <h3>{t("why.weights")}</h3>
          <div>
            <Labels labels={why.weights.labels} />
          </div>
          <code className={css["code"]}>{why.weights.formula}</code>
        </div>
      )}
      {why.statistic && (
        <div className={css["part"]}>
          <h3>{t("why.events")}</h3>
          <Deciders found={why.statistic} />
        </div>
      )}
      {why.learned && <Chance learned={why.learned} ask={ask} />}
      {why.observed && <Words said={why.observed} type={why.type} />}
      <div className={css["part"]}>
        <h3>{t("why.told")}</h3>
        <Facts
          facts={[
            [t("why.rests"), why.because.text[language]],
            [t("why.lacks"), why.near?.missing?.text[language]],
            [t("why.ends"), why.ends.text[language]],
          ]}
        />
      </div>
      <div className={css["part"]}>
        <h3>{t("why.definition")}</h3>
        <code className={css["code"]}>{why.definition}</code>
        <Facts
          facts={[
            [t("why.computed"), `${format.moment(why.as_of)}${why.run_at ? `, ${t("why.run", { when: format.moment(why.run_at) })}` : ""}`],
            [t("why.until"), why.expires_at ? format.moment(why.expires_at) : t("tags.forever")],
            [t("why.owner"), why.owner || undefined],
            [t("why.purpose"), why.why || undefined],
          ]}
        />
        <Link to={placeOf("tag", why.key) ?? "/tags"}>{t("why.tag")}</Link>
      </div>
    </>
  );
}

/** Who gave the value, when, and what would be there without it; and giving another, or taking it back. */
function ByHand({ why, past }: { why: WhyOf; past: boolean }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const say = useSay();
  const may = useMay("operator");
  const batches = useBatches();
  const [giving, setGiving] = useState(false);
  const take = useChange("delete", "/api/v1/people/{person}/tags/{key}", { onDone: () => void batches.changed() });
  const { given } = why;
  const manual = given?.origin === "manual";
  if (!given && (!may || past)) return null;
  return (
    <div className={css["part"]}>
      {given && <h3>{t("give.heading")}</h3>}
      {given && (
        <Facts
          facts={[
            [t("give.who"), given.who === "customer" ? t("give.customer", { who: given.by }) : given.by],
            [t("give.when"), format.moment(given.at)],
            [t("give.until"), given.until ? format.moment(given.until) : t("give.noEnd")],
            [t("give.beside"), given.corrects ? (given.computed === null ? t("give.noValue") : say(given.computed, why.type)) : undefined],
          ]}
        />
      )}
      {may && !past && (
        <div className={css["chips"]}>
          <Button size="small" onClick={() => setGiving(true)}>
            {t(given || why.method === "manual" ? "give.another" : "give.correct")}
          </Button>
          {manual && (
            <Button size="small" loading={take.isPending} onClick={() => take.mutate({ params: { path: { person: why.person, key: why.key } }, headers: once() })}>
              {t("give.take")}
            </Button>
          )}
        </div>
      )}
      {take.error && <FailureLine error={take.error} />}
      <Give open={giving} close={() => setGiving(false)} person={why.person} tag={why.key} />
    </div>
  );
}

function Note({ children }: { children: ReactNode }) {
  return (
    <p className={`${css["notice"] ?? ""} ${css["warn"] ?? ""}`} role="note">
      {children}
    </p>
  );
}

function Cases({ rule, type, ask }: { rule: Rule; type: string; ask: (key: string) => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const say = useSay();
  return (
    <>
      <div className={css["part"]}>
        <h3>{t("why.cases")}</h3>
        {rule.cases.map((item, index) => (
          <section key={item.when} className={css["case"]} data-decided={rule.decided === index}>
            <div className={css["line"]}>
              <strong>{say(item.then, type)}</strong>
              <span className={rule.decided === index ? css["good"] : css["quiet"]}>
                {rule.decided === index ? t("why.decided") : t(item.holds ? "why.holds" : "why.fails")}
              </span>
            </div>
            {item.near?.missing && <p className={css["quiet"]}>{`${t("why.lacks")}: ${item.near.missing.text[language]}`}</p>}
            {item.conditions.map((condition) => (
              <div key={condition.text} className={css["condition"]}>
                <span className={condition.holds ? css["good"] : css["quiet"]} role="img" aria-label={t(condition.holds ? "why.holds" : "why.fails")}>
                  <Icon name={condition.holds ? "check" : "close"} size={14} />
                </span>
                <code>{condition.text}</code>
              </div>
            ))}
          </section>
        ))}
        {rule.decided === null && (rule.otherwise === null ? <p>{t("why.noCase")}</p> : <p>{`${t("why.otherwise")}: ${say(rule.otherwise, type)}`}</p>)}
      </div>
      {rule.inputs.length > 0 && (
        <div className={css["part"]}>
          <h3>{t("why.inputs")}</h3>
          <Facts
            facts={rule.inputs.map((input) => [
              input.kind === "tag" ? (
                <button key={input.text} type="button" className={css["link"]} title={input.text} onClick={() => ask(input.name)}>
                  {titleIn(input.titles, language, input.name)}
                </button>
              ) : (
                <code key={input.text}>{input.text}</code>
              ),
              input.value === null ? <span className={css["quiet"]}>{t("why.missing")}</span> : say(input.value, input.type),
            ])}
          />
        </div>
      )}
      {rule.evidence.length > 0 && (
        <div className={css["part"]}>
          <h3>{t("why.evidence")}</h3>
          {rule.evidence.map((item) => (
            <div key={item.text}>
              <code className={css["code"]}>{item.text}</code>
              <Deciders found={item} />
            </div>
          ))}
        </div>
      )}
    </>
  );
}

function Scored({ points }: { points: NonNullable<WhyOf["points"]> }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  return (
    <div className={css["part"]}>
      <h3>{t("why.points", { sum: format.exact(points.sum) })}</h3>
      {points.rows.map((row) => (
        <section key={row.when} className={css["case"]} data-decided={row.holds}>
          <div className={css["line"]}>
            <strong>{format.exact(row.points)}</strong>
            <span className={row.holds ? css["good"] : css["quiet"]}>{t(row.holds ? "why.holds" : "why.fails")}</span>
          </div>
          <code>{row.when}</code>
          {!row.holds && row.near?.missing && <p className={css["quiet"]}>{`${t("why.lacks")}: ${row.near.missing.text[language]}`}</p>}
        </section>
      ))}
      {points.tiers.length > 0 && <p className={css["under"]}>{t("why.tiers", { tiers: points.tiers.join(" < "), cuts: points.cuts.join(", ") })}</p>}
    </div>
  );
}

/** The number that is cut into tiers, the cut points that decided, and what is missing for the tiers next to it. */
function Tiered({ tiers, ask }: { tiers: Tiers; ask: (key: string) => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  const say = useSay();
  const cuts = tiers.cuts.join(", ");
  const decided = !tiers.every_run ? (tiers.frozen_at ? t("why.cutsFrozen", { cuts, day: tiers.frozen_at }) : t("why.cutsFixed", { cuts })) : tiers.as_of ? t(tiers.run ? "why.cutsRun" : "why.cutsNow", { cuts, when: format.moment(tiers.as_of), people: format.exact(tiers.people ?? 0) }) : undefined;
  return (
    <div className={css["part"]}>
      <h3>{tiers.tiers.join(" < ")}</h3>
      <Facts
        facts={[
          [
            <button key={tiers.of} type="button" className={css["link"]} title={tiers.of} onClick={() => ask(tiers.of)}>
              {titleIn(tiers.titles, language, tiers.of)}
            </button>,
            tiers.value === null ? <span className={css["quiet"]}>{t("why.missing")}</span> : say(tiers.value, tiers.type),
          ],
          [t("why.cuts"), decided],
          [t("why.percents"), tiers.percents ? tiers.percents.map((share) => `${share}%`).join(", ") : undefined],
        ]}
      />
      <Sides above={tiers.above} below={tiers.below} />
    </div>
  );
}

/** What lies beyond the cut points next to the value, and what would bring the person there. */
function Sides({ above, below }: { above: Side | null; below: Side | null }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  return (
    <>
      {[above, below].map(
        (side, index) =>
          side && (
            <section key={index === 0 ? "above" : "below"} className={css["case"]}>
              <strong>{side.text[language]}</strong>
              {side.near?.missing && <p className={css["quiet"]}>{`${t("why.brings")}: ${side.near.missing.text[language]}`}</p>}
            </section>
          ),
      )}
    </>
  );
}

/** How a learned chance comes about: the intercept and what each feature contributes to its log odds. */
function Chance({ learned, ask }: { learned: Learned; ask: (key: string) => void }) {
  const { t } = useTranslation("people");
  const { language } = usePreferences();
  const format = useFormat();
  const odds = (number: number | null) => (number === null ? "–" : `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(4)}`);
  return (
    <div className={css["part"]}>
      <h3>{t("why.learned")}</h3>
      <p>{t("why.uncalibrated", { auc: learned.auc ?? "–" })}</p>
      {learned.learnt_at && (
        <p className={css["under"]}>
          {[
            learned.version === null ? t("why.modelUnapplied") : t("why.model", { version: learned.version }),
            t("why.modelFrom", { when: format.moment(learned.learnt_at), examples: format.exact(learned.examples ?? 0), reached: format.exact(learned.reached ?? 0) }),
          ].join(" · ")}
        </p>
      )}
      <Facts
        facts={[
          ...learned.features.map((one): [ReactNode, ReactNode] => [
            <button key={one.tag} type="button" className={css["link"]} title={one.tag} onClick={() => ask(one.tag)}>
              {titleIn(one.titles, language, one.tag)}
            </button>,
            t("why.adds", { value: String(one.value ?? "–"), contributes: odds(one.contributes), adds: odds(one.adds) }),
          ]),
          [t("why.intercept"), odds(learned.base)],
          [t("why.logOdds"), odds(learned.log_odds)],
        ]}
      />
      <Sides above={learned.above} below={learned.below} />
    </div>
  );
}

function Deciders({ found }: { found: Deciding }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const [deciding, considered] = [format.exact(found.deciding), format.exact(found.considered)];
  const words = !found.deciding ? t("why.eventsNone") : found.deciding === found.considered ? t("why.eventsAll", { count: found.deciding, exact: deciding }) : t("why.eventsOf", { deciding, considered });
  const [since, until] = [format.moment(found.since), format.moment(found.until)];
  return (
    <>
      <p>{words}</p>
      <p className={css["under"]}>{found.since ? t("why.window", { since, until }) : t("why.windowOpen", { until })}</p>
      <ul className={css["plain"]} aria-label={t("why.events")}>
        {found.events.map((event) => (
          <EventLine key={event.id} event={event} as="date" />
        ))}
      </ul>
      {found.deciding > found.events.length && <p className={css["under"]}>{t("why.newest", { shown: format.exact(found.events.length) })}</p>}
    </>
  );
}

function Words({ said, type }: { said: NonNullable<WhyOf["observed"]>; type: string }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const say = useSay();
  return (
    <div className={css["part"]}>
      <h3>{t("why.said", { attribute: said.attribute })}</h3>
      {said.said.length === 0 && <p>{t("why.saidNone")}</p>}
      <ul className={css["list"]}>
        {said.said.map((word, index) => (
          <li key={index}>
            <div className={css["line"]}>
              <strong>{word.mode === "unset" ? t("why.unset") : typeof word.value === "object" ? text(word.value) : say(word.value, type)}</strong>
              {word.decides && <span className={css["good"]}>{t("why.decides")}</span>}
            </div>
            <div className={css["under"]}>{[word.source, format.moment(word.at)].filter(Boolean).join(" · ")}</div>
          </li>
        ))}
      </ul>
    </div>
  );
}
