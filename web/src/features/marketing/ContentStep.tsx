import { Button, Input, Radio, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import { Preview } from "../../components/Preview";
import { Card } from "../../components/Page";
import { SendToMe } from "../../components/SendToMe";
import { Empty, FailureLine, Loading } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useAsked, useChange } from "../../lib/api";
import { type Channel, channelOf, channelsOf } from "../../lib/channels";
import { mapOf, merged, type Raw, textOf } from "../../lib/raw";
import { usePreferences } from "../../lib/preferences";
import { asProblem } from "../../lib/problem";
import { useAct } from "../../lib/useAct";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { sampleOf } from "../content/samples";
import css from "./marketing.module.css";
import { PicksForm } from "./PicksForm";
import { KINDS, kindOfFile, restOf, type RowMistake, within, withSnippet } from "./rows";
import { useReason } from "./useReason";
import { VariantsForm } from "./VariantsForm";
import type { Fields } from "./words";

type Previewed = Answer<"/api/v1/campaigns/preview", "post">;
type Person = Previewed["people"][number];

interface ContentStepProps {
  name: string;
  fields: Fields;
  text: string;
  problems: readonly RowMistake[];
  readOnly: boolean;
  change: (patch: Partial<Fields>) => void;
}

/** What they get: who gets which text, the text that is chosen, and below it the message as each of its people would see it. */
export function ContentStep({ name, fields, text, problems, readOnly, change }: ContentStepProps) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const channels = channelsOf(fields.channel);
  const [picked, setPicked] = useState<Channel>(channels[0] ?? "email");
  const channel = channels.includes(picked) ? picked : (channels[0] ?? "email");
  const several = channels.length > 1;
  const rows: readonly Raw[] = fields.variants;
  const names = rows.map((row) => textOf(row["name"]));
  const whose = [...(restOf(rows) ? [] : [""]), ...names];
  const [looked, setLooked] = useState("");
  const variant = whose.includes(looked) ? looked : (whose[0] ?? "");
  const row = variant === "" ? undefined : rows[names.indexOf(variant)];
  const ownFile = several ? (fields.templates[channel] ?? "") : fields.template;
  const fileOf = (one: Raw) => (several ? textOf(mapOf(one["templates"])[channel]) : textOf(one["template"])) || ownFile;
  const template = row ? fileOf(row) : ownFile;
  const setVariants = (next: readonly Raw[]) =>
    // The last one may have been the only one that named a template.
    change({ variants: next as Fields["variants"], ...(restOf(rows) && !restOf(next) && !several ? { template: fields.template, subject: fields.subject } : {}) });
  const setRow = (patch: Raw) => setVariants(rows.map((one) => (one === row ? merged(one, patch) : one)));
  const setTemplate = (file: string) => {
    if (row) setRow(several ? { templates: { ...mapOf(row["templates"]), [channel]: file } } : { template: file });
    else change(several ? { templates: { ...fields.templates, [channel]: file } } : { template: file });
  };
  const templates = useAnswer("/api/v1/templates", { params: { query: { limit: 200 } } });
  const isThere = (file: string) => templates.data?.templates.some((item) => item.name === file);
  const there = isThere(template);
  const file = useAnswer(
    "/api/v1/definitions/{kind}/{name}",
    { params: { path: { kind: "templates", name: template } } },
    { retry: false, refetchOnWindowFocus: false, enabled: there === true },
  );
  /** What was typed into templates and is not saved, by file. */
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const type = (value: string) => setTyped((now) => ({ ...now, [template]: value }));
  const save = useChange("put", "/api/v1/definitions/{kind}/{name}", { invalidates: [["definitions"], ["templates"], ["campaigns"]] });
  const copying = useAct();
  const missing = there === false || (file.error !== null && asProblem(file.error).status === 404);
  const known = missing ? undefined : file.data?.name === template ? file.data.text : undefined;
  const own = typed[template];
  const shown = own ?? known;
  const dirty = own !== undefined && own !== known;
  const fits = templates.data?.templates.filter((item) => KINDS[channel].includes(item.kind)) ?? [];
  const others = templates.data?.templates.find((item) => item.name === template)?.used_by.map((item) => item.name).filter((item) => item !== name) ?? [];
  const called = (one: string) => (one === "" ? t("content.everybodyElse") : one);
  const alike = whose.filter((one) => one !== variant && (one === "" ? ownFile : fileOf(rows[names.indexOf(one)] ?? {})) === template);
  const model = [ownFile, ...rows.map(fileOf)].find((one) => one !== template && isThere(one) && kindOfFile(one) === kindOfFile(template));
  const unsaved = Object.keys(typed).filter((one) => one !== template);
  const keep = () => {
    if (own === undefined) return;
    save.mutate(
      {
        params: { path: { kind: "templates", name: template } },
        headers: missing || !file.data ? { "If-None-Match": "*" } : { "If-Match": `"${file.data.etag}"` },
        body: { text: own },
      },
      { onSuccess: () => void Promise.all([templates.refetch(), file.refetch()]).then(() => setTyped((now) => merged(now, { [template]: undefined }) as Record<string, string>)) },
    );
  };
  const copy = (from: string) =>
    copying.act(async () => {
      const found = await answer(api.GET("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "templates", name: from } } }));
      type(found.text);
    });
  const kind = kindOfFile(template);
  const ready = useDebounced(shown === undefined ? "" : `${template}\n${shown}`, 400);
  const body = ready.startsWith(`${template}\n`) ? ready.slice(template.length + 1) : undefined;
  const settled = text.includes(template) && text.includes(variant);
  const [place, setPlace] = useState({ variant, at: 0 });
  const at = place.variant === variant ? place.at : 0;
  const nothing = missing && own === undefined;
  const preview = useAsked(
    "/api/v1/campaigns/preview",
    { body: { name, text, person: "", n: 1, skip: at, variant: rows.length > 0 ? variant : "*", templates: body === undefined ? {} : { ...typed, [template]: body } } },
    { placeholderData: (last) => last, retry: false, enabled: settled && body !== undefined },
  );
  return (
    <div className={css["content"]}>
      <div className={css["columns"]}>
        <Card title={t("texts.title")} note={t("texts.note")}>
          <VariantsForm
            rows={rows}
            change={setVariants}
            channels={channels}
            own={{ template: several ? "" : fields.template, subject: fields.subject }}
            fileOf={(one) => `${name}_${one}${/\.\w+$/.exec(ownFile)?.[0] ?? ".html"}`}
            mistakes={within(problems, "variants")}
            readOnly={readOnly}
          />
        </Card>
        <Card title={t("lists.title")} note={t("lists.note")}>
          <PicksForm
            lists={fields.picks}
            change={(picks) => change({ picks: picks as Fields["picks"] })}
            mistakes={within(problems, "picks")}
            readOnly={readOnly}
            kind={kind}
            {...(shown === undefined ? {} : { open: { file: template, text: shown, dirty, put: withSnippet(shown, kind, "") === null ? null : (snippet: string) => type(withSnippet(shown, kind, snippet) ?? shown) } })}
          />
        </Card>
      </div>
      <Card title={t("content.title")}>
        <div className={css["text"]}>
          <div className={css["form"]}>
            {rows.length > 0 && (
              <div className={css["field"]}>
                <span>{t("content.whose")}</span>
                <Radio.Group className={css["switch"] ?? ""} optionType="button" aria-label={t("content.whose")} value={variant} onChange={(event) => setLooked(String(event.target.value))} options={whose.map((one) => ({ value: one, label: called(one) }))} />
              </div>
            )}
            {channel === "email" && (
              <label className={css["field"]}>
                <span>{t("content.subject")}</span>
                <Input
                  value={row ? textOf(row["subject"]) : fields.subject}
                  placeholder={row && fields.subject ? t("texts.ownSubject", { subject: fields.subject }) : ""}
                  onChange={(event) => (row ? setRow({ subject: event.target.value }) : change({ subject: event.target.value }))}
                />
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
                onChange={setTemplate}
                options={[
                  ...(fits.some((item) => item.name === template) ? [] : [{ value: template, label: template }]),
                  ...fits.map((item) => ({ value: item.name, label: item.name })),
                ]}
              />
            </label>
            <SendToMe key={channel} channel={channel} go={(to) => answer(api.POST("/api/v1/campaigns/{name}/test", { params: { path: { name } }, body: { to, person: rows.length > 0 ? (preview.data?.people[0]?.person ?? "") : "", channel: several ? channel : "" }, headers: once() }))} />
          </div>
          <div className={css["form"]}>
            {nothing ? (
              <div className={css["notice"]}>
                <span>{t("content.missing", { name: template })}</span>
                {model && (
                  <Button loading={copying.busy} onClick={() => void copy(model)}>
                    {t("content.startFrom", { name: model })}
                  </Button>
                )}
                <Button onClick={() => type(sampleOf(kind === "keys" ? channel : kind, language))}>{t("content.start")}</Button>
                {copying.error !== null && <FailureLine error={copying.error} />}
              </div>
            ) : shown === undefined ? (
              <Loading rows={6} />
            ) : (
              <>
                <CodeEditor label={template} value={shown} language={channel === "email" ? "text" : "yaml"} height={360} onChange={type} onSubmit={keep} />
                {alike.length > 0 && <span className={css["faint"]}>{t("content.alike", { names: alike.map(called).join(", ") })}</span>}
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
            {unsaved.length > 0 && <span className={css["faint"]}>{t("content.unsavedOthers", { names: unsaved.join(", ") })}</span>}
          </div>
        </div>
      </Card>
      <AsTheySeeIt found={preview} at={at} go={(next) => setPlace({ variant, at: next })} nobody={rows.length > 0 ? t("content.nobodyOf") : t("content.nobody")} missing={nothing} />
    </div>
  );
}

interface Asked {
  data: Previewed | undefined;
  error: unknown;
}

function AsTheySeeIt({ found, at, go, nobody, missing }: { found: Asked; at: number; go: (at: number) => void; nobody: ReactNode; missing: boolean }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const all = found.data?.audience ?? 0;
  const person = found.data?.people[0];
  return (
    <Card
      title={t("content.preview")}
      note={t("content.previewNote")}
      extra={
        all > 0 && (
          <span className={css["tight"]}>
            <Button aria-label={t("content.previous")} icon={<Icon name="back" />} disabled={at === 0} onClick={() => go(at - 1)} />
            <span>{t("content.person", { at: format.exact(at + 1), all: format.exact(all) })}</span>
            <Button aria-label={t("content.next")} icon={<Icon name="next" />} disabled={at + 1 >= all} onClick={() => go(at + 1)} />
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
        <Empty small title={nobody} />
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
