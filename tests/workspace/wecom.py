"""A shop whose staff talk to its customers over WeCom: a workspace, and a platform of its kind beside it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx2

from limner.demo.wechat_server import WechatServer
from limner.demo.wecom_server import WecomServer
from limner.types import Json
from limner.workspace import relating
from tests.workspace.worlds import NOW, World

TOKEN, KEY = "token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
AT = int(NOW.timestamp()) - 3600
SECRETS = {"TEST_SECRET": "demo-secret", "TEST_TOKEN": TOKEN, "TEST_KEY": KEY}
LEVEL = "nature: fact\nmethod: manual\ntype: text\nvalues: [gold, silver]\n"
TEA = "nature: fact\nmethod: manual\ntype: flag\n"


class Shop(World):
    """The workspace, WeCom and the official account; the client of its served doors where there is one."""

    client: httpx2.Client

    def __init__(self, folder: Path, there: WecomServer, account: WechatServer | None = None) -> None:
        self.there = there
        toml = (
            f'public_url = "https://limner.example"\n[wecom]\napi = "{there.url}"\ncorp_id = "{there.corp_id}"\n'
            f'agent_id = "{there.agent}"\nsecret_env = "TEST_SECRET"\ntoken_env = "TEST_TOKEN"\n'
            'aes_key_env = "TEST_KEY"\nsync_seconds = 0\n'
        )
        if account is not None:
            self.account = account
            toml += (
                f'[wechat]\napi = "{account.url}"\napp_id = "{account.app_id}"\nsecret_env = "TEST_SECRET"\n'
            )
        super().__init__(folder, toml=toml)
        there.clock = lambda: self.now.timestamp()

    def open(self) -> None:
        """The workspace, which waits for nothing before it asks a platform again."""
        super().open()
        setattr(self.workspace.stopping, "wait", lambda _seconds=None: False)  # noqa: B010 - a test turns time

    def called(
        self, kind: str, *, event: str = "change_external_contact", at: int = AT, **fields: str
    ) -> int:
        """The status of the answer to a callback."""
        query, body = self.there.calls(
            {"Event": event, "ChangeType": kind, **fields}, token=TOKEN, key=KEY, at=at
        )
        return self.client.post("/wecom/callback", params=query, content=body.encode()).status_code

    def events(self, name: str) -> list[Json]:
        """The events of that name with their properties, the oldest first."""
        self.workspace.load()
        rows = self.workspace.engine.read("SELECT name, col FROM properties").to_pylist()
        chosen = ", ".join(["events.ts", *(f"{row['col']} AS {row['name']}" for row in rows)])
        found: list[Json] = self.workspace.engine.read(
            f"SELECT {chosen} FROM events JOIN names ON names.name_i = events.name_i WHERE names.name = $name"
            " ORDER BY ts, id",
            {"name": name},
        ).to_pylist()
        return found

    def people(self, tag: str, value: str) -> set[str]:
        """The external_userids of those who have the tag's value."""
        persons = self.verb("tag members", key=tag, value=value)["people"]
        found = relating.customers_by_person(self.workspace, persons)
        return {one for several in found.values() for one in several}

    def later(self, **time: float) -> None:
        """The clock is turned on."""
        self.now += timedelta(**time)
