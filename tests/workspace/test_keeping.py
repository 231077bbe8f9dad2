"""Backups while it lives, the engine made again, and a person erased from every byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from limner.accounts import keys
from limner.config import FILE
from limner.errors import ConflictError, DamagedError, NotFoundError
from limner.events.frames import Record
from limner.types import silent
from limner.workspace.backup import restore
from limner.workspace.workspace import Workspace
from tests.workspace.test_journey import MEMBERS, MEMBERS_MAP, ORDERS, ORDERS_MAP, REGULAR, SPENT
from tests.workspace.worlds import World


def fill(world: World, *, people: int = 30) -> None:
    """Orders and members from files, calls through the log, tags."""
    world.verb(
        "import",
        file=str(world.write("orders.csv", ORDERS)),
        map=str(world.write("orders.map.yml", ORDERS_MAP)),
    )
    world.verb(
        "import",
        file=str(world.write("members.csv", MEMBERS)),
        map=str(world.write("members.map.yml", MEMBERS_MAP)),
    )
    source = keys.ensure_source(world.workspace.records, "web", kind="segment", now=world.now)
    for batch in range(3):
        calls = [
            {
                "type": kind,
                "event": "Product Viewed",
                "userId": f"user-{n:04d}",
                "anonymousId": f"device-{n:04d}",
                "messageId": f"{batch}-{n}-{kind}",
                "timestamp": "2026-05-30T08:00:00Z",
                "properties": {"category": "green tea", "note": f"note-of-{n:04d}"},
                "traits": {"name": f"Name-{n:04d}", "email": f"mail-{n:04d}@example.test"},
            }
            for n in range(people)
            for kind in ("identify", "track")
        ]
        calls.append({"type": "track", "event": "", "userId": "user-0003", "messageId": f"bad-{batch}"})
        world.workspace.log.append_now(
            Record(
                batch=f"b{batch}",
                source_i=source.source_i,
                received_at=keys.micros(world.now),
                n=len(calls),
                refused={len(calls) - 1: "missing_event_name"},
                body=json.dumps({"batch": calls}).encode(),
            )
        )
    world.write("tags/spent_90d.yml", SPENT)
    world.write("tags/regular.yml", REGULAR)
    world.write(
        "tags/name.yml", "nature: fact\nmethod: observed\ntype: text\nattribute: name\ncategory: who\n"
    )
    world.verb("tag run")


def state(workspace: Workspace) -> dict[str, object]:
    """Checksums of everything that matters: events, people, every tag's values by person id."""
    engine = workspace.engine
    found: dict[str, object] = {
        "events": engine.read("SELECT COUNT(*), bit_xor(hash(id, ts, name_i)) FROM events").to_pylist(),
        "people": engine.read(
            "SELECT COUNT(*), bit_xor(hash(person_id)) FROM persons WHERE merged_into IS NULL AND NOT erased"
        ).to_pylist(),
    }
    for table in sorted(name for name in engine.tables() if name.startswith("tag_") and name != "tag_state"):
        found[table] = engine.read(
            f"SELECT COUNT(*), bit_xor(hash(p.person_id, t.value)) FROM {table} AS t JOIN persons AS p USING (ix)"
        ).to_pylist()
    return found


def test_a_restored_backup_has_the_same_events_people_and_tags(world: World, tmp_path: Path) -> None:
    fill(world)
    before = state(world.workspace)
    world.verb("backup", file=str(tmp_path / "saved.tar"))
    fill_more = MEMBERS.replace("ann", "later")
    world.verb(
        "import", file=str(world.write("later.csv", fill_more)), map=str(world.folder / "members.map.yml")
    )
    restore(tmp_path / "saved.tar", tmp_path / "new", silent)
    with Workspace.open(tmp_path / "new", clock=lambda: world.now) as opened:
        opened.load()
        assert state(opened) == before


