"""What is particular of Apprise: which services, whose address, where a request may lead, and what an answer means."""

from __future__ import annotations

import ast
import contextvars
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.channels import apprise, carrier
from limner.channels.apprise import PLACE, Apprise
from limner.channels.seam import Message, Outcome, Unavailable
from limner.channels.webhook import networks
from limner.demo.apprise_server import AppriseServer
from limner.demo.platform import Reply
from limner.errors import ConfigError
from limner.testing.channels import named
from tests.channels.channel_rigs import NOW

HERE = networks(["127.0.0.1"])
WORDS = "你好 <b>a&b</b>"


class World:
    """One local server, and channels to each of its services."""

    def __init__(self, server: AppriseServer) -> None:
        self.server = server
        self.made: list[Apprise] = []

    def to(self, service: str, **said: Any) -> Apprise:
        at = f"shop:demo-secret@127.0.0.1:{self.server.port}"
        url = {
            "ntfy": f"ntfy://{at}/{PLACE}",
            "json": f"json://{at}/json/{PLACE}",
            "telegram": f"tgram://{self.server.bot}/{PLACE}",
            "dingtalk": f"dingtalk://demosecret/{PLACE}",
        }[service]
        self.made.append(
            Apprise(url=url, clock=lambda: NOW, **{"allowed": HERE, "timeout_seconds": 3.0, **said})
        )
        return self.made[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    known = apprise.services()
    with AppriseServer() as server:
        monkeypatch.setattr(known["tgram"], "notify_url", f"{server.url}/bot")
        monkeypatch.setattr(
            known["dingtalk"], "notify_url", f"{server.url}/robot/send?access_token={{token}}"
        )
        made = World(server)
        yield made
        for channel in made.made:
            channel.close()


def note(name: str, to: str = "ann", *, title: str = "优惠") -> Message:
    return Message(named(name), to, subject=title, text=f"{WORDS} {named(name)}")


@pytest.mark.parametrize(
    ("service", "to", "title"),
    [
        ("ntfy", "ann", "优惠"),
        ("json", "ann@example.com", "优惠"),
        ("telegram", "-100123", ""),
        ("dingtalk", "13800138000", ""),
    ],
)
def test_a_service_gets_the_address_the_title_and_the_text_as_it_is(
    world: World, service: str, to: str, title: str
) -> None:
    channel = world.to(service)
    said = channel.check()
    assert world.server.messages() == []
    receipt = channel.send(note("a", to))
    assert receipt.outcome is Outcome.ACCEPTED
    (taken,) = world.server.messages()
    assert (taken.service, taken.to, taken.title) == (service, to, title)
    # Telegram is told that < and & are no markup; the others take text.
    words = (
        WORDS.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if service == "telegram"
        else WORDS
    )
    assert words in taken.text
    assert service != "telegram" or "<b>" not in taken.text.partition("\n")[2]
    assert bool(receipt.provider_id) == (service in ("ntfy", "telegram", "json"))
    assert "takes the key" in said if service in ("ntfy", "telegram") else "with the first message" in said
    assert channel.origin() == world.server.url


def test_each_status_means_what_it_says(world: World) -> None:
    ntfy = world.to("ntfy")
    for status, outcome, gone in [
        (400, Outcome.FAILED, False), (404, Outcome.FAILED, False), (410, Outcome.FAILED, True),
        (413, Outcome.FAILED, False), (408, Outcome.DEFERRED, False), (425, Outcome.DEFERRED, False),
        (403, Outcome.FAILED, False), (500, Outcome.IN_DOUBT, False), (502, Outcome.IN_DOUBT, False),
        (303, Outcome.IN_DOUBT, False), (204, Outcome.ACCEPTED, False),
    ]:  # fmt: skip
        world.server.fail(status)
        receipt = ntfy.send(note(f"s{status}"))
        if status == 204:  # ntfy never answers so, and Apprise does not take it for a yes
            assert receipt.outcome is Outcome.IN_DOUBT or receipt.outcome is Outcome.FAILED
            continue
        assert (receipt.outcome, receipt.gone, str(status) in receipt.reason) == (outcome, gone, True), status
    for status, code in [
        (401, "channel_down"),
        (407, "channel_down"),
        (301, "channel_down"),
        (308, "channel_down"),
    ]:
        world.server.fail(status)
        with pytest.raises(Unavailable) as caught:
            ntfy.send(note("u"))
        assert caught.value.code == code
    for status in (429, 503):
        world.server.fail(status, retry_after="90")
        with pytest.raises(Unavailable) as caught:
            ntfy.send(note("u"))
        assert caught.value.until == NOW + timedelta(seconds=90)
    assert world.server.messages() == []


def test_who_blocked_the_bot_is_one_person_and_a_wrong_token_is_everybodys(world: World) -> None:
    telegram = world.to("telegram")
    world.server.shut = {"12"}
    blocked = telegram.send(note("a", "12"))
    assert (blocked.outcome, blocked.gone) == (Outcome.FAILED, True)
    assert blocked.reason == "HTTP 403 Forbidden: bot was blocked by the user"
    world.server.unknown = {"13"}
    unknown = telegram.send(note("b", "13"))
    assert (unknown.outcome, unknown.gone) == (Outcome.FAILED, False)
    world.server.bot = "1:other"
    for ask in (lambda: telegram.send(note("c", "14")), telegram.check):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert caught.value.code == "channel_down"


def test_a_no_in_words_only_is_a_no_although_apprise_calls_it_sent(world: World) -> None:
    dingtalk = world.to("dingtalk")
    world.server.says_no(400101)
    receipt = dingtalk.send(note("a", "13800138000"))
    assert (receipt.outcome, receipt.reason) == (Outcome.FAILED, "HTTP 200 as told to")
    world.server.says_no(130101)
    with pytest.raises(Unavailable) as caught:
        dingtalk.send(note("b", "13800138000"))
    assert (caught.value.code, caught.value.until) == ("rate_limited", NOW + timedelta(minutes=1))
    world.server.says_no(310000)
    with pytest.raises(Unavailable) as caught:
        dingtalk.send(note("c", "13800138000"))
    assert caught.value.code == "channel_down"
    assert world.server.messages() == []


def test_when_to_come_again_may_stand_in_the_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def limited(_asked: object) -> Reply:
        return Reply({"ok": False, "error_code": 429, "parameters": {"retry_after": 35}}, 429)

    monkeypatch.setattr(world.server, "answer", limited)
    with pytest.raises(Unavailable) as caught:
        world.to("telegram").send(note("a", "12"))
    assert caught.value.until == NOW + timedelta(seconds=35)


# Where a request may lead


def test_a_service_on_this_machine_is_reached_only_where_the_settings_say_so(world: World) -> None:
    for allowed in ((), networks(["10.0.0.0/8"])):
        channel = world.to("ntfy", allowed=allowed)
        for ask in (lambda c=channel: c.send(note("a")), channel.check):
            with pytest.raises(Unavailable, match="may not reach") as caught:
                ask()
            assert caught.value.code == "channel_down"
    assert world.server.asked == []


def test_apprise_has_no_line_of_its_own_and_requests_is_as_it_was(world: World) -> None:
    world.to("ntfy")
    loaded = {name: module for name, module in sys.modules.items() if name.startswith("apprise.")}
    having = [name for name, module in loaded.items() if getattr(module, "requests", None) is not None]
    assert len(having) > 100
    assert all(loaded[name].requests is carrier.ASKING for name in having)
    assert requests.post is not carrier.ASKING.post
    with pytest.raises(RuntimeError, match="nothing may be asked here"):
        carrier.ASKING.post(world.server.url, data="x")
    for way in (lambda: carrier.ASKING.Session(), lambda: carrier.ASKING.session()):
        with pytest.raises(TypeError):
            way()
    assert world.server.asked == []


def test_redirects_are_not_followed_and_proxies_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert world.to("json").send(note("a")).outcome is Outcome.ACCEPTED
    lines = carrier.Lines(seconds=2, address=None)
    with carrier.carried(lines) as trip:
        carrier.ASKING.get(f"{world.server.url}/nowhere", allow_redirects=True, auth=("shop", "demo-secret"))
        world.server.fail(302)
        carrier.ASKING.post(world.server.url, data="x", allow_redirects=True)
        raise AssertionError("it goes on")  # pragma: no cover
    lines.close()
    assert [one.answer and one.answer.status for one in trip.exchanges] == [404, 302]


def test_two_threads_keep_two_books(world: World) -> None:
    channels = [world.to("ntfy"), world.to("json")]
    became: dict[int, list[Outcome]] = {0: [], 1: []}

    def go(which: int) -> None:
        for number in range(30):
            became[which].append(channels[which].send(note(f"t{which}n{number}")).outcome)

    threads = [threading.Thread(target=contextvars.copy_context().run, args=(go, n)) for n in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert set(became[0] + became[1]) == {Outcome.ACCEPTED}
    assert len(world.server.messages()) == 60
    assert world.server.twice == []


# Whether it was taken


class Odd:
    """A service of Apprise's that does what a test says."""

    title_maxlen = 100

    def __init__(self, does: Any) -> None:
        self._does = does

    def resolve_format(self, plain: object) -> object:
        return plain

    def notify(self, **_said: object) -> object:
        return self._does()


def test_a_yes_or_a_no_that_the_answers_do_not_bear_out_is_in_doubt(world: World) -> None:
    channel = world.to("ntfy")
    url = f"{world.server.url}/json/ann"

    def post() -> None:
        carrier.ASKING.post(url, json={"title": "", "message": "hi m1"}, auth=("shop", "demo-secret"))

    def breaks() -> bool:
        post()
        raise ValueError("shop:demo-secret")

    def half() -> bool:
        post()
        world.server.fail(400)
        post()
        return False

    def limited() -> bool:
        post()
        world.server.fail(429)
        post()
        return True

    def again() -> bool:
        world.server.lose_answers(1)
        for _ in range(3):
            post()
        return True

    def catches() -> bool:
        world.server.drop(1)
        try:
            post()
        except Exception:
            post()
        return True

    def refused() -> bool:
        world.server.fail(400)
        post()
        return True

    def ever() -> bool:
        while True:
            carrier.ASKING.get(url, auth=("shop", "demo-secret"))

    for does, outcome, asked in [
        (lambda: True, Outcome.IN_DOUBT, 0), (lambda: False, Outcome.FAILED, 0), (breaks, Outcome.IN_DOUBT, 1),
        (half, Outcome.IN_DOUBT, 1), (limited, Outcome.IN_DOUBT, 1), (again, Outcome.IN_DOUBT, 1),
        (catches, Outcome.IN_DOUBT, 0), (refused, Outcome.IN_DOUBT, 0), (ever, Outcome.IN_DOUBT, carrier.MOST),
    ]:  # fmt: skip
        world.server.heal()
        world.server.asked.clear()
        channel._made = lambda _to, does=does: Odd(does)  # type: ignore[method-assign]
        receipt = channel.send(note("m1"))
        name = getattr(does, "__name__", "")
        assert (receipt.outcome, len(world.server.asked)) == (outcome, asked), name
        assert "demo-secret" not in receipt.reason


def test_keys_stand_in_no_reason_and_no_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = BufferingHandler(100)
    logging.getLogger().addHandler(logged)
    said = {"error": "shop:demo-secret is wrong, so is " + world.server.bot}
    monkeypatch.setattr(world.server, "answer", lambda _asked: Reply(said, 400))
    assert world.to("ntfy").send(note("a")).reason.startswith("HTTP 400 shop:… is wrong")
    monkeypatch.setattr(world.server, "answer", lambda _asked: Reply({"description": said["error"]}, 400))
    reason = world.to("telegram").send(note("a", "12")).reason
    assert reason.startswith("HTTP 400 ")
    assert world.server.bot.partition(":")[2] not in reason
    logging.getLogger().removeHandler(logged)
    assert logged.buffer == []


# Whose address


TWISTED = [
    "a,b", "a;b", "a b", "a/b", "../b", "a%2Cb", "a?to=b", "a&to=b", "a\\b", "", "a\nb", "x" * 257, "a\u3000b", "安",
    "%2e%2e", "a\tb", "a\x00", ".", "..", "@",
]  # fmt: skip


@pytest.mark.parametrize("service", ["ntfy", "json", "telegram", "dingtalk"])
def test_an_address_is_one_recipient_and_nothing_else(world: World, service: str) -> None:
    channel = world.to(service)
    for to in TWISTED:
        receipt = channel.send(note("a", to))
        assert (receipt.outcome, receipt.reason[:11]) == (Outcome.FAILED, "bad address"), to
    assert world.server.asked == []


@settings(deadline=None)
@given(to=st.text(alphabet="abAB019@#:!+.=_~$*|-", min_size=1, max_size=20))
def test_whatever_the_address_it_changes_nothing_else_of_the_request(to: str) -> None:
    channel = Apprise(url=f"json://shop:key@service.example:8080/in/{PLACE}?+X-A=b", clock=lambda: NOW)
    plugin = channel._made(to)
    assert (plugin is None) == (not any(letter.isalnum() for letter in to))
    if plugin is None:
        return
    with carrier.carried(None) as trip:
        plugin.notify(title="t", body="b")
    (asked,) = trip.exchanges
    start, path = (
        asked.url[: len("http://service.example:8080/in/")],
        asked.url[len("http://service.example:8080/in/") :],
    )
    assert start == "http://service.example:8080/in/"
    assert requests.utils.unquote(path).rstrip("/") == to
    assert "?" not in path
    assert asked.headers["X-A"] == "b"


# Which services


def test_services_that_do_anything_but_ask_over_http_are_refused() -> None:
    known = apprise.services()
    refused = {
        "syslog", "rsyslog", "dbus", "kde", "glib", "gnome", "macosx", "windows", "growl", "blink1", "mailto",
        "mailtos", "mqtt", "mqtts", "xmpp", "irc", "ircs", "smpp", "amqp", "aprs", "fcm", "vapid", "nostr", "deltachat",
    }  # fmt: skip
    allowed = {
        "tgram", "slack", "discord", "dingtalk", "feishu", "lark", "bark", "ntfy", "matrix", "mmost", "rocket",
        "wecombot", "wxpusher", "pushplus", "schan", "pover", "gotify", "signal", "line", "whatsapp", "workflows",
        "json", "form", "msteams", "xml", "workflow", "zulip", "webex", "pushdeer", "guilded",
    }  # fmt: skip
    assert {schema for schema in refused & set(known) if not apprise.allows(known[schema])} == set()
    assert {schema for schema in allowed & set(known) if apprise.allows(known[schema])} == set()
    assert len(refused & set(known)) > 18
    assert len(allowed & set(known)) > 24

    class Mine(known["json"]):  # type: ignore[misc, name-defined]
        """A class that somebody else put there."""

    assert not apprise.allows(known["json"])
    assert apprise.allows(Mine) == "it is none of Apprise's own"


TOUCHES = {
    "socket", "subprocess", "smtplib", "ctypes", "multiprocessing", "asyncio", "shutil", "tempfile", "ftplib", "syslog",
    "telnetlib", "urllib.request", "http.client", "ssl", "paho", "pika", "proton", "slixmpp", "dbus", "gi", "hid",
    "websocket", "websockets", "httpx", "aiohttp", "pathlib", "importlib", "pickle", "winreg", "pty", "select",
}  # fmt: skip
CALLS = (
    "os.system",
    "os.popen",
    "os.exec",
    "os.spawn",
    "os.remove",
    "os.unlink",
    "os.replace",
    "os.chmod",
    "eval",
    "exec",
)
OPENS = {
    # What they open is attached to a message, and Limner attaches nothing.
    "bluesky", "custom_form", "discord", "eight00com", "fluxer", "groupme", "humhub", "kook", "mailgun", "mastodon",
    "matrix", "mattermost", "notifyre", "pushbullet", "pushover", "ringcentral", "serwersms", "ses", "simplepush",
    "slack", "smsc", "telegram", "twitter", "webexteams", "whapi", "apprise_api",
    # A template of the URL's, which no URL may have.
    "workflows",
}  # fmt: skip


def test_nothing_in_an_allowed_service_touches_this_machine() -> None:
    """The library's own sources are read: a new version that does more fails here."""
    known = apprise.services()
    seen = {
        base.__module__
        for plugin in known.values()
        if not apprise.allows(plugin)
        for base in plugin.__mro__
        if base.__module__.startswith("apprise.plugins.") and base.__module__ != "apprise.plugins.base"
    }
    assert len(seen) > 120
    for name in seen:
        file = sys.modules[name].__file__
        assert file is not None
        imported, called = _does(ast.parse(Path(file).read_text(encoding="utf-8")))
        assert not {one for one in imported if one in TOUCHES or one.partition(".")[0] in TOUCHES}, name
        assert not [one for one in called if one.startswith(CALLS)], name
        opens = [one for one in called if one == "open" or one.endswith(".open")]
        assert not opens or name.removeprefix("apprise.plugins.").partition(".")[0] in OPENS, name


def _does(tree: ast.AST) -> tuple[set[str], list[str]]:
    imported: set[str] = set()
    called: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add(node.module or "")
        elif isinstance(node, ast.Call):
            called.append(ast.unparse(node.func))
    return imported, called


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nothing", "no Apprise URL"),
        ("ntfy://secretsecret/", "has {address} once"),
        ("ntfy://secretsecret/{address}/{address}", "has {address} once"),
        ("json://{address}/secretsecret", "names a server"),
        ("json://secretsecret@{address}:80/", "names a server"),
        ("{address}://secretsecret/x", "names a server"),
        ("json://secretsecret/x?{address}=1", "name of a parameter"),
        ("json://secretsecret/{address}?verify=no", "certificates are always checked"),
        ("json://secretsecret/{address}?Retry=3", "what is sent again"),
        ("slack://secretsecret/a/b/{address}?template=/etc/passwd", "reads a file"),
        ("nfty://secretsecret/{address}", "knows no service 'nfty'"),
        ("syslog://secretsecret/{address}", "does not ask over HTTP"),
        ("file://secretsecret/{address}", "knows no service 'file'"),
        ("fcm://secretsecret/{address}", "reads a key from a file"),
        (" json://secretsecret/{address}", "no Apprise URL"),
    ],
)  # fmt: skip
def test_a_url_that_may_not_be_is_refused_and_never_shown(url: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Apprise(url=url, clock=lambda: NOW)
    assert why in caught.value.message
    assert "secretsecret" not in f"{caught.value.message} {caught.value.hint} {caught.value.where}"


def test_a_person_may_stand_in_the_place_of_a_user_or_of_a_parameter() -> None:
    pushover = Apprise(url=f"pover://{PLACE}@{'a' * 30}", clock=lambda: NOW)
    plugin = pushover._made("u" * 30)
    assert plugin is not None
    assert plugin.user_key == "u" * 30
    assert pushover.origin() == "https://api.pushover.net"
    by_query = Apprise(url=f"ntfys://ntfy.example.com/?to={PLACE}", clock=lambda: NOW)
    made = by_query._made("ann")
    assert made is not None
    assert made.topics == ["ann"]


def test_our_own_mails_are_encoded_as_before_the_library_was_read() -> None:
    program = (
        "from email.charset import CHARSETS; before = dict(CHARSETS)\n"
        "from limner.channels import apprise; assert apprise.services()\n"
        "assert CHARSETS == before, CHARSETS"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_library_is_loaded_when_it_is_used() -> None:
    code = (
        "import sys, limner.workspace.sending, limner.cli.main; assert 'apprise' not in sys.modules, 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
