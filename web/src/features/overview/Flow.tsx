import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card, Figure } from "../../components/Page";
import type { Answer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useFormat } from "../../lib/useFormat";
import { Bars } from "./Bars";
import css from "./overview.module.css";

type Data = Answer<"/api/v1/overview">["data"];

const SHOWN = 6;

/** Whether data flows: how much, from where, when last, and how much of it was set aside. */
export function Flow({ flow, now }: { flow: Data; now: string }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const dayAt = (index: number) => format.date(`${addDays(flow.days_from, index)}T12:00:00Z`);
  const today = flow.days.at(-1) ?? 0;
  const label = t("data.days", { from: dayAt(0), to: dayAt(flow.days.length - 1), total: format.exact(flow.events), today: format.exact(today) });
  return (
    <Card
      title={t("data.title")}
      note={flow.healthy ? (flow.behind ? t("data.behind") : flow.last_received_at ? t("data.last", { ago: format.ago(flow.last_received_at, Date.parse(now)) }) : t("data.never")) : flow.problem}
      extra={<Link to="/data/sources">{t("data.all")}</Link>}
    >
      <div className={css["figures"]}>
        <Figure label={t("data.events")} value={<Link to="/data/events">{format.exact(flow.events)}</Link>} />
        <Figure label={t("data.hours")} value={format.exact(flow.received_24h)} />
        <Figure
          label={t("data.aside")}
          value={<Link to="/data/quarantine">{flow.quarantined_share === null ? format.exact(flow.quarantined_24h) : format.percent(flow.quarantined_share, 2)}</Link>}
          note={flow.quarantined_24h ? t("data.asideNote", { n: format.exact(flow.quarantined_24h) }) : t("data.asideNone")}
        />
      </div>
      <Bars values={flow.days} label={label} titles={(index) => t("data.bar", { day: dayAt(index), n: format.exact(flow.days[index]) })} height={56} />
      <div className={css["ends"]} aria-hidden="true">
        <span>{dayAt(0)}</span>
        <span>{t("data.today")}</span>
      </div>
      <table className={css["sources"]}>
        <thead>
          <tr>
            <th scope="col">{t("data.source")}</th>
            <th scope="col" className={css["wide"]}>
              {t("data.happened")}
            </th>
            <th scope="col" className={css["number"]}>
              {t("data.count")}
            </th>
            <th scope="col" className={css["number"]}>
              {t("data.lastOne")}
            </th>
          </tr>
        </thead>
        <tbody>
          {flow.sources.slice(0, SHOWN).map((source) => (
            <tr key={source.name}>
              <th scope="row">
                <Link to={placeOf("source", source.name) ?? "/data/sources"}>{source.name}</Link>
                {!source.enabled && <span className={css["faint"]}> · {t("data.disabled")}</span>}
              </th>
              <td className={css["wide"]}>
                <Bars values={source.days} label={`${source.name}: ${format.exact(source.events)}`} height={18} />
              </td>
              <td className={css["number"]}>{format.exact(source.events)}</td>
              <td className={css["number"]}>
                <span className={css["faint"]} title={source.last_received_at ? format.full(source.last_received_at) : undefined}>
                  {format.ago(source.last_received_at, Date.parse(now))}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
