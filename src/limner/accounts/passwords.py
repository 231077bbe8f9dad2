"""Passwords: which are taken, and how they are kept (argon2id). Knows no user."""

from __future__ import annotations

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from limner.errors import DamagedError, UsageError

LEAST = 12
"""Shorter passwords are refused."""

MOST = 512
"""Longer ones too: they cost work and guard nothing more."""

DISTINCT = 5
"""A password of fewer different characters is refused."""

HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory: 64 MiB, 3 rounds)."""

AT_ONCE = threading.BoundedSemaphore(2)
"""So many are hashed at the same time: each takes 64 MiB."""

COMMON = (
    "password", "passwort", "passw0rd", "p@ssw0rd", "p@ssword", "motdepasse", "contrasena", "letmein",
    "welcome", "iloveyou", "woaini", "qwerty", "qwertyuiop", "qazwsx", "qazwsxedc", "1qaz2wsx", "1q2w3e4r",
    "1q2w3e4r5t", "1q2w3e4r5t6y", "asdfghjkl", "zxcvbnm", "abc", "abcdefgh", "abcdefghijkl", "admin",
    "administrator", "root", "superuser", "changeme", "secret", "default", "monkey", "dragon", "sunshine",
    "princess", "football", "baseball", "superman", "trustno", "starwars", "whatever", "correcthorsebatterystaple",
    "limner", "customer", "marketing",
)  # fmt: skip
"""What people choose first. With digits or signs around them, or said twice, they are no better."""

ROWS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_SIGNS = "0123456789 !@#$%^&*()-_=+[]{};:'\",.<>/?\\|`~！。，"


def folded(password: str) -> str:
    """The password as it is hashed: what looks alike is written alike, whatever the keyboard."""
    return unicodedata.normalize("NFKC", password)


def checked(password: str, *, login: str) -> str:
    """The password, folded. Raises UsageError with the reason when it is not taken for this login."""
    given = folded(password)
    if len(given) < LEAST:
        raise _refused(f"a password has at least {LEAST} characters; this one has {len(given)}")
    if len(given) > MOST:
        raise _refused(f"a password has at most {MOST} characters")
    lowered = given.casefold()
    if len(set(lowered)) < DISTINCT:
        raise _refused(f"a password has at least {DISTINCT} different characters")
    if _names(lowered, login):
        raise _refused("the password is the login")
    if _common(lowered):
        raise _refused("this password is among the first that anybody would try")
    return given


def _refused(message: str) -> UsageError:
    return UsageError(
        message, where="password", code="weak_password", hint="several words that belong to nothing else"
    )


def _names(lowered: str, login: str) -> bool:
    """Whether the password is the login, or its part before the @, with nothing but digits and signs around."""
    whole = folded(login).casefold()
    bare = {lowered, lowered.strip(_SIGNS)}
    return any(
        name and (name in bare or _repeats(lowered, name)) for name in (whole, whole.partition("@")[0])
    )


def _common(lowered: str) -> bool:
    stem = lowered.strip(_SIGNS)
    if any(word in (lowered, stem) or _repeats(lowered, word) for word in COMMON):
        return True
    twice = [row * 2 for row in ROWS]
    return any(lowered in row or lowered[::-1] in row for row in twice)


def _repeats(text: str, word: str) -> bool:
    return len(word) > 2 and word in text and not text.replace(word, "").strip(_SIGNS)


def hashed(password: str) -> str:
    """How a password is kept: argon2id with its own salt and parameters."""
    with AT_ONCE:
        return HASHER.hash(folded(password))


def matches(kept: str, password: str) -> bool:
    """Whether the password is the kept one.

    When nothing is kept (an unknown login) it is hashed all the same, so that the answer takes as long.
    """
    given = folded(password)[: MOST + 1]
    if not kept:
        hashed(given)
        return False
    try:
        with AT_ONCE:
            return HASHER.verify(kept, given)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        raise DamagedError("a kept password cannot be read", hint="limner user reset LOGIN") from error


def outdated(kept: str) -> bool:
    """Whether it was kept with other parameters than today's."""
    return HASHER.check_needs_rehash(kept)
