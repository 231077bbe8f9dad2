"""Sources, write keys, API keys and masks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from limner.accounts import keys
from limner.accounts.model import Role, may, sees_personal
from limner.errors import ConflictError, NotFoundError
from limner.store.records import Records

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "records.sqlite")
    made.migrate()
    yield made
    made.close()


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


def test_a_removed_api_key_gives_no_role(records: Records) -> None:
    made, key = keys.add_key(records, Role.VIEWER, note="report", now=NOW)
    assert keys.role_of(records, key) is Role.VIEWER
    keys.remove_key(records, made.id)
    assert keys.role_of(records, key) is None
    with pytest.raises(NotFoundError):
        keys.remove_key(records, made.id)


def test_each_role_may_what_the_lower_may() -> None:
    assert [may(role, Role.OPERATOR) for role in Role] == [True, True, False]
    assert [sees_personal(role) for role in Role] == [True, True, False]
