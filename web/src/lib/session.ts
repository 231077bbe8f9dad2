import { useSyncExternalStore } from "react";

import { type Language, setLanguage, suggestLanguage } from "./preferences";
import { asProblem, Problem, problemOf } from "./problem";

export type Role = "viewer" | "operator" | "admin";

export interface User {
  id: string;
  login: string;
  name: string;
  role: Role;
  language: string;
}

export interface Session {
  user: User | null;
  csrf: string | null;
  /** Whether nobody has an account yet. */
  setup: boolean;
  workspace: { title: string; zone: string; currency: string; version: string };
}

const HINT = "limner.signed-in";
const listeners = new Set<() => void>();
let current: Session | null = null;

function show(session: Session): Session {
  current = session;
  if (session.user) suggestLanguage(session.user.language);
  try {
    localStorage.setItem(HINT, session.user ? "1" : "");
  } catch {
    // only a hint
  }
  listeners.forEach((listener) => listener());
  return session;
}

/** Whether somebody was signed in on this device the last time: the application may then load beside the question. */
export function wasSignedIn(): boolean {
  try {
    return localStorage.getItem(HINT) === "1";
  } catch {
    return false;
  }
}

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body) headers["content-type"] = "application/json";
  if (current?.csrf) headers["x-csrf-token"] = current.csrf;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch (error) {
    throw asProblem(error);
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

/** Who is signed in here, asked of the server. */
export async function loadSession(): Promise<Session> {
  return show((await ask("GET", "/api/v1/session")) as Session);
}

export async function signIn(login: string, password: string): Promise<Session> {
  await ask("POST", "/api/v1/session", { login, password });
  return loadSession();
}

/** What a one-time link is for: the first account, an invitation, or a new password. */
export interface SetUpLink {
  purpose: "first" | "invite" | "reset";
  login: string;
  name: string;
}

export async function lookAtLink(token: string): Promise<SetUpLink> {
  return (await ask("POST", "/api/v1/setup/link", { token })) as SetUpLink;
}

/** Sets the password by a one-time link, which also signs in. */
export async function setUp(token: string, given: { login?: string; name?: string; password: string }): Promise<Session> {
  await ask("POST", "/api/v1/setup", { token, ...given });
  return loadSession();
}

/** Chooses the language here, and with the account, so that other devices begin with it. */
export function chooseLanguage(language: Language): void {
  setLanguage(language);
  ask("PATCH", "/api/v1/session", { language }).catch(() => undefined); // this device keeps it anyway
}

export async function signOut(): Promise<void> {
  await ask("DELETE", "/api/v1/session").catch((error: unknown) => {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
  });
  await loadSession();
}

/** The server knows the session no more: sign-in is shown, the place stays in the address. */
export function expired(): void {
  if (current?.user) show({ ...current, user: null, csrf: null });
}

export function session(): Session | null {
  return current;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The session, or null before the server has told of it. */
export function useMaybeSession(): Session | null {
  return useSyncExternalStore(subscribe, session);
}

/** Who is signed in, and where. Only inside the application, which is shown to nobody else. */
export function useSession(): Session & { user: User } {
  const found = useMaybeSession();
  if (!found?.user) throw new Problem("nobody is signed in", { code: "unauthorized", status: 401 });
  return { ...found, user: found.user };
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whether the signed-in person's role reaches `needed`: what cannot be done is not offered. */
export function useMay(needed: Role): boolean {
  const { user } = useSession();
  return RANK[user.role] >= RANK[needed];
}
