import type { HTMLAttributes, ReactNode, Ref } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import css from "./narrow.module.css";

/** Where the narrower crowd is built: another page's address, or the page that is open. */
export type Narrowing = string | (() => void);

interface Props extends HTMLAttributes<HTMLElement> {
  by: Narrowing | undefined;
  /** Whom it leaves, in words. */
  label: string;
  children: ReactNode;
  ref?: Ref<HTMLElement>;
}

/** A drawn share of a crowd that can be pressed: it adds its condition to the crowd's. Without `by` it is only drawn. */
export function Narrow({ by, label, children, ref, className, ...more }: Props) {
  const { t } = useTranslation();
  const named = { ...more, "aria-label": t("narrow", { label }) };
  const classes = [className, css["narrow"]].join(" ");
  if (by === undefined) {
    return (
      <span {...more} ref={ref} className={className} role="img" aria-label={label}>
        {children}
      </span>
    );
  }
  if (typeof by === "string") {
    return (
      <Link {...named} ref={ref as Ref<HTMLAnchorElement>} className={classes} to={by}>
        {children}
      </Link>
    );
  }
  return (
    <button {...named} ref={ref as Ref<HTMLButtonElement>} className={classes} type="button" onClick={by}>
      {children}
    </button>
  );
}
