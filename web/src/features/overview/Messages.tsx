import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Card, Figure } from "../../components/Page";
import { Empty } from "../../components/States";
import type { Answer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useFormat } from "../../lib/useFormat";
import css from "./overview.module.css";
import { titleOf } from "./titleOf";

type Week = Answer<"/api/v1/overview">["messages"];
type Report = Week["reports"][number];

/** What messages changed: how many were sent, and what those did that still count, each with its interval. */
export function Messages({ messages }: { messages: Week }) {
  const { t } = useTranslation("overview");
  const format = useFormat();
  return (
    <Card title={t("messages.title")} note={t("asOf", { when: format.moment(messages.as_of) })} extra={messages.more > 0 ? <Link to="/effects">{t("messages.more")}</Link> : undefined}>
      <Figure label={t("messages.sent")} value={<Link to="/marketing/campaigns">{format.exact(messages.sent)}</Link>} note={t("messages.before", { n: format.exact(messages.sent_before) })} />
      {messages.reports.length ? (
        <ul className={css["reports"]}>
          {messages.reports.map((report) => (
            <li key={`${report.campaign} ${report.entry}`}>
              <Change report={report} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty small icon="effects" title={t("messages.none")} action={<Link to="/marketing/campaigns">{t("messages.make")}</Link>}>
          {t("messages.noneNote")}
        </Empty>
      )}
    </Card>
  );
}

function Change({ report }: { report: Report }) {
  const { t } = useTranslation("overview");
  const { language } = usePreferences();
  const format = useFormat();
  const change = report.incremental;
  return (
    <>
      <h3 className={css["classTitle"]}>
        <Link to={placeOf("campaign", report.campaign) ?? "/marketing/campaigns"}>{titleOf(report.titles, language, report.campaign)}</Link>
        <span className={css["faint"]}>{t("messages.sentTo", { n: format.exact(report.sent), when: format.date(report.started_at) })}</span>
      </h3>
      <p className={css["verdict"]}>{verdict()}</p>
      {change && (
        <>
          <Interval
            {...change}
            zero={t("messages.zero")}
            label={t("messages.graph", { value: format.exact(change.value, 0), low: format.exact(change.low, 0), high: format.exact(change.high, 0) })}
          />
          <p className={css["faint"]}>
            {t("messages.conversions", { n: signed(change.value) })} · {t("messages.interval", { low: format.exact(change.low, 0), high: format.exact(change.high, 0) })}
          </p>
        </>
      )}
      {report.money && (
        <p className={css["faint"]}>
          {t("messages.money", { n: format.money(report.money.value) })} · {t("messages.interval", { low: format.money(report.money.low), high: format.money(report.money.high) })}
        </p>
      )}
    </>
  );

  function signed(value: number): string {
    return `${value > 0 ? "+" : ""}${format.exact(value, 0)}`;
  }

  function verdict(): string {
    if (report.verdict === "more") return t("messages.more_people");
    if (report.verdict === "not_enough") {
      return t("messages.not_enough", { treated: format.exact(report.treated?.k ?? 0), heldOut: format.exact(report.held_out?.k ?? 0) });
    }
    return t(`messages.${report.verdict}`);
  }
}

/** An estimate with its interval on a line whose zero is marked. */
function Interval({ value, low, high, zero, label }: { value: number; low: number; high: number; zero: string; label: string }) {
  const from = Math.min(0, low);
  const to = Math.max(0, high);
  const place = (at: number) => 2 + ((at - from) / (to - from || 1)) * 96;
  return (
    <svg className={css["interval"]} viewBox="0 0 100 16" height={16} preserveAspectRatio="none" role="img" aria-label={label}>
      <line x1={0} x2={100} y1={8} y2={8} className={css["axis"]} />
      <line x1={place(0)} x2={place(0)} y1={1} y2={15} className={css["zero"]}>
        <title>{zero}</title>
      </line>
      <line x1={place(low)} x2={place(high)} y1={8} y2={8} className={css["reach"]} />
      <line x1={place(value)} x2={place(value)} y1={3} y2={13} className={css["estimate"]} />
    </svg>
  );
}
