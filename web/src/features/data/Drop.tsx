import { Button } from "antd";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import { FailureLine } from "../../components/States";
import { useFormat } from "../../lib/useFormat";
import css from "./data.module.css";
import { upload, type Uploaded } from "./upload";

/** A place onto which a file is dropped; `done` gets the upload when it has arrived. */
export function Drop({ done }: { done: (made: Uploaded) => void }) {
  const { t } = useTranslation("data");
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState<File | null>(null);
  const [error, setError] = useState<unknown>(null);
  const send = (file: File | undefined) => {
    if (!file || sending) return;
    setSending(file);
    setError(null);
    upload(file)
      .then(done)
      .catch((problem: unknown) => setError(problem))
      .finally(() => setSending(null));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    send(event.dataTransfer.files[0]);
  };
  return (
    <div
      className={css["drop"]}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Icon name="upload" size={28} />
      <strong>{sending ? t("imports.sending", { name: sending.name, size: format.bytes(sending.size) }) : t("imports.drop")}</strong>
      <small>{t("imports.dropNote")}</small>
      <input
        ref={input}
        type="file"
        className="unseen"
        tabIndex={-1}
        aria-label={t("imports.file")}
        accept=".csv,.tsv,.txt,.xlsx,.jsonl,.ndjson,.parquet,.gz"
        onChange={(event) => {
          send(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      <Button type="primary" loading={sending !== null} onClick={() => input.current?.click()}>
        {t("imports.choose")}
      </Button>
      {error !== null && <FailureLine error={error} />}
    </div>
  );
}
