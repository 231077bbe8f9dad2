"""Passwords: which are taken, how they are kept, and that an unknown login costs the same work."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from limner.accounts import passwords
from limner.errors import DamagedError, UsageError
from tests.accounts.conftest import Counted

GOOD = "cedar quartz 71 lantern"


def test_a_password_is_kept_as_argon2id_and_never_twice_the_same() -> None:
    first, second = passwords.hashed(GOOD), passwords.hashed(GOOD)
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert passwords.matches(first, GOOD)
    assert not passwords.matches(first, GOOD + " ")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("cedar 71 qu", "at least 12 characters; this one has 11"),
        ("x" * 513, "at most 512"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("ada@shop.example", "is the login"),
        ("ADA@shop.example", "is the login"),
        ("adaadaadaada2026", "is the login"),
        ("Password2026!", "first that anybody"),
        ("p@ssw0rd1234", "first that anybody"),
        ("letmeinletmein", "first that anybody"),
        ("123456789012", "first that anybody"),
        ("abcdefghijklm", "first that anybody"),
        ("mnbvcxzlkjhg", "first that anybody"),
        ("qwertyuiop[]", "first that anybody"),
        ("１２３４５６７８９０１２", "first that anybody"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        passwords.checked(password, login="ada@shop.example")
    assert (caught.value.code, caught.value.where) == ("weak_password", "password")


@pytest.mark.parametrize(
    "password", [GOOD, "正确的马电池订书钉春夏秋冬", "ada likes cedar 71", "0x7f-cedar-00!!"]
)
def test_a_long_password_of_anybodys_own_is_taken(password: str) -> None:
    assert passwords.checked(password, login="ada@shop.example")


def test_full_width_letters_are_the_same_password(hasher: Counted) -> None:
    assert passwords.matches(passwords.hashed("ｃｅｄａｒ quartz ７１ x"), "cedar quartz 71 x")


def test_nothing_kept_costs_one_hashing_and_matches_nothing(hasher: Counted) -> None:
    assert not passwords.matches("", GOOD)
    assert hasher.work == ["hash"]


def test_a_password_kept_with_other_parameters_is_outdated(hasher: Counted) -> None:
    assert passwords.outdated(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(GOOD))
    assert not passwords.outdated(hasher.hash(GOOD))


def test_a_kept_password_that_cannot_be_read_is_damage_and_no_refusal() -> None:
    with pytest.raises(DamagedError, match="cannot be read"):
        passwords.matches("$argon2id$broken", GOOD)
