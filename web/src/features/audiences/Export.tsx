import { Button, Input, Modal, Segmented, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { JobOf } from "../../components/JobProgress";
import { FailureLine } from "../../components/States";
import { jobOf, once, useChange, useJob } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./audiences.module.css";
import { useTitle, useVocabulary } from "./words";

/** Asks why, and takes the people of an audience out as a file. */
export function Export({ name, title, people, open, close }: { name: string; title: string; people: number; open: boolean; close: () => void }) {
  const { t } = useTranslation("audiences");
  return (
    <Modal open={open} title={t("exportTitle", { name: title })} footer={null} width={520} onCancel={close} destroyOnHidden>
      <Form name={name} people={people} close={close} />
    </Modal>
  );
}

function Form({ name, people, close }: { name: string; people: number; close: () => void }) {
  const { t } = useTranslation("audiences");
  const { t: common } = useTranslation();
  const format = useFormat();
  const title = useTitle();
  const vocabulary = useVocabulary();
  const [reason, setReason] = useState("");
  const [kind, setKind] = useState<"csv" | "parquet">("csv");
  const [columns, setColumns] = useState<string[]>([]);
  const [tried, setTried] = useState(false);
  const [key] = useState(once);
  const begin = useChange("post", "/api/v1/audiences/{name}/exports", { invalidates: [["exports"], ["jobs"]] });
  const job = jobOf(begin.data);
  if (job !== undefined) return <Made job={job} close={close} />;
  const go = () => {
    setTried(true);
    if (reason.trim().length < 3) return;
    begin.mutate({ params: { path: { name } }, headers: key, body: { format: kind, columns, reason: reason.trim(), rows: false } });
  };
  return (
    <form
      className={css["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      <div className={css["field"]}>
        <label htmlFor="export-reason">{t("exportWhy")}</label>
        <Input id="export-reason" autoFocus value={reason} maxLength={500} status={tried && reason.trim().length < 3 ? "error" : ""} onChange={(event) => setReason(event.target.value)} />
        <small>{tried && reason.trim().length < 3 ? <span className={css["wrong"]}>{t("exportNeedsWhy")}</span> : t("exportWhyHint")}</small>
      </div>
      <div className={css["field"]}>
        <span id="export-format">{t("format")}</span>
        <Segmented<"csv" | "parquet">
          aria-labelledby="export-format"
          value={kind}
          options={[
            { value: "csv", label: t("csv") },
            { value: "parquet", label: t("parquet") },
          ]}
          onChange={setKind}
        />
      </div>
      <div className={css["field"]}>
        <label htmlFor="export-columns">{t("columns")}</label>
        <Select
          id="export-columns"
          mode="multiple"
          value={columns}
          showSearch={{ optionFilterProp: "label" }}
          options={[
            { label: t("groups.tags"), options: (vocabulary.data?.tags ?? []).map((tag) => ({ value: tag.key, label: title(tag.titles, tag.key) })) },
            { label: t("groups.attributes"), options: (vocabulary.data?.attributes ?? []).map((attribute) => ({ value: `person.${attribute}`, label: attribute })) },
          ]}
          onChange={setColumns}
        />
        <small>{t("columnsHint")}</small>
      </div>
      {begin.error && <FailureLine error={begin.error} />}
      <footer className={css["foot"]}>
        <Button onClick={close}>{common("cancel")}</Button>
        <Button type="primary" htmlType="submit" loading={begin.isPending} disabled={people === 0}>
          {t("exportGo", { count: people, exact: format.exact(people) })}
        </Button>
      </footer>
    </form>
  );
}

function Made({ job, close }: { job: string; close: () => void }) {
  const { t } = useTranslation("audiences");
  const { t: common } = useTranslation();
  const format = useFormat();
  const found = useJob(job);
  const answer = found.data?.answer;
  const written = Number(answer?.["people"] ?? 0);
  return (
    <div className={css["form"]}>
      <JobOf id={job} />
      {found.data?.status === "done" && <p role="status">{t("exportDone", { count: written, exact: format.exact(written) })}</p>}
      <footer className={css["foot"]}>
        <Button onClick={close}>{common("close")}</Button>
        {found.data?.status === "done" && (
          <Button type="primary" icon={<Icon name="download" />} href={`/api/v1/exports/${String(answer?.["export"])}/file`} download>
            {t("downloadFile")}
          </Button>
        )}
      </footer>
    </div>
  );
}
