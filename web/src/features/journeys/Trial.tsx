import { Drawer, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import parts from "../../components/parts.module.css";
import { Shown } from "../../components/States";
import { type Answer, useAnswer, useAsked } from "../../lib/api";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { useReason } from "../marketing/useReason";
import { Field } from "../tags/Form";
import { END, graphOf, type Kind } from "./graph";
import css from "./journeys.module.css";
import { START } from "./layout";
import { ICONS } from "./parts";
import { stepOf, useWords } from "./useWords";

type Tried = Answer<"/api/v1/journeys/{name}/try", "post">;
type Passed = Tried["path"][number];

const KINDS: Record<string, Kind> = { wait: "wait", until: "until", waitfor: "wait_for", branch: "branch", split: "split", send: "message", give: "tag", webhook: "webhook", task: "task" };

/** What would happen to one person, and why, step by step; the picture behind shows their way. */
export function Trial({ name, close, show }: { name: string; close: () => void; show: (lit: ReadonlySet<string>) => void }) {
  const { t } = useTranslation("journeys");
  const [typed, setTyped] = useState("");
  const [person, setPerson] = useState("");
  const q = useDebounced(typed.trim());
  const people = useAnswer("/api/v1/people", { params: { query: { q, limit: 20 } } }, { placeholderData: (last) => last });
  const tried = useAsked("/api/v1/journeys/{name}/try", { params: { path: { name } }, body: { person } }, { enabled: person !== "", staleTime: 0, retry: false });
  const path = tried.data?.path;
  useEffect(() => {
    const ends = path?.at(-1)?.next === END ? [END] : [];
    show(new Set(path ? [START, `${START} `, ...path.flatMap((step) => [step.step, `${step.step} ${step.way}`]), ...ends] : []));
  }, [path, show]);
  const rows = people.data?.people ?? [];
  return (
    <Drawer open onClose={close} size={440} mask={false} title={t("trial.title")} aria-label={t("trial.title")}>
      <div className={parts["form"]}>
        <p className={parts["faint"]}>{t("trial.note")}</p>
        <Field label={t("trial.person")}>
          {(id) => (
            <Select
              id={id}
              autoFocus
              showSearch={{ filterOption: false, onSearch: setTyped }}
              placeholder={t("trial.find")}
              loading={people.isFetching}
              notFoundContent={t("trial.nobody")}
              value={person || null}
              onChange={(chosen: string | null) => setPerson(chosen ?? "")}
              options={[...rows.map((row) => ({ value: row.person, label: [row.name, row.id?.value ?? row.person].filter(Boolean).join(" · ") }))]}
            />
          )}
        </Field>
        {person === "" ? <p className={parts["faint"]}>{t("trial.start")}</p> : <Shown of={tried}>{(found) => <Way tried={found} />}</Shown>}
      </div>
    </Drawer>
  );
}

function Way({ tried }: { tried: Tried }) {
  const { t } = useTranslation("journeys");
  const condition = tried.may.replace(/^[^:]*: /, "");
  return (
    <>
      <p className={css["may"]} data-tone={tried.may_code ? "warn" : "good"}>
        {tried.may_code === "" ? t("trial.may.yes") : t(`trial.may.${tried.may_code}`, { condition })}
      </p>
      {tried.held_out && <p className={parts["faint"]}>{t("trial.heldOut")}</p>}
      <ol className={css["path"]} aria-label={t("trial.title")}>
        {tried.path.map((step, index) => (
          <One key={index} step={step} name={tried.name} heldOut={tried.held_out} />
        ))}
      </ol>
      <p>{tried.ends ? t("trial.ends") : t("trial.long", { count: tried.path.length })}</p>
    </>
  );
}

function One({ step, name, heldOut }: { step: Passed; name: string; heldOut: boolean }) {
  const { t } = useTranslation("journeys");
  const format = useFormat();
  const words = useWords();
  const reason = useReason();
  const file = useAnswer("/api/v1/journeys/{name}", { params: { path: { name } } });
  const kind = KINDS[step.kind] ?? "wait";
  const drawn = file.data && stepOf(graphOf(file.data.fields), step.step);
  const at = format.moment(step.at);
  const outcome = () => {
    switch (kind) {
      case "wait":
      case "until":
        return t("trial.wait", { at });
      case "wait_for":
        return `${t("trial.missed", { event: /“(.*)”/.exec(step.why)?.[1] ?? "" })} · ${t("trial.wait", { at })}`;
      case "branch":
        return step.way === "" ? t("trial.none") : t("trial.because", { condition: step.why });
      case "split":
        return t("trial.lot", { way: step.way });
      case "message":
        if (heldOut) return t("trial.held");
        return step.why ? t("trial.nothing", { reason: reason(step.why) }) : t("trial.sent");
      case "tag":
        return t(heldOut ? "trial.held" : "trial.given");
      case "webhook":
        return t(heldOut ? "trial.held" : "trial.posted");
      case "task":
        return t(heldOut ? "trial.held" : "trial.task");
    }
  };
  return (
    <li>
      <Icon name={ICONS[kind]} size={16} />
      <div>
        <div>
          <strong>{t(`kind.${kind}`)}</strong>
          {drawn?.kind === kind && words.says(drawn) ? ` · ${words.says(drawn)}` : ` · ${step.step}`}
        </div>
        <div className={parts["faint"]}>{outcome()}</div>
        {kind !== "wait" && kind !== "until" && kind !== "wait_for" && <div className={parts["faint"]}>{at}</div>}
      </div>
    </li>
  );
}
