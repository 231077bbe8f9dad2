"""Served workspaces and a watched browser for tests of the pages.

A `Site` is a workspace that is served in this process, with a user of every role. `Visits` opens pages of it in
a real browser, signed in, and remembers everything that a page should not do: errors in the console, refused or
failed requests, dialogs, violations of the content security policy, requests to other addresses.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    Response,
    expect,
)

from limner.accounts import sessions, users
from limner.accounts.model import Role, User
from limner.api.admission import COOKIE
from limner.cli.demo import SECRET_VARIABLE, demo
from limner.cli.serve import running
from limner.config import FILE
from limner.demo.mail_server import MailServer
from limner.demo.wechat_server import WechatServer
from limner.types import Json, silent
from limner.workspace import live, logs
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace
from tests.sharing import alone

ROOT = Path(__file__).parents[2]

PEOPLE = 400
"""So many people the demo's shop has: enough for every page to show something, few enough for every worker."""

RoleOf = Literal["admin", "operator", "colleague", "viewer"]
Language = Literal["en", "zh"]
Theme = Literal["light", "dark"]

USERS: dict[RoleOf, tuple[str, str, Role]] = {
    "admin": ("ada@tea.example.test", "Ada", Role.ADMIN),
    "operator": ("otto@tea.example.test", "Otto", Role.OPERATOR),
    "colleague": ("mei@tea.example.test", "Mei 梅", Role.OPERATOR),
    "viewer": ("vera@tea.example.test", "Vera", Role.VIEWER),
}
"""Login, name and role of everybody who can sign in. `colleague` is a second operator, for what two must agree on."""

PASSWORD = "a calm harbour at first light"
"""Everybody's password."""

PATIENCE = 20_000
"""So many milliseconds a page may take on a machine that is busy with other tests."""

HEIGHTS = {390: 844, 1440: 900}
HOP = "(to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate', { state: null })) }"
ARRIVED = """([before, wanted]) => {
  const at = document.querySelector('main').dataset.at;
  return at === wanted || at !== before;
}"""
"""A page may lead on to another one at once."""
SETTLED = "() => !document.querySelector('[aria-busy=true]')"


@dataclass
class Site:
    """A served workspace: its address, its users, and the toy servers that its messages go to."""

    workspace: Workspace
    url: str
    mail: MailServer
    wechat: WechatServer
    users: dict[str, User] = field(default_factory=dict)

    def verb(self, verb: str, /, **arguments: Any) -> Json:
        """The answer of a verb, as the command line would get it."""
        return call(self.workspace, verb, arguments, silent)

    def token(self, role: RoleOf) -> str:
        """The secret of a fresh session of the user."""
        _, token = sessions.begin(
            self.workspace.records,
            self.users[role].id,
            address="127.0.0.1",
            agent="a test",
            now=self.workspace.clock(),
        )
        return token

    def write(self, path: str, text: str) -> Path:
        """A definition written into the workspace's folder."""
        target = self.workspace.paths.folder / path
        target.write_text(text, encoding="utf-8")
        return target


def make_shop(folder: Path) -> None:
    """The demo's shop as `limner demo` makes it, small."""
    demo(folder, people=PEOPLE, seed=3, serve=False, port=0, as_json=True)


def make_empty(folder: Path) -> None:
    """A workspace in which nothing has happened yet."""
    init(folder)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """The workspace at `folder`, live and served on a free port, with somebody of every role."""
    os.environ.setdefault(SECRET_VARIABLE, "only-for-the-demo")
    with ExitStack() as stack:
        mail = stack.enter_context(MailServer())
        wechat = stack.enter_context(WechatServer(secret=os.environ[SECRET_VARIABLE]))
        _point_at(folder / FILE, mail, wechat)
        opened = stack.enter_context(Workspace.open(folder))
        logs.configure("critical")
        live.start(opened)
        url = stack.enter_context(running(opened))
        opened.public_url = url
        site = Site(opened, url, mail, wechat)
        for key, (login, name, role) in USERS.items():
            _, secret = users.add(opened.records, login, role=role, name=name, now=opened.clock())
            site.users[key] = users.redeem(opened.records, secret, password=PASSWORD, now=opened.clock())
        yield site


def _point_at(config: Path, mail: MailServer, wechat: WechatServer) -> None:
    text = config.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^port = \d+", f"port = {mail.port}", text)
    text = re.sub(r'(?m)^api = ".*"$', f'api = "{wechat.url}"', text)
    config.write_text(text, encoding="utf-8")


def copied_shop(shared: Path, folder: Path) -> Path:
    """A copy of the shop; the first process that asks makes it under `shared`, the others copy."""
    made = shared / "shop"
    with alone(shared / "shop.lock"):
        if not (made / ".ready").exists():
            make_shop(made)
            (made / ".ready").touch()
    shutil.copytree(made, folder)
    return folder


