"""Whatever else Apprise reaches: Telegram, Slack, DingTalk, Feishu, Bark, ntfy and many more. Knows no campaign.

Apprise makes the requests and says yes or no; `carrier` takes them there and keeps the book. What became of a message
is read from both: a yes counts only where an answer said so, and a no only where it is sure that nothing was taken.

A service is allowed when all that it does is to ask over HTTP: its module asks by `requests` and is not one of
`REFUSED`. So nothing here runs a program, talks to this machine's desktop or log, or opens a socket of its own.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email import charset
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from limner.channels import http
from limner.channels.http import Answer, Lost, NotSent
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.channels.webhook import Forbidden, Network
from limner.channels.webhook import address as reachable
from limner.errors import ConfigError, did_you_mean
from limner.types import Clock, Json

if TYPE_CHECKING:
    from limner.channels.carrier import Exchange

PLACE = "{address}"
"""Where a person's address goes in a service's URL."""
REFUSED: Mapping[str, str] = {
    "fcm": "it reads a key from a file",
    "vapid": "it keeps keys and subscriptions in files",
    "nostr": "it opens sockets of its own",
}
"""Services that ask over HTTP and do something else besides, and what."""
_PARAMETERS: Mapping[str, str] = {
    "verify": "certificates are always checked",
    "redirect": "redirects are never followed",
    "overflow": "a message is sent whole or not at all",
    "retry": "Limner itself decides what is sent again",
    "wait": "Limner itself decides what is sent again",
    "template": "it reads a file",
    "keyfile": "it reads a file",
    "store": "nothing is kept in files",
}
"""Parameters that a URL may not have, and why."""

_ADDRESS = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9@#:!+.=_~$*|-]{1,256}")
_STAND_IN = "limner0address"
"""An address for what is done before there is a person's."""
_TRIED = (_STAND_IN, "10000000001", "limner@example.com", "@limner0address", "#limner0address")
"""Stand-ins, the first of which a service takes is used: they ask for ids, phone numbers, mail addresses or names."""

_TO_MEND = (401, 403, 407)
_MOVED = (301, 302, 307, 308)
_AGAIN = (408, 425)
"""What a server says that did not take the request, and may take the next."""
_GONE = 410
_OF_ONE: Mapping[str, frozenset[int]] = {"telegram": frozenset((403,)), "ntfy": frozenset((403,))}
"""What a service answers of one person although it sounds like a wrong key: who blocked the bot, a topic kept shut."""
_LEFT: Mapping[str, frozenset[int]] = {"telegram": frozenset((403,))}
"""What a service answers when a person takes no more messages."""


@dataclass(frozen=True)
class _Words:
    """How a service says no in an answer that HTTP calls a yes: `field` is not `yes`, and `why` has a code.

    `limits`: codes of too many messages; `to_mend`: codes of what only a person can mend.
    """

    field: str
    yes: object
    limits: frozenset[object] = frozenset()
    to_mend: frozenset[object] = frozenset()
    why: str = ""


_WORDS: Mapping[str, _Words] = {
    "dingtalk": _Words("errcode", 0, frozenset((130101,)), frozenset((300001, 310000))),
    "wecombot": _Words("errcode", 0, frozenset((45009,)), frozenset((93000,))),
    "feishu": _Words("code", 0, frozenset((11232,)), frozenset((19001, 19021, 19022, 19024))),
    "lark": _Words("code", 0, frozenset((11232,)), frozenset((19001, 19021, 19022, 19024))),
    "bark": _Words("code", 200),
    "pushplus": _Words("code", 200),
    "wxpusher": _Words("code", 1000),
    "slack": _Words(
        "ok", True, frozenset(("ratelimited", "rate_limited")),
        frozenset(("invalid_auth", "not_authed", "account_inactive", "token_revoked", "missing_scope")), "error",
    ),
}  # fmt: skip
"""Apprise looks into few of these answers, and calls the others sent."""
_A_MINUTE = timedelta(minutes=1)

_QUESTIONS: Mapping[str, Callable[[str], str]] = {
    "ntfy": lambda _url: "/v1/account",
    "telegram": lambda url: urlsplit(url).path.rpartition("/")[0] + "/getMe",
    "discord": lambda url: urlsplit(url).path,
}
"""What can be asked of a service that sends nothing and needs the key, by the URL of a message."""
_UNKNOWN_KEY = (401, 403, 404)


