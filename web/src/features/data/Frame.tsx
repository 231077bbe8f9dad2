import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Page } from "../../components/Page";
import { useMay } from "../../lib/session";

/** A page of the data section, with the ways to its sisters that this role has. */
export function Frame({ title, note, actions, children }: { title: string; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation("data");
  const operator = useMay("operator");
  const tabs = [
    { to: "/data/sources", title: t("tabs.sources") },
    { to: "/data/events", title: t("tabs.events") },
    ...(operator ? [{ to: "/data/imports", title: t("tabs.imports") }] : []),
    ...(operator ? [{ to: "/data/quarantine", title: t("tabs.quarantine") }] : []),
    { to: "/data/runs", title: t("tabs.runs") },
    { to: "/data/identity", title: t("tabs.identity") },
  ];
  return (
    <Page title={title} description={note} actions={actions} tabs={tabs}>
      {children}
    </Page>
  );
}

/** What a reason's code says in words; a code without words stands for itself. */
export function useReason(): (code: string) => string {
  const { t } = useTranslation("data");
  const words: Record<string, string> = t("reasons", { returnObjects: true });
  return (code) => words[code] ?? code;
}
