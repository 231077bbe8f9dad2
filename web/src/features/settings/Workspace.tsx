import { useTranslation } from "react-i18next";

import { Card } from "../../components/Page";
import { Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { usePreferences } from "../../lib/preferences";
import { Frame } from "./Frame";
import { MEANINGS } from "./meanings";
import css from "./settings.module.css";

type Section = Answer<"/api/v1/settings">["sections"][number];

/** The workspace's settings with what each means. They are read here and changed in their file. */
export default function Workspace() {
  const { t } = useTranslation("settings");
  const found = useAnswer("/api/v1/settings");
  return (
    <Frame title={t("workspace.title")} note={t("workspace.note", { file: found.data?.file ?? "limner.toml" })}>
      <Shown of={found} shape="table" rows={8}>
        {({ sections }) => sections.map((section) => <Settings key={section.name} section={section} />)}
      </Shown>
    </Frame>
  );
}

function Settings({ section }: { section: Section }) {
  const { t } = useTranslation("settings");
  const { language } = usePreferences();
  const meaning = (key: string, doc: string) => (language === "zh" ? MEANINGS[section.name ? `${section.name}.${key}` : key] : undefined) ?? doc.replaceAll("`", "");
  return (
    <Card title={section.name ? <code>[{section.name}]</code> : t("workspace.top")} flush>
      <dl className={css["section"]}>
        {section.settings.map((setting) => (
          <div key={setting.key} className={css["setting"]}>
            <dt>
              <code>{setting.key}</code>
            </dt>
            <dd>
              {setting.value || <span className={css["off"]}>{t("workspace.empty")}</span>}
              {setting.set && <span className={css["mark"]}>{t("workspace.set")}</span>}
              {setting.set && <small>{t("workspace.standard", { value: setting.default || t("workspace.empty") })}</small>}
              {setting.secret && <small className={setting.secret === "missing" ? css["warn"] : undefined}>{t(`workspace.${setting.secret}`)}</small>}
            </dd>
            <dd className={css["meaning"]}>{meaning(setting.key, setting.doc)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
