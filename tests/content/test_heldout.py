"""What picks foretell, against popularity: on the demo shop, and on a real shop's lines where they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.histories import demo, held_out, online_retail


@pytest.mark.proves("S5")
@pytest.mark.proves(
    "S10",
    partly="1.5 times popularity holds where tastes differ (demo shop, Online Retail), not on groceries and page views",
)
def test_ten_picks_of_120_days_hold_what_is_bought_next_1_5_times_as_often_as_the_ten_favourites(
    tmp_path: Path,
) -> None:
    told = held_out(demo(people=2_000, events=100_000, seed=1), tmp_path)
    assert told.people > 300
    assert told.ratio >= 1.5


@pytest.mark.proves("S5")
def test_so_do_the_picks_of_a_real_shop(datasets: Path, tmp_path: Path) -> None:
    """UCI Online Retail, its first 150,000 lines: which of its products somebody buys next."""
    told = held_out(
        online_retail(datasets / "data" / "online_retail.csv.gz", lines=150_000), tmp_path, days=90, later=60
    )
    assert told.people > 400
    assert told.ratio >= 1.5
    assert told.any_ratio > 1.0
