"""What every channel must do: run `conforms` with a rig around the real channel and a server of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from limner.channels.seam import Channel, Message, Outcome, Unavailable


class Rig(Protocol):
    """A channel with a server behind it whose behaviour the suite turns."""

    channel: Channel

    def message(self, message_id: str) -> Message:
        """A message that the server would take, with Chinese text in it."""

    def received(self) -> Mapping[str, int]:
        """How often each message_id reached its recipient."""

    def text_of(self, message_id: str) -> str:
        """What the recipient reads."""

    def refuse(self) -> None:
        """The server refuses the next recipient for good."""

    def busy(self) -> None:
        """The server refuses the next message for now."""

    def lose_answers(self) -> None:
        """The server takes messages but nobody hears of it, until `heal`."""

    def vanish(self) -> None:
        """The server is not there, until `heal`."""

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


def _accepts(rig: Rig) -> None:
    receipt = rig.channel.send(rig.message("a1"))
    _check(receipt.outcome is Outcome.ACCEPTED, f"got {receipt}")
    _check(receipt.message_id == "a1", "the receipt names another message")
    _check(rig.received()["a1"] == 1, "it did not arrive once")


def _keeps_text(rig: Rig) -> None:
    rig.channel.send(rig.message("a2"))
    _check("你好" in rig.text_of("a2"), "the text changed on its way")


def _many(rig: Rig) -> None:
    for number in range(20):
        receipt = rig.channel.send(rig.message(f"m{number}"))
        _check(receipt.outcome is Outcome.ACCEPTED, f"message {number}: {receipt}")
    _check(all(rig.received()[f"m{number}"] == 1 for number in range(20)), "not each arrived once")


def _refused(rig: Rig) -> None:
    rig.refuse()
    receipt = rig.channel.send(rig.message("a3"))
    _check(receipt.outcome is Outcome.FAILED and bool(receipt.reason), f"got {receipt}")
    _check("a3" not in rig.received(), "it arrived")


def _goes_on(rig: Rig) -> None:
    rig.refuse()
    rig.channel.send(rig.message("a4"))
    rig.heal()
    _check(rig.channel.send(rig.message("a5")).outcome is Outcome.ACCEPTED, "a refusal broke the channel")


def _deferred(rig: Rig) -> None:
    rig.busy()
    receipt = rig.channel.send(rig.message("a6"))
    _check(receipt.outcome is Outcome.DEFERRED, f"got {receipt}")
    rig.heal()
    _check(rig.channel.send(rig.message("a6")).outcome is Outcome.ACCEPTED, "it is refused later too")
    _check(rig.received()["a6"] == 1, "it did not arrive once")


def _bad_address(rig: Rig) -> None:
    bad = replace(rig.message("a7"), to="x\r\nBcc: other@example.com")
    receipt = rig.channel.send(bad)
    _check(receipt.outcome is Outcome.FAILED, f"got {receipt}")


def _in_doubt(rig: Rig) -> None:
    rig.lose_answers()
    receipt = rig.channel.send(rig.message("a8"))
    _check(receipt.outcome in (Outcome.IN_DOUBT, Outcome.ACCEPTED), f"got {receipt}")
    _check(rig.received()["a8"] == 1, "the channel itself sent it again")
    rig.heal()
    _check(rig.channel.send(rig.message("a9")).outcome is Outcome.ACCEPTED, "a lost answer broke the channel")


def _unavailable(rig: Rig) -> None:
    rig.vanish()
    try:
        receipt = rig.channel.send(rig.message("b1"))
    except Unavailable:
        pass
    else:
        raise AssertionError(f"no Unavailable: {receipt}")
    rig.heal()
    _check("b1" not in rig.received(), "it arrived")
    _check(rig.channel.send(rig.message("b1")).outcome is Outcome.ACCEPTED, "it does not come back")


def _closes(rig: Rig) -> None:
    rig.channel.close()
    rig.channel.close()
    _check(rig.channel.send(rig.message("b2")).outcome is Outcome.ACCEPTED, "closed for ever")


def _check(right: bool, otherwise: str) -> None:
    if not right:
        raise AssertionError(otherwise)


CHECKS: Mapping[str, Callable[[Rig], None]] = {
    "a good message is accepted and arrives once": _accepts,
    "Chinese text arrives unchanged": _keeps_text,
    "many messages go one after another": _many,
    "a refused recipient is failed with a reason": _refused,
    "a refused recipient does not stop the next": _goes_on,
    "a busy server defers": _deferred,
    "an address cannot smuggle a header": _bad_address,
    "a lost answer is in doubt and is not sent twice": _in_doubt,
    "a missing server is Unavailable, and nothing was handed over": _unavailable,
    "close may be called twice and ends nothing": _closes,
}
