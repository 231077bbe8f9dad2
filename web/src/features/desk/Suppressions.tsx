import { Page } from "../../components/Page";
import { useTranslation } from "react-i18next";

import { Addresses } from "./Addresses";
import { Held } from "./Held";
import { KeptBack } from "./KeptBack";

/** Who gets nothing and why: what holds itself, what was kept back, and addresses that are written to no more. */
export default function Suppressions() {
  const { t } = useTranslation("desk");
  return (
    <Page title={t("title")} description={t("note")}>
      <Held />
      <KeptBack />
      <Addresses />
    </Page>
  );
}
