import { Button } from "antd";
import { useTranslation } from "react-i18next";

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
          <div>
            {t("needs")}
            {channel.missing.map((item) => (
              <Copy key={item.key} title={item.key} text={item.hint} />
            ))}
            {channel.missing.some((item) => item.key === "public_url") && <p className={css["faint"]}>{t("publicUrl")}</p>}
          </div>
        )}
        <Facts
          facts={[
            [t("from"), channel.sender || "–"],
            [t("server"), channel.server],
            [t("secure"), channel.secure],
            [t("rate"), channel.per_second ? t("rateValue", { n: format.exact(channel.per_second) }) : t("rateNone")],
            [t("lastHour"), t("lastHourValue", { sent: format.exact(hour.sent), failed: format.exact(hour.failed), doubt: format.exact(hour.in_doubt) })],
          ]}
        />
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
