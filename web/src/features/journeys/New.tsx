import { Button, Input } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Icon, type IconName } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { FailureLine, Shown } from "../../components/States";
import { answer, api, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { asProblem } from "../../lib/problem";
import { useAct } from "../../lib/useAct";
import { useVocabulary } from "../audiences/words";
import { sampleOf } from "../content/samples";
import css from "./journeys.module.css";
import { READY, type Ready, readyText } from "./ready";

const KEY = /^[a-z][a-z0-9_]{0,63}$/;
const ICONS: Record<Ready, IconName> = { cart: "marketing", welcome: "people", birthday: "calendar", win_back: "undo", task: "check" };

/** A new journey begins with a ready one, made of this workspace's own events and audiences. */
export default function New() {
  const { t } = useTranslation("journeys");
  const { language } = usePreferences();
  const go = useNavigate();
  const id = useId();
  const [kind, setKind] = useState<Ready>("cart");
  const [typed, setTyped] = useState<string | null>(null);
  const { busy, error, act } = useAct();
  const names = useVocabulary();
  const there = useAnswer("/api/v1/journeys", {});
  const taken = new Set(there.data?.journeys.map((journey) => journey.name));
  const name = typed ?? freeOf(kind, taken);
  const good = KEY.test(name);
  return (
    <Page title={t("new")} description={t("create.description")} above={[{ to: "/marketing/journeys", title: t("title") }]}>
      <Shown of={names} shape="cards">
        {(known) => {
          const made = readyText(kind, name, known, language);
          const create = async () => {
            if (made.template) {
              const path = { kind: "templates", name: made.template };
              await answer(api.PUT("/api/v1/definitions/{kind}/{name}", { params: { path }, headers: { "If-None-Match": "*" }, body: { text: sampleOf("html", language) } })).catch((problem: unknown) => {
                if (asProblem(problem).code !== "edited") throw problem; // it is there already
              });
            }
            await answer(api.PUT("/api/v1/definitions/{kind}/{name}", { params: { path: { kind: "journeys", name } }, headers: { "If-None-Match": "*" }, body: { text: made.text } }));
            void go(`/marketing/journeys/${name}`);
          };
          return (
            <form
              className={css["form"]}
              onSubmit={(event) => {
                event.preventDefault();
                if (good && !taken.has(name)) void act(create);
              }}
            >
              <fieldset className={css["ready"]}>
                <legend>{t("create.pick")}</legend>
                {READY.map((item) => (
                  <label key={item} className={css["readyOne"]} data-chosen={item === kind || undefined}>
                    <input type="radio" name={id} checked={item === kind} onChange={() => setKind(item)} className="unseen" />
                    <Icon name={ICONS[item]} size={20} />
                    <span>
                      <strong>{t(`ready.${item}`)}</strong>
                      <span className={css["faint"]}>{t(`ready.${item}Note`)}</span>
                    </span>
                  </label>
                ))}
              </fieldset>
              <Card>
                <div className={css["form"]} style={{ maxWidth: 560 }}>
                  <div className={css["field"]}>
                    <label htmlFor={`${id}n`}>{t("create.name")}</label>
                    <Input id={`${id}n`} value={name} spellCheck={false} status={good && !taken.has(name) ? "" : "error"} onChange={(event) => setTyped(event.target.value.trim())} />
                    <span className={good && !taken.has(name) ? css["faint"] : css["bad"]}>{!good ? t("create.nameBad") : taken.has(name) ? t("create.taken") : t("create.nameNote")}</span>
                  </div>
                  {made.template && <span className={css["faint"]}>{t("create.template", { name: made.template })}</span>}
                  {made.unseen && <span className={css["faint"]}>{t("create.unseen", { event: made.unseen })}</span>}
                  {error !== null && <FailureLine error={error} />}
                  <span>
                    <Button type="primary" htmlType="submit" loading={busy} disabled={!good || taken.has(name)}>
                      {t("create.go")}
                    </Button>
                  </span>
                </div>
              </Card>
            </form>
          );
        }}
      </Shown>
    </Page>
  );
}

/** The ready journey's own name, with a number where it is taken. */
function freeOf(kind: string, taken: ReadonlySet<string>): string {
  let name = kind;
  for (let number = 2; taken.has(name); number++) name = `${kind}_${number}`;
  return name;
}
