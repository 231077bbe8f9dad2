from __future__ import annotations

import pytest

from limner.campaigns.rules import Harm
from limner.feedback.effects import Arm, newcombe, wilson
from limner.feedback.harm import judge, loses


@pytest.mark.proves("S9")
def test_a_send_stops_when_surely_more_leave_than_the_bound() -> None:
    assert judge(Harm()) is None
    asked = judge(Harm(unsubscribed=0.02, complained=0.001, least=100))
    assert asked is not None
    assert asked(1000, 20, 0) == "", "2 % of them left: not surely more"
    assert asked(1000, 28, 0) == ""
    # Wilson's lower bound of 31 in 1,000 by hand: (0.031 + 0.00192 - 1.96·0.00581)/1.00384 = 0.0219
    assert round(wilson(31, 1000).low, 4) == 0.0219
    assert asked(1000, 31, 0) == (
        "harm: 31 of 1000 unsubscribed, surely more than 2.19%; at most 2.00% is allowed"
    )
    assert asked(99, 99, 99) == "", "too few to judge"
    assert asked(1000, 0, 6).startswith("harm: 6 of 1000 complained")
    only = judge(Harm(complained=0.001))
    assert only is not None
    assert only(1000, 1000, 0) == ""


def test_a_send_stops_when_it_surely_loses_conversions() -> None:
    bounds = Harm(effect=0.0, least=100)
    assert loses(Arm(1000, 50), Arm(1000, 50), bounds) == ""
    assert loses(Arm(1000, 50), Arm(1000, 60), bounds) == "", "by chance"
    assert loses(Arm(1000, 50), Arm(1000, 100), Harm()) == "", "not asked"
    high = newcombe(50, 1000, 100, 1000).high
    assert high < 0
    assert loses(Arm(1000, 50), Arm(1000, 100), bounds) == (
        "harm: 50 of 1000 treated converted, 100 of 1000 held out: it changes conversions by -5.00%,"
        f" surely less than {high:+.2%}; the bound is +0.00%"
    )
    assert loses(Arm(1000, 50), Arm(1000, 100), Harm(effect=-0.03)) == "", "the bound allows it"
    assert loses(Arm(1000, 0), Arm(1000, 100), bounds) != "", "nobody converted any more"
    assert loses(Arm(1000, 0), Arm(1000, 9), bounds) == "", "too few to compare with"
    assert loses(Arm(99, 0), Arm(1000, 300), bounds) == "", "too few people"
