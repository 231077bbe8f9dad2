import "./signin.css";

import { type ReactNode, type SyntheticEvent, useEffect, useId, useState } from "react";

import { setLanguage, setTheme, usePreferences } from "../lib/preferences";
import type { Problem } from "../lib/problem";
import { asProblem } from "../lib/problem";
import { lookAtLink, type Session, setUp, type SetUpLink, signIn } from "../lib/session";
import { TEXTS } from "./texts";

type Texts = (typeof TEXTS)["en"];

function useTexts(): Texts {
  return TEXTS[usePreferences().language];
}

/** The page for whoever is not signed in: sign-in, or set-up where the address is a one-time link. */
export function SignIn({ session }: { session: Session }) {
  const texts = useTexts();
  const link = window.location.pathname === "/setup";
  useEffect(() => {
    document.title = `${link ? texts.setUp : texts.signIn} · ${texts.product}`;
  }, [link, texts]);
  return <Frame title={session.workspace.title}>{link ? <SetUpForm /> : <SignInForm setup={session.setup} />}</Frame>;
}

/** Shown while the server has not told yet who is here: nothing for a moment, then a sign of life. */
export function Waiting() {
  return (
    <div className="waiting" role="status" aria-label={useTexts().loading}>
      <span className="waiting-bar" />
    </div>
  );
}

/** Shown when the server does not answer at all. */
export function Unreached({ problem, again }: { problem: Problem; again: () => void }) {
  const texts = useTexts();
  return (
    <Frame title="">
      <Said problem={problem} />
      <button className="primary" type="button" onClick={again}>
        {texts.again}
      </button>
    </Frame>
  );
}

function Frame({ title, children }: { title: string; children: ReactNode }) {
  const texts = useTexts();
  const { language, dark } = usePreferences();
  return (
    <div className="door">
      <header className="door-top">
        <button type="button" className="quiet" lang={language === "zh" ? "en" : "zh-CN"} onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
          {language === "zh" ? "English" : "中文"}
        </button>
        <button type="button" className="quiet" aria-label={texts.theme} title={texts.theme} onClick={() => setTheme(dark ? "light" : "dark")}>
          <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
            <circle cx="10" cy="10" r="6.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
            <path d="M10 3.5a6.5 6.5 0 0 1 0 13z" fill="currentColor" />
          </svg>
        </button>
      </header>
      <main className="door-main">
        <div className="door-mark">
          <img src="/favicon.svg" alt="" width="44" height="44" />
          <div>
            <h1>{texts.product}</h1>
            <p>{title || texts.line}</p>
          </div>
        </div>
        {children}
      </main>
    </div>
  );
}

function SignInForm({ setup }: { setup: boolean }) {
  const texts = useTexts();
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const { busy, problem, wait, submit } = useSubmission(() => signIn(login.trim(), password));
  if (setup) return <p className="door-note">{texts.nobody}</p>;
  return (
    <form onSubmit={submit} aria-label={texts.signIn}>
      <Field label={texts.login} value={login} onChange={setLogin} name="username" autoComplete="username" autoFocus />
      <Secret label={texts.password} value={password} onChange={setPassword} autoComplete="current-password" />
      <Said problem={problem} wait={wait} />
      <button className="primary" type="submit" disabled={busy || wait > 0 || !login.trim() || !password}>
        {busy ? texts.signingIn : texts.signIn}
      </button>
      <p className="door-foot">{texts.forgot}</p>
    </form>
  );
}

function SetUpForm() {
  const texts = useTexts();
  const [token] = useState(() => window.location.hash.slice(1));
  const [link, setLink] = useState<SetUpLink | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!token) return;
    lookAtLink(token).then(setLink, (error: unknown) => setProblem(asProblem(error)));
  }, [token, tries]);
  if (!token) return <p className="door-note">{texts.noToken}</p>;
  if (link) return <SetUpFields token={token} link={link} />;
  if (!problem) return <Waiting />;
  const again = () => {
    setProblem(null);
    setTries(tries + 1);
  };
  return (
    <>
      <Said problem={problem} />
      {(problem.offline || problem.status >= 500) && (
        <button className="primary" type="button" onClick={again}>
          {texts.again}
        </button>
      )}
      <p className="door-foot">
        <a href="/">{texts.signIn}</a>
      </p>
    </>
  );
}

