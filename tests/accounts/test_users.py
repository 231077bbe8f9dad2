"""Users: the first admin, one-time links, the last admin, and that nobody learns who exists."""

from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from limner.accounts import passwords, sessions, users
from limner.accounts.model import Role, User
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError
from limner.store.records import Records
from tests.accounts.conftest import NOW, Clock, Counted

GOOD = "cedar quartz 71 lantern"
OTHER = "harbour tulip 44 violin"

pytestmark = pytest.mark.usefixtures("hasher")


def made(records: Records, login: str, role: Role = Role.VIEWER, password: str = GOOD) -> User:
    """A user who can sign in."""
    _, link = users.add(records, login, role=role, now=NOW)
    return users.redeem(records, link, password=password, now=NOW)


def session(records: Records, user: User) -> str:
    return sessions.begin(records, user.id, address="", agent="", now=NOW)[1]


def alive(records: Records, token: str) -> bool:
    return sessions.find(records, token, now=NOW) is not None


def test_the_first_link_makes_an_admin_and_there_is_none_after(records: Records) -> None:
    link = users.first_link(records, now=NOW)
    assert link is not None
    assert users.link(records, link, now=NOW).purpose == "first"
    user = users.redeem(records, link, login="Ada@Shop.Example", name="Ada", password=GOOD, now=NOW)
    assert (user.login, user.name, user.role, user.enabled) == ("ada@shop.example", "Ada", Role.ADMIN, True)
    assert users.first_link(records, now=NOW) is None


def test_a_new_first_link_replaces_the_old(records: Records) -> None:
    old, new = users.first_link(records, now=NOW), users.first_link(records, now=NOW)
    with pytest.raises(NotFoundError):
        users.link(records, str(old), now=NOW)
    assert users.link(records, str(new), now=NOW).user is None


def test_the_first_link_ends_as_soon_as_there_is_a_user(records: Records) -> None:
    link = str(users.first_link(records, now=NOW))
    users.add(records, "ada", role=Role.ADMIN, now=NOW)
    with pytest.raises(NotFoundError):
        users.redeem(records, link, login="eve", password=GOOD, now=NOW)


def test_a_link_sets_the_password_once(records: Records) -> None:
    _, link = users.add(records, "ada", role=Role.VIEWER, now=NOW)
    assert users.authenticated(records, "ada", GOOD) is None
    users.redeem(records, link, password=GOOD, now=NOW)
    with pytest.raises(NotFoundError, match="used"):
        users.redeem(records, link, password=OTHER, now=NOW)
    assert users.authenticated(records, "ada", GOOD) is not None
    assert users.authenticated(records, "ada", OTHER) is None


def test_of_many_at_once_one_uses_the_link(records: Records) -> None:
    link = str(users.first_link(records, now=NOW))
    ended: list[str] = []
    begin = threading.Barrier(6)

    def use(number: int) -> None:
        begin.wait()
        try:
            ended.append(users.redeem(records, link, login=f"u{number}", password=GOOD, now=NOW).login)
        except NotFoundError:
            ended.append("refused")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended.count("refused") == 5
    assert len(users.listed(records)) == 1


def test_a_link_ends_after_72_hours(records: Records, clock: Clock) -> None:
    _, link = users.add(records, "ada", role=Role.VIEWER, now=clock.now)
    assert users.link(records, link, now=clock.after(hours=71.9)).purpose == "invite"
    with pytest.raises(NotFoundError):
        users.link(records, link, now=clock.after(hours=0.1))


def test_a_weak_password_does_not_use_the_link_up(records: Records) -> None:
    _, link = users.add(records, "ada", role=Role.VIEWER, now=NOW)
    with pytest.raises(UsageError, match="12 characters"):
        users.redeem(records, link, password="short", now=NOW)
    assert users.redeem(records, link, password=GOOD, now=NOW).has_password


def test_a_reset_keeps_the_old_password_until_the_link_is_used_then_ends_every_session(
    records: Records,
) -> None:
    ada = made(records, "ada")
    token = session(records, ada)
    _, first = users.reset(records, "ada", now=NOW)
    _, link = users.reset(records, "ada", now=NOW)
    with pytest.raises(NotFoundError):
        users.link(records, first, now=NOW)
    assert users.link(records, link, now=NOW).purpose == "reset"
    assert users.authenticated(records, "ada", GOOD) is not None
    assert alive(records, token)
    users.redeem(records, link, password=OTHER, now=NOW)
    assert users.authenticated(records, "ada", GOOD) is None
    assert not alive(records, token)


def test_no_link_and_no_password_is_stored_in_clear(records: Records) -> None:
    _, link = users.add(records, "ada", role=Role.VIEWER, now=NOW)
    _, other = users.add(records, "bo", role=Role.VIEWER, now=NOW)
    users.redeem(records, link, password=GOOD, now=NOW)
    records.compact()
    content = records.path.read_bytes()
    for secret in (link, other, GOOD):
        assert secret.encode() not in content


def test_logins_differ_by_more_than_case_and_width(records: Records) -> None:
    users.add(records, "Ada@Shop.Example", role=Role.VIEWER, now=NOW)
    with pytest.raises(ConflictError, match="already a user"):
        users.add(records, "ａda@shop.EXAMPLE ", role=Role.VIEWER, now=NOW)
    assert users.find(records, "ADA@shop.example").name == "ada"


