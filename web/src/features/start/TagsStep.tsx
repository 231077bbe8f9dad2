import { useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { FailureLine, Shown } from "../../components/States";
import { type Answer, answer, api, once, useAnswer, useChange, useJob } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { titleIn } from "../../lib/titles";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import type { StepProps } from "./Start";
import css from "./start.module.css";

type Proposal = Answer<"/api/v1/start/tags">;

const STATE = { event: "", tagging: "" };

/** First tags for the goal, as the files that they will be; saved and computed at once. */
export function TagsStep({ goal, go }: StepProps) {
  const [state, setState] = useUrlState(STATE);
  const query = { goal, ...(state.event ? { event: state.event } : {}) };
  const found = useAnswer("/api/v1/start/tags", { params: { query } }, { staleTime: 0, placeholderData: (last) => last });
  if (state.tagging)
    return (
      <Tagged
        job={state.tagging}
        proposal={found.data}
        on={() => go("audience")}
        back={() => setState({ tagging: "" })}
      />
    );
  return <Shown of={found}>{(proposal) => <Proposed proposal={proposal} event={(event) => setState({ event })} begun={(tagging) => setState({ tagging })} />}</Shown>;
}

function Proposed({ proposal, event, begun }: { proposal: Proposal; event: (name: string) => void; begun: (job: string) => void }) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const [left, setLeft] = useState<readonly string[]>([]);
  const save = useChange("post", "/api/v1/start/tags", { invalidates: [], onDone: ({ job }) => begun(job) });
  if (proposal.tags.length === 0) return <p>{t("tags.nothing")}</p>;
  const fresh = proposal.tags.filter((tag) => !tag.exists && !left.includes(tag.key));
  const keys = left.length ? fresh.map((tag) => tag.key) : [];
  return (
    <>
      {proposal.event !== null && (
        <label className={css["event"]}>
          {t("tags.event")}
          <Select
            aria-label={t("tags.event")}
            value={proposal.event}
            showSearch
            popupMatchSelectWidth={false}
            onChange={event}
            options={proposal.events.map((item) => ({ value: item.name, label: `${item.name} · ${t("tags.count", { count: item.people, exact: format.exact(item.people) })}` }))}
          />
        </label>
      )}
      <p className={css["quiet"]}>{t("tags.note")}</p>
      <ul className={css["tags"]} aria-label={t("tags.proposed")}>
        {proposal.tags.map((tag) => (
          <Tag key={tag.key} tag={tag} taken={!left.includes(tag.key)} take={(taken) => setLeft(taken ? left.filter((key) => key !== tag.key) : [...left, tag.key])} />
        ))}
      </ul>
      {save.error && <FailureLine error={save.error} />}
      <div className={css["buttons"]}>
        <Button
          type="primary"
          loading={save.isPending}
          disabled={left.length > 0 && fresh.length === 0 && proposal.tags.every((tag) => !tag.exists)}
          onClick={() => save.mutate({ body: { goal: proposal.goal, event: proposal.event ?? "", keys }, headers: once() })}
        >
          {fresh.length ? t("tags.go", { count: fresh.length, exact: format.exact(fresh.length) }) : t("tags.compute")}
        </Button>
      </div>
    </>
  );
}

function Tag({ tag, taken, take }: { tag: Proposal["tags"][number]; taken: boolean; take: (taken: boolean) => void }) {
  const { t } = useTranslation("start");
  const { language } = usePreferences();
  const [open, setOpen] = useState(false);
  return (
    <li>
      <div className={css["tag"]}>
        <Checkbox checked={taken || tag.exists} disabled={tag.exists} aria-label={t("tags.take", { key: tag.key })} onChange={(event) => take(event.target.checked)} />
        <span>
          {titleIn(tag.titles, language, tag.key)}
          {tag.exists && <span className={css["quiet"]}> · {t("tags.exists")}</span>}
        </span>
        <code title={tag.definition}>{tag.definition}</code>
        <Button size="small" type="text" icon={<Icon name={open ? "up" : "code"} size={16} />} aria-expanded={open} aria-label={t("tags.see", { key: tag.key })} onClick={() => setOpen(!open)} />
      </div>
      {open && <pre className={css["file"]}>{tag.text}</pre>}
    </li>
  );
}

function Tagged({ job, proposal, on, back }: { job: string; proposal: Proposal | undefined; on: () => void; back: () => void }) {
  const { t } = useTranslation("start");
  const format = useFormat();
  const { language } = usePreferences();
  const client = useQueryClient();
  const found = useJob(job);
  const [error, setError] = useState<unknown>(null);
  const [undoing, setUndoing] = useState(false);
  const done = found.data?.status === "done";
  const said = done ? (found.data?.answer as unknown as Saved) : undefined;
  const titles = new Map(proposal?.tags.map((tag) => [tag.key, tag.titles]));
  const undo = async () => {
    setUndoing(true);
    try {
      for (const name of [...(said?.saved ?? [])].reverse()) {
        await answer(api.POST("/api/v1/definitions/{kind}/{name}/undo", { params: { path: { kind: "tags", name } } }));
      }
      await client.invalidateQueries();
      back();
    } catch (problem) {
      setError(problem);
      setUndoing(false);
    }
  };
  return (
    <>
      {!said && <JobOf id={job} />}
      {said && (
        <>
          <p>{t("tags.computed", { count: said.people, exact: format.exact(said.people) })}</p>
          <ul className={css["facts"]}>
            {said.tags.map((tag) => (
              <li key={tag.key}>
                <Link to={placeOf("tag", tag.key) ?? ""}>{titleIn(titles.get(tag.key) ?? {}, language, tag.key)}</Link>{" "}
                {tag.people !== null && t("tags.with", { count: tag.people, exact: format.exact(tag.people) })}
              </li>
            ))}
          </ul>
          {error !== null && <FailureLine error={error} />}
          <div className={css["buttons"]}>
            <Button type="primary" onClick={on}>
              {t("data.go")}
            </Button>
            {said.saved.length > 0 && (
              <Button icon={<Icon name="undo" />} loading={undoing} onClick={() => void undo()}>
                {t("tags.undo")}
              </Button>
            )}
          </div>
        </>
      )}
      {found.data?.status === "failed" && <Button onClick={back}>{t("data.go")}</Button>}
    </>
  );
}

interface Saved {
  saved: string[];
  people: number;
  tags: { key: string; people: number | null }[];
}
