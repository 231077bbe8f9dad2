import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ConfirmCount } from "../../components/Confirm";
import { once, useChange } from "../../lib/api";
import { useFormat } from "../../lib/useFormat";
import css from "./people.module.css";
import type { Portrayed } from "./Tags";

/** Asks before a person is erased: says what will go, and wants the id typed. `begun` gets the job's id. */
export function Erase({ person, open, close, begun }: { person: Portrayed; open: boolean; close: () => void; begun: (job: string) => void }) {
  const { t } = useTranslation("people");
  const format = useFormat();
  const [key] = useState(() => crypto.randomUUID());
  const erase = useChange("delete", "/api/v1/people/{id}", { invalidates: [["jobs"]] });
  const tags = person.tags.reduce((sum, group) => sum + group.tags.length, 0);
  const goes = [
    ["events", person.header.events],
    ["identities", person.identities.length],
    ["attributes", person.attributes.length],
    ["tags", tags],
    ["messages", person.header.messages],
  ] as const;
  return (
    <ConfirmCount
      open={open}
      danger
      title={t("erase.title")}
      people={1}
      ok={t("erase.ok")}
      typed={person.header.id?.value ?? person.person}
      onCancel={close}
      onOk={async () => {
        const done = await erase.mutateAsync({ params: { path: { id: person.person } }, headers: once(key) });
        begun(done.job);
        close();
      }}
    >
      <p>{t("erase.goes")}</p>
      <ul>
        {goes.map(([what, count]) => (
          <li key={what}>{t(`erase.${what}`, { count, exact: format.exact(count) })}</li>
        ))}
      </ul>
      <p className={css["under"]}>{t("erase.stays")}</p>
    </ConfirmCount>
  );
}
