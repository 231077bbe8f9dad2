import { useTranslation } from "react-i18next";

import { HourBars } from "../../components/HourBars";
import { FailureLine, Loading } from "../../components/States";
import { useAsked } from "../../lib/api";
import { channelOf } from "../../lib/channels";
import { useFormat } from "../../lib/useFormat";
import css from "./marketing.module.css";
import { useReason } from "./useReason";

/** When and by what a message would go if it began now: people by the hour of their own clock, and by channel. */
export function Foretold({ message, audience }: { message: Record<string, unknown>; audience: string }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const reason = useReason();
  const found = useAsked("/api/v1/messages/when", { body: { message, audience } }, { placeholderData: (last) => last, retry: false });
  if (found.error) return <FailureLine error={found.error} />;
  const told = found.data;
  if (!told) return <Loading rows={3} />;
  const time = (hour: number) => `${String(hour).padStart(2, "0")}:00`;
  const whose = (["person", "segment", "everybody", "nobody"] as const).filter((one) => told.whose[one] > 0);
  const channels = Object.entries(told.channels);
  return (
    <div className={css["form"]} aria-live="polite">
      <span>
        {t("foretold.goes", { n: format.exact(told.goes_to), of: format.exact(told.looked_at) })}
        {told.looked_at < told.people && ` ${t("foretold.sample", { people: format.exact(told.people) })}`}
      </span>
      {told.within && (
        <>
          <HourBars values={told.hours} label={t("foretold.chart")} said={(hour, value) => t("foretold.bar", { hour: time(hour), n: format.exact(value) })} />
          <span className={css["faint"]}>
            {[...whose.map((one) => t(`foretold.whose.${one}`, { n: format.exact(told.whose[one]) })), told.at_once > 0 && t("foretold.atOnce", { n: format.exact(told.at_once) })].filter(Boolean).join(" · ")}
          </span>
        </>
      )}
      {channels.length > 1 && (
        <ul className={css["faint"]} style={{ margin: 0, paddingInlineStart: 18 }}>
          {channels.map(([channel, n]) => (
            <li key={channel}>{`${t(`channel.${channelOf(channel)}`)}: ${format.exact(n)}`}</li>
          ))}
        </ul>
      )}
      {Object.entries(told.without).map(([why, n]) => (
        <span key={why} className={css["faint"]}>{`${reason(why)}: ${format.exact(n)}`}</span>
      ))}
    </div>
  );
}
