import { useTranslation } from "react-i18next";

import { AsOf } from "../../components/Numbers";
import { Card } from "../../components/Page";
import { FailureLine } from "../../components/States";
import { useAsked } from "../../lib/api";
import { useDebounced } from "../../lib/useDebounced";
import { useFormat } from "../../lib/useFormat";
import { Distribution } from "./Distribution";
import css from "./tags.module.css";

/** Who would have the tag if the text were computed now, and whom that would change. Counted, not guessed. */
export function Preview({ name, text, ready }: { name: string; text: string; ready: boolean }) {
  const { t } = useTranslation("tags");
  const format = useFormat();
  const body = useDebounced(JSON.stringify({ key: name, text }), 400);
  const current = ready && body === JSON.stringify({ key: name, text });
  const found = useAsked("/api/v1/tags/preview", { body: JSON.parse(body) as { key: string; text: string } }, { enabled: current, placeholderData: (last) => last, staleTime: 60_000 });
  const shown = found.data;
  const counting = ready && (!current || found.isFetching);
  return (
    <Card title={t("preview.title")} extra={shown && !counting && <AsOf at={shown.as_of} />}>
      <div aria-live="polite" aria-busy={counting} className={css["preview"]} data-old={counting || !ready}>
        {found.error && !counting ? (
          <FailureLine error={found.error} />
        ) : shown ? (
          <>
            <p className={css["previewPeople"]}>
              {t("preview.people", { count: shown.people, exact: format.exact(shown.people) })} <span className={css["faint"]}>{format.percent(shown.coverage)}</span>
            </p>
            <p className={css["previewChange"]}>
              {shown.entered || shown.left || shown.changed
                ? t("preview.change", { entered: `+${format.exact(shown.entered)}`, left: `−${format.exact(shown.left)}`, changed: format.exact(shown.changed) })
                : t("preview.same")}
            </p>
            <Distribution type={shown.type} values={shown.values} masked={shown.masked} />
          </>
        ) : (
          <p className={css["faint"]}>{counting ? t("preview.counting") : t("preview.waiting")}</p>
        )}
      </div>
    </Card>
  );
}
