import { Button, DatePicker, Input, Select } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon } from "../../components/Icon";
import { JobProgress } from "../../components/JobProgress";
import { Card, Facts, Page } from "../../components/Page";
import { Empty, FailureLine, Loading, Shown } from "../../components/States";
import { type Answer, ended, once, useAnswer, useAsked, useChange, useJob } from "../../lib/api";
import { useBatches } from "../../lib/batches";
import { usePreferences } from "../../lib/preferences";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { Drop } from "../data/Drop";
import { Field } from "./Form";
import css from "./import.module.css";
import { titleOf } from "./titleOf";

type Imported = Answer<"/api/v1/tags/{key}/import/preview", "post">;
type TagRow = Answer<"/api/v1/tags">["tags"][number];

const STATE = { tag: "", upload: "", name: "", source: "", until: "", job: "" };
const CODES = ["no_person", "no_value", "not_allowed", "over", "unknown_person", "again", "unnamed", "changed", "gone"] as const;

/** Values of a tag from a file: which tag, which file, what it would change and which lines are none, and then doing it. */
export default function Import() {
  const { t } = useTranslation("tags");
  const list = useAnswer("/api/v1/tags", { params: { query: { method: "imported", limit: 200, sort: "key" } } });
  return (
    <Page
      title={t("import.title")}
      description={t("import.note")}
      above={[
        { to: "/tags", title: t("title") },
        { to: "/tags/batches", title: t("batches.title") },
      ]}
    >
      <Shown of={list} shape="cards" rows={1}>
        {({ tags }) =>
          tags.length === 0 ? (
            <Card>
              <Empty
                icon="upload"
                title={t("import.none")}
                action={
                  <Link to="/tags/new?begin=imported">
                    <Button type="primary">{t("import.make")}</Button>
                  </Link>
                }
              >
                {t("import.noneNote")}
              </Empty>
            </Card>
          ) : (
            <Steps tags={tags} />
          )
        }
      </Shown>
    </Page>
  );
}

function Steps({ tags }: { tags: readonly TagRow[] }) {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  const [state, set] = useUrlState(STATE);
  const key = tags.some((tag) => tag.key === state.tag) ? state.tag : (tags[0]?.key ?? "");
  if (state.job) return <Going job={state.job} another={() => set({ upload: "", name: "", job: "" }, { push: true })} />;
  return (
    <>
      <Card title={t("import.what")}>
        <div className={css["asks"]}>
          <Field label={t("col.tag")}>
            {(id) => (
              <Select
                id={id}
                value={key}
                onChange={(tag) => set({ tag })}
                showSearch={{ optionFilterProp: "label" }}
                options={tags.map((tag) => ({ value: tag.key, label: `${titleOf(tag.titles, language, tag.key)} · ${tag.key}` }))}
              />
            )}
          </Field>
          <Field label={t("import.source")} hint={t("import.sourceHint")}>
            {(id) => <Input id={id} value={state.source} maxLength={200} onChange={(event) => set({ source: event.target.value })} />}
          </Field>
          <Field label={t("import.until")} hint={t("import.untilHint")}>
            {(id) => (
              <DatePicker
                id={id}
                value={state.until ? dayjs(state.until) : null}
                disabledDate={(day: dayjs.Dayjs) => !day.isAfter(dayjs(), "day")}
                onChange={(day: dayjs.Dayjs | null) => set({ until: day ? day.format("YYYY-MM-DD") : "" })}
              />
            )}
          </Field>
        </div>
        {state.upload === "" ? (
          <>
            <p className={css["faint"]}>{t("import.columns", { key })}</p>
            <Drop done={({ upload, name }) => set({ upload, name }, { push: true })} />
          </>
        ) : (
          <div className={css["chosen"]}>
            <Icon name="check" size={16} />
            <span>{state.name}</span>
            <Button size="small" onClick={() => set({ upload: "", name: "" }, { push: true })}>
              {t("import.other")}
            </Button>
          </div>
        )}
      </Card>
      {state.upload !== "" && <Before tag={key} upload={state.upload} source={state.source} until={state.until} begun={(job) => set({ job }, { push: true })} />}
    </>
  );
}

