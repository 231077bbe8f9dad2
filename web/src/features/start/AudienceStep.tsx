import { useQueryClient } from "@tanstack/react-query";
import { Button, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { FailureLine, Shown } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { peopleWhere, placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import type { StepProps } from "./Start";
import css from "./start.module.css";

type Crowd = NonNullable<Answer<"/api/v1/start/tags">["audience"]>;
type Made = Answer<"/api/v1/start/audience", "post">;

const STATE = { event: "" };

/** The people whom the goal is about: how many there are with each number of days, then saved. */
export function AudienceStep({ goal, go }: StepProps) {
  const { t } = useTranslation("start");
  const [state] = useUrlState(STATE);
  const query = { goal, ...(state.event ? { event: state.event } : {}) };
  const found = useAnswer("/api/v1/start/tags", { params: { query } }, { staleTime: 0 });
  return (
    <Shown of={found}>
      {(proposal) => (proposal.audience ? <CrowdOf key={goal} crowd={proposal.audience} goal={goal} event={state.event} on={() => go("message")} /> : <p>{t("tags.nothing")}</p>)}
    </Shown>
  );
}

function CrowdOf({ crowd, goal, event, on }: { crowd: Crowd; goal: StepProps["goal"]; event: string; on: () => void }) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { language } = usePreferences();
  const [days, setDays] = useState(crowd.days);
  const [made, setMade] = useState<Made | null>(null);
  const save = useChange("post", "/api/v1/start/audience", {
    invalidates: [],
    onDone: (answer) => {
      setMade(answer);
      void client.invalidateQueries();
    },
  });
  const chosen = crowd.choices.find((choice) => choice.days === days) ?? crowd;
  if (made)
    return (
      <>
        <p className={css["crowd"]}>
          <strong>{t("audience.saved", { count: made.people, exact: format.exact(made.people), title: titleIn(made.titles, language, made.name) })}</strong>
        </p>
        <code>{made.expression}</code>
        <div className={css["buttons"]}>
          <Button type="primary" onClick={() => void navigate(placeOf("audience", made.name) ?? "/audiences")}>
            {t("audience.look")}
          </Button>
          <Button onClick={() => void navigate(peopleWhere(made.expression))}>{t("audience.people")}</Button>
          <Button onClick={on}>{t("data.go")}</Button>
        </div>
      </>
    );
  return (
    <>
      {crowd.choices.length > 0 && (
        <div className={css["event"]}>
          <span>{t(goal === "greet" ? "audience.daysGreet" : "audience.days")}</span>
          <Segmented
            value={days}
            onChange={setDays}
            aria-label={t(goal === "greet" ? "audience.daysGreet" : "audience.days")}
            options={crowd.choices.map((choice) => ({ value: choice.days, label: t("audience.dayCount", { n: choice.days }) }))}
          />
        </div>
      )}
      <p className={css["crowd"]} aria-live="polite">
        <strong>{format.exact(chosen.people)}</strong>
        <span>
          {titleIn(crowd.titles, language, crowd.name)} · {t("audience.holds", { count: chosen.people, exact: format.exact(chosen.people) })}
        </span>
      </p>
      <code>{chosen.expression}</code>
      {chosen.people === 0 && <p>{t("audience.nobody")}</p>}
      {save.error && <FailureLine error={save.error} />}
      <div className={css["buttons"]}>
        <Button type="primary" loading={save.isPending} onClick={() => save.mutate({ body: { goal, event, days }, headers: once() })}>
          {t("audience.save", { count: chosen.people, exact: format.exact(chosen.people) })}
        </Button>
      </div>
    </>
  );
}
