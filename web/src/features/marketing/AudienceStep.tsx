import { Checkbox, Input, InputNumber, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";

import { AsOf, Count } from "../../components/Numbers";
import { Card, Figure } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { useAnswer, useAsked } from "../../lib/api";
import { type Channel, CHANNELS, channelOf, channelsOf, saidChannels } from "../../lib/channels";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import css from "./marketing.module.css";
import { refitted } from "./rows";
import { type Fields, inAudience } from "./words";

/** How many people an audience holds now, and how many of them a message can reach. */
const BEST = "best";

export function AudienceCount({ audience, channel, messageClass }: { audience: string; channel: string; messageClass: string }) {
  const { t } = useTranslation("marketing");
  const found = useAsked(
    "/api/v1/campaigns/power",
    {
      body: {
        audience,
        people: -1,
        holdout: 0,
        baseline: -1,
        days: 14,
        event: "",
        metric: "",
        where: "",
        channel: channelsOf(channel).length > 1 ? "" : channelOf(channel),
        message_class: messageClass === "service" ? "service" : "marketing",
      },
    },
    { placeholderData: (last) => last },
  );
  if (found.error) return <FailureLine error={found.error} />;
  return (
    <div className={css["figures"]} aria-live="polite">
      <Figure label={t("audience.inIt")} value={<Count value={found.data?.people} where={inAudience(audience)} />} note={found.data && <AsOf at={found.data.as_of} />} />
      <Figure label={t("audience.reachable")} value={<Count value={found.data?.eligible} />} note={t("audience.reachableNote")} />
    </div>
  );
}

/** To whom: the audience, the channel, the kind of message, and what the campaign is called. */
export function AudienceStep({ name, fields, change }: { name: string; fields: Fields; change: (patch: Partial<Fields>) => void }) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const audiences = useAnswer("/api/v1/audiences", { params: { query: { limit: 200 } } });
  const known = audiences.data?.audiences ?? [];
  const title = fields.title;
  const plain = title[""] ?? "";
  const channels = channelsOf(fields.channel);
  const several = channels.length > 1;
  const go = (next: readonly Channel[]) => {
    const fileOf = (channel: Channel) => fields.templates[channel] ?? (channel === channels[0] && fields.template ? fields.template : channel === "email" ? `${name}.html` : `${name}_${channel}.yml`);
    const first = next[0] ?? "email";
    const variants = refitted(fields.variants, channels, next, fileOf(first)) as Fields["variants"];
    if (next.length > 1) change({ variants, channel: saidChannels(next), template: "", templates: Object.fromEntries(next.map((channel) => [channel, fileOf(channel)])) });
    else if (several) change({ variants, channel: first, template: fileOf(first), templates: {}, response_value: null });
    else change({ channel: first });
  };
  return (
    <div className={css["columns"]}>
      <Card title={t("audience.title")} note={t("audience.note")}>
        <div className={css["form"]}>
          <label className={css["field"]}>
            <span>{t("create.audience")}</span>
            <Select
              aria-label={t("create.audience")}
              showSearch={{ optionFilterProp: "label" }}
              value={fields.audience}
              onChange={(audience) => change({ audience })}
              options={known.map((item) => ({ value: item.name, label: `${titleIn(item.titles, language, item.name)} (${item.name})` }))}
            />
          </label>
          <AudienceCount audience={fields.audience} channel={fields.channel} messageClass={fields.class} />
          <fieldset className={css["field"]}>
            <span className={css["legend"]}>{t("audience.channel")}</span>
            <Radio.Group
              value={several ? BEST : fields.channel}
              onChange={(event) => go(event.target.value === BEST ? [channelOf(fields.channel), channelOf(fields.channel) === "sms" ? "email" : "sms"] : [channelOf(String(event.target.value))])}
              options={[...CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) })), { value: BEST, label: t("foretold.best") }]}
            />
            {several && (
              <>
                <Checkbox.Group<Channel>
                  aria-label={t("foretold.best")}
                  value={[...channels]}
                  onChange={(chosen) => chosen.length > 1 && go(CHANNELS.filter((channel) => chosen.includes(channel)))}
                  options={CHANNELS.map((channel) => ({ value: channel, label: t(`channel.${channel}`) }))}
                />
                <span className={css["faint"]}>{t("foretold.bestNote")}</span>
                <label className={css["row"]}>
                  <span>{t("foretold.value")}</span>
                  <InputNumber aria-label={t("foretold.value")} min={0} value={fields.response_value} onChange={(value) => change({ response_value: value })} />
                </label>
                <span className={css["faint"]}>{t("foretold.valueNote")}</span>
              </>
            )}
          </fieldset>
          <fieldset className={css["field"]}>
            <span className={css["legend"]}>{t("audience.class")}</span>
            <Radio.Group
              value={fields.class}
              onChange={(event) => change({ class: String(event.target.value) })}
              options={[
                { value: "marketing", label: t("class.marketing") },
                { value: "service", label: t("class.service") },
              ]}
            />
          </fieldset>
        </div>
      </Card>
      <Card>
        <div className={css["form"]}>
          {(["en", "zh"] as const).map((at) => (
            <label key={at} className={css["field"]}>
              <span>{t(at === "en" ? "audience.titleEn" : "audience.titleZh")}</span>
              <Input
                value={title[at] ?? plain}
                onChange={(event) => {
                  const others = { en: title["en"] ?? plain, zh: title["zh"] ?? plain };
                  const next = { ...others, [at]: event.target.value };
                  change({ title: Object.fromEntries(Object.entries(next).filter(([, words]) => words)) });
                }}
              />
            </label>
          ))}
          <label className={css["field"]}>
            <span>{t("audience.why")}</span>
            <Input.TextArea value={fields.why} rows={3} placeholder={t("audience.whyPlaceholder")} onChange={(event) => change({ why: event.target.value })} />
          </label>
          <label className={css["field"]}>
            <span>{t("audience.owner")}</span>
            <Input value={fields.owner} onChange={(event) => change({ owner: event.target.value })} />
          </label>
        </div>
      </Card>
    </div>
  );
}
