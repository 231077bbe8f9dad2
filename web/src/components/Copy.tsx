import { Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import css from "./copy.module.css";
import { Icon } from "./Icon";

/** Puts a text on the clipboard and says so. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    void write(text).then(() => setCopied(true));
  };
  return (
    <Button size="small" type="text" icon={<Icon name={copied ? "check" : "copy"} size={16} />} aria-label={label ?? t("copy")} onClick={copy}>
      <span aria-live="polite">{copied ? t("copied") : (label ?? t("copy"))}</span>
    </Button>
  );
}

/** A snippet to copy: a command, a key, a piece of code. */
export function Copy({ text, title }: { text: string; title?: string }) {
  return (
    <figure className={css["snippet"]}>
      <figcaption>
        <span>{title}</span>
        <CopyButton text={text} />
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

async function write(text: string): Promise<void> {
  // The clipboard is only there on https and localhost; elsewhere the old way works.
  if ("clipboard" in navigator) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch {
      // not permitted: as below
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  document.execCommand("copy");
  area.remove();
}
