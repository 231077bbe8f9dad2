import { Button, Checkbox, Input, InputNumber, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import { Said } from "../../components/Said";
import { FailureLine } from "../../components/States";
import { useAsked } from "../../lib/api";
import { useSession } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import type en from "./en";
import { Foretold } from "./Foretold";
import css from "./marketing.module.css";
import { useScheduleWords } from "./useWhen";
import { cronOf, daysOf, type Fields, isMoment, recurringOf } from "./words";

type Day = keyof typeof en.schedule.weekdays;
const DAYS: readonly Day[] = ["1", "2", "3", "4", "5", "6", "0"];

/** When it goes: `plan` is what was chosen here; it becomes the file's schedule only when it is started. */
export function ScheduleStep({
  name,
  fields,
  text,
  plan,
  setPlan,
  change,
}: {
  name: string;
  fields: Fields;
  text: string;
  plan: string;
  setPlan: (schedule: string) => void;
  change: (patch: Partial<Fields>) => void;
}) {
  const { t } = useTranslation("marketing");
  const { workspace } = useSession();
  const format = useFormat();
  const words = useScheduleWords();
  const kind = plan === "" ? "now" : isMoment(plan) ? "once" : "recurring";
  const recurring = recurringOf(plan);
  const quiet = fields.quiet_hours;
  const cap = fields.cap;
  const coming = useAsked(
    "/api/v1/campaigns/text",
    { body: { name, text, fields: { schedule: plan } } },
    { enabled: plan !== "", placeholderData: (last) => last, retry: false },
  );
  const wrong = plan !== "" ? coming.data?.problems[0] : undefined;
  return (
    <div className={css["columns"]}>
      <Card title={t("schedule.title")} note={t("schedule.zone", { zone: workspace.zone })}>
        <div className={css["form"]}>
          {fields.schedule && (
            <div className={css["notice"]}>
              <span>{t("schedule.running", { words: words(fields.schedule) })}</span>
              <Button
                onClick={() => {
                  setPlan("");
                  change({ schedule: "" });
                }}
              >
                {t("schedule.end")}
              </Button>
            </div>
          )}
          <Radio.Group
            value={kind}
            onChange={(event) => {
              const next: unknown = event.target.value;
              setPlan(next === "now" ? "" : next === "once" ? tomorrow() : "0 10 * * 1");
            }}
            options={[
              { value: "now", label: t("schedule.now") },
              { value: "once", label: t("schedule.once") },
              { value: "recurring", label: t("schedule.recurring") },
            ]}
          />
          {kind === "now" && <span className={css["faint"]}>{t("schedule.nowNote")}</span>}
          {kind === "once" && (
            <label className={css["field"]}>
              <span>{t("schedule.onceAt")}</span>
              <Input
                type="datetime-local"
                style={{ maxWidth: 260 }}
                value={plan.replace(" ", "T").slice(0, 16)}
                onChange={(event) => event.target.value && setPlan(event.target.value.replace("T", " "))}
              />
            </label>
          )}
          {kind === "recurring" && (
            <>
              {recurring && (
                <>
                  <div className={css["row"]}>
                    <Select
                      aria-label={t("schedule.every")}
                      value={recurring.every}
                      onChange={(every) => setPlan(cronOf({ ...recurring, every }))}
                      options={(["day", "week", "month"] as const).map((value) => ({ value, label: `${t("schedule.every")} ${t(`schedule.${value}`)}` }))}
                    />
                    <Input
                      type="time"
                      aria-label={t("schedule.at")}
                      style={{ width: 120 }}
                      value={recurring.time}
                      onChange={(event) => event.target.value && setPlan(cronOf({ ...recurring, time: event.target.value }))}
                    />
                    {recurring.every === "month" && (
                      <InputNumber
                        aria-label={t("schedule.dayOfMonth")}
                        min={1}
                        max={31}
                        value={recurring.day}
                        onChange={(day) => day && setPlan(cronOf({ ...recurring, day }))}
                      />
                    )}
                  </div>
                  {recurring.every === "week" && (
                    <Checkbox.Group
                      value={recurring.days.map(String)}
                      onChange={(days) => setPlan(cronOf({ ...recurring, days: days.map(Number) }))}
                      options={DAYS.map((day) => ({ value: day, label: t(`schedule.weekdays.${day}`) }))}
                    />
                  )}
                </>
              )}
              <label className={css["field"]}>
                <span>{t("schedule.cron")}</span>
                <Input value={plan} spellCheck={false} style={{ maxWidth: 260 }} onChange={(event) => setPlan(event.target.value || "0 10 * * 1")} />
              </label>
            </>
          )}
          {plan !== "" && (
            <div aria-live="polite">
              <p style={{ margin: 0 }}>{`${words(plan)} ${t("recurring.zone", { zone: workspace.zone })}`}</p>
              {wrong ? (
                <p className={css["bad"]}><Said of={wrong} /></p>
              ) : (
                coming.data && coming.data.next.length > 0 && (
                  <p className={css["faint"]}>{t("schedule.coming", { times: coming.data.next.map((at) => format.moment(at)).join(" · ") })}</p>
                )
              )}
              {coming.error && <FailureLine error={coming.error} />}
              {fields.schedule !== plan && <p className={css["faint"]}>{t("schedule.armed")}</p>}
            </div>
          )}
        </div>
      </Card>
      <Card title={t("foretold.title")}>
        <div className={css["form"]}>
          <Checkbox checked={fields.when === "best hour"} onChange={(event) => change(event.target.checked ? { when: "best hour", within: "24 hours" } : { when: "", within: "" })}>
            {t("foretold.hour")}
          </Checkbox>
          <span className={css["faint"]}>{t("foretold.hourNote")}</span>
          {fields.when === "best hour" && (
            <label className={css["row"]}>
              <span>{t("foretold.within")}</span>
              <InputNumber aria-label={t("foretold.within")} min={1} max={168} suffix={t("foretold.hours")} value={hoursOf(fields.within)} onChange={(hours) => hours && change({ within: `${hours} hours` })} />
            </label>
          )}
          <Foretold message={{ channel: fields.channel, class: fields.class, cap: fields.cap, quiet_hours: fields.quiet_hours, when: fields.when, within: fields.within, response_value: fields.response_value }} audience={fields.audience} />
        </div>
      </Card>
      <Card>
        <div className={css["form"]}>
          <Checkbox checked={quiet !== null} onChange={(event) => change({ quiet_hours: event.target.checked ? ["21:00", "09:00"] : null })}>
            {t("schedule.quiet")}
          </Checkbox>
          <span className={css["faint"]}>{t("schedule.quietNote")}</span>
          {quiet && (
            <div className={css["row"]}>
              {([0, 1] as const).map((place) => (
                <label key={place} className={css["row"]}>
                  <span>{t(place === 0 ? "schedule.from" : "schedule.to")}</span>
                  <Input
                    type="time"
                    style={{ width: 120 }}
                    value={quiet[place] ?? ""}
                    onChange={(event) => event.target.value && change({ quiet_hours: place === 0 ? [event.target.value, quiet[1] ?? "09:00"] : [quiet[0] ?? "21:00", event.target.value] })}
                  />
                </label>
              ))}
            </div>
          )}
          <Checkbox checked={cap !== null} onChange={(event) => change({ cap: event.target.checked ? { messages: 3, per: "7 days" } : null })}>
            {t("schedule.cap")}
          </Checkbox>
          <span className={css["faint"]}>{t("schedule.capNote")}</span>
          {cap && (
            <div className={css["row"]}>
              <InputNumber aria-label={t("schedule.cap")} min={1} max={1000} value={cap.messages} onChange={(messages) => messages && change({ cap: { ...cap, messages } })} />
              <span>{t("schedule.messages")}</span>
              <InputNumber
                aria-label={t("holdout.days")}
                min={1}
                max={366}
                suffix={t("holdout.days")}
                value={daysOf(cap.per)}
                onChange={(days) => days && change({ cap: { ...cap, per: `${days} days` } })}
              />
            </div>
          )}
        </div>
      </Card>
    </div>
  );
}

function hoursOf(within: string): number {
  const found = /^(\d+) (hour|day)s?$/.exec(within);
  return found ? Number(found[1]) * (found[2] === "day" ? 24 : 1) : 24;
}

function tomorrow(): string {
  const at = new Date(Date.now() + 86_400_000);
  return `${at.toISOString().slice(0, 10)} 10:00`;
}
