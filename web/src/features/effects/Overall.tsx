import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Interval } from "../../components/Interval";
import { When } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import { useVocabulary } from "../audiences/words";
import css from "./effects.module.css";

type Found = Answer<"/api/v1/effects/overall">;

/** What all marketing together changed: everybody against those in the global holdout. */
export function Overall() {
  const { t } = useTranslation("effects");
  const names = useVocabulary();
  const [event, setEvent] = useState<string | null>(null);
  const [money, setMoney] = useState<string | null>(null);
  const query = { event: event ?? "", where: "", money: money ?? "" };
  const found = useAnswer("/api/v1/effects/overall", { params: { query } }, { enabled: event !== null, retry: false });
  const amounts = (names.data?.properties ?? []).filter((one) => one.type === "money" || one.type === "number").map((one) => one.name);
  return (
    <Card title={t("overall.title")}>
      <p className={css["faint"]}>{t("overall.note")}</p>
      <div className={css["asked"]}>
        <Select aria-label={t("overall.event")} placeholder={t("overall.event")} showSearch value={event} onChange={setEvent} options={(names.data?.events ?? []).map((value) => ({ value, label: value }))} />
        <Select aria-label={t("overall.money")} placeholder={t("overall.money")} showSearch allowClear value={money} onChange={(value?: string) => setMoney(value ?? null)} options={amounts.map((value) => ({ value, label: value }))} />
      </div>
      {event !== null && (found.error?.code === "no_holdout" ? <p role="status">{t("overall.noHoldout")}</p> : <Shown of={found}>{(answer) => <Said found={answer} />}</Shown>)}
    </Card>
  );
}

function Said({ found }: { found: Found }) {
  const { t } = useTranslation("effects");
  const format = useFormat();
  const { treated, held_out: held } = found.converted;
  const made = found.incremental;
  const signed = (value: number) => `${value > 0 ? "+" : ""}${format.exact(value, 0)}`;
  const state = made === null ? "not_enough" : made.low > 0 ? "more" : made.high < 0 ? "fewer" : "no_difference";
  return (
    <div className={css["said"]} role="status">
      <strong data-state={state} className={css["state"]}>
        {t(`states.${state}`)}
      </strong>
      <span className={css["faint"]}>
        {t("overall.arms", { treated: format.exact(treated.n), bought: format.exact(treated.k), held: format.exact(held.n), heldBought: format.exact(held.k) })} · {t("overall.since")} <When at={found.since} as="date" />
      </span>
      {made && (
        <>
          <span>
            {signed(made.conversions)} <span className={css["faint"]}>{t("between", { low: signed(made.low), high: signed(made.high) })}</span>
          </span>
          <Interval
            value={made.per_person}
            low={made.per_person_low}
            high={made.per_person_high}
            label={t("interval", { value: format.change(made.per_person, 2), low: format.change(made.per_person_low, 2), high: format.change(made.per_person_high, 2) })}
          />
        </>
      )}
      {found.money && (
        <span>
          {format.moneyShort(Math.round(found.money.total), found.money.currency)}{" "}
          <span className={css["faint"]}>
            {t("between", { low: format.moneyShort(Math.round(found.money.low), found.money.currency), high: format.moneyShort(Math.round(found.money.high), found.money.currency) })}
          </span>
        </span>
      )}
    </div>
  );
}
