"""How long the API takes for the first answers of each page, as a browser sees it.

    python -m benchmarks.first_answers [FOLDER]

FOLDER is a demo's workspace (`limner demo --no-serve`; default: limner-demo), of which a copy is served. Each page is
opened five times in a fresh tab; the table shows the slowest first answer of the best try, and which one it was.
Before it: how long the new count of a nested audience with every condition's effect takes after an edit, over HTTP.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from playwright.sync_api import Browser, Request, sync_playwright
from tests.web.harness import Site, Visits, open_site, settle
from tests.web.pages import registered, samples_of

from limner.api.admission import COOKIE

TRIES = 5
PROMISED_MS = 200


def answers(browser: Browser, site: Site, address: str) -> tuple[float, str]:
    """(milliseconds, path) of the slowest API answer that the page waits for when it is opened."""
    visits = Visits(browser, lambda: site)
    page = visits()
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request) if "/api/" in request.url else None)
    page.goto(address)
    settle(page)
    took = [(one.timing["responseEnd"], one.url.removeprefix(site.url).partition("?")[0]) for one in asked]
    visits.close()
    return max(took, default=(0.0, ""))


EDITED = (
    "(city in ('Hangzhou', 'Beijing') or spent_90d between {low} and 900) and orders_90d >= 1"
    " and not (gender = 'female' and visits_30d < {low})"
)


def edits(site: Site) -> list[float]:
    """Milliseconds of the first count and of 20 counts after an edit each, as the builder asks for them."""
    took = []
    with httpx2.Client(base_url=site.url, cookies={COOKIE: site.token("admin")}, timeout=60) as client:
        csrf = client.get("/api/v1/session").json()["csrf"]
        for low in range(21):
            begun = time.perf_counter()
            body = {"expression": EDITED.format(low=low), "as_of": ""}
            client.post(
                "/api/v1/audiences/count", json=body, headers={"x-csrf-token": csrf}
            ).raise_for_status()
            took.append((time.perf_counter() - begun) * 1_000)
    return took


def main(folder: Path) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as beside, sync_playwright() as playwright:
        shutil.copytree(folder, Path(beside) / "shop")
        with open_site(Path(beside) / "shop") as site:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium-headless-shell") or shutil.which("chromium"),
                args=["--no-sandbox"],
            )
            people = site.verb("overview")["people"]["total"]
            samples = samples_of(site)
            print(f"{people:,} people; promised: {PROMISED_MS} ms")
            first, *later = edits(site)
            print(
                f"an edited audience: first {first:.0f} ms, then median {statistics.median(later):.0f} ms,",
                end=" ",
            )
            print(f"longest {max(later):.0f} ms\n")
            print("| page | slowest first answer | ms |\n|---|---|---|")
            for one in registered():
                took, path = min(answers(browser, site, one.address(samples)) for _ in range(TRIES))
                mark = " !" if took > PROMISED_MS else ""
                print(f"| `{one.pattern}` | `{path}` | {took:.0f}{mark} |", flush=True)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "limner-demo"))
