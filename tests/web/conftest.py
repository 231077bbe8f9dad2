"""Fixtures of the browser tests: a served shop, an empty workspace, a browser, and watched visits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from tests.conftest import needs
from tests.web import harness
from tests.web.harness import Site, Visits


@pytest.fixture(scope="session")
def ui(shared: Path) -> None:
    """The pages are built from the sources as they are."""
    harness.build_ui(shared)


@pytest.fixture(scope="session")
def shop(ui: None, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo's shop, served. It is shared by all tests of a worker: name what you make, and leave the rest."""
    with harness.open_site(harness.copied_shop(shared, tmp_path_factory.mktemp("site") / "shop")) as site:
        yield site


@pytest.fixture(scope="session")
def empty(ui: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workspace in which nothing has happened yet, served; do not write into it."""
    folder = tmp_path_factory.mktemp("site") / "empty"
    harness.make_empty(folder)
    with harness.open_site(folder) as site:
        yield site


@pytest.fixture
def fresh(ui: None, tmp_path: Path) -> Iterator[Site]:
    """An empty workspace of this test's own, served."""
    folder = tmp_path / "fresh"
    harness.make_empty(folder)
    with harness.open_site(folder) as site:
        yield site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; its event loop lives in this thread, so it ends with the last browser test."""
    shell = shutil.which("chromium-headless-shell")  # the same engine without windows: a third quicker
    if shell is None:
        needs("chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=shell or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking", "--font-render-hinting=none"],
        )
        expect.set_options(timeout=harness.PATIENCE)
        yield made
        made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """A test that failed tells what its pages showed."""
    report = yield
    visits = item.funcargs.get("visit")
    if call.when == "call" and report.failed and isinstance(visits, Visits):
        try:
            report.sections.append(("what the pages showed", visits.shown()))
        except Error as error:
            report.sections.append(("what the pages showed", f"not known: {error}"))
    return report


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """Opens pages of the shop (or of `site=`). Afterwards the test fails if a page did what pages should not do."""
    visits = Visits(browser, lambda: request.getfixturevalue("shop"))
    yield visits
    found = visits.found()
    visits.close()
    assert not found, "\n".join(found)
