import { Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { JobOf } from "../../components/JobProgress";
import { Card } from "../../components/Page";
import { Empty, Failure, FailureLine, Loading } from "../../components/States";
import { asProblem, once, useAsked, useChange, useJob } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import type { Checked, Guessed } from "./mapping";
import { MappingEditor, Questions, useDraft } from "./MappingEditor";

const ENCODINGS = ["utf-8", "gb18030", "big5", "shift_jis", "utf-16", "windows-1252"];

/** An uploaded file on its way: its mapping is guessed, looked at, and begun as an import. */
export function Importer({ upload, name, begin, begun, another }: { upload: string; name?: string; begin?: string | undefined; begun: (job: string) => void; another: () => void }) {
  const { t } = useTranslation("data");
  const [how, setHow] = useState({ encoding: "", sheet: "" });
  const guessed = useAsked(
    "/api/v1/imports/guess",
    { body: { upload, ...how } },
    { staleTime: Infinity, refetchOnWindowFocus: false, placeholderData: (last) => last },
  );
  const other = useAsked(
    "/api/v1/imports/check",
    { body: { upload, mapping: begin ?? "" } },
    { enabled: begin !== undefined, staleTime: Infinity, refetchOnWindowFocus: false },
  );
  if (guessed.error) {
    const gone = asProblem(guessed.error).status === 404;
    const again = <Button onClick={another}>{t("imports.another")}</Button>;
    return gone ? (
      <Empty icon="upload" title={t("imports.gone")} action={again}>
        {t("imports.goneNote")}
      </Empty>
    ) : (
      <>
        <Failure error={guessed.error} retry={() => void guessed.refetch()} />
        <How guessed={undefined} how={how} change={setHow} />
        <div className={css["buttons"]}>{again}</div>
      </>
    );
  }
  if (!guessed.data || (begin !== undefined && !other.data && !other.error)) return <Loading shape="page" />;
  return (
    <Chosen
      key={`${upload} ${guessed.data.mapping}`}
      upload={upload}
      name={name}
      guessed={guessed.data}
      begin={other.data ?? guessed.data}
      how={<How guessed={guessed.data} how={how} change={setHow} />}
      begun={begun}
      another={another}
    />
  );
}

function How({ guessed, how, change }: { guessed: Guessed | undefined; how: { encoding: string; sheet: string }; change: (how: { encoding: string; sheet: string }) => void }) {
  const { t } = useTranslation("data");
  const sheets = guessed?.sheets ?? [];
  return (
    <span className={css["buttons"]}>
      {sheets.length > 1 && (
        <Select
          aria-label={t("map.sheet")}
          value={how.sheet || sheets[0]}
          popupMatchSelectWidth={false}
          options={sheets.map((value) => ({ value, label: value }))}
          onChange={(sheet) => change({ ...how, sheet })}
        />
      )}
      {sheets.length === 0 && (
        <Select
          aria-label={t("map.encoding")}
          value={how.encoding}
          popupMatchSelectWidth={false}
          options={[{ value: "", label: `${t("map.encoding")}: ${t("map.encodingAuto")}` }, ...ENCODINGS.map((value) => ({ value, label: `${t("map.encoding")}: ${value}` }))]}
          onChange={(encoding) => change({ ...how, encoding })}
        />
      )}
    </span>
  );
}

function Chosen({
  upload,
  name,
  guessed,
  begin,
  how,
  begun,
  another,
}: {
  upload: string;
  name: string | undefined;
  guessed: Guessed;
  begin: Checked;
  how: React.ReactNode;
  begun: (job: string) => void;
  another: () => void;
}) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const draft = useDraft(upload, begin);
  const [intention] = useState(() => once());
  const start = useChange("post", "/api/v1/imports", { invalidates: [["imports"]], onDone: ({ job }) => begun(job) });
  const { sample, problems } = draft.checked;
  const ready = sample !== null && problems.length === 0 && !draft.checking && draft.error === null;
  const words = sample?.whole ? t("imports.goRows", { count: sample.rows, exact: format.exact(sample.rows) }) : t("imports.goAll");
  const { before, earlier } = guessed;
  const noted = (note: string): string => {
    const [word = "", what = ""] = note.split(/ (.*)/, 2);
    return word === "encoding" || word === "delimiter" || word === "sheet" ? t(`map.notes.${word}`, { what }) : note;
  };
  const go = (
    <Button
      type="primary"
      size="large"
      loading={start.isPending}
      disabled={!ready}
      onClick={() => start.mutate({ body: { upload, mapping: draft.text, name: name ?? "" }, headers: { "Idempotency-Key": `${intention["Idempotency-Key"]}-${digest(draft.text)}` } })}
    >
      {sample ? words : t("imports.go")}
    </Button>
  );
  return (
    <>
      {before && (
        <div className={css["banner"]} data-tone="warn" role="note">
          {t("imports.before", { when: format.moment(before.at), exact: format.exact(before.stored) })}
        </div>
      )}
      {earlier && earlier.mapping !== draft.text && (
        <div className={css["banner"]} role="note">
          <span>{t("imports.earlier", { file: earlier.file, when: format.date(earlier.at) })}</span>
          <Button size="small" onClick={() => draft.setText(earlier.mapping)}>
            {t("imports.useEarlier")}
          </Button>
        </div>
      )}
      <Questions guessed={guessed} draft={draft} />
      <div className={css["banner"]} data-tone="plain">
        <span className={css["quiet"]}>{guessed.notes.map(noted).join(" · ")}</span>
        <span className={css["buttons"]}>
          {how}
          <Button onClick={another}>{t("imports.another")}</Button>
        </span>
      </div>
      <MappingEditor draft={draft} guessed={guessed} />
      {start.error && <FailureLine error={start.error} />}
      <div className={css["go"]}>{go}</div>
    </>
  );
}

/** A short mark of a text: the same mapping is the same intention. */
function digest(text: string): string {
  let found = 0;
  for (let at = 0; at < text.length; at += 1) found = (found * 31 + text.charCodeAt(at)) | 0;
  return (found >>> 0).toString(36);
}

/** An import as it goes, and when it has ended its page: `children` gets the id that it has in the history. */
export function Running({ job, children }: { job: string; children: (id: string) => React.ReactNode }) {
  const found = useJob(job);
  const id: unknown = found.data?.status === "done" ? found.data.answer?.["id"] : undefined;
  return (
    <>
      <Card>
        <JobOf id={job} />
      </Card>
      {typeof id === "string" && children(id)}
    </>
  );
}
