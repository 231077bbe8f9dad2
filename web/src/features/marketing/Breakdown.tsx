import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Interval } from "../../components/Interval";
import { Card } from "../../components/Page";
import { FailureLine, Loading } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { CHANNELS } from "../../lib/channels";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import { useValueWords } from "../tags/values";
import css from "./marketing.module.css";

type Found = Answer<"/api/v1/campaigns/{name}/breakdown">;
type Row = Found["groups"][number];
type Share = Row["unsubscribed"];

const MOST = 200;
const RATES = ["clicked", "unsubscribed", "complained"] as const;

/** What a sending did to the people of each value of a tag, or by text or channel: rates, effect, and who left. */
export function Breakdown({ name, entry }: { name: string; entry: string }) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const [by, setBy] = useState<string>();
  const tags = useAnswer("/api/v1/tags", { params: { query: { limit: MOST, sort: "key" } } }, { staleTime: 60_000 });
  const found = useAnswer("/api/v1/campaigns/{name}/breakdown", { params: { path: { name }, query: { by: by ?? "", entry } } }, { enabled: by !== undefined, placeholderData: (last) => last });
  const options = [
    { label: t("breakdown.sending"), options: (["variant", "channel"] as const).map((value) => ({ value, label: t(`breakdown.${value}`) })) },
    {
      label: t("breakdown.tags"),
      options: (tags.data?.tags ?? []).filter((tag) => tag.type !== null && tag.type !== "list").map((tag) => ({ value: `tag:${tag.key}`, label: titleIn(tag.titles, language, tag.key) })),
    },
  ];
  return (
    <Card
      title={t("breakdown.title")}
      note={t("breakdown.note")}
      extra={
        <Select
          className={css["by"] ?? ""}
          showSearch={{ optionFilterProp: "label" }}
          value={by ?? null}
          placeholder={t("breakdown.choose")}
          aria-label={t("breakdown.choose")}
          loading={tags.isPending}
          popupMatchSelectWidth={false}
          onChange={(next: string) => setBy(next)}
          options={options}
        />
      }
    >
      {by === undefined ? null : found.error ? <FailureLine error={found.error} /> : found.data ? <Groups found={found.data} /> : <Loading shape="text" rows={3} />}
    </Card>
  );
}

interface Parts {
  by: string;
  type: string;
  tag_as_of: string | null;
  groups: readonly (Row & { others?: Others | null })[];
}

type Others = NonNullable<Answer<"/api/v1/journeys/{name}/breakdown">["groups"][number]["others"]>;

/** Each group a row: people, rates, the effect against the held out, and where a lot parted them, against each other. */
export function Groups({ found }: { found: Parts }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const words = useValueWords(found.type);
  const said = (row: Row) => {
    if (row.kind === "unknown" && found.by === "variant") return t("variants.rest");
    if (row.kind === "unknown" && found.by === "channel") return t("people.status.held_out");
    const channel = CHANNELS.find((one) => found.by === "channel" && one === row.value);
    if (channel) return t(`channel.${channel}`);
    return words({ ...row, value: row.value ?? "", share: 0, where: null });
  };
  const bounds = found.groups.flatMap((row) => (row.incremental ? [row.incremental.low, row.incremental.high] : []));
  const from = Math.min(0, ...bounds);
  const to = Math.max(0, ...bounds);
  const others = found.groups.some((row) => row.others);
  const shownRates = RATES.filter((what) => what !== "complained" || found.groups.some((row) => row.complained.k > 0));
  if (found.groups.length === 0) return <p>{t("breakdown.nobody")}</p>;
  return (
    <>
      <div style={{ overflowX: "auto" }}>
        <table className={css["variants"]}>
          <thead>
            <tr>
              <th>{t("breakdown.group")}</th>
              <th data-align="right">{t("breakdown.people")}</th>
              <th data-align="right">{t("people.status.sent")}</th>
              {shownRates.map((what) => (
                <th key={what} data-align="right">
                  {t(`breakdown.${what}`)}
                </th>
              ))}
              <th colSpan={2}>{t("one.changed")}</th>
              {others && <th>{t("breakdown.others")}</th>}
            </tr>
          </thead>
          <tbody>
            {found.groups.map((row, index) => (
              <tr key={index}>
                <td>{said(row)}</td>
                <td data-align="right">{format.exact(row.people)}</td>
                <td data-align="right">{format.exact(row.sent)}</td>
                {shownRates.map((what) => (
                  <td key={what} data-align="right">
                    <Rate of={row[what]} bad={what !== "clicked"} />
                  </td>
                ))}
                {row.incremental ? (
                  <>
                    <td className={css["line"]}>
                      <Interval
                        value={row.incremental.per_person}
                        low={row.incremental.low}
                        high={row.incremental.high}
                        from={from}
                        to={to}
                        label={t("variants.effect", { change: format.change(row.incremental.per_person, 2), low: format.change(row.incremental.low, 2), high: format.change(row.incremental.high, 2) })}
                      />
                    </td>
                    <td>
                      {format.change(row.incremental.per_person, 2)} <span className={row.state === "fewer" ? css["bad"] : css["faint"]}>{t(`breakdown.state.${row.state}`)}</span>
                    </td>
                  </>
                ) : (
                  <td colSpan={2} className={css["faint"]}>
                    {t(`breakdown.why.${row.why_not ?? "few_conversions"}`)}
                  </td>
                )}
                {others && <td>{row.others && <Against of={row.others} />}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={css["faint"]}>{found.tag_as_of ? t("breakdown.asOf", { when: format.moment(found.tag_as_of) }) : t("breakdown.together")}</p>
    </>
  );
}

/** More or fewer than on all other ways, which the same lot filled. */
function Against({ of }: { of: Others }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  if (of.per_person === null) return <span className={css["faint"]}>{t(`breakdown.why.${of.why_not === "few_conversions" || of.why_not === "no_goal" ? of.why_not : "few_conversions"}`)}</span>;
  return (
    <span title={t("breakdown.interval", { low: format.change(of.low ?? 0, 2), high: format.change(of.high ?? 0, 2) })}>
      {format.change(of.per_person, 2)} <span className={of.state === "fewer" ? css["bad"] : css["faint"]}>{t(`breakdown.state.${of.state}`)}</span>
    </span>
  );
}

/** A share of those to whom it was sent, with its interval, and an arrow where it surely differs from all others. */
function Rate({ of, bad }: { of: Share; bad: boolean }) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  if (of.rate === null) return <>–</>;
  const arrow = of.differs === "more" ? "↑" : of.differs === "fewer" ? "↓" : "";
  const label = of.differs ? t(`breakdown.${of.differs}`) : undefined;
  return (
    <span title={t("breakdown.interval", { low: format.percent(of.low ?? 0, 1), high: format.percent(of.high ?? 0, 1) })} className={bad && of.differs === "more" ? css["bad"] : undefined}>
      {format.percent(of.rate, 1)}
      {label && <span aria-label={label}> {arrow}</span>}
    </span>
  );
}