class Apprise:
    """One service of Apprise's. `url`: its Apprise URL with `{address}`; `allowed`: networks besides the public ones.

    `allowed` None: any network. `timeout_seconds` bounds each request. Raises ConfigError, which never shows the URL.
    """

    kind = "apprise"

    def __init__(
        self, *, url: str, clock: Clock, allowed: Sequence[Network] | None = (), timeout_seconds: float = 10.0
    ) -> None:
        from limner.channels import carrier  # slow to load

        self._carrier = carrier
        self._url = url
        self._clock = clock
        self._plugin = _service(url)
        self.service = _module(self._plugin)
        self._parsed = self._plugin.parse_url(url.replace(PLACE, _STAND_IN))
        if not isinstance(self._parsed, dict):
            raise _wrong(f"Apprise cannot read this URL of {self._plugin.service_name}")
        self._lines = carrier.Lines(
            seconds=timeout_seconds,
            address=None if allowed is None else lambda host, port: reachable(host, port, allowed=allowed),
        )

    def send(self, message: Message) -> Receipt:
        """What the service answered. Raises Unavailable when the message was certainly not handed over."""
        plugin = self._made(message.to)
        if plugin is None:
            return Receipt(
                message.message_id,
                Outcome.FAILED,
                f"bad address: {self._plugin.service_name} takes no such address",
            )
        said, broke = False, ""
        with self._carrier.carried(self._lines) as trip, _heard() as heard:
            said, broke = _told(plugin, message.subject, message.text)
        if broke and trip.exchanges:
            return Receipt(message.message_id, Outcome.IN_DOUBT, self._hidden(broke))
        return self._became(message, said, trip.exchanges, broke or "; ".join(heard))

    def check(self) -> str:
        """What the service says to a question that sends nothing, where it has one. Raises Unavailable.

        Else only that its server is there: whether it takes the key shows with the first message.
        """
        asked = self._looked()
        if asked is None:
            return f"{self._plugin.service_name}: the URL is understood; where it leads shows with the first message"
        line = self._lines.to(asked.url)
        question = _QUESTIONS.get(self.service)
        try:
            if question is None:
                line.reach()
                return f"{line.base} is there; whether it takes the key shows with the first message"
            kept = {name: value for name, value in asked.headers.items() if name.lower() == "authorization"}
            answer = line.ask("GET", question(asked.url), headers=kept)
        except (NotSent, Lost) as error:
            raise self._unreachable(str(error), forbidden=isinstance(error, Forbidden)) from error
        later = http.later(answer, name=self._plugin.service_name, now=self._clock())
        if later is not None:
            raise later
        if answer.status in _UNKNOWN_KEY and not (self.service == "ntfy" and answer.status == 404):
            raise self._down(answer)
        if answer.status >= 500:
            raise Unavailable(f"{self._plugin.service_name} is broken: HTTP {answer.status}")
        return f"{line.base}: {self._plugin.service_name} takes the key"

    def origin(self) -> str:
        """The address of the server that messages go to; empty where only a message shows it."""
        asked = self._looked()
        return "" if asked is None else self._lines.to(asked.url).base

    def close(self) -> None:
        """Lets go of connections; the next message opens another."""
        self._lines.close()

    def _made(self, address: str) -> Any:
        """Apprise's object for one address; None where the service takes no such address.

        The address stands in its place and nowhere else: what Apprise reads of the URL is what it reads of the URL with
        the stand-in, and only one is written to.
        """
        if not _ADDRESS.fullmatch(address):
            return None
        parsed = self._plugin.parse_url(self._url.replace(PLACE, quote(address, safe="")))
        if not _same(parsed, self._parsed, address):
            return None
        plugin = _library().Apprise.instantiate(parsed, asset=_asset())
        if plugin is None or len(plugin) != 1:
            return None
        plugin.request_rate_per_sec = 0  # the rate is the campaign's
        return plugin

    def _looked(self) -> Exchange | None:
        """The first request that a message would take; nothing leaves."""
        for address in _TRIED:
            plugin = self._made(address)
            if plugin is None:
                continue
            with self._carrier.carried(None) as trip, _heard():
                _told(plugin, "Limner", "Limner")
            if trip.exchanges:
                return trip.exchanges[0]
        return None

    def _became(self, message: Message, said: bool, exchanges: Sequence[Exchange], words: str) -> Receipt:
        """What became of a message, by Apprise's yes or no, what was asked, and what Apprise says besides."""
        name, mid = self._plugin.service_name, message.message_id
        if not exchanges:
            # A yes without a request is no yes.
            if said:
                return Receipt(mid, Outcome.IN_DOUBT, f"Apprise says yes, and asked {name} nothing")
            return Receipt(
                mid, Outcome.FAILED, self._hidden(words) or f"Apprise made no request to {name} of it"
            )
        last = exchanges[-1]
        before = any(one.changes and one.taken for one in exchanges[:-1])
        answer = last.answer
        if last.lost:
            return Receipt(mid, Outcome.IN_DOUBT, self._hidden(last.lost))
        if said and not self._word(answer):
            if not any(one.taken for one in exchanges):
                return Receipt(mid, Outcome.IN_DOUBT, f"Apprise says yes, and {name} did not")
            return Receipt(mid, Outcome.ACCEPTED, provider_id=_id(answer))
        if before:
            # An earlier request may have carried it.
            return Receipt(mid, Outcome.IN_DOUBT, self._hidden(last.unsent or self._says(answer)))
        if answer is None:
            raise self._unreachable(self._hidden(last.unsent), forbidden=last.forbidden)
        return self._refusal(message, answer, words)

    def _refusal(self, message: Message, answer: Answer, words: str) -> Receipt:
        """What an answer means that was no yes."""
        mid, status, says = message.message_id, answer.status, self._says(answer)
        later = http.later(_with_wait(answer), name=self._plugin.service_name, now=self._clock())
        if later is not None:
            raise later
        if status in _MOVED or (status in _TO_MEND and status not in _OF_ONE.get(self.service, ())):
            raise self._down(answer)
        if status in _AGAIN:
            return Receipt(mid, Outcome.DEFERRED, says)
        if 400 <= status < 500:
            gone = status == _GONE or status in _LEFT.get(self.service, ())
            return Receipt(mid, Outcome.FAILED, says, gone=gone)
        if 200 <= status < 300 and _object(answer):
            # The service answered in words, and they are a no.
            word, words_of = self._word(answer), _WORDS.get(self.service)
            if words_of and word in words_of.limits:
                raise Unavailable(
                    f"{self._plugin.service_name} takes no more now: {says}",
                    code="rate_limited", until=self._clock() + _A_MINUTE,
                )  # fmt: skip
            if words_of and word in words_of.to_mend:
                raise self._down(answer)
            return Receipt(
                mid, Outcome.FAILED, says if says != f"HTTP {status}" else self._hidden(words) or says
            )
        return Receipt(mid, Outcome.IN_DOUBT, says)

    def _word(self, answer: Answer | None) -> object:
        """The code of a no in the words of an answer; None for a yes."""
        said = _object(answer)
        own = _WORDS.get(self.service)
        if own is not None:
            no = own.field in said and said[own.field] != own.yes
            return (said.get(own.why or own.field) or "no") if no else None
        code = said.get("errcode")
        if isinstance(code, int) and code:
            return code
        return "no" if said.get("ok") is False or said.get("success") is False else None

    def _unreachable(self, why: str, *, forbidden: bool) -> Unavailable:
        """That nothing was handed over; where it may not go, only a person can mend it."""
        return Unavailable(
            f"{self._plugin.service_name} cannot be reached: {why}",
            code="channel_down" if forbidden else None,
            hint='allowed = ["10.0.0.0/8"] in [apprise] lets a service stand in your own network'
            if forbidden
            else None,
        )

    def _down(self, answer: Answer) -> Unavailable:
        moved = answer.headers.get("location", "") if answer.status in _MOVED else ""
        leads = f", which leads to {urlsplit(moved).hostname}" if moved else ""
        return Unavailable(
            f"{self._plugin.service_name} refused: {self._says(answer)}{leads}",
            code="channel_down",
            hint="check the URL that the variable of url_env of [apprise] holds, and the key in it",
        )

    def _says(self, answer: Answer | None) -> str:
        """The status of an answer and its reason, as far as it gives one."""
        if answer is None:
            return ""
        return self._hidden(f"HTTP {answer.status} {_reason(_object(answer))}".strip())

    def _hidden(self, text: str) -> str:
        """The text without what stands in the URL: keys are no reason."""
        for part in self._secrets:
            text = text.replace(part, "…")
        return text[:200]

    @property
    def _secrets(self) -> list[str]:
        parts = re.split(r"[/?&=@:]+", self._url.partition("://")[2])
        told = {unquote(part) for part in parts if len(part) > 5 and PLACE not in part}
        host = str(self._parsed.get("host") or "")
        return sorted(
            {*told, *(part for part in parts if part in told)} - {host if "." in host else ""}, key=len
        )[::-1]


