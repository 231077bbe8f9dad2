import { useTranslation } from "react-i18next";

import { Card, Facts } from "../../components/Page";
import { useAnswer } from "../../lib/api";
import { useMay, useSession } from "../../lib/session";
import { Frame } from "./Frame";

/** What this is, which version, and where its doors for programs are. */
export default function About() {
  const { t } = useTranslation("settings");
  const { workspace } = useSession();
  const operator = useMay("operator");
  const settings = useAnswer("/api/v1/settings", {}, { enabled: operator });
  return (
    <Frame title={t("about.title")} note={t("about.line")}>
      <Card>
        <Facts
          facts={[
            [t("about.version"), workspace.version],
            [t("about.python"), settings.data?.python],
            [t("about.workspace"), workspace.title],
            [t("about.zone"), workspace.zone],
            [t("about.currency"), workspace.currency],
            [t("about.licence"), "Apache-2.0"],
            [
              t("about.api"),
              <a key="api" href="/api/v1/openapi.json">
                {t("about.description")}
              </a>,
            ],
            [
              t("about.health"),
              <a key="health" href="/health">
                /health
              </a>,
            ],
            [
              t("about.metrics"),
              <a key="metrics" href="/metrics">
                /metrics
              </a>,
            ],
          ]}
        />
      </Card>
    </Frame>
  );
}
