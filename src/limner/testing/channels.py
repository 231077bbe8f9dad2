"""What every channel must do: run `conforms` with a rig around the real channel and a server of its kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from limner.channels.seam import Channel, Message, Outcome, Receipt, Unavailable


class Rig(Protocol):
    """A channel with a server behind it whose behaviour the suite turns; each lasts until `heal`.

    `patience`: after so many seconds the channel gives a request up; `tries`: how often it asks for one message.
    """

    channel: Channel
    patience: float
    tries: int

    def message(self, message_id: str) -> Message:
        """A message that the server would take, with Chinese text in it."""

    def received(self) -> Mapping[str, int]:
        """How often each message_id reached its recipient, as the server's book says."""

    def text_of(self, message_id: str) -> str:
        """What the recipient reads."""

    def refuse(self) -> None:
        """The server refuses the next recipient for good."""

    def busy(self) -> None:
        """The server refuses the next message for now."""

    def limit(self) -> bool:
        """The server takes no message for now: too many. The answer is whether it says until when."""

    def break_down(self) -> None:
        """The server answers that it is broken, without looking."""

    def lose_answers(self) -> None:
        """The server takes messages but nobody hears of it."""

    def drop(self) -> None:
        """The connection ends while the message is on its way; the server took nothing."""

    def hang(self) -> None:
        """The server takes the connection and never answers."""

    def drip(self) -> None:
        """The server answers, one byte at a time, without an end in sight."""

    def lock_out(self) -> None:
        """What the channel lets itself in by is wrong from now on, for a connection that is new."""

    def expire(self) -> bool:
        """What the channel was let in by is over; False where there is no such thing."""

    def vanish(self) -> None:
        """The server is not there."""

    def heal(self) -> None:
        """The server works as it should."""


def conforms(rig: Rig) -> list[str]:
    """The names of the behaviours that were checked. Raises AssertionError naming the first that fails."""
    done = []
    for name, check in CHECKS.items():
        rig.heal()
        try:
            check(rig)
        except AssertionError as error:
            raise AssertionError(f"{rig.channel.kind}: {name}: {error}") from error
        done.append(name)
    rig.channel.close()
    return done


def named(name: str) -> str:
    """A message id of the length that real ones have."""
    return name.ljust(32, "x")


def _accepts(rig: Rig) -> None:
    receipt = _send(rig, "a1")
    _check(receipt.outcome is Outcome.ACCEPTED, f"got {receipt}")
    _check(receipt.message_id == named("a1"), "the receipt names another message")
    _check(rig.received()[named("a1")] == 1, "it did not arrive once")


def _keeps_text(rig: Rig) -> None:
    _send(rig, "a2")
    _check("你好" in rig.text_of(named("a2")), "the text changed on its way")


def _many(rig: Rig) -> None:
    for number in range(20):
        receipt = _send(rig, f"m{number}")
        _check(receipt.outcome is Outcome.ACCEPTED, f"message {number}: {receipt}")
    _check(all(rig.received()[named(f"m{number}")] == 1 for number in range(20)), "not each arrived once")


def _refused(rig: Rig) -> None:
    rig.refuse()
    receipt = _send(rig, "a3")
    _check(receipt.outcome is Outcome.FAILED and bool(receipt.reason), f"got {receipt}")
    _check(named("a3") not in rig.received(), "it arrived")


def _goes_on(rig: Rig) -> None:
    rig.refuse()
    _send(rig, "a4")
    _works_again(rig, "a5", "a refusal broke the channel")


def _deferred(rig: Rig) -> None:
    rig.busy()
    receipt = _send(rig, "a6")
    _check(receipt.outcome is Outcome.DEFERRED, f"got {receipt}")
    _works_again(rig, "a6", "it is refused later too")
    _check(rig.received()[named("a6")] == 1, "it did not arrive once")


def _limited(rig: Rig) -> None:
    says_when = rig.limit()
    try:
        receipt = _send(rig, "c1")
    except Unavailable as error:
        _check(error.code != "channel_down", f"{error.code}: waiting mends it")
        _check(not says_when or error.until is not None, "it forgot until when")
    else:
        _check(receipt.outcome is Outcome.DEFERRED and not says_when, f"got {receipt}")
    _works_again(rig, "c1", "it is refused later too")
    _check(rig.received()[named("c1")] == 1, "it did not arrive once")


def _broken(rig: Rig) -> None:
    rig.break_down()
    try:
        receipt = _send(rig, "c2")
    except Unavailable:
        pass
    else:
        _check(receipt.outcome in (Outcome.DEFERRED, Outcome.IN_DOUBT), f"got {receipt}")
    _check(named("c2") not in rig.received(), "it arrived")
    _works_again(rig, "c3", "it does not come back")


def _bad_address(rig: Rig) -> None:
    bad = replace(rig.message(named("a7")), to="x\r\nBcc: other@example.com")
    receipt = rig.channel.send(bad)
    _check(receipt.outcome is Outcome.FAILED, f"got {receipt}")