@lru_cache(maxsize=4)
def where(url: str) -> str:
    """The address of the server that a service's URL leads to; empty for none. Nobody is asked."""
    try:
        return Apprise(url=url, clock=_never).origin()
    except ConfigError:
        return ""


def allows(plugin: Any) -> str:
    """Why a class of Apprise's is refused; empty where it is allowed."""
    name = _module(plugin)
    if name in REFUSED:
        return REFUSED[name]
    own = {one.__module__ for one in plugin.__mro__ if one.__module__.startswith("apprise.plugins.")}
    if plugin.__module__ not in own:
        return "it is none of Apprise's own"
    if not any(hasattr(sys.modules[module], "requests") for module in own - {"apprise.plugins.base"}):
        return "it does not ask over HTTP"
    return ""


def services() -> dict[str, Any]:
    """The classes of Apprise's services by the word that their URLs begin with."""
    known = _library().manager_plugins.NotificationManager()
    return {schema: known[schema] for schema in known.schemas()}


def _service(url: str) -> Any:
    """The class of the service that the URL is of. Raises ConfigError, which never shows the URL."""
    schema, there, rest = url.strip().partition("://")
    if not there or url.strip() != url or not url.isprintable():
        raise _wrong("this is no Apprise URL")
    if url.count(PLACE) != 1:
        raise _wrong(f"the URL has {PLACE} once, where a person's address goes")
    before, _, query = rest.partition("?")
    if PLACE in before.partition("/")[0].rpartition("@")[2] or PLACE in schema:
        raise _wrong(f"{PLACE} stands where the URL names a server: people's data may not choose one")
    if any(PLACE in name for name, _ in parse_qsl(query, keep_blank_values=True)):
        raise _wrong(f"{PLACE} stands in the name of a parameter")
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if name.lower().strip() in _PARAMETERS:
            raise _wrong(f"the URL may not have the parameter '{name}': {_PARAMETERS[name.lower().strip()]}")
    known = services()
    plugin = known.get(schema.lower())
    if plugin is None:
        raise _wrong(f"Apprise knows no service '{schema[:40]}'", hint=did_you_mean(schema.lower(), known))
    why = allows(plugin)
    if why:
        raise _wrong(f"'{schema}' may not be used: {why}")
    if not plugin.enabled:
        raise _wrong(f"'{schema}' needs a package that is not installed")
    return plugin


