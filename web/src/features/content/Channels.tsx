import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Copy } from "../../components/Copy";
import { Card, Facts, Grid, Page } from "../../components/Page";
import { FailureLine, Shown } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./content.module.css";

type Channel = Answer<"/api/v1/channels">["channels"][number];

/** The ways by which messages leave: set up or not, and what is missing. */
export default function Channels() {
  const { t } = useTranslation("content");
  const found = useAnswer("/api/v1/channels", {}, { refetchInterval: 30_000 });
  return (
    <Page title={t("channels")} description={t("channelsNote")}>
      <Shown of={found} shape="cards" rows={2}>
        {(data) => (
          <Grid least={420}>
            {data.channels.map((channel) => (
              <One key={channel.kind} channel={channel} />
            ))}
          </Grid>
        )}
      </Shown>
    </Page>
  );
}

const KINDS = ["hard", "soft", "complaint", "leaves", "noise", "unclear", "unknown"] as const;

/** How many mails came back, by what they say. */
function Returned() {
  const { t } = useTranslation("content");
  const format = useFormat();
  const found = useAnswer("/api/v1/channels/email/returned", { params: { query: { limit: 1 } } });
  if (!found.data) return null;
  const counts = found.data.counts;
  const said = KINDS.filter((kind) => counts[kind]).map((kind) => `${t(`returnedKind.${kind}`)} ${format.exact(counts[kind] ?? 0)}`);
  return <Facts facts={[[t("returned"), said.join(" · ") || t("returnedNone")]]} />;
}

/** What the sender's domain says of itself, asked when somebody wants to know. */
function Names() {
  const { t } = useTranslation("content");
  const [asks, setAsks] = useState(false);
  const found = useAnswer("/api/v1/channels/email/dns", {}, { enabled: asks, retry: false });
  return (
    <div className={css["form"]}>
      <Button style={{ alignSelf: "start" }} loading={asks && found.isLoading} onClick={() => (asks ? void found.refetch() : setAsks(true))}>
        {t("dnsAsk")}
      </Button>
      {found.error && <FailureLine error={found.error} />}
      {found.data?.checks.map((check) => (
        <div key={check.what} role="status">
          <strong>{check.what}</strong> <span className={css[check.state === "ok" ? "good" : "bad"]}>{t(`dnsState.${check.state}`)}</span>
          <p className={css["faint"]}>{check.message}</p>
          {check.state !== "ok" && check.publish && <Copy title={t("dnsPublish", { name: check.name })} text={check.publish} />}
        </div>
      ))}
    </div>
  );
}

function One({ channel }: { channel: Channel }) {
  const { t } = useTranslation("content");
  const format = useFormat();
  const may = useMay("operator");
  const test = useChange("post", "/api/v1/channels/{kind}/test", { invalidates: [] });
  const hour = channel.last_hour;
  return (
    <Card title={t(`channel.${channel.kind}`)} extra={<span className={channel.configured ? css["good"] : css["bad"]}>{t(channel.configured ? "ready" : "notReady")}</span>}>
      <div className={css["form"]}>
        {channel.missing.length > 0 && (
          <p>
            {t("needs")} <span className={css["faint"]}>{format.list(channel.missing.map((item) => item.key))}</span>
          </p>
        )}
        <Link to={`/content/channels/${channel.kind}`}>{t("setup.open")}</Link>
        <Facts
          facts={[
            [t("from"), channel.sender || "–"],
            [t("server"), channel.server || "–"],
            [t("secure"), channel.secure || "–"],
            [t("rate"), channel.per_second ? t("rateValue", { n: format.exact(channel.per_second) }) : t("rateNone")],
            [t("lastHour"), t("lastHourValue", { sent: format.exact(hour.sent), failed: format.exact(hour.failed), doubt: format.exact(hour.in_doubt) })],
          ]}
        />
        {channel.kind === "email" && channel.configured && <Returned />}
        {channel.kind === "email" && channel.configured && may && <Names />}
        {may && (
          <>
            <div className={css["row"]}>
              <Button loading={test.isPending} onClick={() => test.mutate({ params: { path: { kind: channel.kind } }, body: {}, headers: once() })}>
                {t("test")}
              </Button>
              {test.data && (
                <span role="status" className={test.data.ok ? css["good"] : css["bad"]}>
                  {t(test.data.ok ? "testOk" : "testBad", { message: test.data.message })}
                </span>
              )}
            </div>
            {test.error && <FailureLine error={test.error} />}
            <span className={css["faint"]}>{t("testNote")}</span>
          </>
        )}
      </div>
    </Card>
  );
}
