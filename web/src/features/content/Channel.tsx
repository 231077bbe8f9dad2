import { Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { Copy, CopyButton } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import parts from "../../components/parts.module.css";
import { SendToMe } from "../../components/SendToMe";
import { Failure, FailureLine, Shown } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useAsked } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { MEANINGS } from "../settings/meanings";
import css from "./content.module.css";

type Checked = Answer<"/api/v1/channels/{kind}/check", "post">;
type Point = Checked["points"][number];

const SETTINGS: readonly Point["what"][] = ["setting", "secret", "public_url"];
const ICONS = { ok: "check", missing: "plus", wrong: "warning", unknown: "info" } as const;

/** A channel from nothing to a message that arrives: its settings, what the platform needs, a check, a message to oneself. */
export default function Channel() {
  const { kind = "" } = useParams();
  const { t } = useTranslation("content");
  const needs = useAnswer("/api/v1/channels/{kind}/needs", { params: { path: { kind } } }, { refetchInterval: 10_000 });
  const above = [{ to: "/content/channels", title: t("channels") }];
  if (needs.error && !needs.data)
    return (
      <Page title={kind} above={above}>
        <Failure error={needs.error} retry={() => void needs.refetch()} />
      </Page>
    );
  return (
    <Shown of={needs} shape="page">
      {(found) => (
        <Page title={t(`setup.channel.${found.kind}`)} description={t("setup.note")} above={above} actions={<span className={parts["status"]} data-status={found.ready ? "good" : "warn"} role="status">{t(found.ready ? "setup.ready" : "setup.notReady")}</span>}>
          <Settings found={found} />
          <Platform points={found.points.filter((point) => point.what === "address")} />
          <Check kind={kind} />
          <Try kind={found.kind} ready={found.ready} />
        </Page>
      )}
    </Shown>
  );
}

/** What limner.toml and the environment hold, and the lines that are missing. */
function Settings({ found }: { found: Checked }) {
  const { t } = useTranslation("content");
  const points = found.points.filter((point) => SETTINGS.includes(point.what));
  return (
    <Card title={t("setup.settings")} note={t("setup.settingsNote")}>
      <div className={parts["form"]}>
        <Points points={points} />
        {found.toml && (
          <>
            <Copy title={t(found.ready ? "setup.tomlMore" : "setup.toml")} text={found.toml} />
            <p className={parts["faint"]}>{t("setup.tomlNote")}</p>
          </>
        )}
        {found.environment && (
          <>
            <Copy title={t("setup.environment")} text={found.environment} />
            <p className={parts["faint"]}>{t("setup.environmentNote")}</p>
          </>
        )}
      </div>
    </Card>
  );
}

