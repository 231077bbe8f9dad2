import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Page } from "../../components/Page";
import { useMay } from "../../lib/session";

/** A page of the settings, with the ways to its sisters that this role has. */
export function Frame({ title, note, actions, children }: { title: string; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation("settings");
  const [operator, admin] = [useMay("operator"), useMay("admin")];
  const tabs = [
    { to: "/settings/account", title: t("tabs.account") },
    ...(admin ? [{ to: "/settings/users", title: t("tabs.users") }] : []),
    ...(admin ? [{ to: "/settings/keys", title: t("tabs.keys") }] : []),
    ...(admin ? [{ to: "/settings/audit", title: t("tabs.audit") }] : []),
    ...(operator ? [{ to: "/settings/workspace", title: t("tabs.workspace") }] : []),
    { to: "/settings/about", title: t("tabs.about") },
  ];
  return (
    <Page title={title} description={note} actions={actions} tabs={tabs}>
      {children}
    </Page>
  );
}
