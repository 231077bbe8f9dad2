"""The open channels of a workspace. Knows no campaign: it hands out a channel to one sender at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from limner.channels import apprise, mail_dns
from limner.channels.dkim import Signer, signer
from limner.channels.kinds import KINDS
from limner.channels.push import Push
from limner.channels.seam import Channel
from limner.channels.sms import Sms
from limner.channels.smtp import Smtp
from limner.channels.webhook import networks
from limner.channels.wechat import Miniprogram, Wechat
from limner.channels.wecom import Places, Wecom
from limner.config import Config, flag, variable
from limner.config import secret as secret_of
from limner.errors import ConfigError
from limner.types import Clock, Json


def signer_of(config: Config, folder: Path) -> Signer | None:
    """What signs mails; None where no selector is set. Raises ConfigError when the key cannot be read."""
    mail = config.email
    if not mail.dkim_selector:
        return None
    if mail.dkim_key_file:
        path = folder / mail.dkim_key_file
        try:
            pem = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"the DKIM key {path} cannot be read: {error.strerror}", hint="email.dkim_key_file"
            ) from error
    elif mail.dkim_key_env:
        pem = secret_of(mail.dkim_key_env).replace("\\n", "\n").encode()
    else:
        raise ConfigError(
            "email.dkim_selector is set without a key", hint='dkim_key_file = "/etc/limner/dkim.pem"'
        )
    domain = mail.dkim_domain or parseaddr(mail.sender)[1].rpartition("@")[2]
    return signer(pem, domain=domain, selector=mail.dkim_selector)


def _email(config: Config, clock: Clock, folder: Path) -> Channel:
    mail = config.email
    return Smtp(
        host=mail.host,
        port=mail.port,
        sender=mail.sender,
        clock=clock,
        username=mail.username,
        password=secret_of(mail.password_env) if mail.password_env else "",
        tls=mail.tls,
        signer=signer_of(config, folder),
        bounces=mail.bounces,
    )


def _wechat(config: Config, clock: Clock, _folder: Path) -> Channel:
    said = config.wechat
    return Wechat(api=said.api, app_id=said.app_id, secret=secret_of(said.secret_env), clock=clock)


def _miniprogram(config: Config, clock: Clock, _folder: Path) -> Channel:
    said = config.miniprogram
    return Miniprogram(
        api=said.api, app_id=said.app_id, secret=secret_of(said.secret_env), clock=clock, state=said.state
    )


def _sms(config: Config, clock: Clock, _folder: Path) -> Channel:
    said = config.sms
    return Sms(api=said.api, access_key=said.access_key, secret=secret_of(said.secret_env), clock=clock)


def _push(config: Config, clock: Clock, _folder: Path) -> Channel:
    said = config.push
    return Push(
        api=said.api,
        app_id=said.app_id,
        app_key=said.app_key,
        secret=secret_of(said.secret_env),
        clock=clock,
        ttl=timedelta(seconds=said.ttl_seconds),
    )


def _apprise(config: Config, clock: Clock, _folder: Path) -> Channel:
    said = config.apprise
    return apprise.Apprise(
        url=secret_of(said.url_env), clock=clock, allowed=networks(said.allowed, section="apprise")
    )


def _wecom(config: Config, clock: Clock, _folder: Path) -> Channel:
    return wecom(config, clock, nowhere)


def nowhere(_sort: str, _messages: object) -> Mapping[str, Any]:
    """Where messages go while no relations are known: nowhere."""
    return {}


def wecom(config: Config, clock: Clock, places: Places) -> Wecom:
    """The company's application, as the settings say. `places`: who sends to whom."""
    said = config.wecom
    return Wecom(
        api=said.api, corp_id=said.corp_id, secret=secret_of(said.secret_env), clock=clock, places=places
    )


