"""kill -9 of the whole server under load: what was answered 200 is there, once."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from limner.types import silent
from limner.workspace.backup import restore
from limner.workspace.files import init
from limner.workspace.workspace import Workspace
from tests.durability.servers import Server, limner, under_load

KILLS = 20


@pytest.mark.timeout(600)
def test_twenty_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    key = str(limner("source", "add", "web", folder=folder)["write_key"])
    chance = random.Random(4)
    acknowledged: set[str] = set()
    unanswered: list[str] = []
    for number in range(KILLS):
        server = Server(folder)
        clients = under_load(server, key, f"k{number}", chance.uniform(0.2, 0.9), unanswered)
        server.kill()
        unanswered = []
        for client in clients:
            client.over.set()
            client.join()
            acknowledged.update(client.acknowledged)
            unanswered += client.unanswered + client.resend
    with Workspace.open(folder) as opened:
        opened.load()
        stored = Counter(
            opened.engine.read(
                "SELECT coalesce(p_0, rest->>'$.id') AS id FROM events JOIN names USING (name_i) WHERE name = 'Tick'"
            )
            .column("id")
            .to_pylist()
        )
        counters = opened.engine.read("SELECT * FROM counters").to_pylist()[0]
    assert len(acknowledged) > 1_000
    assert not acknowledged - stored.keys(), "acknowledged events are lost"
    assert max(stored.values()) == 1, "events are doubled"
    assert counters["received"] == sum(
        counters[part] for part in ("stored", "duplicate", "quarantined", "rejected")
    )
    assert counters["stored"] == len(stored)


def test_sigterm_drains_within_ten_seconds(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    key = str(limner("source", "add", "web", folder=folder)["write_key"])
    server = Server(folder)
    clients = under_load(server, key, "t", 2.0, [])
    code = server.stop(10)
    acknowledged = set()
    for client in clients:
        client.over.set()
        client.join()
        acknowledged.update(client.acknowledged)
    assert code == 0
    summary = limner("event", "summary", "--distinct", "id", folder=folder)
    assert int(str(summary["distinct"])) >= len(acknowledged) > 0


def test_a_command_gives_the_same_answer_with_and_without_a_server(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    limner("source", "add", "web", folder=folder)
    alone = limner("source", "list", folder=folder)
    server = Server(folder)
    beside = limner("source", "list", folder=folder)
    assert server.stop() == 0
    assert alone == beside


def test_a_backup_under_load_restores_to_what_it_had(tmp_path: Path) -> None:
    folder = init(tmp_path / "shop")
    key = str(limner("source", "add", "web", folder=folder)["write_key"])
    server = Server(folder)
    clients = under_load(server, key, "b", 1.0, [])
    before = {message for client in clients for message in list(client.acknowledged)}
    limner("backup", str(tmp_path / "saved.tar"), folder=folder)
    after = {message for client in clients for message in list(client.acknowledged)}
    for client in clients:
        client.over.set()
        client.join()
    assert server.stop() == 0
    restore(tmp_path / "saved.tar", tmp_path / "new", silent)
    with Workspace.open(tmp_path / "new") as opened:
        opened.load()
        ids = (
            opened.engine.read("SELECT coalesce(p_0, rest->>'$.id') AS id FROM events")
            .column("id")
            .to_pylist()
        )
    assert len(ids) == len(set(ids)), "events are doubled"
    assert before <= set(ids), "what was acknowledged before the backup is not in it"
    assert len(after) > len(before), "collecting stood still during the backup"
