import { Input, InputNumber, Select, Slider } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Chart } from "../../components/Chart";
import { Count } from "../../components/Numbers";
import { Card, Figure } from "../../components/Page";
import { FailureLine, Loading } from "../../components/States";
import { useAnswer, useAsked } from "../../lib/api";
import { channelOf, channelsOf } from "../../lib/channels";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import css from "./marketing.module.css";
import { daysOf, type Fields, type Power } from "./words";

const MOST = 50;

/** How many get nothing, and what that can show; and what counts as success. */
export function HoldoutStep({ fields, change }: { fields: Fields; change: (patch: Partial<Fields>) => void }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const names = useAnswer("/api/v1/expressions/names");
  const metrics = useAnswer("/api/v1/metrics");
  const { language } = usePreferences();
  const goal = fields.goal;
  const days = daysOf(goal?.within ?? "14 days");
  const found = useAsked(
    "/api/v1/campaigns/power",
    {
      body: {
        audience: fields.audience,
        people: -1,
        holdout: 0.1,
        baseline: -1,
        days,
        event: goal?.event ?? "",
        where: goal?.where ?? "",
        metric: goal?.metric ?? "",
        channel: channelsOf(fields.channel).length > 1 ? "" : channelOf(fields.channel),
        message_class: fields.class === "service" ? "service" : "marketing",
      },
    },
    { placeholderData: (last) => last },
  );
  const money = names.data?.properties.filter((item) => item.type === "money" || item.type === "number") ?? [];
  const setGoal = (patch: Partial<NonNullable<Fields["goal"]>>) =>
    change({ goal: { metric: "", event: "", where: "", money: "", within: "14 days", ...goal, ...patch } });
  const aim = goal?.metric ? `metric:${goal.metric}` : goal?.event ? `event:${goal.event}` : "";
  const aimAt = (word: string) => {
    const [kind, name] = [word.split(":", 1)[0], word.slice(word.indexOf(":") + 1)];
    if (!word) change({ goal: null });
    else if (kind === "metric") setGoal({ metric: name, event: "", where: "", money: "" });
    else setGoal({ metric: "", event: name });
  };
  return (
    <div className={css["columns"]}>
      <Card title={t("holdout.goal")}>
        <div className={css["form"]}>
          <label className={css["field"]}>
            <span>{t("holdout.event")}</span>
            <Select
              aria-label={t("holdout.event")}
              showSearch={{ optionFilterProp: "label" }}
              value={aim}
              onChange={aimAt}
              options={[
                { value: "", label: t("holdout.eventNone") },
                { label: t("holdout.events"), options: (names.data?.events ?? []).map((name) => ({ value: `event:${name}`, label: name })) },
                ...(metrics.data?.metrics.length ? [{ label: t("holdout.metrics"), options: metrics.data.metrics.map((item) => ({ value: `metric:${item.key}`, label: titleIn(item.titles, language, item.key) })) }] : []),
              ]}
            />
          </label>
          {goal?.metric && (
            <p className={css["faint"]}>
              {t("holdout.measures")} <code>{metrics.data?.metrics.find((item) => item.key === goal.metric)?.measure ?? goal.metric}</code>
            </p>
          )}
          {goal && (
            <>
              {!goal.metric && <><label className={css["field"]}>
                <span>{t("holdout.where")}</span>
                <Input value={goal.where} spellCheck={false} placeholder={t("holdout.wherePlaceholder")} onChange={(event) => setGoal({ where: event.target.value })} />
              </label>
              <label className={css["field"]}>
                <span>{t("holdout.money")}</span>
                <Select
                  aria-label={t("holdout.money")}
                  value={goal.money}
                  onChange={(value) => setGoal({ money: value })}
                  options={[{ value: "", label: t("holdout.moneyNone") }, ...money.map((item) => ({ value: item.name, label: item.name }))]}
                />
              </label></>}
              <div className={css["field"]}>
                <span>{t("holdout.within")}</span>
                <InputNumber
                  aria-label={t("holdout.within")}
                  min={1}
                  max={366}
                  value={days}
                  suffix={t("holdout.days")}
                  onChange={(value) => value && setGoal({ within: `${value} days` })}
                />
              </div>
            </>
          )}
        </div>
      </Card>
      <Card title={t("holdout.title")} note={t("holdout.note")}>
        <div className={css["form"]}>
          <div className={css["row"]}>
            <div style={{ flex: 1, minWidth: 160 }}>
              <Slider
                min={0}
                max={MOST}
                step={1}
                value={Math.round(fields.holdout * 100)}
                ariaLabelForHandle={t("holdout.share")}
                tooltip={{ formatter: (value) => format.percent((value ?? 0) / 100, 0) }}
                onChange={(value) => change({ holdout: value / 100 })}
              />
            </div>
            <span className={css["big"]}>{format.percent(fields.holdout, 1)}</span>
          </div>
          {found.error ? <FailureLine error={found.error} /> : found.data ? <Shows power={found.data} holdout={fields.holdout} event={goal?.metric || (goal?.event ?? "")} /> : <Loading rows={3} />}
        </div>
      </Card>
    </div>
  );
}

