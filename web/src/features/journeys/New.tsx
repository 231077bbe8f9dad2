import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, AutoComplete, Button, Input, Segmented, Select } from "antd";
import { useDeferredValue, useId, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Icon, type IconName } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { Said } from "../../components/Said";
import parts from "../../components/parts.module.css";
import { FailureLine, Shown } from "../../components/States";
import { type Answer, answer, api, once, useAnswer } from "../../lib/api";
import { type Language, usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { titleIn } from "../../lib/titles";
import { useAct } from "../../lib/useAct";
import { useVocabulary } from "../audiences/words";
import { graphOf } from "./graph";
import css from "./journeys.module.css";
import { Picture } from "./Picture";

const KEY = /^[a-z][a-z0-9_]{0,63}$/;
const CHANNELS = ["email", "push", "sms", "wechat", "miniprogram", "apprise"] as const;
const CLASSES = ["service", "marketing"] as const;
type Row = Answer<"/api/v1/ready-journeys">["ready"][number];
type Asked = Row["parameters"][number];

/** A new journey begins with a ready one, made of this workspace's own events, attributes and tags. */
export default function New() {
  const { t } = useTranslation("journeys");
  const found = useAnswer("/api/v1/ready-journeys", {}, { staleTime: 60_000 });
  return (
    <Page title={t("new")} description={t("create.description")} above={[{ to: "/marketing/journeys", title: t("title") }]}>
      <Shown of={found} shape="cards">
        {(data) => <Gallery rows={data.ready} />}
      </Shown>
    </Page>
  );
}

function Gallery({ rows }: { rows: readonly Row[] }) {
  const { t } = useTranslation("journeys");
  const { language } = usePreferences();
  const id = useId();
  const [key, setKey] = useState(rows[0]?.key ?? "");
  const chosen = rows.find((row) => row.key === key);
  return (
    <>
      <fieldset className={css["ready"]}>
        <legend>{t("create.pick")}</legend>
        {rows.map((row) => (
          <label key={row.key} className={css["readyOne"]} data-chosen={row.key === key || undefined}>
            <input type="radio" name={id} checked={row.key === key} onChange={() => setKey(row.key)} className="unseen" />
            <Icon name={row.icon as IconName} size={20} />
            <span>
              <strong>{titleIn(row.titles, language, row.key)}</strong>
              <span className={parts["faint"]}>{titleIn(row.about, language, "")}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {chosen && <Form key={chosen.key} row={chosen} />}
    </>
  );
}

function Form({ row }: { row: Row }) {
  const { t } = useTranslation("journeys");
  const { language: mine } = usePreferences();
  const go = useNavigate();
  const id = useId();
  const client = useQueryClient();
  const may = useMay("operator");
  const { busy, error, act } = useAct();
  const there = useAnswer("/api/v1/journeys", {});
  const [typed, setTyped] = useState<string | null>(null);
  const [language, setLanguage] = useState<Language>(mine);
  const [given, setGiven] = useState<Record<string, string>>({});
  const [shown, setShown] = useState(0);
  const taken = new Set(there.data?.journeys.map((journey) => journey.name));
  const name = typed ?? freeOf(row, taken);
  const good = KEY.test(name);
  const free = filesOf(row, name).every((file) => !taken.has(file));
  const values = useMemo(() => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "")), [given]);
  const ready = row.parameters.every((asked) => asked.kind !== "tag" || (values[asked.name] ?? asked.value) !== "");
  const asked = useDeferredValue({ name, values, language });
  const preview = useQuery({
    queryKey: ["ready-journeys", row.key, "preview", asked],
    queryFn: () => answer(api.POST("/api/v1/ready-journeys/{key}/preview", { params: { path: { key: row.key } }, body: asked })),
    enabled: good && ready,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const made = preview.data;
  const graph = useMemo(() => graphOf(made?.journeys[shown]?.fields ?? {}), [made, shown]);
  const install = async () => {
    const done = await answer(api.POST("/api/v1/ready-journeys/{key}/install", { params: { path: { key: row.key } }, headers: once(), body: { name, values, language, dry_run: false } }));
    for (const noun of ["journeys", "definitions"]) await client.invalidateQueries({ queryKey: [noun] });
    void go(done.journeys.length > 1 ? "/marketing/journeys" : `/marketing/journeys/${done.journeys[0]?.name ?? name}`);
  };
  const able = good && free && ready && may && preview.isSuccess && !preview.isPlaceholderData && made?.problems.length === 0 && made.taken.length === 0;
  const templates = made?.files.filter((file) => file.kind === "templates").map((file) => file.name) ?? [];
  return (
    <form
      className={parts["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        if (able) void act(install);
      }}
    >
      <div className={parts["below"]}>
        <Card>
          <div className={parts["form"]}>
            <div className={parts["field"]}>
              <label htmlFor={`${id}n`}>{t("create.name")}</label>
              <Input id={`${id}n`} value={name} spellCheck={false} status={good && free ? "" : "error"} onChange={(event) => setTyped(event.target.value.trim())} />
              <span className={good && free ? parts["faint"] : parts["bad"]}>{!good ? t("create.nameBad") : !free ? t("create.taken") : t("create.nameNote")}</span>
            </div>
            {row.sends > 0 && (
              <div className={parts["field"]}>
                <span id={`${id}l`}>{t("create.language")}</span>
                <Segmented
                  aria-labelledby={`${id}l`}
                  value={language}
                  onChange={setLanguage}
                  options={[
                    { value: "en", label: "English" },
                    { value: "zh", label: "中文" },
                  ]}
                />
              </div>
            )}
            {row.parameters.map((parameter) => (
              <div key={parameter.name} className={parts["field"]}>
                <label htmlFor={`${id}-${parameter.name}`}>{titleIn(parameter.titles, mine, parameter.name)}</label>
                <Value id={`${id}-${parameter.name}`} of={parameter} value={given[parameter.name] ?? parameter.value} set={(value) => setGiven((now) => ({ ...now, [parameter.name]: value }))} />
              </div>
            ))}
            {templates.length > 0 && <span className={parts["faint"]}>{t("create.template", { name: templates.join(", ") })}</span>}
            {made?.unseen.map((event) => (
              <span key={event} className={parts["faint"]}>
                {t("create.unseen", { event })}
              </span>
            ))}
            {preview.error && <FailureLine error={preview.error} />}
            {made?.problems.map((problem, index) => <Alert key={index} type="warning" showIcon title={<Said of={problem.message} />} description={problem.hint && <Said of={problem.hint} />} />)}
            {error !== null && <FailureLine error={error} />}
            <span>
              <Button type="primary" htmlType="submit" loading={busy} disabled={!able}>
                {t("create.go")}
              </Button>
            </span>
          </div>
        </Card>
        <Card flush>
          {made && made.journeys.length > 1 && (
            <Segmented value={shown} onChange={setShown} options={made.journeys.map((journey, index) => ({ value: index, label: titleIn(namesOf(journey.fields["title"]), mine, journey.name) }))} />
          )}
          {made ? <Picture graph={graph} /> : <p className={parts["faint"]}>{t("create.say")}</p>}
        </Card>
      </div>
    </form>
  );
}

function Value({ id, of, value, set }: { id: string; of: Asked; value: string; set: (value: string) => void }) {
  const { t } = useTranslation("journeys");
  const names = useVocabulary();
  if (of.kind === "channel") return <Select id={id} value={value} onChange={set} options={CHANNELS.map((kind) => ({ value: kind, label: t(`create.channels.${kind}`) }))} />;
  if (of.kind === "class") return <Select id={id} value={value} onChange={set} options={CLASSES.map((kind) => ({ value: kind, label: t(`create.classes.${kind}`) }))} />;
  const known = of.kind === "event" ? names.data?.events : of.kind === "attribute" ? names.data?.attributes : of.kind === "tag" ? names.data?.tags.map((tag) => tag.key) : undefined;
  if (known) {
    return (
      <AutoComplete
        id={id}
        value={value}
        onChange={set}
        options={known.map((name) => ({ value: name }))}
        showSearch={{ filterOption: (typed, option) => (option?.value ?? "").toLowerCase().includes(typed.toLowerCase()) }}
      />
    );
  }
  return <Input id={id} value={value} inputMode={of.kind === "days" || of.kind === "hours" ? "numeric" : "text"} spellCheck={false} onChange={(event) => set(event.target.value)} />;
}

function namesOf(title: unknown): Record<string, string> {
  return typeof title === "object" && title !== null ? (title as Record<string, string>) : {};
}

function filesOf(row: Row, name: string): string[] {
  return row.journeys.map((file) => (file === "self" ? name : `${name}_${file}`));
}

/** The ready journey's own name, with a number where it is taken. */
function freeOf(row: Row, taken: ReadonlySet<string>): string {
  let name = row.key;
  for (let number = 2; filesOf(row, name).some((file) => taken.has(file)); number++) name = `${row.key}_${number}`;
  return name;
}
