import { App, Button, Input, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import { asProblem } from "../lib/problem";
import { useFormat } from "../lib/useFormat";
import css from "./confirm.module.css";
import { FailureLine } from "./States";

export interface ConfirmCountProps {
  open: boolean;
  title: ReactNode;
  /** How many people it touches; undefined while that is being counted; null where it touches nobody as such. */
  people?: number | null | undefined;
  children?: ReactNode;
  /** The button's words: what will be done ("Send", "Delete"). */
  ok: string;
  danger?: boolean;
  /** A word that must be typed first, for what cannot be undone. */
  typed?: string;
  /** Whether what it asks for besides is filled in. */
  able?: boolean;
  /** Does it. A rejection is shown and the question stays. */
  onOk: () => Promise<unknown>;
  onCancel: () => void;
}

/** Asks before something touches people, and says how many. */
export function ConfirmCount({ open, title, people, children, ok, danger, typed, able, onOk, onCancel }: ConfirmCountProps) {
  return (
    <Modal open={open} title={title} footer={null} width={480} onCancel={onCancel} destroyOnHidden>
      <Question people={people} ok={ok} danger={danger ?? false} typed={typed} able={able ?? true} onOk={onOk} onCancel={onCancel}>
        {children}
      </Question>
    </Modal>
  );
}

function Question({ people, children, ok, danger, typed, able, onOk, onCancel }: Omit<ConfirmCountProps, "open" | "title" | "typed"> & { typed: string | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [word, setWord] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const ready = able && people !== undefined && (typed === undefined || word.trim() === typed);
  const go = () => {
    if (!ready || busy) return;
    setBusy(true);
    setError(null);
    onOk()
      .catch((problem: unknown) => setError(problem))
      .finally(() => setBusy(false));
  };
  return (
    <form
      className={css["question"]}
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      {people !== null && (
        <p className={css["people"]} aria-live="polite">
          {people === undefined ? t("confirm.counting") : people === 0 ? t("confirm.nobody") : t("confirm.touches", { count: people, exact: format.exact(people, 0) })}
        </p>
      )}
      {children}
      {typed !== undefined && (
        <label className={css["typed"]}>
          {t("confirm.type", { word: typed })}
          <Input value={word} autoFocus autoComplete="off" spellCheck={false} onChange={(event) => setWord(event.target.value)} />
        </label>
      )}
      {error !== null && <FailureLine error={error} />}
      <footer>
        <Button onClick={onCancel}>{t("cancel")}</Button>
        <Button type="primary" htmlType="submit" danger={danger ?? false} loading={busy} disabled={!ready} autoFocus={typed === undefined && !danger}>
          {ok}
        </Button>
      </footer>
    </form>
  );
}

/** Says that something was done and offers to undo it: `const done = useUndoToast(); done("Deleted", () => undo())`. */
export function useUndoToast() {
  const { t } = useTranslation();
  const { notification } = App.useApp();
  return (message: string, undo?: () => Promise<unknown>, note?: ReactNode) => {
    const key = crypto.randomUUID();
    const back = () => {
      notification.destroy(key);
      undo?.().catch((error: unknown) => notification.error({ title: t("failure.title"), description: asProblem(error).message }));
    };
    notification.success({
      key,
      title: message,
      description: note,
      duration: undo ? 20 : 4, // long enough to read what was done, and to reach the button by keyboard
      ...(undo ? { actions: <Button size="small" onClick={back}>{t("undo")}</Button> } : {}),
    });
  };
}
