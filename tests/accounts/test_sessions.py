"""Sessions: their token, their two ends, and the CSRF word."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from limner.accounts import sessions, users
from limner.accounts.model import Role, User
from limner.errors import NotFoundError
from limner.store.records import Records
from tests.accounts.conftest import NOW, Clock


@pytest.fixture
def ada(records: Records) -> User:
    return users.add(records, "ada", role=Role.OPERATOR, now=NOW)[0]


def begun(records: Records, user: User, clock: Clock) -> tuple[sessions.Session, str]:
    return sessions.begin(records, user.id, address="10.0.0.1", agent="Firefox " + "x" * 500, now=clock.now)


def test_a_token_finds_its_session_and_no_other_does(records: Records, ada: User, clock: Clock) -> None:
    session, token = begun(records, ada, clock)
    found = sessions.find(records, token, now=clock.now)
    assert found == session
    assert (found.caller.kind, found.caller.id, found.caller.role) == ("user", ada.id, Role.OPERATOR)
    assert found.caller.session == session.id
    assert len(found.agent) == 200
    for wrong in ("", token + "x", token[:-1], session.id):
        assert sessions.find(records, wrong, now=clock.now) is None


def test_each_token_is_new_has_256_bits_and_is_stored_only_as_a_hash(
    records: Records, ada: User, clock: Clock
) -> None:
    tokens = [begun(records, ada, clock)[1] for _ in range(5)]
    assert len(set(tokens)) == 5
    assert all(len(token.removeprefix("ls_")) == 43 for token in tokens)
    records.compact()
    content = records.path.read_bytes()
    assert not any(token.encode() in content for token in tokens)


def test_a_session_ends_after_12_idle_hours(records: Records, ada: User, clock: Clock) -> None:
    _, token = begun(records, ada, clock)
    for _ in range(3):
        assert sessions.find(records, token, now=clock.after(hours=11.9)) is not None
    assert sessions.find(records, token, now=clock.after(hours=12)) is None
    assert sessions.listed(records, ada.id, now=clock.now) == []


def test_a_session_ends_after_7_days_however_busy(records: Records, ada: User, clock: Clock) -> None:
    _, token = begun(records, ada, clock)
    for _ in range(7 * 24 - 1):
        assert sessions.find(records, token, now=clock.after(hours=1)) is not None
    assert sessions.find(records, token, now=clock.after(hours=1)) is None


def test_use_is_written_at_most_once_a_minute(records: Records, ada: User, clock: Clock) -> None:
    _, token = begun(records, ada, clock)
    written: list[str] = []
    event.listen(
        records._engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: written.append(statement) if "UPDATE" in statement else None,
    )
    for _ in range(6):
        sessions.find(records, token, now=clock.after(seconds=9.9))
    assert written == []
    sessions.find(records, token, now=clock.after(seconds=1))
    assert len(written) == 2
    assert users.find(records, ada.id).seen_at == clock.now


def test_an_ended_session_is_over_and_only_its_user_ends_it(
    records: Records, ada: User, clock: Clock
) -> None:
    session, token = begun(records, ada, clock)
    with pytest.raises(NotFoundError):
        sessions.end(records, session.id, user_id="somebody else")
    assert sessions.find(records, token, now=clock.now) is not None
    sessions.end(records, session.id, user_id=ada.id)
    assert sessions.find(records, token, now=clock.now) is None
    with pytest.raises(NotFoundError):
        sessions.end(records, session.id)


def test_all_sessions_of_a_user_end_but_the_one_named(records: Records, ada: User, clock: Clock) -> None:
    bo = users.add(records, "bo", role=Role.VIEWER, now=NOW)[0]
    kept, _ = begun(records, ada, clock)
    begun(records, ada, clock)
    begun(records, bo, clock)
    assert sessions.end_all(records, ada.id, but=kept.id) == 1
    assert [s.id for s in sessions.listed(records, ada.id, now=clock.now)] == [kept.id]
    assert len(sessions.listed(records, bo.id, now=clock.now)) == 1


def test_sessions_that_are_over_are_dropped_when_another_begins(
    records: Records, ada: User, clock: Clock
) -> None:
    begun(records, ada, clock)
    clock.after(hours=13)
    begun(records, ada, clock)
    with records.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM sessions")).scalar() == 1


def test_the_csrf_word_belongs_to_one_session_and_does_not_show_its_token(
    records: Records, ada: User, clock: Clock
) -> None:
    first, token = begun(records, ada, clock)
    second, _ = begun(records, ada, clock)
    assert sessions.csrf_matches(token, first.csrf)
    assert not any(sessions.csrf_matches(token, wrong) for wrong in ("", second.csrf, token, first.id, "é"))
    assert first.csrf not in repr(first)
    assert token not in first.csrf
    assert all(s.csrf == "" for s in sessions.listed(records, ada.id, now=clock.now))
