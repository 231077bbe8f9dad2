import { Button, DatePicker, InputNumber, Segmented } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Interval } from "../../components/Interval";
import { Percent, When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, FailureLine, Loading } from "../../components/States";
import { type Answer, useAsked } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import { Field, Words, wordsOf } from "./Form";
import type { Vocabulary } from "./Form";
import css from "./whatif.module.css";
import { useOneValue } from "./values";

type Answered = Answer<"/api/v1/tags/{key}/whatif", "post">;
type Did = NonNullable<Answered["instants"][number]["did"]>;
interface Asked {
  text: string;
  on: string[];
  then: string;
  after_days: number;
  view: "" | "known" | "true";
}

/** The first days of so many months before this one, the latest last. */
function months(count: number): string[] {
  return Array.from({ length: count }, (_, back) => dayjs().startOf("month").subtract(count - back, "month").format("YYYY-MM-DD"));
}

/** What the text would have given at past instants, and what these people did in the days after. */
export function WhatIf({ name, text, type, names, ready }: { name: string; text: string; type: string; names: Vocabulary | undefined; ready: boolean }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const [on, setOn] = useState(() => months(3));
  const [kind, setKind] = useState<"event" | "text">("event");
  const [event, setEvent] = useState("");
  const [condition, setCondition] = useState("");
  const [days, setDays] = useState(30);
  const [asked, setAsked] = useState<Asked | null>(null);
  const chosen = event || (names?.events.includes("Order Paid") ? "Order Paid" : (names?.events[0] ?? ""));
  const then = kind === "text" ? condition : chosen ? `did ${JSON.stringify(chosen)} in last ${days} days` : "";
  const wanted: Asked = { text, on, then, after_days: days, view: "" };
  const found = useAsked(
    "/api/v1/tags/{key}/whatif",
    { params: { path: { key: name } }, body: asked ?? wanted },
    { enabled: asked !== null, retry: false, staleTime: Infinity, refetchOnWindowFocus: false },
  );
  const old = asked !== null && JSON.stringify(asked) !== JSON.stringify(wanted);
  return (
    <Card title={t("whatif.title")} note={t("whatif.note")}>
      <form
        className={css["asks"]}
        onSubmit={(submitted) => {
          submitted.preventDefault();
          if (old || asked === null) setAsked(wanted);
          else void found.refetch();
        }}
      >
        <Field label={t("whatif.on")} hint={t("whatif.onHint")}>
          {(id) => (
            <DatePicker
              id={id}
              multiple
              maxTagCount="responsive"
              value={on.map((day) => dayjs(day))}
              disabledDate={(day: dayjs.Dayjs) => day.isAfter(dayjs(), "day")}
              onChange={(chosenDays: dayjs.Dayjs[] | null) => setOn([...(chosenDays ?? [])].map((day) => day.format("YYYY-MM-DD")).sort().slice(-24))}
            />
          )}
        </Field>
        <div className={css["quick"]} role="group" aria-label={t("whatif.quick")}>
          {[3, 6, 12].map((count) => (
            <Button key={count} size="small" onClick={() => setOn(months(count))}>
              {t("whatif.months", { exact: format.exact(count) })}
            </Button>
          ))}
        </div>
        <div className={css["then"]}>
          <Field label={t("whatif.days")}>{(id) => <InputNumber id={id} min={1} max={366} value={days} onChange={(next) => setDays(next ?? 30)} />}</Field>
          <Field label={t("whatif.then")} group>
            {() => (
              <>
                <Segmented
                  size="small"
                  value={kind}
                  onChange={setKind}
                  options={[
                    { value: "event", label: t("whatif.byEvent") },
                    { value: "text", label: t("editor.asText") },
                  ]}
                />
                {kind === "event" ? (
                  <Words label={t("whatif.event")} value={chosen} onChange={setEvent} words={names?.events ?? []} />
                ) : (
                  <CodeEditor value={condition} onChange={setCondition} label={t("whatif.then")} language="expression" height="auto" words={wordsOf(names).filter(({ word }) => !names?.tags.some(({ key }) => key === word))} placeholder={`did "Order Paid" in last ${days} days`} />
                )}
              </>
            )}
          </Field>
        </div>
        <div>
          <Button type={asked === null || old ? "primary" : "default"} htmlType="submit" disabled={!ready || on.length === 0} loading={found.isFetching}>
            {t("whatif.ask")}
          </Button>
        </div>
      </form>
      <div aria-live="polite" aria-busy={found.isFetching} className={css["answer"]} data-old={old}>
        {found.error && !found.isFetching ? (
          <FailureLine error={found.error} />
        ) : found.isFetching && !found.data ? (
          <>
            <p className={css["faint"]}>{t("whatif.counting", { exact: format.exact(asked?.on.length ?? 0) })}</p>
            <Loading rows={3} />
          </>
        ) : found.data ? (
          <>
            {old && <p className={css["faint"]}>{t("whatif.old")}</p>}
            <Shown of={found.data} type={type} />
          </>
        ) : (
          <Empty small title={t("whatif.none")}>
            {t("whatif.noneNote")}
          </Empty>
        )}
      </div>
    </Card>
  );
}

function Shown({ of, type }: { of: Answered; type: string }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const one = useOneValue(type);
  const word = (value: string | null) => (value === null ? t("value.unknown") : value === "*" ? t("whatif.any") : value === "…" ? t("value.rest") : one(value));
  const most = Math.max(0.01, ...of.instants.flatMap((row) => row.values.map((item) => item.did?.high ?? 0)));
  return (
    <>
      {of.instants.map((row) => (
        <section key={row.as_of} className={css["instant"]}>
          <h3>
            <When at={row.as_of} as="date" />
          </h3>
          <p className={css["faint"]}>
            {t("whatif.people", { count: row.people, exact: format.exact(row.people), all: format.exact(row.everybody), share: format.percent(row.everybody ? row.people / row.everybody : 0) })}
            {of.then && row.until === null && ` · ${t("whatif.ahead")}`}
          </p>
          <table className={css["table"]}>
            <thead>
              <tr>
                <th scope="col">{t("whatif.value")}</th>
                <th scope="col">{t("col.people")}</th>
                {row.until !== null && (
                  <th scope="col" colSpan={2}>
                    {t("whatif.did", { count: of.after_days, exact: format.exact(of.after_days) })}
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {row.values.filter((item) => item.people > 0 || item.value !== null).map((item) => (
                <tr key={String(item.value)} data-none={item.value === null}>
                  <td>{word(item.value)}</td>
                  <td className={css["number"]}>{format.exact(item.people)}</td>
                  {row.until !== null && item.did && <Next did={item.did} most={most} name={word(item.value)} />}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
      {of.masked && <p className={css["faint"]}>{t("masked")}</p>}
      {of.then && <p className={css["faint"]}>{t("whatif.caution")}</p>}
    </>
  );
}

function Next({ did, most, name }: { did: Did; most: number; name: string }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  if (did.share === null || did.low === null || did.high === null) {
    return (
      <td className={css["faint"]} colSpan={2}>
        {t("whatif.few", { of: format.exact(did.of) })}
      </td>
    );
  }
  return (
    <>
      <td className={css["number"]}>
        <Percent value={did.share} low={did.low} high={did.high} />
      </td>
      <td className={css["line"]}>
        <Interval value={did.share} low={did.low} high={did.high} from={0} to={most} height={20} label={`${name}: ${format.percent(did.share)} (${format.percent(did.low)} – ${format.percent(did.high)})`} />
      </td>
    </>
  );
}