@dataclass
class Watched:
    """What a page did that it should not have done."""

    page: Page
    own: str
    refusals: Collection[int]
    found: list[str] = field(default_factory=list)
    answers: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._note(f"error: {error.stack or error}"))
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._asked)
        self.page.on("dialog", self._dialog)

    def _note(self, what: str) -> None:
        self.found.append(f"{self.page.url}: {what}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "assert"):
            return
        refused = re.search(r"status of (\d{3})", message.text)
        if refused and int(refused[1]) in self.refusals:
            return
        self._note(f"console: {message.text} ({message.location.get('url', '')})")

    def _answered(self, response: Response) -> None:
        self.answers.append(f"{response.status} {response.request.method} {response.url}")
        if response.status >= 500 and response.status not in self.refusals:
            self._note(f"{response.status} {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # given up because the page was left
            self._note(f"failed: {request.method} {request.url}: {request.failure}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.own + "/", "data:", "blob:")):
            self._note(f"asked elsewhere: {request.url}")

    def _dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self._note(f"dialog: {dialog.type} {dialog.message}")
        dialog.dismiss()


class Visits:
    """Opens pages: `visits("/people", role="viewer", language="zh", width=390)`."""

    def __init__(self, browser: Browser, usual: Any) -> None:
        self._browser = browser
        self._usual = usual
        self._contexts: list[BrowserContext] = []
        self.watched: list[Watched] = []

    def __call__(
        self,
        path: str | None = None,
        *,
        site: Site | None = None,
        role: RoleOf | None = "admin",
        language: Language = "en",
        theme: Theme = "light",
        width: int = 1440,
        refusals: Collection[int] = (),
    ) -> Page:
        """A page in a browser of its own, signed in as `role` (None: not signed in), opened at `path`.

        `refusals`: HTTP statuses that the test provokes; any other failure fails the test at its end.
        """
        where = site or self._usual()
        context = self._browser.new_context(
            base_url=where.url,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Europe/Lisbon",  # not the workspace's, which is the one to be shown
            color_scheme=theme,
            reduced_motion="reduce",
            has_touch=width < 768,
            storage_state=_state(where, role, language, theme),
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        self.watched.append(Watched(page, where.url, refusals))
        if path is not None:
            go(page, path)
        return page

    def found(self) -> list[str]:
        """Everything that any page did and should not have done."""
        return [line for watched in self.watched for line in watched.found]

    def shown(self) -> str:
        """What every page shows now, and what it was answered last: for whoever looks for why a test failed."""
        return "\n\n".join(
            "\n".join([watched.page.url, *watched.answers, watched.page.locator("body").inner_text()])
            for watched in self.watched
            if not watched.page.is_closed()
        )

    def close(self) -> None:
        """Ends every page."""
        for context in self._contexts:
            context.close()


def _state(site: Site, role: RoleOf | None, language: str, theme: str) -> Any:
    here: Json = {"domain": "127.0.0.1", "path": "/", "expires": -1, "secure": False}
    cookies = [{**here, "name": "limner_theme", "value": theme, "httpOnly": False, "sameSite": "Lax"}]
    if role is not None:
        token = site.token(role)
        cookies.append({**here, "name": COOKIE, "value": token, "httpOnly": True, "sameSite": "Strict"})
    kept = [{"name": "limner.language", "value": language}]
    return {"cookies": cookies, "origins": [{"origin": site.url, "localStorage": kept}]}


def go(page: Page, path: str) -> None:
    """Opens the address and waits until the page has a heading and nothing on it is still loading."""
    page.goto(path)
    settle(page)


def hop(page: Page, path: str) -> None:
    """Goes to the address as a link of the application does, without loading the application again; then as `go`."""
    if page.url == "about:blank":
        go(page, path)
        return
    before = page.locator("main").get_attribute("data-at")
    page.evaluate(HOP, path)
    page.wait_for_function(ARRIVED, arg=[before, urlsplit(path).path], timeout=PATIENCE)
    settle(page)


def settle(page: Page) -> None:
    """Waits until the page has a heading and nothing on it is still loading."""
    expect(page.locator("h1").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(SETTLED, timeout=PATIENCE)


def asks(page: Page, **query: str) -> None:
    """Waits until the address asks for exactly this: what is typed or clicked stands there a moment later."""
    wanted = {key: [value] for key, value in query.items()}
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query) == wanted, wait_until="commit")


def look(page: Page, name: str, *, whole: bool = False) -> None:
    """Keeps a picture as $LIMNER_SCREENSHOTS/NAME.png, when that folder is named; `whole`: beyond the window's end."""
    folder = os.environ.get("LIMNER_SCREENSHOTS", "")
    if folder:
        settle(page)
        page.evaluate("() => document.fonts.ready.then(() => null)")
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole, animations="disabled")


def build_ui(shared: Path) -> None:
    """Builds the pages when their sources have changed since they were built."""
    with alone(shared / "ui.lock"):
        made = subprocess.run(
            [sys.executable, str(ROOT / "hatch_build.py")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert made.returncode == 0, f"the pages cannot be built:\n{made.stdout}\n{made.stderr}"
