import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";

import { type Answer, answer, api, type Problem } from "../../../lib/api";
import { useDebounced } from "../../../lib/useDebounced";
import type { Tree } from "./model";

export type Counted = Answer<"/api/v1/audiences/count", "post">;

/** Edits within this time are counted as of the same instant, so that their numbers differ by the edit alone. */
const SAME_INSTANT_MS = 5 * 60_000;

/**
 * How many people the tree holds and what each part does, asked anew a moment after it changed.
 *
 * While the new numbers come, the old ones stay (`stale`); a request that is no longer wanted is given up.
 */
export function useCount(tree: Tree | null, enabled = true) {
  const client = useQueryClient();
  const pinned = useRef<{ at: string; since: number } | null>(null);
  const [turn, setTurn] = useState(0);
  const written = tree === null ? "true" : JSON.stringify(tree);
  const asked = useDebounced(written, 120);
  const found = useQuery<Counted, Problem>({
    queryKey: ["audiences", "count", asked, turn],
    queryFn: async ({ signal }) => {
      const pin = pinned.current;
      const kept = pin !== null && Date.now() - pin.since < SAME_INSTANT_MS ? pin.at : "";
      const counted = await answer(
        api.POST("/api/v1/audiences/count", { body: { tree: JSON.parse(asked) as unknown, expression: "", view: "true", as_of: kept }, signal }),
      );
      // Tags that were published since are newer than the instant: the next count takes them as they are.
      const overtaken = counted.tags_as_of !== null && counted.tags_as_of > counted.as_of;
      if (!kept || overtaken) pinned.current = overtaken ? null : { at: counted.as_of, since: Date.now() };
      return counted;
    },
    enabled,
    placeholderData: (last) => last,
    staleTime: SAME_INSTANT_MS,
    refetchOnWindowFocus: false,
  });
  const again = useCallback(() => {
    pinned.current = null;
    client.removeQueries({ queryKey: ["audiences", "count"], type: "inactive" });
    setTurn((last) => last + 1);
  }, [client]);
  const stale = asked !== written || found.isPlaceholderData || found.isFetching;
  return { counted: found.data, problem: found.error, stale, again, settled: !stale && found.data !== undefined };
}
