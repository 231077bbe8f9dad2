import { Button, InputNumber, Select } from "antd";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import { type Interest, INTEREST_UNITS } from "./fields";
import { Field, type Vocabulary, When, Words } from "./Form";
import css from "./tags.module.css";

/** Labels with weights, in parts: which events give how many points, how fast they halve, and what counts as half. */
export function InterestForm({ interest, change, names, readOnly }: { interest: Interest; change: (interest: Interest) => void; names: Vocabulary | undefined; readOnly: boolean }) {
  const { t } = useTranslation("tags");
  const texts = (names?.properties ?? []).filter((item) => item.type === "text").map((item) => item.name);
  const set = (index: number, next: Partial<Interest["terms"][number]>) => change({ ...interest, terms: interest.terms.map((term, at) => (at === index ? { ...term, ...next } : term)) });
  return (
    <>
      <Field label={t("interest.of")}>{(id) => <Words id={id} value={interest.of} onChange={(of) => change({ ...interest, of })} words={texts} />}</Field>
      {interest.terms.map((term, index) => (
        <div key={index} className={css["case"]} role="group" aria-label={`${t("field.event")} ${index + 1}`}>
          <div className={css["caseWhen"]}>
            <span className={css["hint"]}>{t("field.event")}</span>
            <Words label={`${t("field.event")} ${index + 1}`} value={term.event} onChange={(event) => set(index, { event })} words={names?.events ?? []} />
            <CodeEditor value={term.where} onChange={(where) => set(index, { where })} label={`${t("field.where")} ${index + 1}`} language="expression" height="auto" words={(names?.properties ?? []).map((item) => ({ word: item.name, note: item.type }))} readOnly={readOnly} placeholder={t("field.where")} />
          </div>
          <div className={css["caseThen"]}>
            <span className={css["hint"]}>{t("rule.points")}</span>
            <InputNumber min={1} max={1000} precision={0} aria-label={`${t("rule.points")} ${index + 1}`} value={term.points} onChange={(points) => set(index, { points: points ?? 1 })} />
          </div>
          <div className={css["caseActions"]}>
            <Button type="text" size="small" icon={<Icon name="trash" size={16} />} aria-label={`${t("rule.remove")} ${index + 1}`} disabled={interest.terms.length === 1} onClick={() => change({ ...interest, terms: interest.terms.filter((_, at) => at !== index) })} />
          </div>
        </div>
      ))}
      <div>
        <Button size="small" icon={<Icon name="plus" size={16} />} disabled={interest.terms.length >= 20} onClick={() => change({ ...interest, terms: [...interest.terms, { event: names?.events[0] ?? "", points: 1, where: "" }] })}>
          {t("interest.add")}
        </Button>
      </div>
      <div className={css["pair"]}>
        <Field label={t("interest.halfLife")} hint={t("interest.halfLifeNote")}>
          {(id) => (
            <div className={css["window"]}>
              <InputNumber id={id} min={1} max={10_000} precision={0} value={interest.half_life.n} onChange={(n) => change({ ...interest, half_life: { ...interest.half_life, n: n ?? 14 } })} />
              <Select
                aria-label={t("field.unit")}
                value={interest.half_life.unit}
                disabled={readOnly}
                onChange={(unit) => change({ ...interest, half_life: { ...interest.half_life, unit } })}
                options={INTEREST_UNITS.map((value) => ({ value, label: t(`unit.${value}`) }))}
              />
            </div>
          )}
        </Field>
        <Field label={t("interest.halfAt")} hint={t("interest.halfAtNote")}>
          {(id) => <InputNumber id={id} min={1} max={1_000_000} precision={0} value={interest.half_at} onChange={(half_at) => change({ ...interest, half_at: half_at ?? 10 })} />}
        </Field>
        <Field label={t("interest.most")}>
          {(id) => <InputNumber id={id} min={1} max={100} precision={0} value={interest.most} onChange={(most) => change({ ...interest, most: most ?? 20 })} />}
        </Field>
        {interest.function === "demand" && (
          <Field label={t("interest.until")} hint={t("interest.untilNote")}>
            {(id) => <Words id={id} value={interest.until} onChange={(until) => change({ ...interest, until })} words={names?.events ?? []} />}
          </Field>
        )}
      </div>
      <When window={interest.window} change={(window) => change({ ...interest, window })} readOnly={readOnly} />
    </>
  );
}
