"""What becomes of people in a journey when its text changes while they are in it. Pure.

A step is its name. Who stands at a step that the new text has goes on there; where its waiting changed, the new length
counts from when they came, but nobody is due before the change. Who stands at a step that became another kind of step
comes to it anew. Who stands at a step that is gone goes where `moved` says, else they leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from limner.campaigns.journey import END, Journey, Step, Until, Wait, WaitFor

STAYS: Final = "stays"
WAITS: Final = "waits"
MOVES: Final = "moves"
LEAVES: Final = "leaves"
Kind = Literal["stays", "waits", "moves", "leaves"]


@dataclass(frozen=True)
class Fate:
    """What becomes of those who stand at a step. `to`: where they stand then; `reason`: why they leave.

    stays: as they were; waits: there, until another moment; moves: they come to `to` as of the change; leaves.
    """

    step: str
    kind: Kind
    to: str
    reason: str = ""


def fates(old: Journey, new: Journey) -> dict[str, Fate]:
    """By step of the old text, what the new one means for those who stand there."""
    return {name: _fate(name, step, new) for name, step in old.steps.items()}


def _fate(name: str, step: Step, new: Journey) -> Fate:
    there = new.steps.get(name)
    if there is None:
        to = new.moved.get(name, "")
        if to == END:
            return Fate(name, LEAVES, END, END)
        return Fate(name, MOVES, to) if to else Fate(name, LEAVES, END, f"the step {name} is gone")
    if type(there) is not type(step):
        return Fate(name, MOVES, name)
    return Fate(name, STAYS if _timing(there) == _timing(step) else WAITS, name)


def _timing(step: Step) -> object:
    """What decides how long one stands at the step."""
    match step:
        case Wait(length=length) | WaitFor(at_most=length):
            return length
        case Until(at=at, days=days):
            return at, days
        case _:
            return None


@dataclass(frozen=True)
class Edit:
    """What differs between two texts of a journey, by the names of steps; `other`: the keys besides steps."""

    added: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    other: tuple[str, ...]


_KEYS: Mapping[str, str] = {
    "start": "start", "only": "only", "again": "again", "leaves": "leave", "goal": "goal", "holdout": "holdout",
    "play": "play", "hold": "hold",
}  # fmt: skip


def edit(old: Journey, new: Journey) -> Edit:
    """What differs between the texts. The way to the step that follows in the file is a change of the step."""
    both = [name for name in new.steps if name in old.steps]
    return Edit(
        tuple(name for name in new.steps if name not in old.steps),
        tuple(name for name in old.steps if name not in new.steps),
        tuple(name for name in both if old.steps[name] != new.steps[name]),
        tuple(said for field, said in _KEYS.items() if getattr(old, field) != getattr(new, field)),
    )
