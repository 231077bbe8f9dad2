import type { ComponentType } from "react";

import type { IconName } from "../components/Icon";
import type { Both } from "../lib/preferences";
import type { Role } from "../lib/session";

/** The places of the left navigation, in their order. One that has no page is not shown. */
export const SECTIONS = [
  "overview",
  "people",
  "tags",
  "audiences",
  "marketing",
  "content",
  "effects",
  "analysis",
  "data",
  "settings",
] as const satisfies readonly IconName[];

export type Section = (typeof SECTIONS)[number];

export interface PageOf {
  /** Its address: `/people`, `/people/:id`. */
  path: string;
  /** What the navigation, the jump and the browser's tab call it. */
  title: Both;
  /** The module whose default export shows it; loaded when it is first opened. */
  page: () => Promise<{ default: ComponentType }>;
  /** Whether it stands in the navigation: the section's first such page is its door, further ones stand below it. */
  menu?: boolean;
  /** The lowest role that can use it. */
  role?: Role;
  /** Other words by which the jump finds it. */
  words?: string;
}

export interface Feature {
  section: Section;
  pages: readonly PageOf[];
}

/** A feature as its folder's index.tsx exports it by default. */
export function feature(given: Feature): Feature {
  return given;
}
