import { App, Badge, Button, Popover } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../components/Icon";
import { failureOf, JobProgress, useJobName } from "../components/JobProgress";
import { Empty } from "../components/States";
import { ended, type Job, useAnswer } from "../lib/api";
import { usePreferences } from "../lib/preferences";
import { refusalIn } from "../lib/refusals";
import css from "./jobs.module.css";

/** What runs, on every page: how far it is, when it ends, and a way to stop it. */
export function JobsBell() {
  const { t } = useTranslation("app");
  const [open, setOpen] = useState(false);
  const { data } = useAnswer(
    "/api/v1/jobs",
    { params: { query: { limit: 20 } } },
    { refetchInterval: ({ state }) => (state.data?.jobs.some((job) => !ended(job)) ? 1_500 : open ? 5_000 : 20_000) },
  );
  const jobs = data?.jobs ?? [];
  const running = jobs.filter((job) => !ended(job));
  const lately = jobs.filter(ended).slice(0, 3);
  useEndings(jobs);
  const content = (
    <div className={css["list"]}>
      {running.length === 0 && (
        <Empty small title={t("jobs.none")}>
          {t("jobs.noneNote")}
        </Empty>
      )}
      {running.map((job) => (
        <JobProgress key={job.id} job={job} />
      ))}
      {lately.length > 0 && (
        <>
          <div className={css["group"]}>{t("jobs.ended")}</div>
          {lately.map((job) => (
            <JobProgress key={job.id} job={job} />
          ))}
        </>
      )}
    </div>
  );
  return (
    <Popover trigger="click" placement="bottomRight" arrow={false} title={t("jobs.title")} open={open} onOpenChange={setOpen} content={content}>
      <Badge count={running.length} size="small" offset={[-6, 6]}>
        <Button
          type="text"
          shape="circle"
          aria-label={running.length ? t("jobs.open", { count: running.length }) : t("jobs.quiet")}
          icon={<span className={running.length ? css["running"] : css["quiet"]}><Icon name="jobs" size={20} /></span>}
        />
      </Badge>
    </Popover>
  );
}

/** Says so, once, when a job that was seen running has ended. */
function useEndings(jobs: readonly Job[]) {
  const { t } = useTranslation("app");
  const { notification } = App.useApp();
  const { language } = usePreferences();
  const nameOf = useJobName();
  const seen = useRef(new Set<string>());
  useEffect(() => {
    for (const job of jobs) {
      if (!ended(job)) seen.current.add(job.id);
      else if (seen.current.delete(job.id)) {
        if (job.status === "failed") notification.error({ key: job.id, title: t("jobs.failed", { what: nameOf(job) }), description: refusalIn(failureOf(job), language), duration: 0 });
        else if (job.status === "done") notification.success({ key: job.id, title: t("jobs.done", { what: nameOf(job) }) });
      }
    }
  }, [jobs, nameOf, notification, t, language]);
}
