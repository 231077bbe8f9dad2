import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Icon } from "../../components/Icon";
import { Page } from "../../components/Page";
import { Empty, Failure, Loading } from "../../components/States";
import { useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import { Flow } from "./Flow";
import { Freshness } from "./Freshness";
import { Messages } from "./Messages";
import { Needs } from "./Needs";
import css from "./overview.module.css";
import { People } from "./People";

/** Five questions on one page: what needs me, is data flowing, are tags fresh, who are our people, what changed? */
export default function OverviewPage() {
  const { t } = useTranslation("overview");
  const format = useFormat();
  const found = useAnswer("/api/v1/overview", {}, { refetchInterval: 60_000 });
  const overview = found.data;
  return (
    <Page
      title={t("title")}
      description={overview ? <span title={format.full(overview.as_of)}>{t("asOf", { when: format.moment(overview.as_of) })}</span> : " "}
      actions={
        <Button icon={<Icon name="refresh" />} loading={found.isFetching && !!overview} onClick={() => void found.refetch()}>
          {t("refresh")}
        </Button>
      }
    >
      {overview ? (
        overview.started ? (
          <div className={css["questions"]}>
            <Needs needs={overview.needs} />
            <div className={css["column"]}>
              <Flow flow={overview.data} now={overview.as_of} />
              <Freshness tags={overview.tags} />
            </div>
            <div className={css["column"]}>
              <People people={overview.people} />
              <Messages messages={overview.messages} />
            </div>
          </div>
        ) : (
          <>
            {overview.needs.length > 0 && <Needs needs={overview.needs} />}
            <Start />
          </>
        )
      ) : found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Loading shape="cards" rows={5} />
      )}
    </Page>
  );
}

function Start() {
  const { t } = useTranslation("overview");
  const navigate = useNavigate();
  return (
    <Empty
      icon="data"
      title={t("start.title")}
      action={
        <Button type="primary" onClick={() => void navigate("/start")}>
          {t("start.action")}
        </Button>
      }
    >
      {t("start.note")}
    </Empty>
  );
}
