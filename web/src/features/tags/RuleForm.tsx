import { Alert, Button, Input, InputNumber, Segmented, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { CodeEditor } from "../../components/CodeEditor";
import { Icon } from "../../components/Icon";
import { FailureLine } from "../../components/States";
import { once, useChange } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import { type Cuts, CUTS, type Fields, type Points, type Shape, shapeOf, withShape } from "./fields";
import { Cases, Field, type PartProps, Words, wordsOf } from "./Form";
import css from "./tags.module.css";

const SHAPES = ["cases", "points", "tiers", "cuts"] as const;

/** What a rule is written by: cases in their order, points that add up, points in tiers, or the tiers of another tag. */
export function RuleForm(props: PartProps) {
  const { t } = useTranslation("tags");
  const { fields, change, readOnly } = props;
  const shape = shapeOf(fields);
  return (
    <div className={css["part"]}>
      <div className={css["partHead"]}>
        <span className={css["fieldLabel"]}>{t("rule.by")}</span>
        <Segmented<Shape>
          size="small"
          disabled={readOnly}
          aria-label={t("rule.by")}
          value={shape}
          onChange={(next) => change(withShape(fields, next))}
          options={SHAPES.map((value) => ({ value, label: t(`rule.shape.${value}`) }))}
        />
      </div>
      <p className={css["hint"]}>{t(`rule.note.${shape}`)}</p>
      {shape === "cases" && <Cases {...props} />}
      {(shape === "points" || shape === "tiers") && <PointsForm {...props} />}
      {(shape === "tiers" || shape === "cuts") && <CutsForm {...props} cuts={fields.cuts ?? CUTS} of={shape === "cuts"} />}
    </div>
  );
}

function PointsForm({ fields, change, names, readOnly }: PartProps) {
  const { t } = useTranslation("tags");
  const set = (index: number, next: Partial<Points>) => change({ points: fields.points.map((row, at) => (at === index ? { ...row, ...next } : row)) });
  return (
    <>
      {fields.points.map((row, index) => (
        <div key={index} className={css["case"]} role="group" aria-label={`${t("rule.points")} ${index + 1}`}>
          <div className={css["caseWhen"]}>
            <span className={css["hint"]}>{t("field.when")}</span>
            <CodeEditor value={row.when} onChange={(when) => set(index, { when })} label={`${t("field.when")} ${index + 1}`} language="expression" height="auto" words={wordsOf(names)} readOnly={readOnly} placeholder={t("hint.when")} />
          </div>
          <div className={css["caseThen"]}>
            <span className={css["hint"]}>{t("rule.points")}</span>
            <Input value={row.points} inputMode="decimal" aria-label={`${t("rule.points")} ${index + 1}`} onChange={(event) => set(index, { points: event.target.value })} />
          </div>
          <div className={css["caseActions"]}>
            <Button type="text" size="small" icon={<Icon name="trash" size={16} />} aria-label={`${t("rule.remove")} ${index + 1}`} title={t("rule.remove")} disabled={fields.points.length === 1} onClick={() => change({ points: fields.points.filter((_, at) => at !== index) })} />
          </div>
        </div>
      ))}
      <div>
        <Button size="small" icon={<Icon name="plus" size={16} />} onClick={() => change({ points: [...fields.points, { when: "", points: "1" }] })}>
          {t("rule.add")}
        </Button>
      </div>
    </>
  );
}

/** Tiers from the lowest to the highest, with the cut point between each two. */
function CutsForm({ fields, change, names, readOnly, cuts, of }: PartProps & { cuts: Cuts; of: boolean }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const percent = cuts.at.some((point) => point.includes("%"));
  // Other bounds, or of something else, need other cut points: those that were computed before go.
  const bounds = (next: Partial<Cuts>) => change({ cuts: { ...cuts, frozen: [], frozen_at: "", ...next } });
  const add = () => bounds({ tiers: [...cuts.tiers, ""], at: [...cuts.at, percent ? "90%" : ""] });
  const remove = (index: number) => bounds({ tiers: cuts.tiers.filter((_, at) => at !== index), at: cuts.at.filter((_, at) => at !== Math.max(0, index - 1)) });
  return (
    <div className={css["cuts"]}>
      <div className={css["pair"]}>
        {of && (
          <Field label={t("rule.of")}>
            {(id) => <Words id={id} value={cuts.of} onChange={(tag) => bounds({ of: tag })} words={(names?.tags ?? []).filter((tag) => tag.type === "number" || tag.type === "money").map((tag) => tag.key)} />}
          </Field>
        )}
        {of && (
          <Field label={t("rule.kind")}>
            {(id) => (
              <Select
                id={id}
                value={percent ? "percent" : "fixed"}
                disabled={readOnly}
                onChange={(kind) =>
                  bounds({ at: cuts.at.map((point, index) => (kind === "percent" ? `${Math.round((100 * (index + 1)) / (cuts.at.length + 1))}%` : point.replace("%", ""))), refresh: "" })
                }
                options={(["fixed", "percent"] as const).map((value) => ({ value, label: t(`rule.kinds.${value}`) }))}
              />
            )}
          </Field>
        )}
      </div>
      <ol className={css["tiers"]} aria-label={t("rule.tiers")}>
        {cuts.tiers.map((tier, index) => (
          <li key={index}>
            {index > 0 && (
              <span className={css["bound"]}>
                <span className={css["hint"]}>{t(percent ? "rule.fromPercent" : "rule.from")}</span>
                {percent ? (
                  <InputNumber
                    aria-label={t("rule.bound", { number: index })}
                    min={0.001}
                    max={99.999}
                    suffix="%"
                    value={Number.parseFloat(cuts.at[index - 1] ?? "")}
                    onChange={(next) => bounds({ at: cuts.at.map((point, at) => (at === index - 1 ? `${next ?? 50}%` : point)) })}
                  />
                ) : (
                  <Input
                    aria-label={t("rule.bound", { number: index })}
                    inputMode="decimal"
                    value={cuts.at[index - 1] ?? ""}
                    onChange={(event) => bounds({ at: cuts.at.map((point, at) => (at === index - 1 ? event.target.value : point)) })}
                  />
                )}
                {percent && <span className={css["frozen"]}>{cuts.frozen[index - 1] === undefined ? "–" : format.exact(cuts.frozen[index - 1], 4)}</span>}
              </span>
            )}
            <Input
              aria-label={t("rule.tier", { number: index + 1 })}
              value={tier}
              onChange={(event) => change({ cuts: { ...cuts, tiers: cuts.tiers.map((name, at) => (at === index ? event.target.value : name)) } })}
            />
            <Button type="text" size="small" icon={<Icon name="trash" size={16} />} aria-label={`${t("rule.removeTier")} ${index + 1}`} disabled={cuts.tiers.length <= 2} onClick={() => remove(index)} />
          </li>
        ))}
      </ol>
      <div>
        <Button size="small" icon={<Icon name="plus" size={16} />} onClick={add}>
          {t("rule.addTier")}
        </Button>
      </div>
      {percent && (
        <Field label={t("rule.when")} hint={cuts.refresh ? t("rule.everyNote") : cuts.frozen.length ? t("rule.frozenNote", { day: cuts.frozen_at || "–" }) : t("rule.uncut")}>
          {(id) => (
            <Select
              id={id}
              value={cuts.refresh ? "every" : "frozen"}
              disabled={readOnly}
              onChange={(kind) => change({ cuts: { ...cuts, frozen: kind === "every" ? [] : cuts.frozen, frozen_at: kind === "every" ? "" : cuts.frozen_at, refresh: kind === "every" ? "every run" : "" } })}
              options={(["frozen", "every"] as const).map((value) => ({ value, label: t(`rule.whens.${value}`) }))}
            />
          )}
        </Field>
      )}
      {of && fields.cuts !== null && (
        <Field label={t("field.otherwise")}>{(id) => <Input id={id} value={fields.otherwise} placeholder={t("field.noValue")} onChange={(event) => change({ otherwise: event.target.value })} />}</Field>
      )}
    </div>
  );
}

/** Computes the cut points of percentiles anew, into the saved file; the plan then shows who would move. */
export function CutNow({ name, fields, unsaved, done }: { name: string; fields: Fields; unsaved: boolean; done: () => void }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const cut = useChange("post", "/api/v1/tags/{key}/cut", { invalidates: [["tags"]] });
  const [over, setOver] = useState(false);
  if (!fields.cuts?.at.some((point) => point.includes("%")) || fields.cuts.refresh) return null;
  const made = cut.data;
  return (
    <Alert
      type="info"
      title={made && over ? t("rule.cut", { count: made.people, exact: format.exact(made.people) }) : t("rule.cutTitle")}
      description={
        <>
          {made && over
            ? made.at.map((point, index) => `${point}: ${made.before[index] === null || made.before[index] === undefined ? "–" : format.exact(made.before[index], 4)} → ${format.exact(made.frozen[index], 4)}`).join(" · ")
            : t(unsaved ? "plan.unsaved" : "rule.cutNote")}
          {cut.error && <FailureLine error={cut.error} />}
        </>
      }
      action={
        <Button
          size="small"
          disabled={unsaved}
          loading={cut.isPending}
          onClick={() =>
            cut.mutate(
              { params: { path: { key: name } }, headers: once() },
              {
                onSuccess: () => {
                  setOver(true);
                  done();
                },
              },
            )
          }
        >
          {t("rule.cutNow")}
        </Button>
      }
    />
  );
}