def test_a_flipped_bit_in_a_backup_is_refused(world: World, tmp_path: Path) -> None:
    fill(world)
    saved = tmp_path / "saved.tar"
    world.verb("backup", file=str(saved))
    content = bytearray(saved.read_bytes())
    refused = 0
    for place in range(1000, len(content), len(content) // 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        saved.write_bytes(damaged)
        try:
            restore(saved, tmp_path / f"new{place}", silent)
        except DamagedError:
            refused += 1
            continue
        with Workspace.open(tmp_path / f"new{place}", clock=lambda: world.now) as opened:
            assert state(opened) == state(world.workspace), f"bit {place} was padding at best"
    assert refused >= 5


@pytest.mark.parametrize("damage", ["deleted", "flipped", "emptied log of writes", "asked"])
def test_the_engine_is_made_again_from_the_log_with_equal_tags(world: World, damage: str) -> None:
    fill(world)
    before = state(world.workspace)
    engine = world.workspace.paths.engine
    if damage == "asked":
        world.verb("rebuild")
        assert state(world.workspace) == before
        return
    world.close()
    if damage == "deleted":
        engine.unlink()
    elif damage == "flipped":
        content = bytearray(engine.read_bytes())
        content[8] ^= 0xFF
        engine.write_bytes(content)
        with pytest.raises(DamagedError, match="rebuild"):
            world.open()
        engine.unlink()
    else:
        engine.with_name(engine.name + ".wal").write_bytes(b"")
    world.open()
    world.workspace.load()
    if damage == "deleted" or damage == "flipped":
        world.verb("tag run")
    assert state(world.workspace) == before


def bytes_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_erased_person_is_in_no_byte_of_the_data_folder(world: World) -> None:
    fill(world)
    world.workspace.paths.exports.mkdir(exist_ok=True)
    world.write("audiences/all_named.yml", "expression: known(person.name)\n")
    world.verb(
        "audience export",
        name="all_named",
        to=str(world.workspace.paths.exports / "all.csv"),
        columns=["person.email"],
    )
    needles = [b"user-0003", b"device-0003", b"Name-0003", b"mail-0003@example.test", b"note-of-0003"]
    others = [b"user-0004", b"Name-0004", b"mail-0004@example.test", b"note-of-0004"]
    there = b"".join(bytes_of(world.workspace.paths.data).values())
    assert needles[0] in there, "the person must be there before being erased"
    before = world.verb("person show", id="user-0004")
    told = world.verb("person timeline", id="user-0004")["events"]
    world.verb("person erase", id="user-0003")
    with pytest.raises(NotFoundError):
        world.verb("person show", id="user-0003")
    assert world.verb("audience count", expression="name = 'Name-0003'")["count"] == 0
    world.close()
    for path, content in bytes_of(world.workspace.paths.data).items():
        for needle in needles:
            assert needle not in content, f"{needle!r} in {path.name}"
    world.open()
    log = b"".join(bytes_of(world.workspace.paths.log).values())
    assert all(other in log for other in others), "somebody else's events were erased too"
    after = world.verb("person show", id="user-0004")
    assert (after["attributes"], _values(after)) == (before["attributes"], _values(before))
    assert world.verb("person timeline", id="user-0004")["events"] == told
    world.verb("rebuild")
    rebuilt = world.verb("person show", id="user-0004")
    assert world.verb("person timeline", id="user-0004")["events"] == told
    assert rebuilt["person"] == before["person"]
    with pytest.raises(NotFoundError):
        world.verb("person show", id="user-0003")


def _values(shown: dict[str, Any]) -> dict[str, object]:
    return {tag["key"]: tag["value"] for group in shown["tags"] for tag in group["tags"]}


def test_a_person_gets_everything_that_is_kept_about_them(world: World, tmp_path: Path) -> None:
    fill(world)
    target = tmp_path / "ann.json"
    answer = world.verb("person export", id="ann", to=str(target))
    content = json.loads(target.read_text(encoding="utf-8"))
    assert answer["events"] == len(content["timeline"]) == 3
    assert {item["name"]: item["value"] for item in content["attributes"]}["city"] == "上海"
    with pytest.raises(ConflictError):
        world.verb("person export", id="ann", to=str(target))


def test_a_second_process_is_refused_and_a_closed_workspace_opens_again(world: World) -> None:
    from limner.errors import OwnedError

    with pytest.raises(OwnedError):
        Workspace.open(world.folder)
    world.reopen()
    assert (world.folder / FILE).exists()
