"""When a send does harm: too many of its people leave or complain, or it surely loses conversions. Pure."""

from __future__ import annotations

from collections.abc import Callable

from limner.campaigns.rules import Harm
from limner.feedback.effects import ENOUGH, Arm, newcombe, wilson


def judge(bounds: Harm) -> Callable[[int, int, int], str] | None:
    """Why a send must stop, by how many it was sent to and how many unsubscribed and complained; None: not asked."""
    if bounds.unsubscribed is None and bounds.complained is None:
        return None
    return lambda sent, unsubscribed, complained: (
        _too_many("unsubscribed", unsubscribed, sent, bounds.unsubscribed, bounds.least)
        or _too_many("complained", complained, sent, bounds.complained, bounds.least)
    )


def _too_many(what: str, people: int, sent: int, most: float | None, least: int) -> str:
    """Why the share is surely above its bound: the lower end of its interval is; '' when it is not, or nobody knows."""
    if most is None or sent < least or not people:
        return ""
    low = wilson(min(people, sent), sent).low
    if low <= most:
        return ""
    return f"harm: {people} of {sent} {what}, surely more than {low:.2%}; at most {most:.2%} is allowed"


def loses(treated: Arm, held_out: Arm, bounds: Harm) -> str:
    """Why the effect on conversions is surely below its bound: the upper end of its interval is; '' when it may not be.

    Below `ENOUGH` conversions among the held out, or `least` people in an arm, nothing is judged; none among the
    treated says a lot.
    """
    if bounds.effect is None or held_out.k < ENOUGH or min(treated.n, held_out.n) < bounds.least:
        return ""
    made = newcombe(treated.k, treated.n, held_out.k, held_out.n)
    if made.high >= bounds.effect:
        return ""
    return (
        f"harm: {treated.k} of {treated.n} treated converted, {held_out.k} of {held_out.n} held out: it changes"
        f" conversions by {made.value:+.2%}, surely less than {made.high:+.2%}; the bound is {bounds.effect:+.2%}"
    )
