import { Button, Progress } from "antd";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { ended, type Job, useChange, useJob } from "../lib/api";
import { Problem } from "../lib/problem";
import { useFormat } from "../lib/useFormat";
import css from "./job.module.css";
import { Failure, FailureLine, Loading } from "./States";

/** What a job is called: "Computing tags". */
export function useJobName(): (job: Pick<Job, "verb" | "subject">) => string {
  const { t } = useTranslation();
  return useCallback(
    (job) => {
      const verbs: Record<string, string> = t("job.verbs", { returnObjects: true });
      const name = verbs[job.verb] ?? job.verb;
      return job.subject ? `${name} · ${job.subject}` : name;
    },
    [t],
  );
}

/** A job as it goes: what it does, how far it is, when it will end, how it ended; and a way to stop it. */
export function JobProgress({ job, stays }: { job: Job; stays?: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const nameOf = useJobName();
  const stop = useChange("post", "/api/v1/jobs/{id}/cancel", { invalidates: [["jobs"]] });
  const over = ended(job);
  const share = job.total > 0 ? Math.min(1, job.done / job.total) : undefined;
  const said = [
    t(`job.${job.status}`),
    !over && job.total > 0 ? `${format.exact(job.done)} / ${format.exact(job.total)}` : "",
    !over && typeof job.eta_seconds === "number" ? t("job.left", { time: format.duration(Math.ceil(job.eta_seconds)) }) : "",
    over ? format.ago(job.ended_at) : "",
  ];
  return (
    <div className={css["job"]} role="group" aria-label={nameOf(job)}>
      <div className={css["row"]}>
        <span className={css["name"]}>{nameOf(job)}</span>
        {!over && (
          <Button size="small" loading={stop.isPending} disabled={stop.isSuccess} onClick={() => stop.mutate({ params: { path: { id: job.id } } })}>
            {stop.isSuccess ? t("job.stopping") : t("job.stop")}
          </Button>
        )}
      </div>
      {!over && (
        <Progress
          percent={share === undefined ? 100 : Math.floor(share * 100)}
          status={share === undefined ? "active" : "normal"}
          showInfo={share !== undefined}
          size="small"
          aria-label={nameOf(job)}
        />
      )}
      {job.what && !over && <div className={css["what"]}>{job.what}</div>}
      <div className={css["said"]} data-status={job.status}>
        {said.filter(Boolean).join(" · ")}
      </div>
      {job.status === "failed" && <FailureLine error={failureOf(job)} />}
      {stop.error && <FailureLine error={stop.error} />}
      {stays && !over && <div className={css["what"]}>{t("job.stays")}</div>}
    </div>
  );
}

/** The same for a job that is known by its id: it follows it to its end. */
export function JobOf({ id }: { id: string }) {
  const job = useJob(id);
  if (job.data) return <JobProgress job={job.data} stays />;
  if (job.error) return <Failure small error={job.error} retry={() => void job.refetch()} />;
  return <Loading rows={2} />;
}

/** How the job failed, as any other refusal. */
export function failureOf(job: Pick<Job, "verb" | "error">): Problem {
  return new Problem(job.error?.message || job.verb, { code: job.error?.code ?? "failed", status: 500 });
}
