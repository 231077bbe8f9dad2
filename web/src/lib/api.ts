import {
  type InvalidateOptions,
  type InvalidateQueryFilters,
  type Query,
  QueryCache,
  QueryClient,
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type UseQueryOptions,
} from "@tanstack/react-query";
import createClient, { type FetchOptions, type MaybeOptionalInit } from "openapi-fetch";
import type { FilterKeys, HttpMethod, PathsWithMethod, RequiredKeysOf } from "openapi-typescript-helpers";

import { asProblem, Problem, problemOf } from "./problem";
import type { paths } from "./schema";
import { expired, session } from "./session";

export { asProblem, Problem };

/** The typed client. Prefer the hooks below; use it through `answer` where a hook does not fit. */
export const api = createClient<paths>({ credentials: "same-origin" });

api.use({
  onRequest({ request }) {
    const token = session()?.csrf;
    if (token && request.method !== "GET") request.headers.set("x-csrf-token", token);
  },
  async onResponse({ response }) {
    if (response.ok) return;
    const problem = await problemOf(response);
    if (problem.status === 401) expired();
    throw problem;
  },
  onError: ({ error }) => asProblem(error),
});

/** The data of a call made with `api`. Throws Problem. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/** A header that makes repeating an effect harmless: one key for one intention, kept across tries. */
export function once(key: string = crypto.randomUUID()): { "Idempotency-Key": string } {
  return { "Idempotency-Key": key };
}

type Verb = Extract<HttpMethod, "get" | "put" | "post" | "delete" | "patch">;
export type PathOf<M extends Verb> = PathsWithMethod<paths, M>;
type Operation<M extends Verb, P extends PathOf<M>> = P extends keyof paths ? (M extends keyof paths[P] ? paths[P][M] : never) : never;
type Good<O> = O extends { responses: infer R } ? R[Extract<keyof R, 200 | 201 | 202>] : never;

/** What the API answers at a path: `Answer<"/api/v1/jobs">`, `Answer<"/api/v1/session", "post">`. */
export type Answer<P extends PathOf<M>, M extends Verb = "get"> =
  Good<Operation<M, P>> extends { content: { "application/json": infer T } } ? T : unknown;

/** What the API takes at a path: path, query and body parameters. */
export type Asked<P extends PathOf<M>, M extends Verb = "get"> = MaybeOptionalInit<paths[P], M>;

type Init<P extends PathOf<M>, M extends Verb> = MaybeOptionalInit<paths[P], M>;
type Args<P extends PathOf<"get">, More> =
  RequiredKeysOf<FetchOptions<FilterKeys<paths[P], "get">>> extends never ? [init?: Init<P, "get">, more?: More] : [init: Init<P, "get">, more?: More];

interface Loose {
  data?: unknown;
}
type LooseCall = (path: string, init?: object) => Promise<Loose>;
const calls: Record<Verb, LooseCall> = {
  get: api.GET as unknown as LooseCall,
  put: api.PUT as unknown as LooseCall,
  post: api.POST as unknown as LooseCall,
  delete: api.DELETE as unknown as LooseCall,
  patch: api.PATCH as unknown as LooseCall,
};

/** The key under which an answer is kept: give its beginning to `invalidates` to have it asked anew. */
export function keyOf(path: string, init?: unknown): QueryKey {
  const params: unknown = typeof init === "object" && init !== null ? Reflect.get(init, "params") : undefined;
  const body: unknown = typeof init === "object" && init !== null ? Reflect.get(init, "body") : undefined;
  return [...path.split("/").slice(3), params ?? null, body ?? null];
}

type Watched<T> = Omit<UseQueryOptions<T, Problem>, "queryKey" | "queryFn">;

/** The answer to a GET, kept and shared: `useAnswer("/api/v1/jobs", { params: { query: { status: "running" } } })`. */
export function useAnswer<P extends PathOf<"get">>(path: P, ...[init, more]: Args<P, Watched<Answer<P>>>) {
  return useQuery<Answer<P>, Problem>({
    queryKey: keyOf(path, init),
    queryFn: ({ signal }) => answer(calls.get(path, { ...(init), signal })) as Promise<Answer<P>>,
    ...more,
  });
}

/** The answer to a POST that only asks (counts, checks, previews), kept by what was asked. */
export function useAsked<P extends PathOf<"post">>(path: P, init: Init<P, "post">, more?: Watched<Answer<P, "post">>) {
  return useQuery<Answer<P, "post">, Problem>({
    queryKey: keyOf(path, init),
    queryFn: ({ signal }) => answer(calls.post(path, { ...(init as object), signal })) as Promise<Answer<P, "post">>,
    ...more,
  });
}

