"""Accounts through the verbs: the audit that they leave, its head, and what the command line may do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from limner.accounts.model import Caller, Role
from limner.errors import ConflictError, DeniedError, NotFoundError, UsageError
from limner.types import Json, silent
from limner.workspace import accounting
from limner.workspace.calling import call
from tests.accounts.conftest import Counted
from tests.workspace.worlds import World

GOOD = "cedar quartz 71 lantern"


@pytest.fixture
def world(tmp_path: Path, hasher: Counted) -> Iterator[World]:
    made = World(tmp_path / "shop")
    yield made
    made.close()


def acts(world: World) -> list[tuple[str, str, Json]]:
    listed = world.verb("audit list")["audit"]
    return [(row["action"], row["subject"], row["detail"]) for row in reversed(listed)]


def test_what_changes_accounts_stands_in_the_audit_without_a_secret_or_a_name(world: World) -> None:
    made = world.verb("user add", login="ada@shop.example", role="operator", name="Ada Lovelace")
    world.verb("user change", id="ada@shop.example", role="viewer")
    world.verb("user reset", id=made["id"])
    world.verb("user disable", id=made["id"])
    world.verb("user enable", id=made["id"])
    world.verb("user remove", id=made["id"])
    key = world.verb("key add", role="viewer", note="etl", scopes=["people:read"])
    world.verb("key remove", id=key["id"])
    assert acts(world) == [
        ("user add", made["id"], {"role": "operator"}),
        ("user change", made["id"], {"role": "viewer"}),
        ("user reset", made["id"], {}),
        ("user disable", made["id"], {}),
        ("user enable", made["id"], {}),
        ("user remove", made["id"], {}),
        ("key add", key["id"], {"role": "viewer", "scopes": ["people:read"], "note": "etl"}),
        ("key remove", key["id"], {}),
    ]
    text = str(world.verb("audit list"))
    assert not any(secret in text for secret in ("Lovelace", "ada@", "lt_", key["key"]))


def test_what_was_refused_changed_nothing_and_is_no_act(world: World) -> None:
    for wrong in ({"login": "ada", "role": "boss"}, {"login": "a b", "role": "viewer"}):
        with pytest.raises(UsageError):
            world.verb("user add", **wrong)
    with pytest.raises(NotFoundError):
        world.verb("user disable", id="nobody")
    assert world.verb("user list")["users"] == []
    assert acts(world) == []


def test_the_audit_remembers_its_head_beside_the_records(world: World) -> None:
    for _ in range(3):
        world.verb("key add", role="viewer")
    answer = world.verb("audit verify")
    assert (answer["ok"], answer["rows"]) == (True, 3)
    with closing(sqlite3.connect(world.workspace.paths.records)) as file:
        file.execute("DELETE FROM audit WHERE seq = 3")
        file.commit()
    found = world.verb("audit verify")
    assert (found["ok"], found["first_wrong"]["seq"]) == (False, 3)
    world.verb("key add", role="viewer")
    assert world.verb("audit verify")["first_wrong"]["seq"] == 3
    assert world.verb("audit verify", head=answer["head"])["ok"] is False


def test_a_tampered_audit_alerts_when_the_server_starts(world: World) -> None:
    def alerts() -> list[str]:
        with closing(sqlite3.connect(world.workspace.paths.records)) as file:
            return [what for (what,) in file.execute("SELECT what FROM alerts")]

    world.verb("key add", role="viewer")
    accounting.watch_audit(world.workspace)
    assert alerts() == []
    with closing(sqlite3.connect(world.workspace.paths.records)) as file:
        file.execute("UPDATE audit SET caller_name = 'somebody else'")
        file.commit()
    accounting.watch_audit(world.workspace)
    assert alerts() == ["the audit was tampered with"]


def test_a_user_and_an_operators_key_cannot_give_more_than_they_have(world: World) -> None:
    operator = Caller("user", "u1", "Ada", Role.OPERATOR)
    with pytest.raises(DeniedError, match="more than yours"):
        call(world.workspace, "key add", {"role": "admin"}, silent, operator)
    assert call(world.workspace, "key add", {"role": "operator"}, silent, operator)["created_by"] == "u1"


def test_the_command_line_has_no_password_and_no_session(world: World) -> None:
    for verb, arguments in (
        ("session list", {}),
        ("session change", {"name": "x"}),
        ("password change", {"current": GOOD, "new": GOOD + "!"}),
    ):
        with pytest.raises(UsageError, match="signed in"):
            world.verb(verb, **arguments)
    made = world.verb("user add", login="ada", role="admin")
    assert world.verb("session list", user=made["id"]) == {"sessions": []}


def test_setting_up_forgets_the_failures_of_the_old_password(world: World) -> None:
    def sign_in(password: str) -> accounting.SignedIn:
        return accounting.sign_in(
            world.workspace, login="ada", password=password, address="10.0.0.9", agent=""
        )

    link = world.verb("user add", login="ada", role="admin")["link"]
    for _ in range(4):
        with pytest.raises(DeniedError):
            sign_in("a wrong password")
    made = accounting.setup(
        world.workspace,
        token=link.partition("#")[2],
        login="ignored",
        name="ignored",
        password=GOOD,
        address="10.0.0.1",
        agent="",
    )
    assert made.session.user.login == "ada"
    assert sign_in(GOOD).session.user.id == made.session.user.id
    with pytest.raises(ConflictError, match="last admin"):
        world.verb("user disable", id="ada")
