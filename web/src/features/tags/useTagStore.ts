import { useQueryClient } from "@tanstack/react-query";

import { answer, api, once } from "../../lib/api";

/** What is done to a tag's file beside its text. */
export function useTagStore(key: string) {
  const client = useQueryClient();
  const changed = async () => {
    await Promise.all([["tags"], ["definitions"], ["expressions"]].map((queryKey) => client.invalidateQueries({ queryKey })));
  };
  return {
    /** Whatever is kept of tags is asked anew. */
    changed,
    /** Takes the latest edit back; the answer says whether the tag is there then. */
    undo: async () => {
      const done = await answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path: { kind: "tags", name: key } }, headers: once() }));
      await changed();
      return done.there;
    },
  };
}