/** The addresses of this server that the platform must be told. */
function Platform({ points }: { points: readonly Point[] }) {
  const { t } = useTranslation("content");
  if (points.length === 0) return null;
  return (
    <Card title={t("setup.platform")} note={t("setup.platformNote")}>
      <ul className={css["points"]}>
        {points.map((point) => (
          <li key={point.name}>
            <span className={css["point"]} data-state={point.state === "missing" ? "missing" : "unknown"}>
              <Icon name={point.state === "missing" ? "plus" : "link"} size={16} />
            </span>
            <div>
              <strong>{t(`setup.address.${point.name}`, { defaultValue: point.name })}</strong>
              <p className={parts["row"]}>
                <code className={css["wrap"]}>{point.fix}</code>
                <CopyButton text={point.fix} />
              </p>
              {point.state === "missing" && <p className={parts["faint"]}>{t("setup.addressMissing")}</p>}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** The real check: it connects, signs in, and asks the names of the domain; nothing is sent. */
function Check({ kind }: { kind: string }) {
  const { t } = useTranslation("content");
  const may = useMay("operator");
  const [asked, setAsked] = useState(0);
  const found = useAsked("/api/v1/channels/{kind}/check", { params: { path: { kind } }, body: { offline: false } }, { enabled: asked > 0, retry: false, staleTime: 0, refetchOnWindowFocus: false });
  const said = found.data?.points.filter((point) => !SETTINGS.includes(point.what) && point.what !== "address") ?? [];
  return (
    <Card title={t("setup.check")} note={t("setup.checkNote")}>
      <div className={parts["form"]}>
        {may ? (
          <Button
            type="primary"
            style={{ alignSelf: "start" }}
            loading={found.isFetching}
            onClick={() => {
              setAsked(asked + 1);
              if (asked > 0) void found.refetch();
            }}
          >
            {t(found.data ? "setup.again" : "setup.go")}
          </Button>
        ) : (
          <p className={parts["faint"]}>{t("setup.role")}</p>
        )}
        {found.error && <FailureLine error={found.error} />}
        {found.data && !found.isFetching && (
          <div role="status" className={parts["form"]}>
            {said.length > 0 ? <Points points={said} /> : <p className={parts["faint"]}>{t("setup.nothingToAsk")}</p>}
          </div>
        )}
      </div>
    </Card>
  );
}

/** Each point with its state, what it means, and what to do. */
function Points({ points }: { points: readonly Point[] }) {
  const { t } = useTranslation("content");
  const { language } = usePreferences();
  return (
    <ul className={css["points"]}>
      {points.map((point) => {
        const about = (language === "zh" ? MEANINGS[point.name] : undefined) ?? point.about.replaceAll("`", "");
        const state = point.state === "missing" && point.need === "should" ? "optional" : point.state;
        return (
          <li key={`${point.what} ${point.name}`}>
            <span className={css["point"]} data-state={state}>
              <Icon name={ICONS[point.state]} size={16} />
            </span>
            <div>
              <p className={parts["row"]}>
                <strong className={css["wrap"]}>{point.what === "setting" || point.what === "secret" || point.what === "public_url" || point.what === "hook" ? point.name : t(`setup.what.${point.what}`)}</strong>
                <span className={state === "ok" ? parts["good"] : state === "optional" ? parts["faint"] : parts["bad"]}>{t(`setup.state.${state}`)}</span>
              </p>
              {point.what === "secret" && <p className={parts["faint"]}>{t("setup.secret")}</p>}
              {about && <p className={parts["faint"]}>{about}</p>}
              {point.message && <p className={css["wrap"]}>{point.message}</p>}
              {point.place === "dns" && point.state !== "ok" && point.fix && <Copy title={t("dnsPublish", { name: point.name })} text={point.fix} />}
              {point.place !== "dns" && point.state === "wrong" && point.fix && <Copy title={t("setup.do")} text={point.fix} />}
              {point.what === "login" && point.state === "wrong" && <p className={parts["faint"]}>{t("setup.loginHelp")}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** A message to oneself: of e-mail a line that is written here, of the other channels one of their templates. */
function Try({ kind, ready }: { kind: Checked["kind"]; ready: boolean }) {
  const { t } = useTranslation("content");
  const may = useMay("operator");
  const [chosen, setChosen] = useState("");
  const listed = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } }, { enabled: kind !== "webhooks" && kind !== "email" });
  if (kind === "webhooks")
    return (
      <Card title={t("setup.next")}>
        <Link to="/content/webhooks">{t("setup.webhooks")}</Link>
      </Card>
    );
  const fitting = listed.data?.templates.filter((one) => one.kind === kind) ?? [];
  const name = chosen || (fitting[0]?.name ?? "");
  const rest = { message_class: "service", person: "", language: "" } as const;
  const of = kind === "email" ? ({ ...rest, name: "", body: `<p>${t("setup.mailText")}</p>`, kind: "html", subject: t("setup.mailSubject") } as const) : ({ ...rest, name, body: "", kind: "", subject: "" } as const);
  return (
    <Card title={t("send")}>
      <div className={parts["form"]}>
        {kind !== "email" && listed.data && fitting.length === 0 && <p className={parts["faint"]}>{t("setup.tryNone")}</p>}
        {may && fitting.length > 0 && <Select style={{ maxWidth: 340 }} aria-label={t("setup.tryTemplate")} value={name} onChange={setChosen} options={fitting.map((one) => ({ value: one.name, label: one.name }))} />}
        {may && (kind === "email" || fitting.length > 0) && <SendToMe channel={kind} ready={ready} go={(to) => answer(api.POST("/api/v1/templates/send", { body: { ...of, channel: kind, to }, headers: once() }))} />}
        {!ready && <span className={parts["faint"]}>{t("setup.first")}</span>}
        {kind !== "email" && (
          <div className={parts["row"]}>
            <Link to="/content">{t("setup.template")}</Link>
            <Link to="/marketing">{t("setup.campaign")}</Link>
          </div>
        )}
      </div>
    </Card>
  );
}
