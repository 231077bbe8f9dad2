import { useTranslation } from "react-i18next";

import { useFormat } from "../../lib/useFormat";
import { diff, folded } from "./diff";
import css from "./tags.module.css";

const SIGNS = { same: " ", added: "+", removed: "−" } as const;

/** What changed between two texts, line by line; far lines are folded. */
export function DiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const parts = folded(diff(before, after));
  return (
    <div className={css["diff"]} role="group" aria-label={label}>
      {parts.map((part, index) =>
        part.folded ? (
          <div key={index} className={css["folded"]}>
            {t("diff.lines", { count: part.folded, exact: format.exact(part.folded) })}
          </div>
        ) : (
          part.lines.map((line, at) => (
            <div key={`${index} ${at}`} data-kind={line.kind}>
              <span aria-hidden="true">{SIGNS[line.kind]}</span>
              {line.kind !== "same" && <span className="unseen">{t(`diff.${line.kind}`)} </span>}
              <code>{line.text}</code>
            </div>
          ))
        ),
      )}
    </div>
  );
}
