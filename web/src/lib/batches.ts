import { useQueryClient } from "@tanstack/react-query";

import { answer, api, ended, type Job, once } from "./api";

const EVERY = 700;

/** The job when it has ended well. Throws with its own words when it has not. */
async function finished(id: string): Promise<Job> {
  for (;;) {
    const job = await answer(api.GET("/api/v1/jobs/{id}", { params: { path: { id } } }));
    if (ended(job)) {
      if (job.status === "done") return job;
      const said: unknown = typeof job.error === "object" && job.error !== null ? Reflect.get(job.error, "message") : null;
      throw new Error(typeof said === "string" ? said : job.status);
    }
    await new Promise((wake) => setTimeout(wake, EVERY));
  }
}

/** Gives values to people and takes them back: each call is over when the values count everywhere. */
export function useBatches() {
  const client = useQueryClient();
  const done = async (id: string) => {
    const job = await finished(id);
    await client.invalidateQueries();
    return (job.answer ?? {}) as { batch?: string | null; changes?: number; changed_total?: number };
  };
  return {
    /** Everything that is shown is asked anew. */
    changed: () => client.invalidateQueries(),
    give: async (key: string, where: string, value: boolean | string | number, until: string) =>
      done(
        (
          await answer(
            api.POST("/api/v1/tags/{key}/give", { params: { path: { key } }, body: { value, until, where, person: "", people: [] }, headers: once() }),
          )
        ).job,
      ),
    undo: async (batch: string) => done((await answer(api.POST("/api/v1/batches/{batch}/undo", { params: { path: { batch } }, headers: once() }))).job),
  };
}
