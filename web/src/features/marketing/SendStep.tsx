import { Button, Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ConfirmCount } from "../../components/Confirm";
import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { AsOf } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Failure, FailureLine, Loading } from "../../components/States";
import { answer, api, ended, once, useAsked, useChange, useJob } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import { Approvals } from "./Approvals";
import { CheckListView } from "./CheckListView";
import css from "./marketing.module.css";
import { Parts } from "./Parts";
import { StopButton } from "./StopButton";
import type { CheckList, Fields } from "./words";

/** The last look, and then: how many, a second person above the limit, and a stop at hand all the time. */
export function SendStep({ name, fields, plan, save }: { name: string; fields: Fields; plan: string; save: (patch: Partial<Fields>) => Promise<boolean> }) {
  const { t } = useTranslation("marketing");
  const found = useAsked(
    "/api/v1/campaigns/{name}/check",
    { params: { path: { name } }, body: { entry: plan ? "*" : "" } },
    { staleTime: 0, refetchInterval: 20_000 },
  );
  return (
    <div className={css["columns"]}>
      <Card
        title={t("check.title")}
        note={found.data && <AsOf at={found.data.as_of} />}
        extra={
          <Button icon={<Icon name="refresh" />} loading={found.isFetching} onClick={() => void found.refetch()}>
            {t("check.again")}
          </Button>
        }
      >
        {found.data ? <CheckListView items={found.data.items} /> : found.error ? <Failure small error={found.error} retry={() => void found.refetch()} /> : <Loading rows={8} />}
      </Card>
      <div className={css["form"]}>
        <Approvals campaign={name} />
        {found.data && <Doing name={name} fields={fields} plan={plan} save={save} check={found.data} again={() => void found.refetch()} />}
      </div>
    </div>
  );
}

function Doing({
  name,
  fields,
  plan,
  save,
  check,
  again,
}: {
  name: string;
  fields: Fields;
  plan: string;
  save: (patch: Partial<Fields>) => Promise<boolean>;
  check: CheckList;
  again: () => void;
}) {
  const { t } = useTranslation("marketing");
  const format = useFormat();
  const may = useMay("operator");
  const [asking, setAsking] = useState(false);
  const [sure, setSure] = useState(false);
  const [key] = useState(() => crypto.randomUUID());
  const [job, setJob] = useState<string>();
  const state = useJob(job);
  const approval = check.items.find((item) => item.code === "approval");
  const given = approval?.words["given"];
  const people = check.counts?.waiting ?? 0;
  const limit = check.approval_people;
  const above = limit >= 0 && people > limit;
  const needs = approval?.state === "stop";
  const started = plan !== "" && fields.schedule === plan;
  const start = async () => {
    if (plan) {
      // Above the limit nothing goes before the approval, so that the schedule may stand in the file first.
      await save({ schedule: plan });
      again();
    } else {
      const begun = await answer(api.POST("/api/v1/campaigns/{name}/send", { params: { path: { name } }, body: { entry: "", dry_run: false }, headers: once(key) }));
      setJob(begun.job);
    }
    setSure(false);
  };
  const over = state.data ? ended(state.data) : false;
  return (
    <Card title={t("send.title")}>
      <div className={css["form"]}>
        <p className={css["big"]} style={{ margin: 0 }}>
          {t("send.who", { people: format.exact(people) })}
        </p>
        {check.counts && <Parts counts={check.counts} />}
        {given === "refused" && check.approval && (
          <p className={css["bad"]}>{t("send.refusedBy", { who: check.approval.decided_by ?? "", reason: check.approval.reason || "–" })}</p>
        )}
        {job ? (
          <>
            <JobOf id={job} />
            {!over && <StopButton name={name} beginning />}
            {over && <Link to={placeOf("campaign", name) ?? "/marketing"}>{t("send.toReport")}</Link>}
          </>
        ) : (
          may && (
            <div className={css["row"]}>
              {started && !needs && <strong>{t("send.scheduled")}</strong>}
              {plan !== "" && !started && (
                <Button type="primary" size="large" disabled={!check.ready} onClick={() => setSure(true)}>
                  {t("send.start")}
                </Button>
              )}
              {needs && (plan === "" || started) && (
                <Button type="primary" size="large" disabled={!check.ready || given === "waiting"} onClick={() => setAsking(true)}>
                  {t("send.ask")}
                </Button>
              )}
              {needs && given === "waiting" && <span>{t("send.asked")}</span>}
              {plan === "" && !needs && (
                <Button type="primary" size="large" icon={<Icon name="send" />} disabled={!check.ready || people === 0} onClick={() => setSure(true)}>
                  {t("send.send", { count: people, exact: format.exact(people) })}
                </Button>
              )}
            </div>
          )
        )}
      </div>
      <ConfirmCount
        open={sure}
        title={t(plan ? "send.confirmStart" : "send.confirm")}
        people={people}
        ok={plan ? t("send.start") : t("send.send", { count: people, exact: format.exact(people) })}
        {...(above && !plan ? { typed: String(people) } : {})}
        onOk={start}
        onCancel={() => setSure(false)}
      >
        <p>{t(plan ? "send.startNote" : "send.confirmNote")}</p>
      </ConfirmCount>
      {asking && <Ask name={name} entry={plan ? "*" : ""} onClose={() => setAsking(false)} onAsked={again} />}
    </Card>
  );
}

function Ask({ name, entry, onClose, onAsked }: { name: string; entry: string; onClose: () => void; onAsked: () => void }) {
  const { t } = useTranslation("marketing");
  const [why, setWhy] = useState("");
  const ask = useChange("post", "/api/v1/campaigns/{name}/approvals", {
    invalidates: [["approvals"], ["campaigns"]],
    onDone: () => {
      onAsked();
      onClose();
    },
  });
  return (
    <Modal
      open
      title={t("send.askTitle")}
      okText={t("send.ask")}
      confirmLoading={ask.isPending}
      onOk={() => ask.mutate({ params: { path: { name } }, body: { entry, reason: why }, headers: once() })}
      onCancel={onClose}
    >
      <div className={css["form"]}>
        <span>{t("send.askNote")}</span>
        <Input.TextArea aria-label={t("send.why")} placeholder={t("send.why")} rows={3} maxLength={500} value={why} onChange={(event) => setWhy(event.target.value)} />
        {ask.error && <FailureLine error={ask.error} />}
      </div>
    </Modal>
  );
}
