"""The open channels of a workspace. Knows no campaign: it hands out a channel to one sender at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from limner.channels.seam import Channel
from limner.channels.smtp import Smtp
from limner.channels.wechat import Wechat
from limner.config import Config, flag
from limner.config import secret as secret_of
from limner.errors import ConfigError
from limner.types import Clock, Json


class Sending:
    """The open channels of a workspace; each is used by one sender at a time."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._channels: dict[str, Channel] = {}
        self._locks = {"email": threading.Lock(), "wechat": threading.Lock()}

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
        config = self._config
        return (config.email if kind == "email" else config.wechat).messages_per_second

    def missing(self, kind: str) -> list[Json]:
        """The settings without which the channel cannot send: key and hint; empty when it is set up."""
        config = self._config
        found = []
        if kind == "email":
            if not config.email.sender:
                found.append({"key": "email.sender", "hint": '[email] sender = "Shop <hello@shop.example>"'})
            variable = config.email.password_env
        else:
            if not config.wechat.app_id:
                found.append({"key": "wechat.app_id", "hint": "[wechat] app_id"})
            variable = config.wechat.secret_env
            if not variable:
                found.append({"key": "wechat.secret_env", "hint": "[wechat] secret_env"})
        if variable and not flag(variable):
            found.append({"key": variable, "hint": f"export {variable}=…"})
        return found

    def probe(self, kind: str) -> str:
        """What the channel's server said to a fresh connection. Raises ConfigError and Unavailable."""
        channel = self._open(kind)
        try:
            return channel.check()
        finally:
            channel.close()

    def _open(self, kind: str) -> Channel:
        config, clock = self._config, self._clock
        if kind == "email":
            mail = config.email
            if not mail.sender:
                raise ConfigError(
                    "email.sender is not set", hint='[email] sender = "Shop <hello@shop.example>"'
                )
            password = secret_of(mail.password_env) if mail.password_env else ""
            return Smtp(
                host=mail.host,
                port=mail.port,
                sender=mail.sender,
                clock=clock,
                username=mail.username,
                password=password,
                tls=mail.tls,
            )
        if not config.wechat.app_id:
            raise ConfigError("wechat.app_id is not set", hint="[wechat] app_id, secret_env")
        return Wechat(
            api=config.wechat.api,
            app_id=config.wechat.app_id,
            secret=secret_of(config.wechat.secret_env),
            clock=clock,
        )
