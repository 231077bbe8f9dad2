import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import { useKind } from "./say";
import type { Portrayed } from "./Tags";

type Identity = Portrayed["identities"][number];

const FEW = 3;

/** How we are linked to the person: each identifier with its evidence, and who became part of this person. */
export function Linked({ person }: { person: Portrayed }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const kindOf = useKind();
  return (
    <Card title={t("identities.title")} note={t("identities.note")}>
      <ul className={css["list"]}>
        {person.identities.map((identity) => (
          <li key={`${identity.kind}:${identity.value}`}>
            <div className={css["line"]}>
              <span>{identity.value}</span>
              <span className={css["quiet"]}>{kindOf(identity.kind)}</span>
            </div>
            {identity.heard && <div className={css["under"]}>{t("identities.heard", { when: format.date(identity.heard) })}</div>}
            <Ties ties={identity.ties} />
          </li>
        ))}
        {person.then?.others.map((other) => (
          <li key={other.person ?? other.identities.map((identity) => identity.value).join()}>
            <div className={css["line"]}>
              <span>{other.identities.map((identity) => `${kindOf(identity.kind)} ${identity.value}`).join(", ")}</span>
              <span className={css["quiet"]}>{t("identities.other")}</span>
            </div>
            {other.person && <div className={css["under"]}>{other.person}</div>}
          </li>
        ))}
        {person.merges.map((merged) => (
          <li key={merged.person}>
            <div className={css["line"]}>
              <span>{merged.id ? merged.id.value : merged.person}</span>
              <span className={css["quiet"]}>{t("identities.merged")}</span>
            </div>
            <div className={css["under"]}>
              {merged.person} · {t("identities.since", { when: format.date(merged.first_seen) })}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Ties({ ties }: { ties: Identity["ties"] }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const kindOf = useKind();
  const [whole, setWhole] = useState(false);
  const shown = whole ? ties : ties.slice(0, FEW);
  return (
    <div className={css["under"]}>
      {shown.map((tie) => (
        <div key={`${tie.what} ${tie.kind}:${tie.value} ${tie.since}`}>
          {t(`identities.ties.${tie.what}`, { other: `${kindOf(tie.kind)} ${tie.value}` })} · {t("identities.since", { when: format.date(tie.since) })}
        </div>
      ))}
      {ties.length > shown.length && (
        <button type="button" className={css["moreOf"]} onClick={() => setWhole(true)}>
          {t("identities.more", { count: ties.length - shown.length })}
        </button>
      )}
    </div>
  );
}
