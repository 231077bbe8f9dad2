import "./base.css";

import { lazy, StrictMode, Suspense, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

import { asProblem, type Problem } from "./lib/problem";
import { loadSession, useMaybeSession, wasSignedIn } from "./lib/session";
import { SignIn, Unreached, Waiting } from "./signin/SignIn";

const loadApp = () => import("./app/App");
const App = lazy(loadApp);

// After an upgrade the old pages' files are gone: load the new ones, once.
window.addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem("limner.reloaded") ?? 0);
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem("limner.reloaded", String(Date.now()));
  event.preventDefault();
  window.location.reload();
});

function Entry() {
  const session = useMaybeSession();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    loadSession().then(
      () => setProblem(null),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }, [tries]);
  if (!session) {
    return problem ? <Unreached problem={problem} again={() => setTries(tries + 1)} /> : <Waiting />;
  }
  if (!session.user) return <SignIn session={session} />;
  return (
    <Suspense fallback={<Waiting />}>
      <App />
    </Suspense>
  );
}

if (wasSignedIn()) void loadApp();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Entry />
    </StrictMode>,
  );
}
