import { App, Button, Popover, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon } from "../components/Icon";
import { type Language, setTheme, type ThemeChoice, usePreferences } from "../lib/preferences";
import { asProblem } from "../lib/problem";
import { chooseLanguage, signOut, useSession } from "../lib/session";
import css from "./account.module.css";
import { PAGES } from "./pages";

const WAYS = [
  { path: "/settings/account", icon: "account", name: "account.own" },
  { path: "/settings/about", icon: "info", name: "account.about" },
] as const;

/** Who is signed in; language, appearance, what this is, and the way out. */
export function Account() {
  const { t } = useTranslation("app");
  const { user, workspace } = useSession();
  const { language, theme } = usePreferences();
  const { notification } = App.useApp();
  const [open, setOpen] = useState(false);
  const ways = WAYS.filter((way) => PAGES.some((page) => page.path === way.path));
  const leave = () => {
    signOut().catch((error: unknown) => notification.error({ title: t("account.signOutFailed"), description: asProblem(error).message }));
  };
  const content = (
    <div className={css["menu"]}>
      <div className={css["who"]}>
        <strong>{user.name || user.login}</strong>
        <span>
          {user.login} · {t(`account.roles.${user.role}`)}
        </span>
        <span className={css["zone"]}>{workspace.zone}</span>
      </div>
      <div className={css["choice"]}>
        <span id="account-language">{t("account.language")}</span>
        <Segmented<Language>
          block
          aria-labelledby="account-language"
          value={language}
          onChange={chooseLanguage}
          options={[
            { value: "en", label: "English" },
            { value: "zh", label: "中文" },
          ]}
        />
      </div>
      <div className={css["choice"]}>
        <span id="account-theme">{t("account.theme")}</span>
        <Segmented<ThemeChoice>
          block
          aria-labelledby="account-theme"
          value={theme}
          onChange={setTheme}
          options={[
            { value: "system", label: t("account.system") },
            { value: "light", label: t("account.light") },
            { value: "dark", label: t("account.dark") },
          ]}
        />
      </div>
      <div className={css["ways"]}>
        {ways.map((way) => (
          <Link key={way.path} to={way.path} onClick={() => setOpen(false)}>
            <Icon name={way.icon} /> {t(way.name)}
          </Link>
        ))}
        <button type="button" onClick={leave}>
          <Icon name="external" /> {t("account.signOut")}
        </button>
      </div>
    </div>
  );
  return (
    <Popover trigger="click" placement="bottomRight" arrow={false} open={open} onOpenChange={setOpen} content={content}>
        <Button type="text" shape="circle" aria-label={t("account.open", { name: user.name || user.login })} aria-expanded={open} className={css["face"] ?? ""}>
          {initial(user.name || user.login)}
        </Button>
    </Popover>
  );
}

function initial(name: string): string {
  return Array.from(name.trim())[0]?.toUpperCase() ?? "?";
}