function SetUpFields({ token, link }: { token: string; link: SetUpLink }) {
  const texts = useTexts();
  const first = link.purpose === "first";
  const [login, setLogin] = useState(link.login);
  const [name, setName] = useState(link.name);
  const [password, setPassword] = useState("");
  const { busy, problem, wait, submit } = useSubmission(async () => {
    await setUp(token, { password, ...(first ? { login: login.trim(), name: name.trim() } : {}) });
    window.history.replaceState(null, "", "/");
  });
  const complete = login.trim() && password;
  const title = link.purpose === "reset" ? texts.reset : texts.setUp;
  return (
    <form onSubmit={submit} aria-label={title}>
      <h2>{title}</h2>
      <p className="door-note">{first ? texts.firstLine : texts.setUpLine}</p>
      <Field label={texts.login} value={login} onChange={setLogin} name="username" autoComplete="username" readOnly={!first} autoFocus={first} />
      {first && <Field label={texts.name} value={name} onChange={setName} name="name" autoComplete="name" optional />}
      <Secret label={texts.newPassword} value={password} onChange={setPassword} autoComplete="new-password" autoFocus={!first} />
      <Said problem={problem} wait={wait} />
      <button className="primary" type="submit" disabled={busy || wait > 0 || !complete}>
        {busy ? texts.settingUp : link.purpose === "reset" ? texts.resetAndSignIn : texts.create}
      </button>
    </form>
  );
}

function useSubmission(work: () => Promise<unknown>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [wait, setWait] = useState(0);
  useEffect(() => {
    if (wait <= 0) return undefined;
    const timer = setTimeout(() => setWait(wait - 1), 1_000);
    return () => clearTimeout(timer);
  }, [wait]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    work()
      .catch((error: unknown) => {
        const found = asProblem(error);
        setProblem(found);
        if (found.status === 429) setWait(Math.ceil(found.retryAfter ?? 30));
      })
      .finally(() => setBusy(false));
  };
  return { busy, problem, wait, submit };
}

function Said({ problem, wait = 0 }: { problem: Problem | null; wait?: number }) {
  const texts = useTexts();
  return (
    <div role="alert">
      {problem && (problem.status !== 429 || wait > 0) && (
        <div className="door-said">
          <p>{saying(problem, texts, wait)}</p>
          {problem.status >= 500 && problem.requestId && (
            <p className="door-small">
              {texts.request} {problem.requestId}
            </p>
          )}
        </div>
      )}
    </div>
  );
}

function saying(problem: Problem, texts: Texts, wait: number): string {
  if (problem.offline || problem.status === 502 || problem.status === 504) return texts.offline;
  if (problem.status === 429) return texts.slow(wait);
  const link = window.location.pathname === "/setup";
  if (link && [401, 403, 404, 410].includes(problem.status)) return texts.badLink;
  if (problem.status === 401) return texts.wrong;
  return problem.message || texts.failed;
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoComplete: string;
  autoFocus?: boolean;
}

function Field({ label, value, onChange, optional, ...rest }: FieldProps & { name: string; readOnly?: boolean; optional?: boolean }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} value={value} required={!optional} spellCheck={false} autoCapitalize="none" onChange={(event) => onChange(event.target.value)} {...rest} />
    </div>
  );
}

function Secret({ label, value, onChange, ...rest }: FieldProps) {
  const texts = useTexts();
  const id = useId();
  const [shown, setShown] = useState(false);
  const [caps, setCaps] = useState(false);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="secret">
        <input
          id={id}
          name="password"
          type={shown ? "text" : "password"}
          value={value}
          required
          onChange={(event) => onChange(event.target.value)}
          {...rest}
          onKeyUp={(event) => setCaps(event.getModifierState("CapsLock"))}
        />
        <button type="button" className="quiet" aria-pressed={shown} aria-label={shown ? texts.hide : texts.show} title={shown ? texts.hide : texts.show} onClick={() => setShown(!shown)}>
          <svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
            <path d="M1.8 10S4.8 4.6 10 4.6 18.2 10 18.2 10 15.2 15.4 10 15.4 1.8 10 1.8 10z" />
            <circle cx="10" cy="10" r="2.4" />
            {shown && <path d="M3.5 16.5l13-13" />}
          </svg>
        </button>
      </div>
      {caps && <p className="door-small">{texts.capsLock}</p>}
    </div>
  );
}
