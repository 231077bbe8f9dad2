"""The audit: every tampering is found and named, and pages hold everything once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest

from limner.accounts import audit
from limner.accounts.model import LOCAL, Caller, Role
from limner.errors import CancelledError, UsageError
from limner.store.records import Records
from tests.accounts.conftest import NOW

ADA = Caller("user", "u1", "Ada", Role.ADMIN)


def written(records: Records, rows: int = 6) -> str:
    """The head after so many rows."""
    for number in range(rows):
        audit.append(
            records,
            at=NOW + timedelta(minutes=number),
            caller=(ADA, LOCAL)[number % 2],
            action=("person erase", "tag run", "key add")[number % 3],
            kind="change",
            subject=f"s{number}",
            detail={"rows": number, "名": ["b", "a"]},
        )
    return audit.head(records)


def tampered(records: Records, *statements: str) -> None:
    with closing(sqlite3.connect(records.path)) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


def test_an_untouched_audit_is_whole(records: Records) -> None:
    assert audit.verify(records) == {"ok": True, "rows": 0, "head": "", "first_wrong": None}
    head = written(records)
    assert audit.verify(records, head=head) == {"ok": True, "rows": 6, "head": head, "first_wrong": None}
    written(records, 2)
    assert audit.verify(records, head=head)["ok"]


@pytest.mark.parametrize(
    "column", ["at", "caller_kind", "caller_id", "caller_name", "action", "kind", "subject", "detail"]
)
def test_a_changed_column_names_its_row(records: Records, column: str) -> None:
    written(records)
    tampered(records, f"UPDATE audit SET {column} = 'x' WHERE seq = 3")
    assert audit.verify(records)["first_wrong"] == {"seq": 3, "why": "its content is not what was written"}


def _moved(one: int, other: int) -> tuple[str, ...]:
    return (
        f"UPDATE audit SET seq = -1 WHERE seq = {one}",
        f"UPDATE audit SET seq = {one} WHERE seq = {other}",
        f"UPDATE audit SET seq = {other} WHERE seq = -1",
    )


_COPY = (
    "INSERT INTO audit SELECT {seq}, at, caller_kind, caller_id, caller_name, action, kind, subject, detail,"
    " previous, hash FROM audit WHERE seq = {of}"
)


@pytest.mark.parametrize(
    ("statements", "seq", "why"),
    [
        (("DELETE FROM audit WHERE seq = 1",), 1, "missing"),
        (("DELETE FROM audit WHERE seq = 4",), 4, "missing"),
        (("DELETE FROM audit WHERE seq = 4", "UPDATE audit SET seq = seq - 1 WHERE seq > 4"), 4, "follow"),
        (_moved(2, 5), 2, "follow"),
        ((_COPY.format(seq=7, of=6),), 7, "follow"),
        ((_COPY.format(seq=-5, of=1),), -5, "missing or out of order"),
        (("UPDATE audit SET previous = hash WHERE seq = 5",), 5, "follow"),
        (("UPDATE audit SET hash = previous WHERE seq = 5",), 5, "content"),
        (("UPDATE audit SET subject = 's9', hash = 'ff' WHERE seq = 6",), 6, "content"),
    ],
)
def test_a_removed_inserted_or_moved_row_is_named(
    records: Records, statements: tuple[str, ...], seq: int, why: str
) -> None:
    written(records)
    tampered(records, *statements)
    found = audit.verify(records)
    assert found["ok"] is False
    assert found["first_wrong"]["seq"] == seq
    assert why in found["first_wrong"]["why"]


def test_rows_cut_off_at_the_end_are_found_by_a_remembered_head(records: Records) -> None:
    head = written(records)
    tampered(records, "DELETE FROM audit WHERE seq > 4")
    assert audit.verify(records)["ok"]
    assert audit.verify(records, head=head)["first_wrong"] == {
        "seq": 5,
        "why": "the last 2 remembered rows are missing",
    }
    written(records, 4)
    assert audit.verify(records)["ok"]
    assert audit.verify(records, head=head)["first_wrong"] == {
        "seq": 6,
        "why": "it is not the row that was remembered",
    }


def test_a_whole_chain_written_anew_is_found_by_a_remembered_head(records: Records) -> None:
    head = written(records)
    tampered(records, "DELETE FROM audit")
    written(records, 8)
    assert audit.verify(records)["ok"]
    tampered(records, "DELETE FROM audit")
    for _ in range(8):
        audit.append(records, at=NOW, caller=LOCAL, action="tag run", kind="change", subject="", detail={})
    assert audit.verify(records, head=head)["first_wrong"]["seq"] == 6


def test_a_long_verification_can_be_stopped(records: Records) -> None:
    with records.begin() as connection:
        for _ in range(1_000):
            audit.append(connection, at=NOW, caller=LOCAL, action="a", kind="sight", subject="", detail={})
    with pytest.raises(CancelledError):
        audit.verify(records, stopped=lambda: True)
    assert audit.verify(records)["rows"] == 1_000


@pytest.mark.parametrize("head", ["6", "x:" + "0" * 64, "6:short"])
def test_a_head_that_is_none_is_refused(records: Records, head: str) -> None:
    with pytest.raises(UsageError, match="SEQ:HASH"):
        audit.verify(records, head=head)


def test_rows_appended_at_once_are_one_chain(records: Records) -> None:
    def append() -> None:
        for _ in range(10):
            audit.append(records, at=NOW, caller=ADA, action="a", kind="change", subject="", detail={})

    threads = [threading.Thread(target=append) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(records)["rows"] == 50
    assert audit.verify(records)["ok"]


def test_a_row_appended_with_a_transaction_that_fails_is_not_there(records: Records) -> None:
    written(records, 1)

    def failing() -> None:
        with records.begin() as connection:
            audit.append(connection, at=NOW, caller=ADA, action="a", kind="change", subject="", detail={})
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        failing()
    assert audit.verify(records)["rows"] == 1


def test_pages_hold_every_row_once_newest_first_though_rows_arrive_between(records: Records) -> None:
    written(records, 7)
    seen: list[int] = []
    before = None
    while page := audit.listed(records, limit=3, before=before):
        seen += [entry.seq for entry in page]
        before = page[-1].seq
        written(records, 1)
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("conditions", "seqs"),
    [
        ({"caller": "u1"}, [5, 3, 1]),
        ({"caller": "Ada"}, [5, 3, 1]),
        ({"caller": "command line", "action": "tag run"}, [2]),
        ({"action": "key add"}, [6, 3]),
        ({"kind": "export"}, []),
        ({"subject": "s4"}, [5]),
        ({"since": NOW + timedelta(minutes=4)}, [6, 5]),
        ({"until": NOW + timedelta(minutes=2), "caller": "u1"}, [1]),
    ],
)
def test_each_condition_narrows(records: Records, conditions: dict[str, object], seqs: list[int]) -> None:
    written(records)
    narrowed: Callable[..., list[audit.Entry]] = audit.listed
    assert [entry.seq for entry in narrowed(records, limit=50, **conditions)] == seqs


def test_an_entry_is_what_was_written(records: Records) -> None:
    written(records, 1)
    (entry,) = audit.listed(records, limit=1)
    assert (entry.at, entry.caller_kind, entry.caller_id, entry.caller_name) == (NOW, "user", "u1", "Ada")
    assert (entry.action, entry.subject, entry.detail) == (
        "person erase",
        "s0",
        {"rows": 0, "名": ["b", "a"]},
    )
