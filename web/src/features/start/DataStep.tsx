import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { JobOf } from "../../components/JobProgress";
import { FailureLine } from "../../components/States";
import { once, useChange, useJob } from "../../lib/api";
import { useMay } from "../../lib/session";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { Drop } from "../data/Drop";
import { Importer, Running } from "../data/Importer";
import { ReportOf } from "../data/Report";
import type { StepProps } from "./Start";
import css from "./start.module.css";

const STATE = { upload: "", name: "", job: "", demo: "" };

/** A file of one's own, a website, or the demo's data. Where it stands is in the address. */
export function DataStep({ started, go }: StepProps) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const navigate = useNavigate();
  const [state, setState] = useUrlState(STATE);
  const [more, setMore] = useState(false);
  const events = started.steps[0]?.count ?? 0;
  const anew = () => setState({ upload: "", name: "", job: "" });
  const on = (
    <Button type="primary" onClick={() => go("people")}>
      {t("data.go")}
    </Button>
  );
  if (state.demo) return <DemoRunning job={state.demo} go={go} />;
  if (state.job)
    return (
      <Running job={state.job}>
        {(id) => (
          <>
            <ReportOf id={id} />
            <div className={css["buttons"]}>
              <Refreshed />
              {on}
              <Button onClick={anew}>{t("data.more")}</Button>
            </div>
          </>
        )}
      </Running>
    );
  if (state.upload) return <Importer upload={state.upload} name={state.name} begun={(job) => setState({ job }, { push: true })} another={anew} />;
  if (events > 0 && !more)
    return (
      <>
        <p>{t("data.have", { count: events, exact: format.exact(events) })}</p>
        <div className={css["buttons"]}>
          {on}
          <Button onClick={() => setMore(true)}>{t("data.more")}</Button>
        </div>
      </>
    );
  return (
    <>
      <Drop done={({ upload, name }) => setState({ upload, name })} />
      <div className={css["buttons"]}>
        <Button type="link" onClick={() => void navigate("/data/sources")}>
          {t("data.website")}
        </Button>
      </div>
      {started.demo.possible && <Demo begun={(demo) => setState({ demo })} />}
    </>
  );
}

/** Once shown, what the page knows of the steps is asked anew. */
function Refreshed() {
  const client = useQueryClient();
  useEffect(() => {
    void client.invalidateQueries();
  }, [client]);
  return null;
}

function Demo({ begun }: { begun: (job: string) => void }) {
  const { t } = useTranslation("start");
  const admin = useMay("admin");
  const demo = useChange("post", "/api/v1/start/demo", { invalidates: [], onDone: ({ job }) => begun(job) });
  if (!admin) return <p className={css["quiet"]}>{t("data.demoAdmin")}</p>;
  return (
    <section className={css["demo"]} aria-label={t("data.demo")}>
      <strong>{t("data.demo")}</strong>
      <p>{t("data.demoNote")}</p>
      <p className={css["quiet"]}>{t("data.demoStays")}</p>
      <div className={css["buttons"]}>
        <Button loading={demo.isPending} onClick={() => demo.mutate({ body: { shop: "tea" }, headers: once() })}>
          {t("data.demoGo")}
        </Button>
      </div>
      {demo.error && <FailureLine error={demo.error} />}
    </section>
  );
}

function DemoRunning({ job, go }: { job: string; go: StepProps["go"] }) {
  const { t } = useTranslation("start");
  const done = useJob(job).data?.status === "done";
  return (
    <>
      <JobOf id={job} />
      {done && (
        <div className={css["buttons"]}>
          <Refreshed />
          <Button type="primary" onClick={() => go("people")}>
            {t("data.go")}
          </Button>
        </div>
      )}
    </>
  );
}
