import { Button, Input, Modal, Select, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";

import { CodeEditor } from "../../components/CodeEditor";
import { DataTable } from "../../components/DataTable";
import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { Bar, Count, When } from "../../components/Numbers";
import { Card, Figure, Page } from "../../components/Page";
import { Empty, Failure, FailureLine, Loading } from "../../components/States";
import { ended, once, useAnswer, useChange, useJob, useRows } from "../../lib/api";
import { channelsOf } from "../../lib/channels";
import { peopleWhere, placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { titleIn } from "../../lib/titles";
import { Approvals } from "./Approvals";
import { Breakdown } from "./Breakdown";
import { Interval } from "../../components/Interval";
import { Said } from "../../components/Said";
import css from "./marketing.module.css";
import { Parts } from "./Parts";
import { Status } from "./Status";
import { StopButton } from "./StopButton";
import { useScheduleWords } from "./useWhen";
import { useReason } from "./useReason";
import { Variants } from "./Variants";
import { type CampaignShown, daysOf, type Report, type Sending } from "./words";

const STATE = { entry: "", tab: "report", who: "", reason: "" };
const WHO = ["", "sent", "held_out", "suppressed", "waiting", "failed", "in_doubt", "opened", "clicked", "unsubscribed"] as const;

/** One campaign: what it changed, where everybody is, what became of the messages, and each sending. */
export default function One() {
  const { name = "" } = useParams();
  const { t } = useTranslation("marketing");
  const [job, setJob] = useState<string>();
  const state = useJob(job);
  const over = state.data ? ended(state.data) : false;
  const going = job !== undefined && !over;
  const found = useAnswer(
    "/api/v1/campaigns/{name}",
    { params: { path: { name } } },
    { refetchInterval: ({ state }) => (going || state.data?.status === "running" ? 2_000 : false) },
  );
  if (found.data) return <Shown shown={found.data} job={job} setJob={setJob} />;
  return (
    <Page title={name} above={[{ to: "/marketing", title: t("title") }]}>
      {found.error ? <Failure error={found.error} retry={() => void found.refetch()} /> : <Loading shape="page" />}
    </Page>
  );
}

function Shown({ shown, job, setJob }: { shown: CampaignShown; job: string | undefined; setJob: (job: string) => void }) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const format = useFormat();
  const go = useNavigate();
  const may = useMay("operator");
  const words = useScheduleWords();
  const [state, setState] = useUrlState(STATE);
  const [cloning, setCloning] = useState(false);
  const name = shown.name;
  const entry = shown.entries.find((item) => item.entry === state.entry) ?? shown.entries[0];
  const schedule = shown.fields?.schedule ?? "";
  const resume = useChange("post", "/api/v1/campaigns/{name}/resume", { invalidates: [["campaigns"]], onDone: (begun) => setJob(begun.job) });
  const edit = `/marketing/campaigns/${encodeURIComponent(name)}/edit`;
  return (
    <Page
      title={titleIn(shown.titles, language, name)}
      above={[{ to: "/marketing", title: t("title") }]}
      description={
        <span className={css["row"]}>
          <Status of={shown.status} />
          {shown.fields && (
            <span>
              {channelsOf(shown.fields.channel).map((channel) => t(`channel.${channel}`)).join(" / ")} · {shown.fields.audience}
            </span>
          )}
          {schedule && <span>{`${words(schedule)} ${t("recurring.zone", { zone: shown.zone })}`}</span>}
          {shown.next[0] && <span>{t("when.next", { when: format.moment(shown.next[0]) })}</span>}
        </span>
      }
      actions={
        may && (
          <>
            {entry && (entry.status === "running" || entry.status === "paused") && <StopButton key={`${entry.entry} ${entry.status}`} name={name} entry={entry.entry} />}
            {entry && (entry.status === "stopped" || entry.status === "paused") && (
              <Button
                icon={<Icon name="play" />}
                title={t("one.resumeNote")}
                loading={resume.isPending}
                onClick={() => resume.mutate({ params: { path: { name } }, body: { entry: entry.entry }, headers: once() })}
              >
                {t("one.resume")}
              </Button>
            )}
            {shown.text !== null && (
              <Button icon={<Icon name="copy" />} onClick={() => setCloning(true)}>
                {t("one.clone")}
              </Button>
            )}
            {shown.text !== null && (
              <Button type={entry ? "default" : "primary"} icon={<Icon name="edit" />} onClick={() => void go(edit)}>
                {t(entry ? "one.edit" : "one.continue")}
              </Button>
            )}
          </>
        )
      }
    >
      {resume.error && <FailureLine error={resume.error} />}
      {job && <JobOf id={job} />}
      {shown.missed_at && (
        <div className={css["notice"]} data-tone="warn">
          {t("one.missed", { when: format.moment(shown.missed_at) })}
        </div>
      )}
      {shown.text === null && <div className={css["notice"]}>{t("one.gone")}</div>}
      {shown.problems[0] && <p className={css["bad"]}><Said of={shown.problems[0]} /></p>}
      <Approvals campaign={name} />
      {entry ? (
        <Sent shown={shown} entry={entry} state={state} setState={setState} />
      ) : (
        <Empty
          icon="marketing"
          title={t("one.notSent")}
          action={
            may && (
              <Button type="primary" onClick={() => void go(edit)}>
                {t("one.continue")}
              </Button>
            )
          }
        >
          {t("one.notSentNote")}
        </Empty>
      )}
      {shown.text !== null && (
        <details>
          <summary>{t("one.asFile")}</summary>
          <CodeEditor label={`campaigns/${name}.yml`} language="yaml" height="auto" value={shown.text} readOnly list={false} onChange={() => undefined} />
        </details>
      )}
      {cloning && <Clone name={name} onClose={() => setCloning(false)} />}
    </Page>
  );
}

type State = { entry: string; tab: string; who: string; reason: string };

function Sent({ shown, entry, state, setState }: { shown: CampaignShown; entry: Sending; state: State; setState: (change: Partial<State>, how?: { push?: boolean }) => void }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const name = shown.name;
  const report = useAnswer(
    "/api/v1/campaigns/{name}/report",
    { params: { path: { name }, query: { entry: entry.entry } } },
    { refetchInterval: entry.status === "running" ? 3_000 : false, placeholderData: (last) => last },
  );
  const here = (who: string, reason = "") => `?${new URLSearchParams({ ...(state.entry ? { entry: state.entry } : {}), who, ...(reason ? { reason } : {}) }).toString()}#people`;
  const to = (part: string, reason: string) => (part === "sent" && report.data ? peopleWhere(report.data.where["sent"] ?? "") : here(part, reason));
  return (
    <>
      {report.data ? <Changed report={report.data} /> : report.error ? <Failure error={report.error} retry={() => void report.refetch()} /> : <Loading shape="cards" rows={2} />}
      <Card title={t("one.where")} note={t("one.whereNote", { audience: format.exact(entry.audience) })} extra={entry.exact && <span className={css["faint"]}>{t("one.exact")}</span>}>
        <Parts counts={entry} to={to} />
        {entry.reason && <p className={css["faint"]}><Said of={entry.reason} /></p>}
      </Card>
      {report.data && <Reactions report={report.data} />}
      {report.data && <Variants report={report.data} />}
      <Breakdown name={name} entry={entry.entry} />
      <Card title={t("one.runs")} note={t("one.runsNote")} flush>
        <DataTable<Sending>
          name={t("one.runs")}
          plain
          prefix="runs"
          rows={shown.entries}
          rowKey={(item) => item.entry}
          to={(item) => `?entry=${encodeURIComponent(item.entry)}`}
          columns={[
            { key: "entry", title: t("one.run.entry"), value: (item) => item.entry },
            { key: "started", title: t("one.run.started"), value: (item) => item.started_at, render: (item) => <When at={item.started_at} as="moment" /> },
            { key: "status", title: t("one.run.status"), value: (item) => item.status, render: (item) => <Status of={item.status} /> },
            { key: "audience", title: t("one.run.audience"), value: (item) => item.audience, align: "right" },
            { key: "sent", title: t("one.run.sent"), value: (item) => item.sent, align: "right" },
            { key: "held", title: t("one.run.held"), value: (item) => item.held_out, align: "right", wide: true },
          ]}
        />
      </Card>
      <People name={name} entry={entry.entry} state={state} setState={setState} />
    </>
  );
}

/** What it changed: people and money with their intervals, or why that cannot be said yet. */
function Changed({ report }: { report: Report }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const made = report.incremental;
  const rates = report.converted;
  const over = report.window_ends_at !== null && report.until === report.window_ends_at;
  const until = report.window_ends_at && <span className={css["faint"]}>{over ? t("one.counted", { when: format.moment(report.until) }) : t("one.counting", { when: format.moment(report.window_ends_at) })}</span>;
  return (
    <Card title={t("one.changed")} note={report.goal && t("one.changedNote", { within: `${format.exact(daysOf(report.goal.within))} ${t("holdout.days")}` })} extra={until}>
      {made ? (
        <>
          <p className={css["verdict"]}>{t(`one.verdict.${made.low > 0 ? "more" : made.high < 0 ? "fewer" : "no_difference"}`)}</p>
          <div className={css["effect"]}>
            <Estimate label={t("one.people")} value={made.conversions} low={made.low} high={made.high} write={(value) => format.exact(value, 0)} note={t("one.perPerson", { value: format.change(made.per_person, 2) })} />
            {report.money && (
              <Estimate
                label={t("one.money")}
                value={report.money.total}
                low={report.money.low}
                high={report.money.high}
                write={(value) => format.money(Math.round(value), report.money?.currency)}
                note={t("one.perPerson", { value: format.money(report.money.per_person, report.money.currency) })}
              />
            )}
          </div>
        </>
      ) : (
        <>
          <p className={css["verdict"]}>
            {t(`one.wait.${report.why_not ?? "no_goal"}`, { treated: format.exact(rates?.treated.k ?? 0), held: format.exact(rates?.held_out.k ?? 0) })}
          </p>
          {report.why_not === "few_conversions" && <p>{report.more_days === null ? t("one.noDays") : t("one.moreDays", { count: report.more_days })}</p>}
        </>
      )}
      {rates && rates.treated.rate !== null && (
        <div className={css["arms"]} style={{ marginTop: 24 }} role="group" aria-label={t("one.ratesTitle")}>
          {(["treated", "held_out"] as const).map((arm) => {
            const rate = rates[arm];
            const most = Math.max(rates.treated.high ?? 0, rates.held_out.high ?? 0, 0.001);
            return (
              <div key={arm} style={{ display: "contents" }}>
                <span>{t(arm === "treated" ? "one.treated" : "one.heldOut")}</span>
                <Bar share={(rate.rate ?? 0) / most} tone={arm === "treated" ? "accent" : "everybody"} label={format.percent(rate.rate, 2)} />
                <span className={css["faint"]}>
                  {format.percent(rate.rate, 2)} ({format.exact(rate.k)} / {format.exact(rate.n)})
                </span>
              </div>
            );
          })}
        </div>
      )}
    </Card>
  );
}

function Estimate({ label, value, low, high, write, note }: { label: string; value: number; low: number; high: number; write: (value: number) => string; note: string }) {
  const { t } = useTranslation("marketing");
  const between = t("one.between", { low: write(low), high: write(high) });
  return (
    <div>
      <Figure label={label} value={`${value > 0 ? "+" : ""}${write(value)}`} note={between} />
      <Interval value={value} low={low} high={high} label={`${label}: ${write(value)}, ${between}`} />
      <span className={css["faint"]}>{note}</span>
    </div>
  );
}

function Reactions({ report }: { report: Report }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  return (
    <Card title={t("one.reactions")}>
      <div className={css["figures"]}>
        {(["opened", "clicked", "unsubscribed"] as const).map((what) => (
          <Figure
            key={what}
            label={t(`one.${what}`)}
            value={<Count value={report[what]} {...(report[what] > 0 ? { where: report.where[what] ?? "" } : {})} />}
            note={report.sent > 0 ? t("one.ofSent", { share: format.percent(report[what] / report.sent, 1), sent: format.exact(report.sent) }) : undefined}
          />
        ))}
      </div>
    </Card>
  );
}

function People({ name, entry, state, setState }: { name: string; entry: string; state: State; setState: (change: Partial<State>, how?: { push?: boolean }) => void }) {
  const { t } = useTranslation("marketing");
  const why = useReason();
  const who = WHO.find((item) => item === state.who) ?? "";
  const list = useRows("/api/v1/campaigns/{name}/people", (answer) => answer.people, { params: { path: { name }, query: { entry, who, reason: state.reason } } }, { limit: 20 });
  return (
    <div id="people">
      <Card
        title={t("one.messages")}
        flush
        extra={
      <Space wrap>
        <Select
          aria-label={t("one.outcome")}
          value={who}
          style={{ minWidth: 160 }}
          onChange={(value) => setState({ who: value, reason: "" })}
          options={WHO.map((value) => ({ value, label: value === "" ? t("one.all") : t(`people.status.${value}`) }))}
        />
        {state.reason && (
          <Button onClick={() => setState({ reason: "" })} icon={<Icon name="close" size={16} />}>
            {why(state.reason)}
          </Button>
        )}
      </Space>
        }
      >
        <DataTable
          name={t("one.messages")}
          prefix="people"
          server
          rows={list.rows}
          rowKey={(row) => row.person}
          to={(row) => placeOf("person", `person:${row.person}`) ?? "/people"}
          problem={list.problem}
          again={list.again}
          more={list.more}
          loadingMore={list.loadingMore}
          plain
          empty={<Empty small title={t("content.nobody")} />}
          columns={[
            { key: "person", title: t("one.person"), value: (row) => row.name ?? row.id ?? row.person },
            { key: "outcome", title: t("one.outcome"), value: (row) => t(`people.status.${row.status}`) },
            { key: "reason", title: t("one.reason"), value: (row) => why(row.reason), wide: true },
            { key: "at", title: t("one.at"), value: (row) => row.done_at, render: (row) => <When at={row.done_at} as="moment" />, wide: true },
          ]}
        />
      </Card>
    </div>
  );
}

function Clone({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation("marketing");
  const go = useNavigate();
  const [to, setTo] = useState(`${name}_2`);
  const clone = useChange("post", "/api/v1/campaigns/{name}/clone", {
    invalidates: [["campaigns"]],
    onDone: (made) => void go(`/marketing/campaigns/${encodeURIComponent(made.name)}/edit`),
  });
  return (
    <Modal
      open
      title={t("one.clone")}
      okText={t("one.clone")}
      confirmLoading={clone.isPending}
      onOk={() => clone.mutate({ params: { path: { name } }, body: { to }, headers: once() })}
      onCancel={onClose}
    >
      <label className={css["field"]}>
        <span>{t("one.cloneName")}</span>
        <Input value={to} spellCheck={false} onChange={(event) => setTo(event.target.value)} />
      </label>
      {clone.error && <FailureLine error={clone.error} />}
    </Modal>
  );
}

