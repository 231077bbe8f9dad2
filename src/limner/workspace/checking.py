"""The verb of checking a channel: what it needs in the settings, what is missing, and what the other side says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from limner.channels import webhook
from limner.config import Config, flag
from limner.config import secret as secret_of
from limner.errors import LimnerError, NotFoundError, did_you_mean
from limner.touches import hooks, posts
from limner.types import Json
from limner.workspace import content, posting
from limner.workspace.workspace import Workspace

WEBHOOKS = "webhooks"
OK, MISSING, WRONG, UNKNOWN = "ok", "missing", "wrong", "unknown"
MUST, SHOULD = "must", "should"
SETTINGS, ENVIRONMENT, DNS, PLATFORM = "settings", "environment", "dns", "platform"

_SETTING, _SECRET, _PUBLIC, _LOGIN, _ADDRESS, _HOOK = (
    "setting", "secret", "public_url", "login", "address", "hook",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One thing that a channel needs. `need`: without it nothing leaves (must), or less works (should).

    `name`: the setting, variable, DNS record or address it is about; `place`: where to mend it, and `fix` what to put
    there; `message`: what the other side said; `about`: what a setting means.
    """

    what: str
    name: str
    need: str
    state: str
    message: str = ""
    place: str = ""
    fix: str = ""
    about: str = ""


@dataclass(frozen=True)
class Wanted:
    """A setting of a channel: an example of it, and how needed. `holds`: an example of what its variable holds."""

    name: str
    example: str
    need: str = MUST
    holds: str = "…"

    @property
    def secret(self) -> bool:
        """Whether it names an environment variable."""
        return self.name.endswith("_env")


NEEDS: Mapping[str, tuple[Wanted, ...]] = {
    "email": (
        Wanted("host", "smtp.example.com"),
        Wanted("sender", "Shop <hello@shop.example>"),
        Wanted("username", "shop", SHOULD),
        Wanted("password_env", "MAIL_PASSWORD", SHOULD),
        Wanted("bounces", "bounce@shop.example", SHOULD),
    ),
    "wechat": (
        Wanted("app_id", "wx0123456789abcdef"),
        Wanted("secret_env", "WECHAT_SECRET"),
        Wanted("token_env", "WECHAT_TOKEN", SHOULD),
        Wanted("aes_key_env", "WECHAT_AES_KEY", SHOULD),
    ),
    "miniprogram": (Wanted("app_id", "wx0123456789abcdef"), Wanted("secret_env", "MINIPROGRAM_SECRET")),
    "sms": (
        Wanted("access_key", "LTAI…"),
        Wanted("secret_env", "SMS_SECRET"),
        Wanted("callback_env", "SMS_CALLBACK", SHOULD),
    ),
    "push": (
        Wanted("app_id", "APP_ID"),
        Wanted("app_key", "APP_KEY"),
        Wanted("secret_env", "PUSH_SECRET"),
    ),
    "wecom": (
        Wanted("corp_id", "ww0123456789abcdef"),
        Wanted("secret_env", "WECOM_SECRET"),
        Wanted("agent_id", "1000002", SHOULD),
        Wanted("token_env", "WECOM_TOKEN", SHOULD),
        Wanted("aes_key_env", "WECOM_AES_KEY", SHOULD),
    ),
    "apprise": (
        Wanted("url_env", "APPRISE_URL", holds="'ntfys://USER:PASSWORD@ntfy.example.com/{address}'"),
    ),
    WEBHOOKS: (Wanted("secret_env", "WEBHOOK_SECRET", SHOULD),),
}
"""What each channel wants in its section of limner.toml."""

PATHS: Mapping[str, tuple[str, ...]] = {
    "email": (),
    "wechat": ("/wechat/callback",),
    "miniprogram": (),
    "sms": ("/sms/callback/{word}/report", "/sms/callback/{word}/reply"),
    "push": (),
    "wecom": ("/wecom/callback", "/wecom/sidebar"),
    "apprise": (),
    WEBHOOKS: (),
}
"""The addresses of this server that are entered at the platform; `{word}`: what the variable of callback_env holds."""


def channel_check(workspace: Workspace, kind: str, offline: bool = False) -> Json:
    """What a channel needs, point by point: ok, missing, wrong or unknown, and what to put where.

    Nothing is sent: it connects, signs in, and asks the names of the sender's domain. `offline`: nobody is asked.
    Secrets are never shown: only whether their variable holds something.
    """
    if kind not in NEEDS:
        raise NotFoundError(f"there is no channel '{kind}'", hint=did_you_mean(kind, NEEDS))
    points = [
        replace(point, about=_about(workspace.config, point.name)) if point.place == SETTINGS else point
        for point in (*_settings(workspace, kind), *_addresses(workspace, kind))
    ]
    stopped = any(point.state != OK and point.need == MUST for point in points)
    if not offline:
        points += [*_asked(workspace, kind, stopped)]
    return {
        "kind": kind,
        "offline": offline,
        "ready": all(point.state == OK for point in points if point.need == MUST),
        "points": [asdict(point) for point in points],
        "toml": _lines(kind, points),
        "environment": "\n".join(
            point.fix for point in points if point.place == ENVIRONMENT and point.state != OK
        ),
    }


def _settings(workspace: Workspace, kind: str) -> Iterator[Point]:
    """The settings of its section, the variables that they name, and the address of this server."""
    said = getattr(workspace.config, kind)
    for wanted in NEEDS[kind]:
        name, value = f"{kind}.{wanted.name}", getattr(said, wanted.name)
        state = OK if value else MISSING
        shown = value if value else wanted.example
        yield Point(_SETTING, name, wanted.need, state, place=SETTINGS, fix=f'{wanted.name} = "{shown}"')
        if wanted.secret:
            yield _variable(value or wanted.example, wanted, named=bool(value))
    if kind == "email":
        yield from _signed(workspace)
    if kind == "email" or PATHS[kind]:
        need = MUST if kind == "email" else SHOULD
        state = OK if workspace.public_url else MISSING
        fix = f'public_url = "{workspace.public_url or "https://limner.example.com"}"'
        yield Point(_PUBLIC, "public_url", need, state, place=SETTINGS, fix=fix)