def _wrong(what: str, hint: str | None = None) -> ConfigError:
    return ConfigError(what, hint=hint or f"for example ntfys://ntfy.example.com/{PLACE}")


def _module(plugin: Any) -> str:
    """The module that a class of Apprise's stands in, without its package's."""
    return str(plugin.__module__).removeprefix("apprise.plugins.").partition(".")[0]


@lru_cache(maxsize=1)
def _library() -> Any:
    """Apprise, all of whose services ask by our line."""
    from limner.channels import carrier

    with warnings.catch_warnings(), _mails_as_they_were():
        warnings.simplefilter("ignore", DeprecationWarning)  # theirs to mend
        library: Any = importlib.import_module("apprise")  # slow to load
        library.manager_plugins.NotificationManager().load_modules()
    logger = logging.getLogger("apprise")
    logger.propagate = False  # what it says holds addresses
    logger.addHandler(_Ear())
    carrier.given("apprise")
    return library


@contextmanager
def _mails_as_they_were() -> Iterator[None]:
    """What every mail of this process is encoded by stays: one of the library's modules changes it as it is read."""
    kept = dict(charset.CHARSETS)
    try:
        yield
    finally:
        charset.CHARSETS.clear()
        charset.CHARSETS.update(kept)


@lru_cache(maxsize=1)
def _asset() -> Any:
    """What Apprise is told of who uses it: no pictures from elsewhere, no files, no redirects."""
    return _library().AppriseAsset(
        app_id="Limner", app_desc="Limner", app_url="", image_url_mask="", image_url_logo="", image_path_mask="",
        interpret_emojis=False, async_mode=False, http_redirects=False, pgp_autogen=False, pem_autogen=False,
        plugin_paths=[], storage_mode="memory", allow_templates=False,
    )  # fmt: skip


