import { Button, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { ConfirmCount } from "../../components/Confirm";
import { Copy } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { When } from "../../components/Numbers";
import { Card, Figure, Grid, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import { Shown } from "../../components/States";
import { type Answer, useAnswer, useChange } from "../../lib/api";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { useReason } from "./Frame";
import { freshKeys } from "./fresh";
import { snippetsOf } from "./snippets";

type Checked = Answer<"/api/v1/sources/{name}/check">;

const PLACE = "YOUR_WRITE_KEY";

/** One source: whether its first event has come, what became of the others, and code that sends to it. */
export default function Source() {
  const { t } = useTranslation("data");
  const { name = "" } = useParams();
  const admin = useMay("admin");
  const [key, setKey] = useState(() => freshKeys.of(name));
  const found = useAnswer(
    "/api/v1/sources/{name}/check",
    { params: { path: { name } } },
    { staleTime: 0, refetchInterval: ({ state }) => (state.data?.received_first_event ? 10_000 : 2_000) },
  );
  const show = (write_key: string) => {
    freshKeys.keep(name, write_key);
    setKey(write_key);
  };
  return (
    <Page
      title={name}
      above={[{ to: "/data/sources", title: t("sources.title") }]}
      actions={admin && found.data && <Actions source={found.data} shown={show} />}
    >
      <Shown of={found} shape="page">
        {(source) => (
          <>
            <Light source={source} />
            {key && <Fresh name={name} secret={key} forget={() => setKey(undefined)} />}
            <Grid least={400}>
              <Card title={t("source.counts")} note={t("countersNote")}>
                <Figures source={source} />
              </Card>
              <Card title={t("source.lately")}>
                <Lately source={source} />
              </Card>
            </Grid>
            <Send secret={key} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Light({ source }: { source: Checked }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const state = !source.enabled ? "off" : source.received_first_event ? "here" : source.kind === "import" ? "files" : "waiting";
  const notes = {
    off: "",
    files: t("source.filesNote"),
    waiting: t("source.waitingNote"),
    here: t("source.hereNote", { count: source.stored, exact: format.exact(source.stored), last: format.ago(source.last_event_at) }),
  };
  const titles = { off: t("source.offNote"), files: t("source.files"), waiting: t("source.waiting"), here: t("source.here") };
  return (
    <div className={css["light"]} data-state={state} role="status" aria-live="polite">
      <span className={css["lamp"]} aria-hidden="true">
        {state === "here" && <Icon name="check" size={16} />}
      </span>
      <div>
        <strong>{titles[state]}</strong>
        {notes[state] && <p>{notes[state]}</p>}
      </div>
    </div>
  );
}

function Fresh({ name, secret, forget }: { name: string; secret: string; forget: () => void }) {
  const { t } = useTranslation("data");
  return (
    <Card title={t("source.keyOnce")} note={t("source.keyOnceNote")}>
      <div className={css["stack"]}>
        <Copy text={secret} />
        <span className={css["buttons"]}>
          <Button
            onClick={() => {
              freshKeys.forget(name);
              forget();
            }}
          >
            {t("source.kept")}
          </Button>
        </span>
      </div>
    </Card>
  );
}

function Figures({ source }: { source: Checked }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  return (
    <div className={css["figures"]}>
      {(["received", "stored", "duplicate", "quarantined", "rejected"] as const).map((name) => (
        <Figure key={name} label={t(`counters.${name}`)} value={format.exact(source[name])} />
      ))}
    </div>
  );
}

function Lately({ source }: { source: Checked }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const say = useReason();
  const operator = useMay("operator");
  return (
    <>
      {source.aside_lately.length === 0 && <p className={css["quiet"]}>{t("source.latelyNone")}</p>}
      <ul className={css["plain"]}>
        {source.aside_lately.map((item) => (
          <li key={item.code}>
            <strong>{format.exact(item.n)}</strong> {say(item.code)} · <When at={item.last_at} />
            <p className={css["quiet"]}><Said of={item.message} /></p>
          </li>
        ))}
      </ul>
      {operator && source.aside_lately.length > 0 && <Link to={`/data/quarantine?${new URLSearchParams({ source: source.name }).toString()}`}>{t("source.see")}</Link>}
      {source.refused.length > 0 && (
        <>
          <h3 className={css["small"]}>{t("source.refused")}</h3>
          <ul className={css["plain"]}>
            {source.refused.map((item) => (
              <li key={item.code}>
                <strong>{format.exact(item.n)}</strong> {say(item.code)}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Send({ secret }: { secret: string | undefined }) {
  const { t } = useTranslation("data");
  const [chosen, setChosen] = useState("web");
  const listed = snippetsOf(window.location.origin, secret ?? PLACE, { web: t("source.web"), webPlain: t("source.webPlain") });
  const shown = listed.find((item) => item.key === chosen) ?? listed[0];
  return (
    <Card title={t("source.send")} note={secret ? t("source.sendNote") : t("source.sendNoKey", { place: PLACE })}>
      <div className={css["stack"]}>
        <div className={css["scroll"]}>
          <Segmented value={chosen} onChange={setChosen} aria-label={t("source.send")} options={listed.map((item) => ({ value: item.key, label: item.title }))} />
        </div>
        {shown && <Copy key={shown.key} title={shown.title} text={shown.text} />}
      </div>
    </Card>
  );
}

function Actions({ source, shown }: { source: Checked; shown: (key: string) => void }) {
  const { t } = useTranslation("data");
  const [asked, setAsked] = useState<"rotate" | "disable" | null>(null);
  const changed = { invalidates: [["sources"]] };
  const rotate = useChange("post", "/api/v1/sources/{name}/rotate", changed);
  const disable = useChange("post", "/api/v1/sources/{name}/disable", changed);
  const enable = useChange("post", "/api/v1/sources/{name}/enable", changed);
  const at = { params: { path: { name: source.name } } };
  const close = () => setAsked(null);
  return (
    <>
      {source.enabled ? (
        <Button onClick={() => setAsked("disable")}>{t("source.disable")}</Button>
      ) : (
        <Button loading={enable.isPending} onClick={() => enable.mutate(at)}>
          {t("source.enable")}
        </Button>
      )}
      <Button icon={<Icon name="key" />} onClick={() => setAsked("rotate")}>
        {t("source.rotate")}
      </Button>
      <ConfirmCount
        open={asked === "rotate"}
        people={null}
        title={t("source.rotateTitle", { name: source.name })}
        ok={t("source.rotate")}
        onOk={() =>
          rotate.mutateAsync(at).then((made) => {
            shown(made.write_key);
            close();
          })
        }
        onCancel={close}
      >
        <p>{t("source.rotateNote")}</p>
      </ConfirmCount>
      <ConfirmCount
        open={asked === "disable"}
        danger
        people={null}
        title={t("source.disableTitle", { name: source.name })}
        ok={t("source.disable")}
        onOk={() => disable.mutateAsync(at).then(close)}
        onCancel={close}
      >
        <p>{t("source.disableNote")}</p>
      </ConfirmCount>
    </>
  );
}