function Before({ tag, upload, source, until, begun }: { tag: string; upload: string; source: string; until: string; begun: (job: string) => void }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const params = { path: { key: tag } };
  const body = { upload, source, until };
  const seen = useAsked("/api/v1/tags/{key}/import/preview", { params, body }, { staleTime: 0, gcTime: 0, retry: false });
  const go = useChange("post", "/api/v1/tags/{key}/import", { invalidates: [], onDone: (made) => begun(made.job) });
  return (
    <Card title={t("import.preview")} note={t("import.previewNote")}>
      {seen.error && !seen.isFetching ? (
        <FailureLine error={seen.error} />
      ) : seen.data ? (
        <div className={css["said"]}>
          <Report of={seen.data} />
          {go.error && <FailureLine error={go.error} />}
          <div>
            <Button type="primary" disabled={seen.data.changes === 0} loading={go.isPending} onClick={() => go.mutate({ params, body, headers: once() })}>
              {t("import.go", { count: seen.data.changes, exact: format.exact(seen.data.changes) })}
            </Button>
          </div>
        </div>
      ) : (
        <Loading rows={3} />
      )}
    </Card>
  );
}

function Report({ of }: { of: Imported }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const code = (word: string) => CODES.find((item) => item === word);
  return (
    <>
      <Facts
        facts={[
          [t("import.rows"), format.exact(of.rows)],
          [t("import.changes"), format.exact(of.changes)],
          [t("import.same"), format.exact(of.same)],
          [t("import.byHand"), of.by_hand ? <Link to={`/tags/conflicts?tag=${encodeURIComponent(of.tag)}`}>{format.exact(of.by_hand)}</Link> : format.exact(0)],
          [t("import.rejected"), format.exact(of.rejected_total)],
        ]}
      />
      {of.rejected_total > 0 && (
        <section className={css["rejected"]} aria-label={t("import.which")}>
          <h3>{t("import.which")}</h3>
          <p className={css["faint"]}>
            {Object.entries(of.reasons)
              .map(([word, many]) => t("import.count", { what: code(word) ? t(`import.code.${code(word) ?? "gone"}`) : word, exact: format.exact(many) }))
              .join(" · ")}
          </p>
          <div className={css["scroll"]} tabIndex={0}>
            <table className={css["table"]}>
              <thead>
                <tr>
                  <th scope="col">{t("import.line")}</th>
                  <th scope="col">{t("groups.person")}</th>
                  <th scope="col">{t("import.why")}</th>
                </tr>
              </thead>
              <tbody>
                {of.rejected.map((row) => {
                  const word = code(row.code);
                  return (
                    <tr key={row.line}>
                      <td>{format.exact(row.line)}</td>
                      <td>{row.person}</td>
                      <td title={row.reason}>{word ? t(`import.code.${word}`) : row.reason}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          {of.rejected_total > of.rejected.length && <p className={css["faint"]}>{t("import.first", { exact: format.exact(of.rejected.length) })}</p>}
        </section>
      )}
    </>
  );
}

function Going({ job: id, another }: { job: string; another: () => void }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const batches = useBatches();
  const job = useJob(id);
  const [undone, setUndone] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const done = job.data?.status === "done" ? (job.data.answer as unknown as Imported) : null;
  const back = (batch: string) => {
    setBusy(true);
    setError(null);
    batches
      .undo(batch)
      .then((answer) => setUndone(answer.changes ?? 0))
      .catch((problem: unknown) => setError(problem))
      .finally(() => setBusy(false));
  };
  return (
    <Shown of={job} shape="cards" rows={1}>
      {(data) =>
        done === null || !ended(data) ? (
          <JobProgress job={data} stays />
        ) : (
          <Card title={t("import.done", { count: done.changes, exact: format.exact(done.changes) })} note={t("batches.source", { source: done.source })}>
            <div className={css["said"]}>
              <Report of={done} />
              {undone !== null && <p role="status">{t("batches.undoneToast", { count: undone, exact: format.exact(undone) })}</p>}
              {error !== null && <FailureLine error={error} />}
              <div className={css["buttons"]}>
                {done.batch && undone === null && (
                  <Button icon={<Icon name="undo" size={16} />} loading={busy} onClick={() => done.batch && back(done.batch)}>
                    {t("batches.undo")}
                  </Button>
                )}
                <Button onClick={another}>{t("import.another")}</Button>
                <Link to={`/tags/${encodeURIComponent(done.tag)}`}>
                  <Button type="primary">{t("import.toTag")}</Button>
                </Link>
              </div>
            </div>
          </Card>
        )
      }
    </Shown>
  );
}
