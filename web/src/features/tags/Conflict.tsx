import { Button, Modal } from "antd";
import { useTranslation } from "react-i18next";

import { When } from "../../components/Numbers";
import type { Answer } from "../../lib/api";
import { diff } from "./diff";
import css from "./tags.module.css";

export type Theirs = Answer<"/api/v1/definitions/{kind}/{name}"> | null;

/** Somebody else's edit beside one's own: which of them is to stand? */
export function Conflict({ theirs, mine, take, keep, close }: { theirs: Theirs; mine: string; take: () => void; keep: () => void; close: () => void }) {
  const { t } = useTranslation("tags");
  const { t: common } = useTranslation();
  const lines = diff(theirs?.text ?? "", mine);
  return (
    <Modal
      open
      title={t("conflict.title")}
      width={1080}
      onCancel={close}
      footer={
        <>
          <Button onClick={close}>{common("cancel")}</Button>
          <Button onClick={take}>{t("conflict.take")}</Button>
          <Button type="primary" onClick={keep}>
            {t("conflict.keep")}
          </Button>
        </>
      }
    >
      <p className={css["faint"]}>
        {theirs === null ? (
          t("conflict.gone")
        ) : theirs.changed ? (
          <>
            {t("conflict.by", { name: theirs.changed.by })} <When at={theirs.changed.at} />
          </>
        ) : (
          t("conflict.file")
        )}
      </p>
      <div className={css["both"]}>
        {(["theirs", "mine"] as const).map((whose) => (
          <section key={whose} aria-label={t(`conflict.${whose}`)}>
            <h3>{t(`conflict.${whose}`)}</h3>
            <div className={css["diff"]}>
              {lines
                .filter((line) => line.kind === "same" || line.kind === (whose === "theirs" ? "removed" : "added"))
                .map((line, index) => (
                  <div key={index} data-kind={line.kind === "same" ? "same" : whose === "theirs" ? "removed" : "added"}>
                    <code>{line.text}</code>
                  </div>
                ))}
            </div>
          </section>
        ))}
      </div>
    </Modal>
  );
}
