import { Tooltip } from "antd";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { When } from "../../components/Numbers";
import { useFormat } from "../../lib/useFormat";
import css from "./tags.module.css";

interface Fresh {
  state: "new" | "applied" | "changed" | "expired" | "removed" | "broken";
  as_of: string | null;
  freshness: { stale: boolean; reason: "" | "never" | "expired" | "aside" | "changed" | "overdue"; since: string | null };
}

/** The state in a word, the worst first: "Expired", "Overdue", "Fresh". */
export function useStateWord(): (tag: Fresh) => string {
  const { t } = useTranslation("tags");
  return useCallback((tag) => t(tag.state === "applied" && tag.freshness.reason === "overdue" ? "state.overdue" : tag.freshness.reason === "aside" ? "state.aside" : `state.${tag.state}`), [t]);
}

/** Whether the values are those that should be there now; when they were computed, and since when they are not. */
export function Freshness({ tag }: { tag: Fresh }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const word = useStateWord();
  const reason = tag.state === "broken" || tag.state === "removed" ? tag.state : tag.freshness.reason || "fresh";
  const since = tag.freshness.since;
  const note = since ? `${t(`stateNote.${reason}`)} ${t("since", { when: format.full(since) })}` : t(`stateNote.${reason}`);
  const level = reason === "broken" ? "bad" : reason === "fresh" ? "good" : reason === "never" ? "none" : "warn";
  return (
    <span className={css["fresh"]}>
      <Tooltip title={note} mouseEnterDelay={0.3}>
        <span className={css["state"]} data-level={level}>
          {word(tag)}
        </span>
      </Tooltip>
      {tag.as_of && (
        <span className={css["faint"]}>
          <When at={tag.as_of} />
        </span>
      )}
    </span>
  );
}
