import { Button, Input, Select } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { Card, Page } from "../../components/Page";
import { Empty, Failure, FailureLine, Loading } from "../../components/States";
import { answer, api, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { useUrlState } from "../../lib/url";
import { titleIn } from "../../lib/titles";
import { AudienceCount } from "./AudienceStep";
import css from "./marketing.module.css";

const STATE = { audience: "", scene: "" };
const KEY = /^[a-z][a-z0-9_]{0,63}$/;
const GOALS = ["Order Paid", "Order Completed", "Purchase", "Paid"];

/** The first step of a campaign: what it is called, and to whom. Then there is a draft. */
export default function New() {
  const { t } = useTranslation("marketing");
  const { language } = usePreferences();
  const go = useNavigate();
  const [state, setState] = useUrlState(STATE);
  const [title, setTitle] = useState("");
  const [typed, setTyped] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const id = useId();
  const audiences = useAnswer("/api/v1/audiences", { params: { query: { limit: 200 } } });
  const names = useAnswer("/api/v1/expressions/names");
  const key = typed ?? keyOf(title);
  const good = KEY.test(key);
  const create = async () => {
    setBusy(true);
    setError(null);
    try {
      const event = GOALS.find((name) => names.data?.events.includes(name));
      const earned = names.data?.properties.find((item) => item.type === "money" && item.name === "amount")?.name ?? "";
      const fields = {
        title: { [language]: title.trim() || key },
        ...(state.scene ? { scene: state.scene } : {}),
        audience: state.audience,
        holdout: 0.1,
        channel: "email",
        subject: title.trim() || key,
        template: `${key}.html`,
        ...(event ? { goal: { event, money: earned, within: "14 days" } } : {}),
      };
      const made = await answer(api.POST("/api/v1/campaigns/text", { body: { name: key, fields, text: "" } }));
      await answer(
        api.PUT("/api/v1/definitions/{kind}/{name}", {
          params: { path: { kind: "campaigns", name: key } },
          headers: { "If-None-Match": "*" },
          body: { text: made.text },
        }),
      );
      void go(`/marketing/campaigns/${key}/edit?step=holdout`);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Page title={t("create.title")} description={state.scene ? t("create.inScene", { scene: state.scene }) : t("create.description")} above={[{ to: "/marketing", title: t("title") }]}>
      {audiences.error ? (
        <Failure error={audiences.error} retry={() => void audiences.refetch()} />
      ) : !audiences.data ? (
        <Loading shape="cards" rows={1} />
      ) : audiences.data.audiences.length === 0 ? (
        <Empty icon="audiences" title={t("create.noAudience")} action={<Link to="/audiences">{t("create.toAudiences")}</Link>} />
      ) : (
        <Card>
          <form
            className={css["form"]}
            style={{ maxWidth: 640 }}
            onSubmit={(event) => {
              event.preventDefault();
              if (good && state.audience && !busy) void create();
            }}
          >
            <div className={css["field"]}>
              <label htmlFor={`${id}t`}>{t("create.name")}</label>
              <Input id={`${id}t`} autoFocus value={title} placeholder={t("create.namePlaceholder")} onChange={(event) => setTitle(event.target.value)} />
            </div>
            <div className={css["field"]}>
              <label htmlFor={`${id}a`}>{t("create.audience")}</label>
              <Select
                id={`${id}a`}
                showSearch={{ optionFilterProp: "label" }}
                placeholder={t("create.pick")}
                {...(state.audience ? { value: state.audience } : {})}
                onChange={(audience: string) => setState({ audience })}
                options={audiences.data.audiences.map((item) => ({ value: item.name, label: `${titleIn(item.titles, language, item.name)} (${item.name})` }))}
              />
            </div>
            {state.audience && <AudienceCount audience={state.audience} channel="email" messageClass="marketing" />}
            <div className={css["field"]}>
              <label htmlFor={`${id}k`}>{t("create.key")}</label>
              <Input id={`${id}k`} value={key} spellCheck={false} status={key && !good ? "error" : ""} onChange={(event) => setTyped(event.target.value)} />
              <span className={key && !good ? css["bad"] : css["faint"]}>{key && !good ? t("create.keyBad") : t("create.keyNote")}</span>
            </div>
            {error !== null && <FailureLine error={error} />}
            <div className={css["row"]}>
              <Button type="primary" htmlType="submit" loading={busy} disabled={!good || !state.audience}>
                {t("create.go")}
              </Button>
            </div>
          </form>
        </Card>
      )}
    </Page>
  );
}

/** A file name out of a title; one with today's date where the title has no Latin letters. */
function keyOf(title: string): string {
  const plain = title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 60);
  return plain || (title.trim() ? `campaign_${new Date().toISOString().slice(0, 10).replaceAll("-", "")}` : "");
}
