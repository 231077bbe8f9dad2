import { Button, Input, InputNumber, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import parts from "../../components/parts.module.css";
import { CHANNELS } from "../../lib/channels";
import { useAnswer } from "../../lib/api";
import { Condition } from "../audiences/Condition";
import { useVocabulary } from "../audiences/words";
import { Duration } from "../journeys/StepForm";
import { Field, Words } from "../tags/Form";
import css from "./scenes.module.css";
import type { Doc } from "./Edit";

type Raw = Record<string, unknown>;

function mapOf(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** A scene as a form: each field is a key of its file. */
export function Form({ doc, change, readOnly }: { doc: Doc; change: (patch: Doc) => void; readOnly: boolean }) {
  const { t } = useTranslation("scenes");
  const names = useVocabulary();
  const metrics = useAnswer("/api/v1/metrics");
  const title = typeof doc["title"] === "string" ? { en: doc["title"] } : mapOf(doc["title"]);
  const goal = doc["goal"] ? mapOf(doc["goal"]) : null;
  const by = goal === null ? "nothing" : "metric" in goal ? "metric" : "event";
  const put = (patch: Raw) => {
    const next = Object.fromEntries(Object.entries({ ...goal, ...patch }).filter(([, value]) => value !== undefined && value !== ""));
    change({ goal: next });
  };
  const named = (language: "en" | "zh", said: string) => {
    const next = Object.fromEntries(Object.entries({ ...title, [language]: said }).filter(([, value]) => value));
    change({ title: Object.keys(next).length ? next : null });
  };
  const begin = { nothing: null, event: { event: names.data?.events.find((event) => /paid|purchase/i.test(event)) ?? names.data?.events[0] ?? "Order Paid" }, metric: { metric: metrics.data?.metrics[0]?.key ?? "" } };
  return (
    <fieldset className={parts["form"]} disabled={readOnly}>
      <div className={css["two"]}>
        <Field label={t("edit.titleEn")}>{(id) => <Input id={id} value={textOf(title["en"] ?? title[""])} onChange={(typed) => named("en", typed.target.value)} />}</Field>
        <Field label={t("edit.titleZh")}>{(id) => <Input id={id} value={textOf(title["zh"])} onChange={(typed) => named("zh", typed.target.value)} />}</Field>
      </div>
      <div className={css["two"]}>
        <Field label={t("edit.from")}>{(id) => <Input id={id} type="date" value={textOf(doc["from"])} onChange={(typed) => change({ from: typed.target.value || null })} />}</Field>
        <Field label={t("edit.until")}>{(id) => <Input id={id} type="date" value={textOf(doc["until"])} onChange={(typed) => change({ until: typed.target.value || null })} />}</Field>
      </div>
      <Field label={t("edit.audience")}>
        {(id) => (
          <Select
            id={id}
            showSearch
            value={textOf(doc["audience"])}
            onChange={(audience: string) => change({ audience: audience || null })}
            options={[{ value: "", label: t("edit.audienceNone") }, ...(names.data?.audiences ?? []).map((name) => ({ value: name, label: name }))]}
          />
        )}
      </Field>
      <Field label={t("edit.channels")}>
        {(id) => (
          <Select
            id={id}
            mode="multiple"
            placeholder={t("edit.channelsAny")}
            value={Array.isArray(doc["channels"]) ? doc["channels"].map(String) : []}
            onChange={(channels: string[]) => change({ channels: channels.length ? channels : null })}
            options={CHANNELS.map((value) => ({ value, label: t(`channel.${value}`) }))}
          />
        )}
      </Field>
      <Field label={t("edit.measure")}>
        {(id) => (
          <Select
            id={id}
            value={by}
            onChange={(next: "nothing" | "event" | "metric") => change({ goal: begin[next] })}
            options={[
              { value: "nothing", label: t("edit.byNothing") },
              { value: "event", label: t("edit.byEvent") },
              { value: "metric", label: t("edit.byMetric") },
            ]}
          />
        )}
      </Field>
      {goal && by === "metric" && (
        <Field label={t("edit.metric")}>{(id) => <Words id={id} value={textOf(goal["metric"])} onChange={(metric) => put({ metric })} words={(metrics.data?.metrics ?? []).map((item) => item.key)} />}</Field>
      )}
      {goal && by === "event" && (
        <>
          <Field label={t("edit.event")}>{(id) => <Words id={id} value={textOf(goal["event"])} onChange={(event) => put({ event })} words={names.data?.events ?? []} />}</Field>
          <Field label={t("edit.money")}>
            {(id) => (
              <Select
                id={id}
                value={textOf(goal["money"])}
                onChange={(money: string) => put({ money })}
                options={[{ value: "", label: t("edit.moneyNone") }, ...(names.data?.properties ?? []).filter((item) => item.type === "money" || item.type === "number").map((item) => ({ value: item.name, label: item.name }))]}
              />
            )}
          </Field>
        </>
      )}
      {goal && (
        <>
          <div className={css["two"]}>
            <Field label={t("edit.target")} hint={t("edit.targetNote")}>
              {(id) => (
                <Input
                  id={id}
                  value={textOf(goal["target"])}
                  onChange={(typed) => {
                    const said = typed.target.value.trim();
                    put({ target: said !== "" && /^-?\d+(\.\d+)?$/.test(said) ? Number(said) : said || undefined });
                  }}
                />
              )}
            </Field>
            <Field label={t("edit.baseline")} hint={t("edit.baselineNote")}>
              {(id) => <InputNumber id={id} style={{ width: "100%" }} value={typeof doc["baseline"] === "number" ? doc["baseline"] : null} onChange={(baseline) => change({ baseline })} />}
            </Field>
          </div>
          <Duration label={t("edit.within")} value={textOf(goal["within"]) || "14 days"} onChange={(within) => put({ within })} />
        </>
      )}
      <Condition label={t("edit.products")} value={textOf(doc["products"])} onChange={(products) => change({ products: products || null })} readOnly={readOnly} />
      <span className={parts["faint"]}>{t("edit.productsNote")}</span>
      <Field label={t("edit.holdout")} hint={t("edit.holdoutNote")}>
        {(id) => <InputNumber id={id} min={0} max={90} suffix="%" value={Math.round(Number(doc["holdout"] ?? 0) * 1_000) / 10} onChange={(percent) => change({ holdout: percent ? Math.round(percent * 10) / 1_000 : null })} />}
      </Field>
      <Theme theme={mapOf(doc["theme"])} change={(theme) => change({ theme })} />
      <div className={css["two"]}>
        <Field label={t("edit.owner")}>{(id) => <Input id={id} value={textOf(doc["owner"])} onChange={(typed) => change({ owner: typed.target.value || null })} />}</Field>
        <Field label={t("edit.why")}>{(id) => <Input id={id} value={textOf(doc["why"])} onChange={(typed) => change({ why: typed.target.value || null })} />}</Field>
      </div>
    </fieldset>
  );
}

function Theme({ theme, change }: { theme: Raw; change: (theme: Raw | null) => void }) {
  const { t } = useTranslation("scenes");
  const [fresh, setFresh] = useState("");
  const rows = Object.entries(theme);
  const without = (name: string) => {
    const left = Object.fromEntries(rows.filter(([key]) => key !== name));
    change(Object.keys(left).length ? left : null);
  };
  const good = /^[a-z][a-z0-9_]*$/.test(fresh) && !(fresh in theme);
  return (
    <Field label={t("edit.theme")} hint={t("edit.themeNote", { example: "theme.line" })} group>
      {() => (
        <div className={css["theme"]}>
          {rows.map(([name, value]) => (
            <span key={name} className={css["pair"]}>
              <code>{name}</code>
              <Input aria-label={`${t("edit.themeValue")}: ${name}`} value={textOf(value)} onChange={(typed) => change({ ...theme, [name]: typed.target.value })} />
              <Button type="text" aria-label={t("edit.themeRemove", { name })} icon={<Icon name="trash" size={16} />} onClick={() => without(name)} />
            </span>
          ))}
          <span className={css["pair"]}>
            <Input aria-label={t("edit.themeName")} placeholder="line" spellCheck={false} value={fresh} onChange={(typed) => setFresh(typed.target.value.trim())} />
            <Button
              icon={<Icon name="plus" size={16} />}
              disabled={!good}
              onClick={() => {
                change({ ...theme, [fresh]: fresh });
                setFresh("");
              }}
            >
              {t("edit.themeAdd")}
            </Button>
          </span>
        </div>
      )}
    </Field>
  );
}
