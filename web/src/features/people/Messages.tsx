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
                <Link to={placeOf("campaign", row.campaign) ?? "/marketing"}>{titleIn(row.titles, language, row.campaign)}</Link>
                <span className={css["under"]}>{row.at && <When at={row.at} as="moment" />}</span>
              </div>
              <div className={css["under"]}>
                {[
                  row.channel && channelOf(row.channel),
                  [statuses[row.status] ?? row.status, row.reason].filter(Boolean).join(": "),
                  row.due_at && t("messages.due", { when: format.moment(row.due_at) }),
                  row.why?.hour && row.why.hour.hour >= 0 && t("messages.atHour"),
                  row.why?.channel && t("messages.byChannel"),
                  row.opened_at && t("messages.opened", { when: format.moment(row.opened_at) }),
                  row.clicked_at && t("messages.clicked", { when: format.moment(row.clicked_at) }),
                  row.unsubscribed_at && t("messages.unsubscribed", { when: format.moment(row.unsubscribed_at) }),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </div>
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
