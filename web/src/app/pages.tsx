import { createBrowserRouter, Navigate, type RouteObject } from "react-router";

import { loadTexts } from "../lib/i18n";
import type { Role } from "../lib/session";
import type { Feature, PageOf, Section } from "./feature";
import { SECTIONS } from "./feature";
import { Broken, Missing, Opening, Shell } from "./Shell";

/** A page of a feature, with the namespace of its texts: the name of its folder. */
export interface Registered extends PageOf {
  section: Section;
  noun: string;
}

// A feature is registered by being there: features/<noun>/index.tsx.
const found = import.meta.glob<Feature>("../features/*/index.tsx", { eager: true, import: "default" });

/** Every page, in the order of the navigation. */
export const PAGES: readonly Registered[] = Object.entries(found)
  .flatMap(([file, feature]) => feature.pages.map((page) => ({ ...page, section: feature.section, noun: file.split("/")[2] ?? "" })))
  .sort((a, b) => SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section) || besides(a) - besides(b));

/** Within a section its own folder comes first. */
function besides(page: Registered): number {
  return page.noun === page.section ? 0 : 1;
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** The pages of the navigation that a role can use. */
export function menuOf(role: Role): readonly Registered[] {
  return PAGES.filter((page) => page.menu && RANK[role] >= RANK[page.role ?? "viewer"]);
}

/** The pages that a role can go to by name alone, each name once. */
export function reachableBy(role: Role): readonly Registered[] {
  const pages = PAGES.filter((page) => !page.path.includes(":") && RANK[role] >= RANK[page.role ?? "viewer"]);
  const nameOf = (page: Registered) => `${page.section} ${page.title.en}`;
  return pages.filter((page, index) => pages.findIndex((other) => nameOf(other) === nameOf(page)) === index);
}

function route(page: Registered): RouteObject {
  return {
    path: page.path,
    handle: page,
    ErrorBoundary: Broken,
    lazy: async () => {
      const [shown] = await Promise.all([page.page(), loadTexts(page.noun)]);
      return { Component: shown.default };
    },
  };
}

function Door() {
  const door = PAGES.find((page) => page.menu);
  return door ? <Navigate to={door.path} replace /> : <Missing />;
}

export function makeRouter() {
  const doors = PAGES.some((page) => page.path === "/") ? [] : [{ index: true, Component: Door }];
  return createBrowserRouter([
    {
      Component: Shell,
      ErrorBoundary: Broken,
      HydrateFallback: Opening,
      children: [...doors, ...PAGES.map(route), { path: "/setup", element: <Navigate to="/" replace /> }, { path: "*", Component: Missing }],
    },
  ]);
}