def _told(plugin: Any, title: str, text: str) -> tuple[bool, str]:
    """Whether Apprise says yes, and what broke in it. What is text stays text where the service takes HTML."""
    plain = _library().NotifyFormat.TEXT
    convert = _library().conversion.convert_between
    try:
        taken = plugin.resolve_format(plain)
        if plugin.title_maxlen <= 0:  # it becomes a line of the text
            title = convert(plain, taken, title)
        text = convert(plain, taken, text)
        return plugin.notify(title=title, body=text, body_format=taken, body_passthrough=False) is True, ""
    except Exception as error:
        return False, f"Apprise broke: {type(error).__name__}: {error}"


def _same(found: Any, pattern: Any, address: str) -> bool:
    """Whether two readings of a URL differ in nothing but the address in the place of the stand-in."""
    if isinstance(pattern, str):
        return isinstance(found, str) and unquote(found) == unquote(pattern).replace(_STAND_IN, address)
    if isinstance(pattern, Mapping):
        if not isinstance(found, Mapping) or len(found) != len(pattern):
            return False
        return all(
            _same(name, other, address) and _same(found[name], pattern[other], address)
            for name, other in zip(found, pattern, strict=True)
        )
    if isinstance(pattern, list | tuple):
        return (
            isinstance(found, list | tuple)
            and len(found) == len(pattern)
            and all(_same(one, other, address) for one, other in zip(found, pattern, strict=True))
        )
    return bool(found == pattern)


_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class _Ear(logging.Handler):
    """Hears what Apprise warns of while this thread makes a message."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _HEARD.get()
        if heard is not None and record.levelno >= logging.WARNING:
            heard.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    words: list[str] = []
    token = _HEARD.set(words)
    try:
        yield words
    finally:
        _HEARD.reset(token)


_REASONS = ("description", "errmsg", "error_description", "message", "msg", "error", "reason", "detail")
_IDS = ("id", "message_id", "messageId", "msgid")


def _object(answer: Answer | None) -> Json:
    """The JSON object of an answer; empty for anything else."""
    try:
        return {} if answer is None else answer.json()
    except ValueError:
        return {}


def _with_wait(answer: Answer) -> Answer:
    """The answer whose headers say when to come again where only its words do: seconds under `retry_after`."""
    said = _object(answer)
    inner = said.get("parameters")
    found = said.get("retry_after", inner.get("retry_after") if isinstance(inner, dict) else None)
    if "retry-after" in answer.headers or not isinstance(found, int | float) or not 0 <= found < 1e6:
        return answer
    return replace(answer, headers={**answer.headers, "retry-after": str(ceil(found))})


def _reason(said: Json) -> str:
    """Why, in the words of a service."""
    for name in _REASONS:
        value = said.get(name)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value:
            return " ".join(value.split())
    return ""


def _id(answer: Answer | None) -> str:
    """The service's own id of a message."""
    said = _object(answer)
    inner = said.get("result")
    for name in _IDS:
        for one in (said, inner if isinstance(inner, dict) else {}):
            if isinstance(one.get(name), str | int) and not isinstance(one[name], bool):
                return str(one[name])[:100]
    return ""


def _never() -> datetime:
    raise AssertionError("nobody is asked")