@pytest.mark.parametrize("login", ["", "  ", "a b", "a\u0000b", "a\nb", "x" * 201])
def test_a_login_that_nobody_could_type_is_refused(records: Records, login: str) -> None:
    with pytest.raises(UsageError, match="a login is"):
        users.add(records, login, role=Role.VIEWER, now=NOW)


def test_a_disabled_user_loses_sessions_links_and_sign_in_at_once(records: Records) -> None:
    ada = made(records, "ada")
    token = session(records, ada)
    _, link = users.reset(records, "ada", now=NOW)
    users.disable(records, "ada")
    assert not alive(records, token)
    assert users.authenticated(records, "ada", GOOD) is None
    with pytest.raises(NotFoundError):
        users.link(records, link, now=NOW)
    with pytest.raises(ConflictError, match="disabled"):
        users.reset(records, "ada", now=NOW)
    users.enable(records, "ada")
    assert users.authenticated(records, "ada", GOOD) is not None
    assert not alive(records, token)


def test_the_last_admin_can_be_neither_disabled_nor_demoted(records: Records) -> None:
    made(records, "ada", Role.ADMIN)
    made(records, "bo", Role.OPERATOR)
    for refused in (
        lambda: users.disable(records, "ada"),
        lambda: users.change(records, "ada", role=Role.VIEWER),
    ):
        with pytest.raises(ConflictError, match="last admin") as caught:
            refused()
        assert caught.value.code == "last_admin"
    assert users.find(records, "ada").role is Role.ADMIN
    users.change(records, "bo", role=Role.ADMIN)
    assert users.disable(records, "ada").enabled is False
    with pytest.raises(ConflictError):
        users.change(records, "bo", role=Role.OPERATOR)


def test_an_admin_who_was_only_invited_does_not_count_as_another(records: Records) -> None:
    made(records, "ada", Role.ADMIN)
    users.add(records, "bo", role=Role.ADMIN, now=NOW)
    with pytest.raises(ConflictError):
        users.disable(records, "ada")
    assert users.remove(records, "bo").login == "bo"


def test_two_admins_demoted_at_once_leave_one(records: Records) -> None:
    made(records, "ada", Role.ADMIN)
    made(records, "bo", Role.ADMIN)
    begin = threading.Barrier(2)
    failed: list[LimnerError] = []

    def demote(login: str) -> None:
        begin.wait()
        try:
            users.change(records, login, role=Role.VIEWER)
        except ConflictError as error:
            failed.append(error)

    threads = [threading.Thread(target=demote, args=(login,)) for login in ("ada", "bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 1
    assert [user.role for user in users.listed(records)].count(Role.ADMIN) == 1


def test_only_who_never_set_a_password_can_be_removed(records: Records) -> None:
    made(records, "ada")
    users.add(records, "typo", role=Role.VIEWER, now=NOW)
    users.remove(records, "typo")
    with pytest.raises(ConflictError, match="signed in before"):
        users.remove(records, "ada")
    assert [user.login for user in users.listed(records)] == ["ada"]


def test_another_role_ends_the_sessions_but_the_one_named_and_another_name_ends_none(
    records: Records,
) -> None:
    made(records, "bo", Role.ADMIN)
    ada = made(records, "ada", Role.ADMIN)
    token, own = session(records, ada), sessions.begin(records, ada.id, address="", agent="", now=NOW)
    users.change(records, "ada", name="Ada Lovelace", language="zh")
    assert alive(records, token)
    users.change(records, "ada", role=Role.VIEWER, but=own[0].id)
    assert not alive(records, token)
    found = sessions.find(records, own[1], now=NOW)
    assert found is not None
    assert (found.caller.role, found.caller.name) == (Role.VIEWER, "Ada Lovelace")


def test_a_new_password_ends_the_other_sessions_and_open_links(records: Records) -> None:
    ada = made(records, "ada")
    own, token = sessions.begin(records, ada.id, address="", agent="", now=NOW)
    other = session(records, ada)
    _, link = users.reset(records, "ada", now=NOW)
    assert users.set_password(records, ada.id, OTHER, now=NOW, but=own.id) == 1
    assert (alive(records, token), alive(records, other)) == (True, False)
    with pytest.raises(NotFoundError):
        users.link(records, link, now=NOW)
    assert users.authenticated(records, "ada", OTHER) is not None


@pytest.mark.parametrize("who", ["ada", "nobody", "invited", "disabled", "a b", ""])
def test_every_refusal_costs_one_piece_of_the_same_work(records: Records, hasher: Counted, who: str) -> None:
    made(records, "ada")
    users.add(records, "invited", role=Role.VIEWER, now=NOW)
    made(records, "disabled")
    users.disable(records, "disabled")
    hasher.work.clear()
    assert users.authenticated(records, who, OTHER if who == "ada" else GOOD) is None
    assert len(hasher.work) == 1


def test_a_sign_in_keeps_the_password_anew_when_the_parameters_changed(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(records, "ada")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", stronger)
    assert users.authenticated(records, "ada", OTHER) is None
    assert users.authenticated(records, "ada", GOOD) is not None
    with records.read() as connection:
        kept = connection.execute(text("SELECT password_hash FROM users")).scalar_one()
    assert "t=2" in kept
    assert users.authenticated(records, "ada", GOOD) is not None


def test_an_unknown_user_is_named_with_a_hint(records: Records) -> None:
    with pytest.raises(NotFoundError, match="no user 'nobody'"):
        users.disable(records, "nobody")
