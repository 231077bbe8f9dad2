"""Who is held out: a hash of seed and person decides, so the same question always has the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from limner.campaigns.model import Campaign

TREATED = "treated"
HELD_OUT = "held_out"
SUPPRESSED = "suppressed"


def seed_of(campaign: Campaign) -> str:
    """The seed of a campaign's arms: its own, or one made of its name.

    It does not depend on the entry, so a recurring campaign holds the same people out every time and their
    difference grows with the whole campaign.
    """
    return campaign.seed or f"campaign:{campaign.name}"


def held_out(people: Sequence[str], *, seed: str, share: float) -> np.ndarray:
    """True for each person who gets nothing, so that the others can be compared with them.

    Shape (len(people),), dtype bool. About `share` of the people; each one's answer depends on seed, share
    and that person only, and who is held out at a share stays so at a larger one.
    """
    key = blake2b(seed.encode(), digest_size=32).digest()
    draws = np.fromiter(
        (
            int.from_bytes(blake2b(person.encode(), digest_size=8, key=key).digest(), "big")
            for person in people
        ),
        dtype=np.uint64,
        count=len(people),
    )
    answer: np.ndarray = draws < np.uint64(min(int(share * 2**64), 2**64 - 1))
    return answer