def _in_doubt(rig: Rig) -> None:
    rig.lose_answers()
    receipt = _send(rig, "a8")
    _check(receipt.outcome in (Outcome.IN_DOUBT, Outcome.ACCEPTED), f"got {receipt}")
    _check(rig.received()[named("a8")] == 1, "the channel itself sent it again")
    _works_again(rig, "a9", "a lost answer broke the channel")


def _dropped(rig: Rig) -> None:
    rig.drop()
    try:
        receipt = _send(rig, "c4")
    except Unavailable:
        pass
    else:
        _check(receipt.outcome is Outcome.IN_DOUBT, f"got {receipt}")
    _check(named("c4") not in rig.received(), "it arrived")
    _works_again(rig, "c5", "a lost connection broke the channel")


def _hangs(rig: Rig) -> None:
    rig.hang()
    _ends_in_time(rig, "c6")
    _works_again(rig, "c7", "it does not come back")


def _drips(rig: Rig) -> None:
    rig.drip()
    _ends_in_time(rig, "c8")
    _works_again(rig, "c9", "it does not come back")


def _ends_in_time(rig: Rig, name: str) -> None:
    began = time.monotonic()
    try:
        receipt = _send(rig, name)
    except Unavailable:
        _check(named(name) not in rig.received(), "it says that nothing was handed over, and it arrived")
    else:
        _check(receipt.outcome is Outcome.IN_DOUBT, f"got {receipt}")
    took = time.monotonic() - began
    _check(took < rig.patience * rig.tries + 3, f"it took {took:.1f} s")
    _check(rig.received().get(named(name), 0) <= 1, "it arrived twice")


def _locked_out(rig: Rig) -> None:
    rig.channel.close()
    rig.lock_out()
    for ask in (lambda: _send(rig, "d1"), rig.channel.check):
        try:
            said = ask()
        except Unavailable as error:
            _check(error.code == "channel_down", f"{error.code}: only a person can mend it")
        else:
            raise AssertionError(f"no Unavailable: {said}")
    _works_again(rig, "d1", "it does not come back")
    _check(rig.received()[named("d1")] == 1, "it did not arrive once")


def _expired(rig: Rig) -> None:
    _send(rig, "d2")
    rig.expire()
    receipt = _send(rig, "d3")
    _check(receipt.outcome is Outcome.ACCEPTED, f"got {receipt}")
    _check(rig.received()[named("d3")] == 1, "it did not arrive once")


def _same_again(rig: Rig) -> None:
    _send(rig, "d4")
    receipt = _send(rig, "d4")
    _check(receipt.outcome is Outcome.ACCEPTED, f"got {receipt}")
    _check(rig.tries == 1 or rig.received()[named("d4")] == 1, "it asks again, and it arrived twice")


def _unavailable(rig: Rig) -> None:
    rig.vanish()
    try:
        receipt = _send(rig, "b1")
    except Unavailable as error:
        _check(error.code != "channel_down", "waiting mends it")
    else:
        raise AssertionError(f"no Unavailable: {receipt}")
    rig.heal()
    _check(named("b1") not in rig.received(), "it arrived")
    _works_again(rig, "b1", "it does not come back")


def _closes(rig: Rig) -> None:
    rig.channel.close()
    rig.channel.close()
    _works_again(rig, "b2", "closed for ever")


def _checks(rig: Rig) -> None:
    _check(bool(rig.channel.check()), "it says nothing")
    _check(not rig.received(), "it sent a message")


def _send(rig: Rig, name: str) -> Receipt:
    return rig.channel.send(rig.message(named(name)))


def _works_again(rig: Rig, name: str, otherwise: str) -> None:
    rig.heal()
    receipt = _send(rig, name)
    _check(receipt.outcome is Outcome.ACCEPTED, f"{otherwise}: {receipt}")


def _check(right: bool, otherwise: str) -> None:
    if not right:
        raise AssertionError(otherwise)


CHECKS: Mapping[str, Callable[[Rig], None]] = {
    "a question whether it works sends nothing": _checks,
    "a good message is accepted and arrives once": _accepts,
    "Chinese text arrives unchanged": _keeps_text,
    "many messages go one after another": _many,
    "a refused recipient is failed with a reason": _refused,
    "a refused recipient does not stop the next": _goes_on,
    "a busy server defers": _deferred,
    "a limit waits, as long as the server says": _limited,
    "a broken server gets nobody lost and nobody twice": _broken,
    "an address cannot smuggle a header": _bad_address,
    "a lost answer is in doubt and is not sent twice": _in_doubt,
    "a connection that ends on the way is in doubt, or nothing was handed over": _dropped,
    "a server that never answers is given up": _hangs,
    "a server that answers byte by byte is given up": _drips,
    "a missing server is Unavailable, and nothing was handed over": _unavailable,
    "wrong credentials are for a person to mend": _locked_out,
    "a token that is over is asked for anew": _expired,
    "the same message again harms nobody where it is asked again": _same_again,
    "close may be called twice and ends nothing": _closes,
}