/** A list in pages of `limit` rows that follow each other by cursor; `rows` is what has come so far. */
export function useRows<P extends PathOf<"get">, Row>(
  path: P,
  pick: (answer: Answer<P>) => readonly Row[],
  init?: Init<P, "get">,
  more: { limit?: number; enabled?: boolean; refetchInterval?: number | false } = {},
) {
  const { limit = 50, ...rest } = more;
  const given = (init ?? {}) as { params?: { query?: object } };
  const found = useInfiniteQuery({
    queryKey: [...keyOf(path, init), "rows", limit],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) =>
      answer(
        calls.get(path, {
          ...given,
          params: { ...given.params, query: { ...given.params?.query, limit, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ) as Promise<Answer<P>>,
    getNextPageParam: (page) => nextOf(page),
    ...rest,
  });
  return {
    rows: found.data?.pages.flatMap((page) => [...pick(page)]),
    first: found.data?.pages[0],
    loading: found.isPending && found.fetchStatus !== "idle",
    problem: found.error as Problem | null,
    again: () => void found.refetch(),
    more: found.hasNextPage ? () => void found.fetchNextPage() : undefined,
    loadingMore: found.isFetchingNextPage,
    updatedAt: found.dataUpdatedAt,
  };
}

function nextOf(page: unknown): string | undefined {
  const next: unknown = typeof page === "object" && page !== null ? Reflect.get(page, "next") : undefined;
  return typeof next === "string" && next ? next : undefined;
}

/** Changes something. What is kept under `invalidates` (by default: the path's noun) is asked anew when it is done. */
export function useChange<M extends Exclude<Verb, "get">, P extends PathOf<M>>(
  method: M,
  path: P,
  { invalidates, onDone }: { invalidates?: QueryKey[]; onDone?: (answer: Answer<P, M>) => void } = {},
) {
  const client = useQueryClient();
  return useMutation<Answer<P, M>, Problem, Init<P, M>>({
    mutationFn: (init) => answer(calls[method](path, init)) as Promise<Answer<P, M>>,
    onSuccess: async (done) => {
      const keys = invalidates ?? [[path.split("/")[3] ?? ""]];
      if (jobOf(done)) keys.push(["jobs"]);
      await Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
      onDone?.(done);
    },
  });
}

/** The id of the job that an answer began, if it began one. */
export function jobOf(done: unknown): string | undefined {
  const job: unknown = typeof done === "object" && done !== null ? Reflect.get(done, "job") : undefined;
  return typeof job === "string" && job ? job : undefined;
}

export type Job = Answer<"/api/v1/jobs/{id}">;

export function ended(job: Job): boolean {
  return job.status !== "waiting" && job.status !== "running";
}

/** A job as it goes: asked once a second until it ends. Pass undefined while there is none. */
export function useJob(id: string | undefined) {
  return useAnswer(
    "/api/v1/jobs/{id}",
    { params: { path: { id: id ?? "" } } },
    { enabled: !!id, refetchInterval: ({ state }) => (state.data && ended(state.data) ? false : 1_000) },
  );
}

class Answers extends QueryClient {
  /** As of every QueryClient; and a first answer that is still on its way is asked for again, since it may say how things were before. */
  override async invalidateQueries(filters: InvalidateQueryFilters = {}, options?: InvalidateOptions) {
    const first = (query: Query) => query.isActive() && query.state.data === undefined;
    const left = filters.refetchType === "none" ? [] : this.getQueryCache().findAll(filters).filter(first);
    if (left.length) await Promise.all(left.map((query) => query.cancel({ revert: true })));
    await super.invalidateQueries(filters, options);
  }
}

/**
 * A fresh store of answers with this application's habits: what was refused is not asked again by itself, and
 * whatever a job may have changed is asked anew when the job ends.
 */
export function makeQueryClient(): QueryClient {
  const going = new Set<string>();
  const over = new Set<string>();
  const queryCache = new QueryCache({
    onSuccess: (found, { queryKey }) => {
      if (queryKey[0] !== "jobs") return;
      const before = over.size;
      // One job is asked for by whoever began it, and may have ended at once; of a list only those seen going count.
      const [jobs, listed] = queryKey[1] === "{id}" ? [[found as Job], false] : [(found as Answer<"/api/v1/jobs">).jobs, true];
      for (const job of jobs) {
        if (!ended(job)) going.add(job.id);
        else if (!listed || going.has(job.id)) over.add(job.id);
      }
      if (over.size === before) return;
      // What a form was filled from stays as it was while the form is open, so that nothing typed is lost.
      const held = (query: Query) => query.observers.some(({ options }) => options.refetchOnWindowFocus === false);
      void client.invalidateQueries({ refetchType: "none", predicate: (query) => query.queryKey[0] !== "jobs" && held(query) });
      void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "jobs" && !held(query) });
    },
  });
  const client = new Answers({
    queryCache,
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        gcTime: 600_000,
        refetchOnWindowFocus: true,
        networkMode: "always", // the server may stand in the same house, or on this machine: it is there without the Internet
        retry: (times, error) => {
          const { status } = asProblem(error);
          return (status === 0 || status === 502 || status === 503 || status === 504) && times < 2;
        },
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return client;
}
