import { Button, Input, Radio, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import { Preview } from "../../components/Preview";
import { Card } from "../../components/Page";
import { Empty, FailureLine, Loading } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useAsked, useChange } from "../../lib/api";
import { type Channel, channelOf, channelsOf } from "../../lib/channels";
import { usePreferences } from "../../lib/preferences";
import { asProblem } from "../../lib/problem";
import { useAct } from "../../lib/useAct";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { sampleOf } from "../content/samples";
import css from "./marketing.module.css";
import { useReason } from "./useReason";
import type { Fields } from "./words";

type Previewed = Answer<"/api/v1/campaigns/preview", "post">;
type Person = Previewed["people"][number];

const KINDS: Record<Channel, readonly string[]> = { email: ["html", "mjml", "text"], wechat: ["wechat"], sms: ["sms"], push: ["push"], miniprogram: ["miniprogram"], wecom: ["wecom"] };

/** What they get: the template as text, and beside it the message as each person of the audience would see it. */
export function ContentStep({ name, fields, text, change }: { name: string; fields: Fields; text: string; change: (patch: Partial<Fields>) => void }) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const channels = channelsOf(fields.channel);
  const [picked, setPicked] = useState<Channel>(channels[0] ?? "email");
  const channel = channels.includes(picked) ? picked : (channels[0] ?? "email");
  const several = channels.length > 1;
  const template = several ? (fields.templates[channel] ?? "") : fields.template;
  const templates = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } });
  const there = templates.data?.templates.some((item) => item.name === template);
  const file = useAnswer(
    "/api/v1/definitions/{kind}/{name}",
    { params: { path: { kind: "templates", name: template } } },
    { retry: false, refetchOnWindowFocus: false, enabled: there === true },
  );
  const [typed, setTyped] = useState<{ file: string; text: string } | null>(null);
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates: [["definitions"], ["templates"], ["campaigns"]] });
  const missing = there === false || (file.error !== null && asProblem(file.error).status === 404);
  const known = missing ? undefined : file.data?.name === template ? file.data.text : undefined;
  const own = typed?.file === template ? typed.text : undefined;
  const shown = own ?? known;
  const dirty = own !== undefined && own !== known;
  const fits = templates.data?.templates.filter((item) => KINDS[channel].includes(item.kind)) ?? [];
  const others = templates.data?.templates.find((item) => item.name === template)?.used_by.map((item) => item.name).filter((item) => item !== name) ?? [];
  const keep = () => {
    if (own === undefined) return;
    save.mutate(
      {
        params: { path: { kind: "templates", name: template } },
        headers: missing || !file.data ? { "If-None-Match": "*" } : { "If-Match": `"${file.data.etag}"` },
        body: { text: own },
      },
      { onSuccess: () => void Promise.all([templates.refetch(), file.refetch()]).then(() => setTyped(null)) },
    );
  };
  const body = useDebounced(shown, 400);
  const settled = useDebounced(template, 400) === template && text.includes(template);
  return (
    <div className={css["content"]}>
      <Card title={t("content.title")}>
        <div className={css["text"]}>
        <div className={css["form"]}>
          {channel === "email" && (
            <label className={css["field"]}>
              <span>{t("content.subject")}</span>
              <Input value={fields.subject} onChange={(event) => change({ subject: event.target.value })} />
              <span className={css["faint"]}>{t("content.subjectNote", { example: "{{ person.name | default('friend') }}" })}</span>
            </label>
          )}
          {several && (
            <Radio.Group
              optionType="button"
              aria-label={t("foretold.forChannel")}
              value={channel}
              onChange={(event) => setPicked(channelOf(String(event.target.value)))}
              options={channels.map((one) => ({ value: one, label: t(`channel.${one}`) }))}
            />
          )}
          <label className={css["field"]}>
            <span>{t("content.template")}</span>
            <Select
              aria-label={t("content.template")}
              value={template}
              onChange={(next) => change(several ? { templates: { ...fields.templates, [channel]: next } } : { template: next })}
              options={[
                ...(fits.some((item) => item.name === template) ? [] : [{ value: template, label: template }]),
                ...fits.map((item) => ({ value: item.name, label: item.name })),
              ]}
            />
          </label>
          <TestToMe name={name} channel={several ? channel : ""} />
        </div>
        <div className={css["form"]}>
          {missing && own === undefined ? (
            <div className={css["notice"]}>
              <span>{t("content.missing", { name: template })}</span>
              <Button onClick={() => setTyped({ file: template, text: sampleOf(channel, language) })}>{t("content.start")}</Button>
            </div>
          ) : shown === undefined ? (
            <Loading rows={6} />
          ) : (
            <>
              <CodeEditor
                label={template}
                value={shown}
                language={channel === "email" ? "text" : "yaml"}
                height={360}
                onChange={(value) => setTyped({ file: template, text: value })}
                onSubmit={keep}
              />
              {others.length > 0 && <span className={css["faint"]}>{t("content.used", { campaigns: others.join(", ") })}</span>}
              <div className={css["row"]}>
                <Button type={dirty ? "primary" : "default"} disabled={!dirty} loading={save.isPending} onClick={keep}>
                  {t("content.save")}
                </Button>
                {dirty && <span className={css["faint"]}>{t("content.unsaved")}</span>}
              </div>
              {save.error && <FailureLine error={save.error} />}
            </>
          )}
        </div>
        </div>
      </Card>
      <AsTheySeeIt name={name} text={text} file={template} body={settled ? body : undefined} missing={missing && own === undefined} />
    </div>
  );
}

