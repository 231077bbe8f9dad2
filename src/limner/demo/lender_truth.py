"""What was found and chosen against the truth that only the demo knows. Everything is columns; nothing is asked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from limner.demo.lender import Lender, chances
from limner.demo.lender_inbox import EMAIL, Got
from limner.types import Json

TEN = 10
"""The hour at which one mail for everybody would go."""


def finding(made: Lender, found: np.ndarray) -> Json:
    """How many of those who were found have a car, against as many drawn by chance."""
    right = made.owner[found]
    chance = float(made.owner.mean())
    precision = float(right.mean()) if len(found) else 0.0
    return {
        "found": len(found),
        "owners_found": int(right.sum()),
        "precision": precision,
        "recall": int(right.sum()) / max(int(made.owner.sum()), 1),
        "chance": chance,
        "lift": precision / chance if chance else 0.0,
    }


def by_evidence(made: Lender, found: np.ndarray, kinds: Mapping[str, np.ndarray]) -> list[Json]:
    """Of each kind of evidence: who leaves it, how often it is right alone, and how many of those found have it."""
    return [
        {
            "kind": kind,
            "people": len(people),
            "precision_alone": float(made.owner[people].mean()) if len(people) else 0.0,
            "of_found": float(np.isin(found, people).mean()) if len(found) else 0.0,
        }
        for kind, people in kinds.items()
    ]


def kinds_each(found: np.ndarray, kinds: Mapping[str, np.ndarray]) -> list[int]:
    """How many of those found have none, one, two … kinds of evidence."""
    many = sum(
        (np.isin(found, people).astype(np.int64) for people in kinds.values()), np.zeros(len(found), int)
    )
    counted: list[int] = np.bincount(many, minlength=len(kinds) + 1).tolist()
    return counted


def fitting(made: Lender, got: Got) -> Json:
    """How often hour, channel and product are the person's own; `by_lot`: if the same were dealt out by lot.

    `at_most`: of how many it could be: not everybody agreed to their own channel.
    """
    dealt = np.random.default_rng([made.seed, 13]).permutation(len(got))
    person = got.person
    own, need = made.channel[person], made.need[person]
    return {
        name: {"right": float(right.mean()), "by_lot": float(lot.mean()), "at_most": at_most}
        for name, right, lot, at_most in (
            ("hour", _near(made, person, got.hour), _near(made, person, got.hour[dealt]), 1.0),
            (
                "channel",
                got.channel == own,
                got.channel[dealt] == own,
                float(made.agreed[person, own].mean()),
            ),
            ("product", got.product == need, got.product[dealt] == need, 1.0),
        )
    }


def _near(made: Lender, person: np.ndarray, hour: np.ndarray) -> np.ndarray:
    away = np.abs(hour - made.hour[person])
    near: np.ndarray = np.minimum(away, 24 - away) <= 1
    return near


def ways(made: Lender, got: Got) -> list[Json]:
    """How many contracts three ways of sending as many messages are expected to make.

    Drawn by chance with one mail for all at ten, to those found with the same mail, and to those found with what was
    chosen for each.
    """
    random = np.random.default_rng([made.seed, 14])
    n = len(got)
    anybody = random.choice(made.people, min(n, made.people), replace=False)
    product = int(np.bincount(made.need).argmax())

    def same(people: np.ndarray) -> Got:
        return Got(people, *(np.full(len(people), value) for value in (EMAIL, product, TEN)))

    return [
        {
            "way": way,
            "people": len(sent),
            "owners": float(made.owner[sent.person].mean()) if len(sent) else 0.0,
            "contracts": float(
                chances(
                    made, got=sent.person, channel=sent.channel, product=sent.product, hour=sent.hour
                ).sum()
            ),
        }
        for way, sent in (
            ("anybody, one mail at ten", same(anybody)),
            ("car owners, one mail at ten", same(got.person)),
            ("car owners, each their own", got),
        )
    ]


def planted(*, treated: np.ndarray, because: np.ndarray) -> Json:
    """The truth that the report's interval should hold: who of those treated signed because of a message."""
    n = len(treated)
    signed = int(np.isin(treated, because).sum())
    return {"treated": n, "because": signed, "per_person": signed / n if n else 0.0}
