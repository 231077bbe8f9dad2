import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { useRows } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import { useChannel } from "./say";

const clock = (hour: number) => `${String(hour % 24).padStart(2, "0")}:00`;

/** What we sent, what became of it, and which campaigns held the person out. */
export function Messages({ id, asOf }: { id: string; asOf: string }) {
  const { t } = useTranslation("people");
  const { t: words } = useTranslation();
  const { language } = usePreferences();
  const format = useFormat();
  const channelOf = useChannel();
  const list = useRows("/api/v1/people/{id}/messages", (answer) => answer.messages, { params: { path: { id }, query: asOf ? { as_of: asOf } : {} } }, { limit: 20 });
  const statuses: Record<string, string> = t("messages.status", { returnObjects: true });
  return (
    <Card title={t("messages.title")}>
      {list.problem && !list.rows ? (
        <Failure small error={list.problem} retry={list.again} />
      ) : list.rows === undefined ? (
        <Loading rows={2} />
      ) : list.rows.length === 0 ? (
        <Empty small icon="send" title={t("messages.none")}>
          {t("messages.noneNote")}
        </Empty>
      ) : (
        <ul className={css["list"]}>
          {list.rows.map((row) => (
            <li key={row.id}>
              <div className={css["line"]}>
                <Link to={placeOf(row.journey ? "journey" : "campaign", row.campaign) ?? "/marketing"}>{titleIn(row.titles, language, row.campaign)}</Link>
                <span className={css["under"]}>{row.at && <When at={row.at} as="moment" />}</span>
              </div>
              <div className={css["under"]}>
                {[
                  row.channel && channelOf(row.channel),
                  [statuses[row.status] ?? row.status, row.reason].filter(Boolean).join(": "),
                  row.due_at && t("messages.due", { when: format.moment(row.due_at) }),
                  row.opened_at && t("messages.opened", { when: format.moment(row.opened_at) }),
                  row.clicked_at && t("messages.clicked", { when: format.moment(row.clicked_at) }),
                  row.unsubscribed_at && t("messages.unsubscribed", { when: format.moment(row.unsubscribed_at) }),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </div>
              {row.why?.hour && row.why.hour.hour >= 0 && (
                <div className={css["under"]}>{t(`messages.hours.${row.why.hour.whose}`, { n: row.why.hour.n, of: row.why.hour.of, from: clock(row.why.hour.best), until: clock(row.why.hour.best + row.why.hour.band) })}</div>
              )}
              {row.why?.channel && (
                <div className={css["under"]}>
                  {t("messages.answered", {
                    channels: Object.entries(row.why.channel.answers)
                      .map(([channel, [answered, asked]]) => t("messages.of", { channel: channelOf(channel), answered, asked }))
                      .join(", "),
                  })}
                </div>
              )}
              {row.picks.map((pick) => (
                <div className={css["under"]} key={`${pick.list} ${pick.name}`}>
                  {t("messages.picked", { what: titleIn(pick.titles, language, pick.name) })}{" "}
                  {pick.kind === "interest"
                    ? pick.label === null
                      ? t("next.hidden")
                      : t("next.interest", { tag: titleIn(pick.tag_titles, language, pick.tag ?? ""), label: pick.label })
                    : t(`next.${pick.kind as "popular" | "new" | "any"}`, { count: pick.people })}
                </div>
              ))}
            </li>
          ))}
        </ul>
      )}
      {list.more && (
        <div className={css["center"]}>
          <Button size="small" loading={list.loadingMore} onClick={list.more}>
            {words("more")}
          </Button>
        </div>
      )}
    </Card>
  );
}
