import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { isRouteErrorResponse, Link, NavLink, Outlet, ScrollRestoration, useLocation, useMatches, useNavigation, useRouteError } from "react-router";

import { Icon } from "../components/Icon";
import { Page } from "../components/Page";
import { Empty, Failure, Loading } from "../components/States";
import { setTheme, usePreferences } from "../lib/preferences";
import { chooseLanguage, useSession } from "../lib/session";
import { Account } from "./Account";
import { SECTIONS, type Section } from "./feature";
import { JobsBell } from "./Jobs";
import { Palette } from "./Palette";
import { menuOf, type Registered } from "./pages";
import css from "./shell.module.css";

const WIDE = "limner.navigation";

/** The frame around every page: where one is, where one can go, what runs, and who one is. */
export function Shell() {
  const { t } = useTranslation("app");
  const { workspace } = useSession();
  const { language } = usePreferences();
  const navigation = useNavigation();
  const [narrow, setNarrow] = useState(() => localStorage.getItem(WIDE) === "narrow");
  const [jumping, setJumping] = useState(false);
  const drawer = useRef<HTMLDialogElement>(null);
  const { pathname } = useLocation();
  useEffect(() => drawer.current?.close(), [pathname]);
  useKeys(() => setJumping(true));
  const fold = () => {
    localStorage.setItem(WIDE, narrow ? "wide" : "narrow");
    setNarrow(!narrow);
  };
  return (
    <div className={css["shell"]} data-narrow={narrow}>
      <a className={css["skip"]} href="#content">
        {t("skip")}
      </a>
      {navigation.state !== "idle" && <span className={css["progress"]} />}
      <aside className={css["side"]}>
        <Brand title={workspace.title} />
        <Navigation narrow={narrow} />
        <button type="button" className={css["fold"]} onClick={fold} aria-expanded={!narrow} title={narrow ? t("unfold") : t("fold")}>
          <Icon name={narrow ? "expand" : "collapse"} />
          <span>{narrow ? t("unfold") : t("fold")}</span>
        </button>
      </aside>
      <dialog ref={drawer} className={css["drawer"]} aria-label={t("navigation")} onClick={(event) => event.target === drawer.current && drawer.current.close()}>
        <div className={css["drawerBody"]}>
          <Brand title={workspace.title} />
          <Navigation narrow={false} />
        </div>
      </dialog>
      <div className={css["main"]}>
        <header className={css["top"]}>
          <button type="button" className={css["burger"]} aria-label={t("navigation")} onClick={() => drawer.current?.showModal()}>
            <Icon name="menu" size={20} />
          </button>
          <button type="button" className={css["jump"]} aria-keyshortcuts="Control+K Meta+K" onClick={() => setJumping(true)}>
            <Icon name="search" />
            <span>{t("jump.open")}</span>
            <kbd>{/Mac|iP/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</kbd>
          </button>
          <span className={css["space"]} />
          <span className={css["zone"]} title={t("zone", { zone: workspace.zone })}>
            <Icon name="clock" size={16} /> {workspace.zone}
          </span>
          <Language />
          <Appearance />
          <JobsBell />
          <Account />
        </header>
        <main id="content" data-at={pathname} tabIndex={-1} className={css["content"]} lang={language === "zh" ? "zh-CN" : "en"}>
          <Outlet />
        </main>
      </div>
      <Palette open={jumping} close={() => setJumping(false)} />
      <ScrollRestoration />
    </div>
  );
}

function Language() {
  const { language } = usePreferences();
  return (
    <button type="button" className={css["quiet"]} lang={language === "zh" ? "en" : "zh-CN"} onClick={() => chooseLanguage(language === "zh" ? "en" : "zh")}>
      {language === "zh" ? "English" : "中文"}
    </button>
  );
}

function Appearance() {
  const { t } = useTranslation("app");
  const { dark } = usePreferences();
  const name = dark ? t("toLight") : t("toDark");
  return (
    <button type="button" className={css["quiet"]} aria-label={name} title={name} onClick={() => setTheme(dark ? "light" : "dark")}>
      <Icon name="theme" size={20} />
    </button>
  );
}

function Brand({ title }: { title: string }) {
  const { language } = usePreferences();
  return (
    <Link to="/" className={css["brand"]}>
      <img src="/favicon.svg" alt="" width="28" height="28" />
      <span>
        <strong>{language === "zh" ? "绘客" : "Limner"}</strong>
        <small>{title}</small>
      </span>
    </Link>
  );
}

function Navigation({ narrow }: { narrow: boolean }) {
  const { t } = useTranslation("app");
  const { language } = usePreferences();
  const { user } = useSession();
  const here = useSection();
  const pages = menuOf(user.role);
  return (
    <nav className={css["nav"]} aria-label={t("navigation")}>
      <ul>
        {SECTIONS.map((section) => {
          const [door, ...rest] = pages.filter((page) => page.section === section);
          if (!door) return null;
          const inside = here === section;
          return (
            <li key={section}>
              <NavLink to={door.path} end={door.path === "/"} className={css["item"] ?? ""} data-inside={inside} title={narrow ? t(`sections.${section}`) : undefined}>
                <Icon name={section} size={20} />
                <span>{t(`sections.${section}`)}</span>
              </NavLink>
              {inside && !narrow && rest.length > 0 && (
                <ul className={css["below"]}>
                  {[door, ...rest].map((page) => (
                    <li key={page.path}>
                      <NavLink to={page.path} end={isAbove(page.path, rest)}>
                        {page.title[language]}
                      </NavLink>
                    </li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** Whether other pages of the section lie below this one's address. */
function isAbove(path: string, others: readonly Registered[]): boolean {
  return others.some((page) => page.path.startsWith(`${path}/`));
}

function useSection(): Section | undefined {
  const matches = useMatches();
  const handle = matches.at(-1)?.handle as Registered | undefined;
  return handle?.section;
}

/** `/` goes to the page's search, ⌘K and Ctrl-K jump. */
function useKeys(jump: () => void) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        jump();
        return;
      }
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      const search = document.querySelector<HTMLInputElement>("#content input[type=search]");
      if (search) {
        search.focus();
        search.select();
      } else jump();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [jump]);
}

/** Shown where the address leads nowhere. */
export function Missing() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("missing.title")}>
      <Empty icon="search" title={t("missing.here")} action={<Link to="/">{t("missing.home")}</Link>}>
        {t("missing.note")}
      </Empty>
    </Page>
  );
}

/** Shown where a page broke: the rest of the application goes on. */
export function Broken() {
  const error = useRouteError();
  const { t } = useTranslation("app");
  if (isRouteErrorResponse(error) && error.status === 404) return <Missing />;
  return (
    <Page title="" name={t("broken")}>
      <Failure error={error} retry={() => window.location.reload()} />
    </Page>
  );
}

/** Shown while the first page's code comes. */
export function Opening() {
  return <Loading shape="page" />;
}
