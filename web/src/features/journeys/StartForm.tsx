import { Button, Checkbox, Input, InputNumber, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import parts from "../../components/parts.module.css";
import { useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { merged } from "../../lib/raw";
import { titleIn } from "../../lib/titles";
import { Condition } from "../audiences/Condition";
import { useVocabulary } from "../audiences/words";
import { Field, Words as Choice } from "../tags/Form";
import { type Doc, listOf, mapOf, type Raw, startKindOf, type StartKind, STARTS, textOf } from "./graph";
import css from "./journeys.module.css";
import { AudienceChoice, Duration, type FormProps, Group, Happening } from "./StepForm";

/** Who enters and who leaves, how often, and what the journey is for. */
export function StartForm({ doc, change, readOnly }: FormProps & { doc: Doc; change: (patch: Doc) => void }) {
  const { t } = useTranslation("journeys");
  const { language } = usePreferences();
  const names = useVocabulary();
  const metrics = useAnswer("/api/v1/metrics");
  const start = mapOf(doc["start"]);
  const kind = startKindOf(start) ?? "event";
  const event = names.data?.events[0] ?? "Product Added";
  const audience = names.data?.audiences[0] ?? "";
  const set = (patch: Raw) => change({ start: merged(start, patch) });
  const begun: Record<StartKind, Raw> = {
    event: { event },
    enters: { enters: audience },
    leaves: { leaves: audience },
    date: { date: "person.birthday", at: "09:00", yearly: true },
    schedule: { schedule: "0 10 * * 1", audience },
  };
  const again = doc["again"];
  const often = again === true || again === "always" ? "always" : typeof again === "string" && again !== "never" ? "after" : "never";
  const side = start["before"] ? "before" : start["after"] ? "after" : "on";
  const leaves = listOf(doc["leave"]).map(mapOf);
  const put = (next: Raw[]) => change({ leave: next.length ? next : null });
  const goal = doc["goal"] ? mapOf(doc["goal"]) : null;
  return (
    <fieldset className={parts["form"]} disabled={readOnly}>
      <Field label={t("edit.who")}>
        {(id) => <Select id={id} value={kind} onChange={(next) => change({ start: begun[next] })} options={STARTS.map((value) => ({ value, label: t(`edit.starts.${value}`) }))} />}
      </Field>
      {kind === "event" && <Happening event={textOf(start["event"])} where={textOf(start["where"])} onEvent={(next) => set({ event: next })} onWhere={(where) => set({ where: where || undefined })} readOnly={readOnly} />}
      {(kind === "enters" || kind === "leaves") && <AudienceChoice label={t("edit.audience")} value={textOf(start[kind])} onChange={(name) => set({ [kind]: name })} />}
      {kind === "date" && (
        <>
          <Field label={t("edit.date")}>
            {(id) => <Choice id={id} value={textOf(start["date"])} onChange={(date) => set({ date })} words={[...(names.data?.attributes ?? []).map((name) => `person.${name}`), ...(names.data?.tags ?? []).map((tag) => tag.key)]} />}
          </Field>
          <Field label={t("edit.side")}>
            {(id) => (
              <Select
                id={id}
                value={side}
                onChange={(next) => set({ before: next === "before" ? "7 days" : undefined, after: next === "after" ? "7 days" : undefined })}
                options={(["before", "on", "after"] as const).map((value): { value: "before" | "on" | "after"; label: string } => ({ value, label: t(`edit.${value}`) }))}
              />
            )}
          </Field>
          {side !== "on" && <Duration label={t("edit.length")} value={textOf(start[side])} onChange={(length) => set({ [side]: length })} />}
          <Field label={t("edit.time")}>{(id) => <Input id={id} type="time" style={{ width: 120 }} value={textOf(start["at"])} onChange={(typed) => typed.target.value && set({ at: typed.target.value })} />}</Field>
          <Checkbox checked={start["yearly"] === true} onChange={(checked) => set({ yearly: checked.target.checked || undefined })}>
            {t("edit.yearly")}
          </Checkbox>
        </>
      )}
      {kind === "schedule" && (
        <>
          <AudienceChoice label={t("edit.audience")} value={textOf(start["audience"])} onChange={(name) => set({ audience: name })} />
          <Field label={t("edit.schedule")}>{(id) => <Input id={id} value={textOf(start["schedule"])} spellCheck={false} onChange={(typed) => set({ schedule: typed.target.value })} />}</Field>
        </>
      )}
      <Condition label={t("edit.only")} value={textOf(doc["only"])} onChange={(only) => change({ only: only || null })} readOnly={readOnly} />
      <Field label={t("edit.again")} group>
        {() => (
          <Radio.Group
            aria-label={t("edit.again")}
            className={css["radios"] ?? ""}
            value={often}
            onChange={(chosen) => change({ again: chosen.target.value === "always" ? true : chosen.target.value === "after" ? "7 days" : null })}
            options={[
              { value: "never", label: t("edit.againNever") },
              { value: "always", label: t("edit.againAlways") },
              { value: "after", label: t("edit.againAfter") },
            ]}
          />
        )}
      </Field>
      {often === "after" && <Duration label={t("edit.againAfter")} value={textOf(again)} onChange={(length) => change({ again: length })} />}
      <Field label={t("edit.holdout")} hint={t("edit.holdoutNote")}>
        {(id) => <InputNumber id={id} min={0} max={90} suffix="%" value={Math.round(Number(doc["holdout"] ?? 0.1) * 1_000) / 10} onChange={(percent) => percent !== null && change({ holdout: Math.round(percent * 10) / 1_000 })} />}
      </Field>
      <Group title={t("edit.goal")} removeLabel="">
        <Field label={t("edit.event")}>
          {(id) => (
            <Select
              id={id}
              showSearch={{ optionFilterProp: "label" }}
              value={goal?.["metric"] ? `metric:${textOf(goal["metric"])}` : goal?.["event"] ? `event:${textOf(goal["event"])}` : ""}
              onChange={(next) => {
                const name = next.slice(next.indexOf(":") + 1);
                const { within = "14 days", ...rest } = goal ?? {};
                change({ goal: !next ? null : next.startsWith("metric:") ? { metric: name, within } : { ...merged(rest, { metric: undefined }), event: name, within } });
              }}
              options={[
                { value: "", label: t("edit.goalNone") },
                { label: t("edit.goalEvents"), options: (names.data?.events ?? []).map((name) => ({ value: `event:${name}`, label: name })) },
                ...(metrics.data?.metrics.length ? [{ label: t("edit.goalMetrics"), options: metrics.data.metrics.map((item) => ({ value: `metric:${item.key}`, label: titleIn(item.titles, language, item.key) })) }] : []),
              ]}
            />
          )}
        </Field>
        {goal && <Duration label={t("edit.goalWithin")} value={textOf(goal["within"])} onChange={(within) => change({ goal: { ...goal, within } })} />}
      </Group>
      <div>
        <strong>{t("edit.leaves")}</strong>
        <p className={parts["faint"]}>{t("edit.leavesNote")}</p>
      </div>
      {leaves.map((leave, index) => (
        <Group key={index} title={textOf(leave["name"]) || String(index + 1)} remove={() => put(leaves.filter((_, at) => at !== index))} removeLabel={t("edit.removeLeave")}>
          {"when" in leave ? (
            <Condition label={t("edit.condition")} value={textOf(leave["when"])} onChange={(when) => put(leaves.map((item, at) => (at === index ? { ...item, when } : item)))} readOnly={readOnly} />
          ) : (
            <Happening
              event={textOf(leave["event"])}
              where={textOf(leave["where"])}
              onEvent={(next) => put(leaves.map((item, at) => (at === index ? { ...item, event: next } : item)))}
              onWhere={(where) => put(leaves.map((item, at) => (at === index ? merged(item, { where: where || undefined }) : item)))}
              readOnly={readOnly}
            />
          )}
        </Group>
      ))}
      <span className={parts["row"]}>
        <Button icon={<Icon name="plus" size={16} />} onClick={() => put([...leaves, { event }])}>
          {t("edit.addLeaveEvent")}
        </Button>
        <Button icon={<Icon name="plus" size={16} />} onClick={() => put([...leaves, { when: `did "${event}" in last 30 days` }])}>
          {t("edit.addLeaveWhen")}
        </Button>
      </span>
    </fieldset>
  );
}
