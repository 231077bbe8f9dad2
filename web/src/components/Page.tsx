import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink } from "react-router";

import { usePreferences } from "../lib/preferences";
import css from "./page.module.css";

export interface PageProps {
  title: ReactNode;
  /** The title in the browser's tab, where `title` is no text. */
  name?: string;
  description?: ReactNode;
  /** Buttons at the right of the title: the one that matters most comes last and is primary. */
  actions?: ReactNode;
  /** The pages above this one. */
  above?: readonly { to: string; title: string }[];
  /** Sister pages, shown as tabs below the title. */
  tabs?: readonly { to: string; title: string; end?: boolean }[];
  children?: ReactNode;
}

/** What every page is put into: where it is, what it is called, what can be done here, and then the page. */
export function Page({ title, name, description, actions, above, tabs, children }: PageProps) {
  const { t } = useTranslation();
  const { language } = usePreferences();
  const tab = name ?? (typeof title === "string" ? title : "");
  useEffect(() => {
    document.title = [tab, language === "zh" ? "绘客" : "Limner"].filter(Boolean).join(" · ");
  }, [tab, language]);
  return (
    <article className={css["page"]}>
      {above && above.length > 0 && (
        <nav className={css["above"]} aria-label={t("breadcrumbs")}>
          {above.map((item) => (
            <Link key={item.to} to={item.to}>
              {item.title}
            </Link>
          ))}
        </nav>
      )}
      <header className={css["head"]}>
        <div className={css["words"]}>
          {title !== "" && <h1>{title}</h1>}
          {description && <p className={css["description"]}>{description}</p>}
        </div>
        {actions && <div className={css["actions"]}>{actions}</div>}
      </header>
      {tabs && (
        <nav className={css["tabs"]} aria-label={tab}>
          {tabs.map((item) => (
            <NavLink key={item.to} to={item.to} end={item.end ?? false}>
              {item.title}
            </NavLink>
          ))}
        </nav>
      )}
      {children}
    </article>
  );
}

/** A part of a page on its own sheet, with its heading. */
export function Card({ title, note, extra, flush, children }: { title?: ReactNode; note?: ReactNode; extra?: ReactNode; flush?: boolean; children?: ReactNode }) {
  return (
    <section className={css["card"]}>
      {(title !== undefined || extra !== undefined) && (
        <header className={css["cardHead"]}>
          <div>
            <h2>{title}</h2>
            {note && <p>{note}</p>}
          </div>
          {extra && <div className={css["actions"]}>{extra}</div>}
        </header>
      )}
      <div className={flush ? css["flush"] : css["cardBody"]}>{children}</div>
    </section>
  );
}

/** Cards beside each other: as many columns as fit at `least` pixels each. */
export function Grid({ least = 320, children }: { least?: number; children: ReactNode }) {
  return (
    <div className={css["grid"]} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(100%, ${least}px), 1fr))` }}>
      {children}
    </div>
  );
}

/** One number that matters, with its name above and what it means below. */
export function Figure({ label, value, note }: { label: ReactNode; value: ReactNode; note?: ReactNode }) {
  return (
    <div className={css["figure"]}>
      <div className={css["figureLabel"]}>{label}</div>
      <div className={css["figureValue"]}>{value}</div>
      {note && <div className={css["figureNote"]}>{note}</div>}
    </div>
  );
}

/** Facts as a list of names and values. Empty ones (undefined) are left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: ReactNode, value: ReactNode])[] }) {
  return (
    <dl className={css["facts"]}>
      {facts.map(([name, value], index) =>
        value === undefined ? null : (
          <div key={index}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
