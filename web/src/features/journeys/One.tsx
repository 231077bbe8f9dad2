import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { ConfirmCount, useUndoToast } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { Count, When } from "../../components/Numbers";
import { Card, Figure, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import parts from "../../components/parts.module.css";
import { Empty, Failure, Loading } from "../../components/States";
import { type Answer, answer, api, asProblem, once, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import { countsOf, type Shown } from "./counts";
import { graphOf } from "./graph";
import { Here } from "./Here";
import css from "./journeys.module.css";
import { Parted } from "./Parted";
import { Picture } from "./Picture";
import { Plan } from "./Plan";
import { Power } from "./Power";
import { Status } from "./Status";
import { Trial } from "./Trial";
import { stepOf, useWords } from "./useWords";
import { useSaid } from "../../lib/useSaid";

type Doing = "start" | "again" | "apply" | "pause" | "stop";

/** One journey as it runs: how many are where, what it changed, and what can be done with it. */
export default function One() {
  const { t } = useTranslation("journeys");
  const { name = "" } = useParams();
  const found = useAnswer("/api/v1/journeys/{name}", { params: { path: { name } } }, { refetchInterval: 5_000, retry: false });
  if (found.data) return <Journey key={name} shown={found.data} />;
  if (!found.error) return <Loading shape="page" />;
  return (
    <Page title={name} above={[{ to: "/marketing/journeys", title: t("title") }]}>
      {found.error.status === 422 ? (
        <Empty icon="warning" title={t("one.noFile")} action={<Mend name={name} />}>
          <Said of={found.error} />
        </Empty>
      ) : (
        <Failure error={found.error} retry={() => void found.refetch()} />
      )}
    </Page>
  );
}

function Mend({ name }: { name: string }) {
  const { t } = useTranslation("journeys");
  const go = useNavigate();
  return (
    <Button type="primary" onClick={() => void go(`/marketing/journeys/${encodeURIComponent(name)}/edit`)}>
      {t("one.mend")}
    </Button>
  );
}

function Journey({ shown }: { shown: Shown }) {
  const { t } = useTranslation("journeys");
  const { language } = usePreferences();
  const format = useFormat();
  const words = useWords();
  const go = useNavigate();
  const client = useQueryClient();
  const toast = useUndoToast();
  const may = useMay("operator");
  const [doing, setDoing] = useState<Doing | null>(null);
  const [trying, setTrying] = useState(false);
  const [here, setHere] = useState<string | null>(null);
  const [lit, setLit] = useState<ReadonlySet<string>>();
  const { name, status } = shown;
  const begun = status !== "not started";
  const problems = useAnswer("/api/v1/journeys/{name}/problems", { params: { path: { name } } }, { enabled: status !== "running" || shown.changed, retry: false });
  const file = useAnswer("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "journeys", name } } }, { retry: false });
  const plan = useQuery({
    queryKey: ["journeys", name, "plan"],
    queryFn: () => answer(api.POST("/api/v1/journeys/{name}/plan", { params: { path: { name } }, body: { text: "" } })),
    enabled: doing === "apply",
    staleTime: 0,
    retry: false,
  });
  const graph = useMemo(() => graphOf(shown.fields), [shown.fields]);
  const counts = begun ? countsOf(shown) : undefined;
  const wrong = (status !== "running" || shown.changed ? problems.data?.problems : undefined) ?? [];
  const finished = shown.ended["end"] ?? 0;
  const left = Object.values(shown.ended).reduce((sum, people) => sum + people, 0) - finished;
  const perform = async (what: Doing) => {
    const asked = { params: { path: { name } }, headers: once() };
    const kind = what === "pause" || what === "stop" ? what : "start";
    if (kind === "start") await answer(api.POST("/api/v1/journeys/{name}/start", { ...asked, body: { plan: (what === "apply" && plan.data?.plan) || "" } }));
    else await answer(api.POST(kind === "pause" ? "/api/v1/journeys/{name}/pause" : "/api/v1/journeys/{name}/stop", asked));
    await client.invalidateQueries({ queryKey: ["journeys"] });
    setDoing(null);
    toast(t(`done.${kind}`));
  };
  const start: Doing = !begun ? "start" : shown.changed ? "apply" : "again";
  const at = here ? stepOf(graph, here) : undefined;
  const say = useSaid();
  const parted = graph.steps.filter((one) => shown.steps.some((step) => step.name === one.name && (step.kind === "split" || step.variants.length > 0))).map((one) => ({ value: one.name, label: [words.kind(one), one.name].join(" · ") }));
  const reason = /^(?:paused|stopped) by (.+)$/.exec(shown.reason)?.[1];
  return (
    <Page
      title={titleIn(shown.titles, language, name)}
      above={[{ to: "/marketing/journeys", title: t("title") }]}
      description={
        <span className={parts["row"]}>
          <Status of={status} />
          {(reason ?? shown.reason) && <span>{reason ?? <Said of={shown.reason} />}</span>}
          {shown.started_at && <span>{t("one.since", { when: format.moment(shown.started_at) })}</span>}
          <span>{words.start(graph.start)}</span>
        </span>
      }
      actions={
        <>
          <Button icon={<Icon name="eye" />} onClick={() => setTrying(true)}>
            {t("one.try")}
          </Button>
          {may && status === "running" && (
            <Button icon={<Icon name="pause" />} onClick={() => setDoing("pause")}>
              {t("one.pause")}
            </Button>
          )}
          {may && (status === "running" || status === "paused") && (
            <Button danger icon={<Icon name="stop" />} onClick={() => setDoing("stop")}>
              {t("one.stop")}
            </Button>
          )}
          {may && (
            <Button icon={<Icon name="edit" />} onClick={() => void go(`/marketing/journeys/${encodeURIComponent(name)}/edit`)}>
              {t("one.edit")}
            </Button>
          )}
          {may && (status !== "running" || shown.changed) && (
            <Button type="primary" icon={<Icon name="play" />} disabled={problems.isPending || wrong.length > 0 || shown.error !== null} onClick={() => setDoing(start)}>
              {t(`one.${start}`)}
            </Button>
          )}
        </>
      }
    >
      {!begun && wrong.length === 0 && <div className={parts["notice"]}>{t("one.notStarted")}</div>}
      {shown.changed && <div className={parts["notice"]}>{t("one.changed")}</div>}
      {shown.error && begun && <div className={parts["notice"]}>{t("one.broken", { message: say(String(shown.error["message"])) })}</div>}
      {wrong.length > 0 && (
        <div className={parts["notice"]} data-tone="warn">
          <div>
            <strong>{t("one.cannot")}</strong>
            <ul className={css["wrongs"]}>
              {wrong.map((problem, index) => (
                <li key={index}>
                  <Said of={problem} />
                  {problem.hint && <span className={parts["faint"]}> {problem.hint}</span>}
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
      {begun && (
        <Card>
          <div className={parts["figures"]}>
            <Figure label={t("figures.inside")} value={<button type="button" className={css["number"]} onClick={() => setHere("")}>{format.exact(shown.inside)}</button>} />
            <Figure label={t("figures.entered")} value={<Count value={shown.entered} />} />
            <Figure label={t("figures.finished")} value={<Count value={finished} />} />
            <Figure label={t("figures.left")} value={<Count value={left} />} />
            <Figure label={t("figures.held_out")} value={<Count value={shown.held_out} />} note={t("figures.heldNote")} />
          </div>
        </Card>
      )}
      <Card flush>
        <Picture graph={graph} counts={counts} lit={trying ? lit : undefined} onStep={begun ? setHere : undefined} />
      </Card>
      {!begun && <Power name={name} />}
      {begun && (
        <div className={parts["below"]}>
          <Report name={name} />
          <Ended ended={shown.ended} />
        </div>
      )}
      {begun && parted.length > 0 && <Parted name={name} steps={parted} />}
      {file.data && (
        <details>
          <summary>{`journeys/${name}.yml`}</summary>
          <CodeEditor label={`journeys/${name}.yml`} language="yaml" height="auto" value={file.data.text} readOnly list={false} onChange={() => undefined} />
        </details>
      )}
      {here !== null && <Here name={name} step={here} title={at ? [words.kind(at), words.says(at)].filter(Boolean).join(" · ") : t("here.title")} close={() => setHere(null)} />}
      {trying && <Trial name={name} close={() => setTrying(false)} show={setLit} />}
      {doing && (
        <ConfirmCount
          open
          title={t(`confirm.${doing}`)}
          people={doing === "start" ? null : doing === "apply" && !plan.data ? undefined : shown.inside}
          ok={t(`one.${doing}`)}
          danger={doing === "stop"}
          onOk={() => perform(doing)}
          onCancel={() => setDoing(null)}
        >
          <p>{t(`confirm.${doing}Note`, { who: words.start(graph.start) })}</p>
          {doing === "apply" && <Plan plan={plan.data} error={plan.error ? asProblem(plan.error) : null} />}
        </ConfirmCount>
      )}
    </Page>
  );
}

function Ended({ ended }: { ended: Record<string, number> }) {
  const { t } = useTranslation("journeys");
  const rows = Object.entries(ended).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return null;
  const say = (why: string) => {
    if (why === "end" || why === "merged" || why === "erased") return t(`one.reasons.${why}`);
    const other = /^entered (.+)$/.exec(why)?.[1];
    return other ? t("one.reasons.entered", { journey: other }) : why;
  };
  return (
    <Card title={t("one.ended")}>
      <dl className={css["ended"]}>
        {rows.map(([why, people]) => (
          <div key={why}>
            <dt>{say(why)}</dt>
            <dd>
              <Count value={people} />
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

type Changed = Answer<"/api/v1/journeys/{name}/report">;

function Report({ name }: { name: string }) {
  const { t } = useTranslation("journeys");
  const words = useWords();
  const found = useAnswer("/api/v1/journeys/{name}/report", { params: { path: { name } } }, { refetchInterval: 60_000, retry: false });
  const goal = found.data?.goal;
  return (
    <Card title={t("one.report")} note={goal && t("one.reportNote", { within: words.length(goal.within) })} extra={found.data && <When at={found.data.as_of} as="time" />}>
      {found.data ? <Verdict report={found.data} /> : found.error ? <Failure small error={found.error} /> : <Loading rows={2} />}
    </Card>
  );
}

function Verdict({ report }: { report: Changed }) {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  const made = report.incremental;
  const rates = report.converted;
  if (!report.goal) return <p>{t("one.noGoal")}</p>;
  if (!made) {
    return (
      <p>
        {t("one.notEnough", {
          treated: format.exact(rates?.treated.k ?? 0),
          all: format.exact(rates?.treated.n ?? 0),
          held: format.exact(rates?.held_out.k ?? 0),
          heldAll: format.exact(rates?.held_out.n ?? 0),
        })}
      </p>
    );
  }
  const fewer = made.high < 0;
  const bounds = [made.low, made.high].map(Math.abs).sort((a, b) => a - b);
  return (
    <>
      <p className={css["verdict"]}>
        {made.low <= 0 && !fewer
          ? t("one.even")
          : t(fewer ? "one.effectFewer" : "one.effect", { people: format.exact(Math.abs(made.conversions), 0), low: format.exact(bounds[0] ?? 0, 0), high: format.exact(bounds[1] ?? 0, 0) })}
      </p>
      {rates && <p className={parts["faint"]}>{t("one.rates", { treated: format.percent(rates.treated.rate, 1), held: format.percent(rates.held_out.rate, 1) })}</p>}
    </>
  );
}
