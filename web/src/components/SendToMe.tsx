import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Answer } from "../lib/api";
import { useSession } from "../lib/session";
import { useAct } from "../lib/useAct";
import parts from "./parts.module.css";
import { FailureLine } from "./States";
import { useSaid } from "../lib/useSaid";

type Told = Answer<"/api/v1/templates/send", "post">;

/** A real message to an address of the person at the screen; what the channel said, and whether somebody must let it go. */
export function SendToMe({ channel, ready = true, go }: { channel: string; ready?: boolean; go: (to: string) => Promise<Told> }) {
  const { t } = useTranslation();
  const own = useSession().user.login;
  const [to, setTo] = useState(channel === "email" && own.includes("@") ? own : "");
  const [told, setTold] = useState<Told | null>(null);
  const say = useSaid();
  const { busy, error, act } = useAct();
  const address = t(`toMe.address.${channel}`, { defaultValue: t("toMe.address.other") });
  return (
    <form
      className={parts["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        if (!to.trim()) return;
        setTold(null);
        void act(async () => setTold(await go(to)));
      }}
    >
      <div className={parts["row"]}>
        <Input style={{ flex: 1, minWidth: 160, maxWidth: 340 }} type={channel === "email" ? "email" : "text"} aria-label={address} placeholder={address} value={to} onChange={(event) => setTo(event.target.value)} />
        <Button htmlType="submit" loading={busy} disabled={!ready || !to.trim()}>
          {t("toMe.send")}
        </Button>
      </div>
      {told && (
        <span role="status" className={told.outcome === "accepted" ? parts["good"] : parts["bad"]}>
          {told.outcome !== "accepted" ? t("toMe.sentNot", { outcome: t(`toMe.outcome.${told.outcome}`, { defaultValue: told.outcome }), reason: say(told.reason) }) : t(told.confirmed ? "toMe.sent" : "toMe.waits", { to: told.to })}
        </span>
      )}
      {error !== null && <FailureLine error={error} />}
      <span className={parts["faint"]}>{t(`toMe.note.${channel}`, { defaultValue: t("toMe.note.other") })}</span>
    </form>
  );
}
