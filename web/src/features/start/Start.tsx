import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { FailureLine, Shown } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import css from "./start.module.css";
import { AudienceStep } from "./AudienceStep";
import { DataStep } from "./DataStep";
import { MessageStep } from "./MessageStep";
import { PeopleStep } from "./PeopleStep";
import { TagsStep } from "./TagsStep";

export type Started = Answer<"/api/v1/start">;
export type Goal = NonNullable<Started["goal"]>;
type Step = Started["steps"][number]["step"];

const BODIES = { data: DataStep, people: PeopleStep, tags: TagsStep, audience: AudienceStep, message: MessageStep } as const;
const STATE = { step: "", event: "", upload: "", job: "", demo: "", tagging: "" };

/** What a step gets: how far all is, its goal, and how to go on to another step. */
export interface StepProps {
  started: Started;
  goal: Goal;
  go: (step: Step) => void;
}

/** The first hour: a goal and five steps, from one's own file to a first audience. */
export default function Start() {
  const { t } = useTranslation("start");
  const found = useAnswer("/api/v1/start", {}, { staleTime: 0 });
  return (
    <Page title={t("title")} description={t("note")}>
      <Shown of={found} shape="page">
        {(started) => <Steps started={started} />}
      </Shown>
    </Page>
  );
}

function Steps({ started }: { started: Started }) {
  const { t } = useTranslation("start");
  const navigate = useNavigate();
  const [state] = useUrlState(STATE);
  const choose = useChange("post", "/api/v1/start", { invalidates: [["start"]] });
  const operator = useMay("operator");
  const next = started.steps.find((step) => !step.done)?.step;
  // What is under way keeps its step open, although it may be done by now: whoever began it sees how it ended.
  const busy = state.upload || state.job || state.demo ? "data" : state.tagging ? "tags" : state.step;
  const open = started.steps.find((step) => step.step === busy)?.step ?? next ?? "message";
  const goal = started.goal ?? "win_back";
  const go = (step: Step) => void navigate({ search: `?${new URLSearchParams({ step, ...(state.event ? { event: state.event } : {}) }).toString()}` }, { preventScrollReset: true });
  const all = started.steps.every((step) => step.done);
  return (
    <>
      <Card title={t("goalTitle")} note={t("goalNote")}>
        <div className={css["goals"]} role="radiogroup" aria-label={t("goalTitle")}>
          {started.goals.map((item) => (
            <button
              key={item}
              type="button"
              role="radio"
              aria-checked={started.goal === item}
              className={css["goal"]}
              disabled={!operator}
              onClick={() => choose.mutate({ body: { goal: item } })}
            >
              <strong>{t(`goals.${item}.title`)}</strong>
              <span>{t(`goals.${item}.note`)}</span>
            </button>
          ))}
        </div>
        {choose.error && <FailureLine error={choose.error} />}
      </Card>
      {all && (
        <div className={css["finished"]} role="status">
          <div>
            <strong>{t("finished")}</strong>
            <p>{t("finishedNote")}</p>
          </div>
          <Button onClick={() => void navigate("/")}>{t("overview")}</Button>
        </div>
      )}
      <ol className={css["steps"]}>
        {started.steps.map((step, index) => {
          const Body = BODIES[step.step];
          const shown = step.step === open;
          const state = step.done ? "done" : shown || step.step === next ? "now" : "later";
          return (
            <li key={step.step} className={css["step"]} data-state={state} aria-current={shown ? "step" : undefined}>
              <span className={css["number"]} aria-hidden="true">
                {step.done ? <Icon name="check" size={16} /> : index + 1}
              </span>
              <div>
                <div className={css["words"]}>
                  <div>
                    <h2>
                      {t(`steps.${step.step}.title`)}
                      <span className="unseen"> ({t(state)})</span>
                    </h2>
                    <p>{t(`steps.${step.step}.note`)}</p>
                  </div>
                  {!shown && (step.done || started.steps[0]?.done) && (
                    <Button type="link" onClick={() => go(step.step)} aria-label={`${t("choose")}: ${t(`steps.${step.step}.title`)}`}>
                      {t("choose")}
                    </Button>
                  )}
                </div>
                {shown && operator && (
                  <div className={css["body"]}>
                    <Body started={started} goal={goal} go={go} />
                  </div>
                )}
              </div>
            </li>
          );
        })}
      </ol>
    </>
  );
}
