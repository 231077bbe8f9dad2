"""K: how many new people each person brings. Numbers in, an interval out; pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

LEAST = 10
"""Below so many new people there is no answer."""
_Z = 1.959963984540054


@dataclass(frozen=True)
class Spread:
    """What one stretch of time brought. `k` is `invitations_each` times `conversion`; None: not enough data.

    `members`: who could invite; `invited`: who came by a code for the first time; `converted`: those of them who did
    what counts.
    """

    members: int
    invited: int
    converted: int
    invitations_each: float | None
    conversion: float | None
    k: float | None
    low: float | None
    high: float | None


def spread(members: int, invited: int, brought: npt.NDArray[np.int64]) -> Spread:
    """K with its interval of 95 %. `brought`: how many converted each member brought who brought any.

    Some bring many, so the interval is that of a mean over members, not that of a share.
    """
    converted = int(brought.sum())
    each = invited / members if members else None
    conversion = converted / invited if invited else None
    if converted < LEAST or members < 2:
        return Spread(members, invited, converted, each, conversion, None, None, None)
    k = converted / members
    squares = float((brought.astype(np.float64) ** 2).sum())
    variance = max(0.0, (squares - members * k * k) / (members - 1))
    reach = _Z * sqrt(variance / members)
    return Spread(members, invited, converted, each, conversion, k, max(0.0, k - reach), k + reach)
