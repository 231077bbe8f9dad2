"""Sources, write keys, API keys, their scopes, and masks."""

from __future__ import annotations

import pytest

from limner.accounts import keys
from limner.accounts.model import LOCAL, Caller, Role, allows, covers, may, sees_personal
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.store.records import Records
from tests.accounts.conftest import NOW, Clock


def test_a_write_key_finds_its_source_and_no_other(records: Records) -> None:
    web, key = keys.add_source(records, "web", kind="segment", now=NOW)
    keys.add_source(records, "app", kind="segment", now=NOW)
    assert keys.source_of(records, key) == web.source_i
    assert keys.source_of(records, key + "x") is None


def test_a_rotated_key_stops_the_old_one_at_once(records: Records) -> None:
    web, old = keys.add_source(records, "web", kind="segment", now=NOW)
    new = keys.rotate_source(records, "web")
    assert keys.source_of(records, old) is None
    assert keys.source_of(records, new) == web.source_i


def test_a_second_source_of_the_same_name_is_refused(records: Records) -> None:
    keys.add_source(records, "web", kind="segment", now=NOW)
    with pytest.raises(ConflictError):
        keys.add_source(records, "web", kind="segment", now=NOW)


def test_no_key_is_stored_in_clear(records: Records) -> None:
    _, write = keys.add_source(records, "web", kind="segment", now=NOW)
    _, api = keys.add_key(records, Role.ADMIN, note="", now=NOW)
    records.compact()
    content = records.path.read_bytes()
    assert write.encode() not in content
    assert api.encode() not in content


def test_a_key_names_its_caller_until_it_is_removed(records: Records) -> None:
    made, key = keys.add_key(records, Role.VIEWER, note="report", now=NOW, scopes=("people:read",), by="u1")
    assert keys.caller_of(records, key, now=NOW) == Caller(
        "key", made.id, "report", Role.VIEWER, ("people:read",)
    )
    assert keys.keys(records)[0].created_by == "u1"
    keys.remove_key(records, made.id)
    assert keys.caller_of(records, key, now=NOW) is None
    with pytest.raises(NotFoundError):
        keys.remove_key(records, made.id)


def test_a_key_without_a_note_is_named_by_its_tail(records: Records) -> None:
    made, key = keys.add_key(records, Role.VIEWER, note="", now=NOW)
    found = keys.caller_of(records, key, now=NOW)
    assert found is not None
    assert found.name == f"key …{made.tail}"


def test_when_a_key_was_last_used_is_noted_once_a_minute(records: Records, clock: Clock) -> None:
    _, key = keys.add_key(records, Role.VIEWER, note="", now=NOW)
    assert keys.keys(records)[0].last_used_at is None
    for seconds, noted in ((0, 0), (59, 0), (1, 60)):
        clock.after(seconds=seconds)
        keys.caller_of(records, key, now=clock.now)
        used = keys.keys(records)[0].last_used_at
        assert used is not None
        assert (used - NOW).total_seconds() == noted


@pytest.mark.parametrize("scope", ["people", "people:", "people:delete", "People:read", "*", "a b:read", ""])
def test_a_scope_that_is_none_is_refused(records: Records, scope: str) -> None:
    with pytest.raises(UsageError, match="is no scope"):
        keys.add_key(records, Role.VIEWER, note="", now=NOW, scopes=(scope,))


@pytest.mark.parametrize(
    ("scopes", "noun", "method", "included"),
    [
        ((), "people", "DELETE", True),
        (("people:read",), "people", "GET", True),
        (("people:read",), "people", "read", True),
        (("people:read",), "people", "POST", False),
        (("people:read",), "tags", "GET", False),
        (("people:write",), "people", "GET", True),
        (("people:write",), "people", "DELETE", True),
        (("*:read",), "tags", "GET", True),
        (("*:read",), "tags", "PUT", False),
        (("*:read", "tags:write"), "tags", "PUT", True),
        (("*:write",), "anything", "PATCH", True),
    ],
)
def test_scopes_narrow_a_key(scopes: tuple[str, ...], noun: str, method: str, included: bool) -> None:
    assert allows(Caller("key", "k", "k", Role.ADMIN, scopes), noun, method) is included


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        ((), (), True),
        ((), ("people:write",), True),
        (("people:read",), (), False),
        (("people:read",), ("people:read",), True),
        (("people:read",), ("people:write",), False),
        (("people:write",), ("people:read",), True),
        (("people:read", "tags:read"), ("*:read",), False),
        (("*:read",), ("people:read", "tags:read"), True),
        (("*:write",), ("*:read", "people:write"), True),
    ],
)
def test_scopes_cover_no_more_than_they_give(
    held: tuple[str, ...], wanted: tuple[str, ...], covered: bool
) -> None:
    assert covers(held, wanted) is covered


def test_the_command_line_may_everything() -> None:
    assert may(LOCAL.role, Role.ADMIN)
    assert allows(LOCAL, "people", "DELETE")


def test_each_role_may_what_the_lower_may() -> None:
    assert [may(role, Role.OPERATOR) for role in Role] == [True, True, False]
    assert [sees_personal(role) for role in Role] == [True, True, False]
