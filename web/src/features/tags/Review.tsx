import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { type Answer, once, useAnswer, useChange } from "../../lib/api";
import { useMay } from "../../lib/session";
import css from "./life.module.css";
import type { TagShown } from "./One";

type Question = Answer<"/api/v1/tags/reviews">["approvals"][number];

/** Where approvals are needed: what was asked about the tag's text and answered. `quiet`: only while something is open. */
export function Review({ tag, quiet = false }: { tag: TagShown; quiet?: boolean }) {
  const { t } = useTranslation("tags");
  const found = useAnswer("/api/v1/tags/reviews", {}, { refetchInterval: 30_000 });
  if (!found.data?.needed || tag.etag === null) return null;
  const questions = found.data.approvals.filter((item) => item.tag === tag.key);
  const [last, ...before] = questions;
  const open = tag.stage === "draft" || tag.stage === "review";
  if (quiet && !open) return null;
  return (
    <Card title={t("review.title")} note={t("review.note")}>
      <div className={css["review"]}>
        {!open && last?.state !== "approved" ? <p>{t("review.applied")}</p> : last ? <Said question={last} /> : <p>{t("review.state.none")}</p>}
        {last?.state === "waiting" ? <Decide question={last} /> : tag.stage === "draft" && <Submit tag={tag.key} />}
        {!quiet && before.length > 0 && (
          <details className={css["more"]}>
            <summary>{t("review.past")}</summary>
            {before.map((item) => (
              <Said key={item.id} question={item} />
            ))}
          </details>
        )}
      </div>
    </Card>
  );
}

function Said({ question }: { question: Question }) {
  const { t } = useTranslation("tags");
  return (
    <div>
      <p>
        <strong>{t(`review.state.${question.state}`)}</strong>{" "}
        <span className={css["faint"]}>
          {t("review.asked", { name: question.asked_by })} · <When at={question.asked_at} as="moment" />
          {question.decided_by !== null && (
            <>
              {" · "}
              {t("review.decided", { name: question.decided_by })} · <When at={question.decided_at} as="moment" />
            </>
          )}
        </span>
      </p>
      {question.why && <p>“{question.why}”</p>}
      {question.metric && (
        <p className={css["faint"]}>
          {t("review.metric")}: {question.metric}
        </p>
      )}
      {question.reason && <p>“{question.reason}”</p>}
    </div>
  );
}

function Decide({ question }: { question: Question }) {
  const { t } = useTranslation("tags");
  const may = useMay("operator");
  const [reason, setReason] = useState("");
  const decide = useChange("post", "/api/v1/tags/{key}/decide", { invalidates: [["tags"]] });
  const say = (decision: "approve" | "refuse") => decide.mutate({ params: { path: { key: question.tag } }, body: { decision, reason }, headers: once() });
  if (!may) return null;
  if (question.wrote && !question.mine) return <p className={css["faint"]}>{t("wroteIt")}</p>;
  if (question.mine) return <p className={css["faint"]}>{t("review.mine")}</p>;
  return (
    <>
      <div className={css["ask"]}>
        <Input aria-label={t("review.reason")} placeholder={t("review.reason")} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        <Button disabled={decide.isPending} onClick={() => say("refuse")}>
          {t("review.refuse")}
        </Button>
        <Button type="primary" loading={decide.isPending} onClick={() => say("approve")}>
          {t("review.approve")}
        </Button>
      </div>
      {decide.error && <FailureLine error={decide.error} />}
    </>
  );
}

function Submit({ tag }: { tag: string }) {
  const { t } = useTranslation("tags");
  const may = useMay("operator");
  const [reason, setReason] = useState("");
  const submit = useChange("post", "/api/v1/tags/{key}/submit", { invalidates: [["tags"]], onDone: () => setReason("") });
  if (!may) return null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit.mutate({ params: { path: { key: tag } }, body: { reason }, headers: once() });
      }}
    >
      <div className={css["ask"]}>
        <Input aria-label={t("review.reason")} placeholder={t("review.reason")} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        <Button type="primary" htmlType="submit" loading={submit.isPending}>
          {t("review.submit")}
        </Button>
      </div>
      {submit.error && <FailureLine error={submit.error} />}
    </form>
  );
}
