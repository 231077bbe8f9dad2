"""One permission is one message: used up by the claim, given back only where nothing was handed over."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.consents.model import SERVICE, address_hash
from limner.consents.permissions import NONE_LEFT, Permission, give, left
from limner.store.records import Records
from limner.touches import entries
from limner.touches.letter import Source
from limner.touches.outbox import Pace
from tests.touches.sending import (
    NOW,
    SECRET,
    SPRING,
    Box,
    address,
    audience,
    begin,
    composer,
    open_records,
    run,
)

NOTICE = replace(SPRING, channel="miniprogram", message_class=SERVICE, template="t.yml", subject="")
TEXTS = {"": Source(template_id="T1", url="pages/index", data={"thing1": "{{ person.name }}"})}


class Mini(Box):
    """A mini-program that keeps messages."""

    kind = "miniprogram"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = open_records(tmp_path / "records.db")
    yield opened
    opened.close()


def _hash(number: int) -> str:
    return address_hash(SECRET, "miniprogram", address(number))


def _permit(records: Records, *numbers: int, n: int = 1, proof: str = "p", template: str = "T1") -> int:
    given = [Permission("miniprogram", _hash(one), template, f"{proof}{one}", n) for one in numbers]
    return give(records, given, now=NOW)


def _left(records: Records, number: int) -> int:
    return left(records, "miniprogram", _hash(number)).get("T1", 0)


def _send(records: Records, box: Mini, name: str, **more: object) -> None:
    campaign = replace(NOTICE, name=name)
    run(records, box, campaign=campaign, composer=composer(campaign, TEXTS), **more)  # type: ignore[arg-type]


@pytest.mark.proves("H12")
@pytest.mark.proves("G13")
def test_who_gave_a_permission_gets_one_message_for_it_and_the_others_are_told_why(records: Records) -> None:
    assert _permit(records, 0, 1) == 2
    assert _permit(records, 0, 1) == 0, "the same proof counts once"
    _permit(records, 2, template="T2")
    box = Mini()
    for name in ("first", "second"):
        begin(records, audience(4), campaign=replace(NOTICE, name=name))
        _send(records, box, name)
    assert sorted(box.addresses) == [address(0), address(1)]
    assert entries.counts(records, "first", "e1").suppressed == {NONE_LEFT: 2}
    assert entries.counts(records, "second", "e1").suppressed == {NONE_LEFT: 4}
    assert entries.counts(records, "second", "e1").exact
    assert left(records, "miniprogram", _hash(2)) == {"T2": 1}


@pytest.mark.proves("H12")
def test_a_permission_comes_back_only_where_nothing_was_handed_over(records: Records) -> None:
    _permit(records, 0, 1, 2, 3)
    begin(records, audience(4), campaign=replace(NOTICE, name="a"))
    box = Mini()
    came: Counter[str] = Counter()

    def answer(message: Message) -> Receipt:
        came[message.to] += 1
        match message.to:
            case one if one == address(0) and came[one] == 1:
                return Receipt(message.message_id, Outcome.DEFERRED, "busy")
            case one if one == address(1):
                return Receipt(message.message_id, Outcome.IN_DOUBT, "silence")
            case one if one == address(2):
                raise Unavailable("gone")
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = answer
    _send(records, box, "a")
    assert [_left(records, one) for one in range(4)] == [1, 0, 1, 1]
    box.answer = Mini().answer
    _send(records, box, "a", now=NOW + timedelta(hours=1))
    assert [_left(records, one) for one in range(4)] == [0, 0, 0, 0]
    counted = entries.counts(records, "a", "e1")
    assert (counted.sent, counted.in_doubt, counted.suppressed) == (3, 1, {})


@pytest.mark.proves("H12")
def test_no_permission_is_used_twice_when_many_campaigns_send_at_once(records: Records) -> None:
    _permit(records, *range(30), n=2)
    boxes = []
    threads = []
    for number in range(6):
        name = f"c{number}"
        begin(records, audience(30), campaign=replace(NOTICE, name=name))
        boxes.append(Mini())
        threads.append(
            threading.Thread(target=_send, args=(records, boxes[-1], name), kwargs={"pace": Pace(claim=7)})
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    received = Counter(to for box in boxes for to in box.addresses)
    assert received == {address(one): 2 for one in range(30)}
    assert {_left(records, one) for one in range(30)} == {0}