function AsTheySeeIt({ name, text, file, body, missing }: { name: string; text: string; file: string; body: string | undefined; missing: boolean }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const [at, setAt] = useState(0);
  const found = useAsked(
    "/api/v1/campaigns/preview",
    { body: { name, text, person: "", n: 1, skip: at, templates: body === undefined ? {} : { [file]: body } } },
    { placeholderData: (last) => last, retry: false, enabled: body !== undefined },
  );
  const all = found.data?.audience ?? 0;
  const person = found.data?.people[0];
  return (
    <Card
      title={t("content.preview")}
      note={t("content.previewNote")}
      extra={
        all > 0 && (
          <span className={css["tight"]}>
            <Button aria-label={t("content.previous")} icon={<Icon name="back" />} disabled={at === 0} onClick={() => setAt(at - 1)} />
            <span>{t("content.person", { at: format.exact(at + 1), all: format.exact(all) })}</span>
            <Button aria-label={t("content.next")} icon={<Icon name="next" />} disabled={at + 1 >= all} onClick={() => setAt(at + 1)} />
          </span>
        )
      }
    >
      {found.error ? (
        <>
          <p>{t("content.problem")}</p>
          <FailureLine error={found.error} />
        </>
      ) : person && !missing ? (
        <Message person={person} warnings={found.data?.warnings ?? []} />
      ) : missing ? (
        <Empty small icon="content" title={t("content.notYet")} />
      ) : found.data ? (
        <Empty small title={t("content.nobody")} />
      ) : (
        <Loading rows={5} />
      )}
    </Card>
  );
}

function Message({ person, warnings }: { person: Person; warnings: readonly string[] }) {
  const { t } = useTranslation("marketing");
  const reason = useReason();
  const format = useFormat();
  return (
    <>
      <div className={css["head"]}>
        <span>
          <strong>{person.name ?? person.id ?? person.person}</strong>{" "}
          <span className={css["faint"]}>{t(`content.outcome.${person.outcome}`, { reason: reason(person.reason ?? "") })}</span>
        </span>
        {person.channel && <span className={css["faint"]}>{[t(`channel.${channelOf(person.channel)}`), person.due_at && format.moment(person.due_at)].filter(Boolean).join(" · ")}</span>}
        {person.later_at && <span className={css["faint"]}>{t("content.later", { when: format.moment(person.later_at) })}</span>}
        {person.when && <span className={css["faint"]}>{t("content.variant", { name: person.variant, when: person.when })}</span>}
        {person.to && (
          <span className={css["faint"]}>
            {t("content.to")}: {person.to}
          </span>
        )}
        {person.subject && <span className={css["subject"]}>{person.subject}</span>}
        {warnings.map((warning) => (
          <span key={warning} className={css["bad"]}>
            {warning}
          </span>
        ))}
      </div>
      {person.missing ? (
        <p className={css["bad"]}>{t("content.lacking", { reason: reason(person.missing) })}</p>
      ) : (
        <Bodies html={person.html} text={person.text} data={person.data} url={person.url} />
      )}
    </>
  );
}

/** A composed message: as a mail program shows it and as a phone does, or its fields. */
export function Bodies({ html, text, data, url }: { html: string | null; text: string | null; data: Record<string, string> | null; url: string | null }) {
  const { t } = useTranslation("marketing");
  if (data) {
    return (
      <div className={css["mail"]} style={{ padding: 16, color: "#222222", maxWidth: 390 }}>
        {Object.entries(data).map(([key, value]) => (
          <p key={key} style={{ margin: "0 0 8px" }}>
            <span style={{ color: "#76706a" }}>{key}</span> {value}
          </p>
        ))}
        {url && <span style={{ color: "#76706a", overflowWrap: "anywhere" }}>{url}</span>}
      </div>
    );
  }
  if (!html) return <pre className={css["plain"]}>{text}</pre>;
  return (
    <div className={css["frames"]}>
      <figure className={css["frame"]} style={{ margin: 0 }}>
        <figcaption>{t("content.desktop")}</figcaption>
        <div className={css["mail"]} data-kind="desktop" tabIndex={0} role="group" aria-label={t("content.desktop")}>
          <Preview html={html} title={t("content.desktop")} height={420} />
        </div>
      </figure>
      <figure className={css["frame"]} style={{ margin: 0 }}>
        <figcaption>{t("content.phone")}</figcaption>
        <div className={css["mail"]} data-kind="phone" tabIndex={0} role="group" aria-label={t("content.phone")}>
          <Preview html={html} title={t("content.phone")} height={420} />
        </div>
      </figure>
      {text && (
        <details style={{ width: "100%" }}>
          <summary>{t("content.plain")}</summary>
          <pre className={css["plain"]}>{text}</pre>
        </details>
      )}
    </div>
  );
}

function TestToMe({ name, channel }: { name: string; channel: string }) {
  const { t } = useTranslation("marketing");
  const [to, setTo] = useState("");
  const [said, setSaid] = useState("");
  const { busy, error, act } = useAct();
  const go = () =>
    act(async () => {
      setSaid("");
      const told = await answer(api.POST("/api/v1/campaigns/{name}/test", { params: { path: { name } }, body: { to, person: "", channel }, headers: once() }));
      setSaid(t("content.tested", { outcome: [told.outcome, told.reason].filter(Boolean).join(": ") }));
    });
  return (
    <form
      className={css["row"]}
      onSubmit={(event) => {
        event.preventDefault();
        if (to) void go();
      }}
    >
      <Input style={{ flex: 1, minWidth: 160 }} aria-label={t("content.testTo")} placeholder={t("content.testTo")} value={to} onChange={(event) => setTo(event.target.value)} />
      <Button htmlType="submit" loading={busy} disabled={!to}>
        {t("content.test")}
      </Button>
      {said && <span role="status">{said}</span>}
      {error !== null && <FailureLine error={error} />}
    </form>
  );
}
