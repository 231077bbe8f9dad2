import { Button, Input, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { once, useAnswer, useChange } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import { titleIn } from "../../lib/titles";
import css from "./marketing.module.css";
import { type Approval } from "./words";

/** What waits for a second person; nothing when nothing does. */
export function Approvals({ campaign = "" }: { campaign?: string }) {
  const { t } = useTranslation("marketing");
  const found = useAnswer("/api/v1/approvals", { params: { query: { state: "waiting", campaign } } }, { refetchInterval: 30_000 });
  const waiting = found.data?.approvals ?? [];
  if (waiting.length === 0) return null;
  return (
    <Card title={t("approvals.title")} note={t("approvals.note")} flush>
      {waiting.map((approval) => (
        <Question key={approval.id} approval={approval} plain={campaign !== ""} />
      ))}
    </Card>
  );
}

function Question({ approval, plain }: { approval: Approval; plain: boolean }) {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const format = useFormat();
  const may = useMay("operator");
  const [reason, setReason] = useState("");
  const decide = useChange("post", "/api/v1/approvals/{id}", { invalidates: [["approvals"], ["campaigns"]] });
  const say = (decision: "approve" | "refuse") =>
    decide.mutate({ params: { path: { id: approval.id } }, body: { decision, reason }, headers: once() });
  return (
    <div className={css["ask"]}>
      <p>
        {!plain && (
          <>
            <Link to={placeOf("campaign", approval.campaign) ?? "/marketing"}>{titleIn(approval.titles, language, approval.campaign)}</Link>
            {" · "}
          </>
        )}
        {t("approvals.line", { who: approval.asked_by, people: format.exact(approval.people), limit: format.exact(approval.limit) })}{" "}
        <span className={css["faint"]}>
          {approval.entry === "*" ? t("approvals.every") : t("approvals.entry", { entry: approval.entry })} · <When at={approval.asked_at} />
        </span>
      </p>
      {approval.why && <p>“{approval.why}”</p>}
      {approval.mine ? (
        <p className={css["faint"]}>{t("approvals.mine")}</p>
      ) : (
        may && (
          <Space wrap>
            <Input aria-label={t("approvals.reason")} placeholder={t("approvals.reason")} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
            <Button loading={decide.isPending} onClick={() => say("refuse")}>
              {t("approvals.refuse")}
            </Button>
            <Button type="primary" loading={decide.isPending} onClick={() => say("approve")}>
              {t("approvals.approve")}
            </Button>
          </Space>
        )
      )}
      {decide.error && <FailureLine error={decide.error} />}
    </div>
  );
}