def _about(config: Config, name: str) -> str:
    """What the settings say that a setting means."""
    section, dot, word = name.partition(".")
    said: Any = getattr(config, section) if dot else config
    return next(str(one.metadata["doc"]) for one in fields(said) if one.name == (word if dot else section))


def _variable(variable: str, wanted: Wanted, *, named: bool) -> Point:
    """Whether the variable holds something; one that nothing names yet is missing with its setting."""
    held = named and flag(variable)
    # A setting that names a variable without a value stops the channel, however little it is needed.
    return Point(
        _SECRET, variable, MUST if named else wanted.need, OK if held else MISSING, place=ENVIRONMENT,
        fix=f"export {variable}={wanted.holds}",
    )  # fmt: skip


def _signed(workspace: Workspace) -> Iterator[Point]:
    mail = workspace.config.email
    yield Point(
        _SETTING, "email.dkim_selector", SHOULD, OK if mail.dkim_selector else MISSING, place=SETTINGS,
        fix=f'dkim_selector = "{mail.dkim_selector or "limner1"}"',
    )  # fmt: skip
    key = mail.dkim_key_file or mail.dkim_key_env
    name = "dkim_key_env" if mail.dkim_key_env and not mail.dkim_key_file else "dkim_key_file"
    # A selector without a key stops all mails.
    need = MUST if mail.dkim_selector else SHOULD
    yield Point(
        _SETTING, f"email.{name}", need, OK if key else MISSING, place=SETTINGS,
        fix=f'{name} = "{key or "/etc/limner/dkim.pem"}"',
    )  # fmt: skip


def _addresses(workspace: Workspace, kind: str) -> Iterator[Point]:
    """The addresses to enter at the platform; whether they stand there, only its first call can tell."""
    said = getattr(workspace.config, kind)
    words = [name for name in ("token_env", "callback_env") if hasattr(said, name)]
    there = bool(workspace.public_url) and all(getattr(said, name) for name in words)
    for path in PATHS[kind]:
        word = f"${getattr(said, 'callback_env', '') or 'SMS_CALLBACK'}"
        url = (workspace.public_url or "https://limner.example.com") + path.format(word=word)
        yield Point(_ADDRESS, path.partition("/{word}")[0] + path.partition("{word}")[2], SHOULD,
                    UNKNOWN if there else MISSING, place=PLATFORM, fix=url)  # fmt: skip


def _asked(workspace: Workspace, kind: str, stopped: bool) -> Iterator[Point]:
    """What the other side says."""
    if kind == WEBHOOKS:
        yield from _hooks(workspace)
        return
    if stopped:
        yield Point(_LOGIN, kind, MUST, UNKNOWN, "not asked: settings are missing")
    else:
        tested = content.channel_test(workspace, kind)
        state = OK if tested["ok"] else WRONG
        yield Point(
            _LOGIN,
            workspace.sending.server(kind)[0] or kind,
            MUST,
            state,
            tested["message"],
            fix=tested["hint"] or "",
        )
    if kind == "email" and workspace.config.email.sender:
        yield from _names(workspace)


def _names(workspace: Workspace) -> Iterator[Point]:
    try:
        found = content.channel_dns(workspace)["checks"]
    except LimnerError as error:  # the key cannot be read
        yield Point("DKIM", "email.dkim_key_file", MUST, WRONG, error.message, SETTINGS, error.hint or "")
        return
    for check in found:
        yield Point(
            check["what"], check["name"], SHOULD, check["state"], check["message"], DNS, check["publish"]
        )


def _hooks(workspace: Workspace) -> Iterator[Point]:
    """Whether each receiver's address may be reached, and what it last said."""
    config = workspace.config.webhooks

    def judged(name: str, judge: Callable[[], object]) -> Point:
        try:
            judge()
        except LimnerError as error:
            return Point(_SETTING, name, MUST, WRONG, error.message, SETTINGS, error.hint or "")
        return Point(_SETTING, name, MUST, OK)

    if config.secret_env and flag(config.secret_env):
        yield judged("webhooks.secret_env", lambda: webhook.key(secret_of(config.secret_env)))
    if config.allowed:
        yield judged("webhooks.allowed", lambda: webhook.networks(config.allowed))
    found, wrong = hooks.read_folder(workspace.paths.folder / WEBHOOKS)
    for error in wrong:
        yield Point(_HOOK, error.where or "", SHOULD, WRONG, error.message)
    counted = posts.counted(workspace.records)
    for hook in found.values():
        try:
            posting.reachable(workspace, hook)
        except LimnerError as error:
            yield Point(_HOOK, hook.name, SHOULD, WRONG, error.message, fix=error.hint or "")
            continue
        there = counted.get(hook.name, {})
        last = str(there.get("reason", ""))
        yield Point(_HOOK, hook.name, SHOULD, WRONG if there.get("failed") else OK, last)


def _lines(kind: str, points: list[Point]) -> str:
    """What is to be added to limner.toml, as it stands there."""
    missing = [point for point in points if point.place == SETTINGS and point.state == MISSING]
    top = [point.fix for point in missing if point.what == _PUBLIC]
    own = [point.fix for point in missing if point.what == _SETTING]
    return "\n".join([*top, *([""] if top and own else []), *([f"[{kind}]", *own] if own else [])])
