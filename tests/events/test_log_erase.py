"""Erasing rewrites records without changing what the others are."""

from __future__ import annotations

import json

import pytest

from limner.events import erase, frames, segment
from limner.events.frames import Record

from .conftest import MICROS, World, track


@pytest.mark.proves("G18")
def test_events_that_stay_keep_their_ids(world: World) -> None:
    world.send(track("m1", userId="gone"), track(None, userId="stays"), track("m3", userId="stays"))
    world.load()
    sql = "SELECT id::VARCHAR AS id FROM events WHERE user_i = 1 ORDER BY id"
    before = world.rows(sql)
    position = world.loader.settle()
    traces = erase.Traces(frozenset(), frozenset({"gone"}))
    world.log.rewrite(position, lambda kept: erase.record(kept, traces), lambda table: table)
    world.rebuild()
    world.load()
    assert world.rows("SELECT id::VARCHAR AS id FROM events ORDER BY id") == before


@pytest.mark.proves("G18")
def test_a_retried_record_keeps_its_ids_in_step() -> None:
    calls = [track("a", userId="gone"), track("b", userId="stays")]
    record = Record(
        "r", 1, MICROS, frames.RETRY, n=2, note="11 22", body=json.dumps({"batch": calls}).encode()
    )
    kept = erase.record(record, erase.Traces(frozenset(), frozenset({"gone"})))
    assert kept is not None
    assert (kept.n, kept.note) == (1, "22")
    assert [call.user for call in segment.read(kept.body, "batch").calls] == ["stays"]
