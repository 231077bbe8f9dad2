
import { JobProgress } from "../../components/JobProgress";
import { FailureLine } from "../../components/States";
import { ended, once, useAnswer, useChange, useJob } from "../../lib/api";

/** Computes tags, and shows the computing that is under way, whoever began it. */
export function useTagRun() {
  const others = useAnswer("/api/v1/jobs", { params: { query: { status: "running", limit: 20 } } });
  const begin = useChange("post", "/api/v1/tags/run", { invalidates: [] });
  const begun = begin.data?.job ?? others.data?.jobs.find((job) => job.verb === "tag run")?.id;
  const job = useJob(begun);
  const over = job.data ? ended(job.data) : false;
  const failed = job.data?.status === "failed";
  return {
    busy: begin.isPending || (begun !== undefined && !over),
    start: (keys: string[]) => begin.mutate({ body: { keys, as_of: "", full: false }, headers: once() }),
    progress: begin.error ? <FailureLine error={begin.error} /> : job.data && (!over || failed) ? <JobProgress job={job.data} stays /> : null,
  };
}
