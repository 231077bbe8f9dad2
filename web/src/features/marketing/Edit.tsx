import { useQueryClient } from "@tanstack/react-query";
import { Button, Steps } from "antd";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import { Failure, FailureLine, Loading } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { asProblem } from "../../lib/problem";
import { useUnsaved } from "../../lib/useUnsaved";
import { useUrlState } from "../../lib/url";
import { titleIn } from "../../lib/titles";
import { AudienceStep } from "./AudienceStep";
import { ContentStep } from "./ContentStep";
import { Draft } from "./draft";
import { HoldoutStep } from "./HoldoutStep";
import css from "./marketing.module.css";
import { Mend } from "./Mend";
import { within } from "./rows";
import { ScheduleStep } from "./ScheduleStep";
import { SendStep } from "./SendStep";
import { type CampaignShown, type Fields } from "./words";

const STEPS = ["audience", "holdout", "content", "schedule", "send", "text"] as const;
const STATE = { step: "audience", plan: "" };

/** A campaign planned step by step; every change is saved in its file. */
export default function Edit() {
  const { name = "" } = useParams();
  const { t } = useTranslation("marketing");
  const found = useAnswer("/api/v1/campaigns/{name}", { params: { path: { name } } }, { refetchOnWindowFocus: false, refetchOnMount: "always", gcTime: 0 });
  if (found.data) {
    const { fields, text, etag } = found.data;
    if (fields && text !== null && etag !== null) return <Planned key={name} shown={found.data} given={{ fields, text, etag }} />;
    if (text !== null) return <Mend name={name} />;
  }
  return (
    <Page title={name} above={[{ to: "/marketing", title: t("title") }]}>
      {found.error ? <Failure error={found.error} retry={() => void found.refetch()} /> : <Loading shape="page" />}
    </Page>
  );
}

function Planned({ shown, given }: { shown: CampaignShown; given: { fields: Fields; text: string; etag: string } }) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const client = useQueryClient();
  const name = shown.name;
  const [state, setState] = useUrlState(STATE);
  const [draft] = useState(
    () => new Draft(name, { ...given, problems: shown.problems, next: shown.next }, () => void client.invalidateQueries({ queryKey: ["campaigns"], refetchType: "active", predicate: ({ queryKey }) => queryKey[1] !== "{name}" || queryKey[2] === "check" })),
  );
  const now = useSyncExternalStore(draft.subscribe, draft.get);
  useEffect(() => () => void draft.flush(), [draft]);
  useUnsaved(now.saving !== "saved");
  const at = Math.max(0, STEPS.indexOf(state.step as (typeof STEPS)[number]));
  const step = STEPS[at] ?? "audience";
  const [planned, setPlanned] = useState(given.fields.schedule);
  const plan = state.plan || planned;
  const [failure, setFailure] = useState<unknown>(null);
  // What is wrong in a row stands at the row, where that is shown.
  const inRows = step === "content" ? [...within(now.problems, "variants"), ...within(now.problems, "picks")].length : 0;
  const elsewhere = inRows > 0 ? undefined : now.problems[0];
  const goTo = (next: string) => {
    // What follows looks at the saved file.
    void draft.flush().then(() => setState({ step: next }, { push: true }));
  };
  const save = async (patch: Partial<Fields>) => {
    draft.change(patch);
    const good = await draft.flush();
    const { error, problems } = draft.get();
    if (!good) throw error === null ? new Error(problems[0]?.message ?? t("draft.refused")) : asProblem(error);
    return good;
  };
  return (
    <Page
      title={titleIn(now.fields.title, language, name)}
      above={[{ to: "/marketing", title: t("title") }]}
      actions={
        <>
          <span className={css["saving"]} data-state={now.saving} role="status">
            {t(`draft.${now.saving}`)}
          </span>
          <Button icon={<Icon name="undo" />} disabled={now.saving === "saving"} onClick={() => void draft.undo().then(() => setFailure(null), setFailure)}>
            {t("draft.undo")}
          </Button>
          <Button icon={<Icon name="code" />} aria-pressed={step === "text"} onClick={() => goTo(step === "text" ? "audience" : "text")}>
            {t(step === "text" ? "steps.form" : "steps.text")}
          </Button>
          <Link to={placeOf("campaign", name) ?? "/marketing"}>{t("draft.report")}</Link>
        </>
      }
    >
      <Steps
        size="small"
        responsive
        current={at}
        onChange={(place) => goTo(STEPS[place] ?? "audience")}
        items={STEPS.slice(0, 5).map((item) => ({ title: t(`steps.${item}`), status: item === step ? "process" : "wait" }))}
      />
      {shown.read_only && <div className={css["notice"]}>{t("draft.readOnly")}</div>}
      {now.error !== null && <FailureLine error={now.error} />}
      {failure !== null && <FailureLine error={failure} />}
      {now.saving === "refused" && step !== "text" && elsewhere && <p className={css["bad"]}><Said of={elsewhere} /></p>}
      {step === "audience" && <AudienceStep name={name} fields={now.fields} change={draft.change} />}
      {step === "holdout" && <HoldoutStep fields={now.fields} change={draft.change} />}
      {step === "content" && <ContentStep name={name} fields={now.fields} text={now.text} problems={now.problems} readOnly={shown.read_only} change={draft.change} />}
      {step === "schedule" && (
        <ScheduleStep
          name={name}
          fields={now.fields}
          text={now.text}
          plan={plan}
          setPlan={(schedule) => {
            setPlanned(schedule);
            setState({ plan: schedule });
          }}
          change={draft.change}
        />
      )}
      {step === "send" && <SendStep name={name} fields={now.fields} plan={plan} save={save} />}
      {step === "text" && (
        <Card>
          <CodeEditor label={`campaigns/${name}.yml`} language="yaml" height={480} value={now.text} problems={now.problems} onChange={draft.type} onSubmit={() => void draft.flush()} />
        </Card>
      )}
      <footer className={css["foot"]}>
        <Button disabled={at === 0 || step === "text"} onClick={() => goTo(STEPS[at - 1] ?? "audience")}>
          {t("draft.back")}
        </Button>
        {at < 4 && (
          <Button type="primary" onClick={() => goTo(STEPS[at + 1] ?? "send")}>
            {t("draft.next")}
          </Button>
        )}
      </footer>
    </Page>
  );
}
