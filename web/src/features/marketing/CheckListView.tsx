import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { useFormat } from "../../lib/useFormat";
import type en from "./en";
import css from "./marketing.module.css";
import { useReason } from "./useReason";
import { type CheckList, daysOf } from "./words";

type Item = CheckList["items"][number];

/** Everything that stands between a campaign and its people, in words. */
export function CheckListView({ items }: { items: readonly Item[] }) {
  const { t } = useTranslation("marketing");
  const say = useItemWords();
  return (
    <ul className={css["checks"]} aria-label={t("check.title")}>
      {items.map((item, index) => (
        <li key={`${item.code}${index}`}>
          <span data-state={item.state} title={t(`check.state.${item.state}`)}>
            <Icon name={item.state === "ok" ? "check" : item.state === "warn" ? "info" : "warning"} />
          </span>
          <span>
            <span className="unseen">{t(`check.state.${item.state}`)}: </span>
            {say(item)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function useItemWords(): (item: Item) => string {
  const { t } = useTranslation("marketing");
  const why = useReason();
  const format = useFormat();
  return ({ code, state, numbers, words }) => {
    const n = (key: string) => format.exact(numbers[key], 0);
    const w = (key: string) => words[key] ?? "";
    switch (code) {
      case "definition":
        return t("check.definition", { message: w("message") });
      case "audience":
        if (w("message")) return t("check.audienceBad", { audience: w("audience"), message: w("message") });
        return state === "ok" ? t("check.audience", { people: n("people"), audience: w("audience") }) : t("check.audienceEmpty", { audience: w("audience") });
      case "scene":
        return w("message") ? t("check.sceneBad", { scene: w("scene") }) : t("check.scene", { scene: w("scene") });
      case "entry":
        return t("check.entry");
      case "content":
        if (numbers["sample"] === undefined) return t("check.contentBad", { message: w("message") });
        return state === "ok"
          ? t("check.content", { template: w("template"), sample: n("sample") })
          : t("check.contentSome", { missing: n("missing"), sample: n("sample"), message: w("message") });
      case "channel": {
        const channel = t(`channel.${w("channel") as keyof typeof en.channel}`);
        return state === "ok" ? t("check.channel", { channel }) : t("check.channelBad", { channel, keys: w("keys") });
      }
      case "consent":
        return state === "ok" ? t("check.consent") : t("check.consentSome", { people: n("people"), audience: n("audience") });
      case "address":
        return state === "ok" ? t("check.address") : t("check.addressSome", { people: n("people"), audience: n("audience") });
      case "suppressed":
        return t("check.suppressed", { people: n("people"), reason: why(w("reason")) });
      case "cap":
        return numbers["messages"] === undefined ? t("check.capNone") : t("check.cap", { messages: n("messages"), per: `${format.exact(daysOf(w("per")))} ${t("holdout.days")}`, people: n("people") });
      case "quiet_hours":
        if (!w("start")) return t("check.quietNone");
        return w("until") ? t("check.quietNow", { until: format.moment(w("until")) }) : t("check.quiet", { start: w("start"), end: w("end") });
      case "goal":
        return w("message") ? t("check.goalBad", { event: w("event"), message: w("message") }) : t("check.goal");
      case "holdout": {
        if (numbers["holdout"] === 0) return t("check.holdoutNone");
        const rise = numbers["difference"];
        if (rise === null || rise === undefined) return t("check.holdoutUnsure", { held: n("held_out") });
        return t("check.holdout", { held: n("held_out"), points: format.exact(rise * 100, 1) });
      }
      case "tags":
        if (w("never")) return t("check.tagsNever", { names: w("never") });
        if (state === "ok") return t("check.tags", { tags: n("tags"), oldest: format.moment(w("oldest")) });
        return t("check.tagsOld", { names: [w("expired"), w("changed")].filter(Boolean).join(", ") || format.moment(w("oldest")) });
      case "approval":
        return t(`check.approval.${w("given") as keyof typeof en.check.approval}`, { people: n("people"), limit: n("limit") });
    }
  };
}