/** What the holdout can show, said at once for every place of the slider. */
function Shows({ power, holdout, event }: { power: Power; holdout: number; event: string }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const curve = power.curve;
  const option = useMemo(
    () => ({
      xAxis: { type: "value", max: MOST, axisLabel: { formatter: "{value}%" } },
      yAxis: { type: "value", axisLabel: { formatter: "{value}" } },
      grid: { top: 16, bottom: 24, left: 36, right: 16 },
      series: [
        {
          type: "line",
          showSymbol: false,
          data: curve.filter((one) => one.difference !== null && one.holdout * 100 <= MOST).map((one) => [one.holdout * 100, (one.difference ?? 0) * 100]),
          markLine: { symbol: "none", label: { show: false }, data: [{ xAxis: holdout * 100 }] },
        },
      ],
    }),
    [curve, holdout],
  );
  const out = Math.round(power.eligible * holdout);
  const at = between(power, holdout);
  const base = power.baseline.share;
  return (
    <>
      <div className={css["figures"]}>
        <Figure label={t("holdout.out")} value={<Count value={out} />} />
        <Figure label={t("holdout.treated")} value={<Count value={power.eligible - out} />} />
      </div>
      <div aria-live="polite">
        {at.difference !== null && base !== null ? (
          <>
            <p className={css["verdict"]} style={{ marginBottom: 4 }}>
              {t("holdout.shows", { points: format.exact(at.difference * 100, 1) })}
            </p>
            <p className={css["faint"]}>
              {t("holdout.showsNote", { base: format.percent(base, 1), top: format.percent(base + at.difference, 1), days: format.exact(power.days) })}
            </p>
          </>
        ) : (
          <p>
            {t(`holdout.nothing.${power.baseline.reason ?? at.reason ?? "no_baseline"}`, {
              enough: power.enough,
              days: format.exact(power.days),
              people: format.exact(power.baseline.people),
              converted: format.exact(power.baseline.converted),
            })}
          </p>
        )}
      </div>
      {power.baseline.source === "history" && base !== null && (
        <p className={css["faint"]}>
          {t("holdout.from", {
            converted: format.exact(power.baseline.converted),
            people: format.exact(power.baseline.people),
            from: format.date(power.baseline.from),
            event,
            days: format.exact(power.days),
          })}
        </p>
      )}
      {curve.some((one) => one.difference !== null) && (
        <Chart
          label={t("holdout.curve")}
          option={option}
          height={160}
          table={{
            heads: [t("holdout.share"), t("holdout.curve")],
            rows: curve.map((one) => [format.percent(one.holdout, 0), one.difference === null ? "–" : t("holdout.points", { points: format.exact(one.difference * 100, 1) })]),
          }}
        />
      )}
    </>
  );
}

/** What a holdout between two told ones can show: in proportion; nothing where a neighbour shows nothing. */
function between(power: Power, holdout: number): { difference: number | null; reason: Power["reason"] } {
  if (holdout <= 0) return { difference: null, reason: "nobody_held_out" };
  const above = power.curve.find((one) => one.holdout >= holdout - 1e-9);
  if (!above) return { difference: null, reason: "too_few_people" };
  if (Math.abs(above.holdout - holdout) < 1e-9) return above;
  const below = [...power.curve].reverse().find((one) => one.holdout < holdout);
  if (!below) return above;
  if (above.difference === null || below.difference === null) return { difference: null, reason: below.reason ?? above.reason };
  const share = (holdout - below.holdout) / (above.holdout - below.holdout);
  return { difference: below.difference + (above.difference - below.difference) * share, reason: null };
}
