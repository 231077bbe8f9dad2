"""The throttle of sign-ins: free tries, the delay that doubles, accounts and addresses apart."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from limner.accounts import throttle
from limner.store.records import Records
from tests.accounts.conftest import Clock

ADA = throttle.account("ada")
HERE = throttle.address("10.0.0.1")


def fails(records: Records, clock: Clock, *subjects: throttle.Subject, times: int) -> None:
    for _ in range(times):
        throttle.admit(records, subjects, now=clock.now)


def wait(records: Records, clock: Clock, *subjects: throttle.Subject) -> int:
    """The seconds that the next attempt is told to wait; 0 when it is let in."""
    try:
        throttle.succeeded(records, throttle.admit(records, subjects, now=clock.now))
    except throttle.TooManyAttemptsError as error:
        return error.retry_after
    return 0


def test_five_failures_are_free_and_the_delay_doubles_from_there(records: Records, clock: Clock) -> None:
    fails(records, clock, ADA, times=5)
    waits = []
    for _ in range(5):
        waits.append(wait(records, clock, ADA))
        clock.after(seconds=waits[-1])
        fails(records, clock, ADA, times=1)
    assert waits == [2, 4, 8, 16, 32]
    assert [throttle.delay(n) for n in (0, 4, 5, 13, 14, 15, 1_000_000)] == [0, 0, 2, 512, 900, 900, 900]


def test_the_refusal_says_429_and_how_long(records: Records, clock: Clock) -> None:
    fails(records, clock, ADA, times=5)
    clock.after(seconds=0.5)
    with pytest.raises(throttle.TooManyAttemptsError, match="in 2 seconds") as caught:
        throttle.admit(records, (ADA,), now=clock.now)
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "too_many_attempts", 2)


def test_a_refused_attempt_does_not_lengthen_the_delay(records: Records, clock: Clock) -> None:
    fails(records, clock, ADA, times=5)
    assert {wait(records, clock, ADA) for _ in range(20)} == {2}
    clock.after(seconds=2)
    assert wait(records, clock, ADA) == 0


def test_an_account_is_throttled_from_every_address_and_an_address_for_every_account(
    records: Records, clock: Clock
) -> None:
    for number in range(5):
        fails(records, clock, ADA, throttle.address(f"10.0.1.{number}"), times=1)
    assert wait(records, clock, ADA, throttle.address("10.0.2.1")) == 2
    for number in range(5):
        fails(records, clock, throttle.account(f"u{number}"), HERE, times=1)
    assert wait(records, clock, throttle.account("new"), HERE) == 2
    assert wait(records, clock, throttle.account("new"), throttle.address("10.0.2.1")) == 0


def test_success_forgets_the_accounts_failures_but_not_the_addresses(records: Records, clock: Clock) -> None:
    fails(records, clock, ADA, HERE, times=4)
    admitted = throttle.admit(records, (ADA, HERE), now=clock.now)
    throttle.succeeded(records, admitted, forget=ADA)
    fails(records, clock, ADA, times=4)
    assert wait(records, clock, ADA) == 0
    fails(records, clock, HERE, times=1)
    assert wait(records, clock, HERE) == 2


def test_failures_are_forgotten_and_dropped_after_a_quarter_of_an_hour(
    records: Records, clock: Clock
) -> None:
    fails(records, clock, ADA, times=5)
    assert wait(records, clock, ADA) == 2
    clock.after(minutes=15)
    assert wait(records, clock, ADA) == 0
    with records.read() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM attempts")).scalar() == 0


def test_many_at_once_are_no_way_around(records: Records, clock: Clock) -> None:
    begin = threading.Barrier(12)
    admitted: list[int] = []

    def attempt() -> None:
        begin.wait()
        if wait_or_fail():
            admitted.append(1)

    def wait_or_fail() -> bool:
        try:
            return bool(throttle.admit(records, (ADA,), now=clock.now))
        except throttle.TooManyAttemptsError:
            return False

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 5


def test_an_ipv6_household_is_one_address_and_a_mapped_ipv4_is_itself() -> None:
    assert throttle.address("2001:db8:1:2::1") == throttle.address("2001:db8:1:2:ffff::9")
    assert throttle.address("2001:db8:1:2::1") != throttle.address("2001:db8:1:3::1")
    assert throttle.address("::ffff:10.0.0.1") == HERE
    assert throttle.address("testclient") != throttle.links("testclient")


def test_neither_login_nor_address_is_stored_in_clear(records: Records, clock: Clock) -> None:
    fails(
        records,
        clock,
        throttle.account("a password in the wrong box"),
        throttle.address("203.0.113.77"),
        times=1,
    )
    records.compact()
    content = records.path.read_bytes()
    assert b"wrong box" not in content
    assert b"203.0.113.77" not in content