_OPEN: Mapping[str, tuple[Callable[[Config, Clock, Path], Channel], tuple[tuple[str, str], ...]]] = {
    "email": (_email, (("sender", 'sender = "Shop <hello@shop.example>"'),)),
    "wechat": (_wechat, (("app_id", "app_id"), ("secret_env", "secret_env"))),
    "miniprogram": (_miniprogram, (("app_id", "app_id"), ("secret_env", "secret_env"))),
    "sms": (_sms, (("access_key", "access_key"), ("secret_env", "secret_env"))),
    "push": (_push, (("app_id", "app_id"), ("app_key", "app_key"), ("secret_env", "secret_env"))),
    "wecom": (_wecom, (("corp_id", "corp_id"), ("secret_env", "secret_env"))),
    "apprise": (_apprise, (("url_env", "url_env"),)),
}
"""What opens a channel, and the settings of its section that it cannot do without, each with a hint."""
_SECRETS: Mapping[str, str] = {"email": "password_env", "apprise": "url_env"}
"""The setting that names the variable of a channel's secret, where it is not `secret_env`."""


def section(config: Config, kind: str) -> Any:
    """The settings of a channel's section."""
    return getattr(config, kind)


def address(config: Config, kind: str) -> str:
    """The attribute or identifier of a person that is the address on a channel, as the settings say."""
    return getattr(section(config, kind), "address", "") or KINDS[kind].address


class Sending:
    """The open channels of a workspace; each is used by one sender at a time."""

    def __init__(self, config: Config, clock: Clock, folder: Path, places: Places = nowhere) -> None:
        self._config, self._clock, self._folder, self._places = config, clock, folder, places
        self.resolve: mail_dns.Resolve = mail_dns.texts
        self._channels: dict[str, Channel] = {}
        self._locks = {kind: threading.Lock() for kind in KINDS}

    @contextmanager
    def channel(self, kind: str) -> Iterator[Channel]:
        """The channel of that kind, for this thread alone."""
        with self._locks[kind]:
            if kind not in self._channels:
                self._channels[kind] = self._open(kind)
            yield self._channels[kind]

    def close(self) -> None:
        """Ends every connection."""
        for channel in self._channels.values():
            channel.close()

    def rate(self, kind: str) -> float:
        """The configured messages per second; 0 is as fast as it goes."""
        return float(section(self._config, kind).messages_per_second)

    def sender(self, kind: str) -> str:
        """As whom messages leave: an address, an app or an account."""
        said = section(self._config, kind)
        return str(getattr(said, _OPEN[kind][1][0][0]))

    def server(self, kind: str) -> tuple[str, str]:
        """Where messages go, and how the way there is kept secret (none, starttls, tls or https); empty: not known."""
        said = section(self._config, kind)
        if kind == "email":
            return f"{said.host}:{said.port}", said.tls
        api = apprise.where(variable(said.url_env)) if kind == "apprise" else said.api
        return api, "https" if api.startswith("https") else "none" if api else ""

    def missing(self, kind: str) -> list[Json]:
        """The settings without which the channel cannot send: key and hint; empty when it is set up."""
        said = section(self._config, kind)
        found = [
            {"key": f"{kind}.{name}", "hint": f"[{kind}] {hint}"}
            for name, hint in _OPEN[kind][1]
            if not getattr(said, name)
        ]
        secret = getattr(said, _SECRETS.get(kind, "secret_env"))
        if secret and not flag(secret):
            found.append({"key": secret, "hint": f"export {secret}=…"})
        return found

    def probe(self, kind: str) -> str:
        """What the channel's server said to a fresh connection. Raises ConfigError and Unavailable."""
        channel = self._open(kind)
        try:
            return channel.check()
        finally:
            channel.close()

    def _open(self, kind: str) -> Channel:
        opens, needed = _OPEN[kind]
        for name, hint in needed:
            if not getattr(section(self._config, kind), name):
                raise ConfigError(f"{kind}.{name} is not set", hint=f"[{kind}] {hint}")
        if kind == "wecom":
            return wecom(self._config, self._clock, self._places)
        return opens(self._config, self._clock, self._folder)
