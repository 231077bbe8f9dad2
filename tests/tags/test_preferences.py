"""What weights of labels foretell: on the demo shop, and on a real shop's lines where they are there."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from limner.tags.model import Tag
from limner.tags.text import read
from tests.builders import statistic, tags
from tests.tags.preferences import DAY, auc, demo, hits, online_retail, weighed


def demo_tags() -> dict[str, Tag]:
    """The two tags of the demo shop that give weights."""
    folder = files("limner.demo").joinpath("files/tags")
    return {
        key: read(folder.joinpath(f"{key}.yml").read_text(encoding="utf-8"), key)
        for key in ("interest", "demand")
    }


@pytest.mark.proves("P9")
def test_the_first_labels_of_120_days_foretell_the_purchases_of_the_next_60(tmp_path: Path) -> None:
    """On the demo shop: their three greatest weights hit 1.3 times as often as the three favourites."""
    past, start = demo(people=2_000, events=100_000, seed=1)
    found = weighed(past, demo_tags(), start + 120 * DAY, tmp_path)
    told = hits(past, found["interest"], start + 120 * DAY, since=start)
    assert told.people > 300
    assert told.ratio >= 1.3


@pytest.mark.proves("P9")
def test_so_do_the_products_of_a_real_shop(datasets: Path, tmp_path: Path) -> None:
    """UCI Online Retail: which of 3,000 products somebody buys again."""
    past, start = online_retail(datasets / "data" / "online_retail.csv.gz")
    orders = tags({"a": statistic('interest(category of "Order Paid" * 8 half life 30 days top 5)', "text")})
    found = weighed(past, orders, start + 120 * DAY, tmp_path)
    told = hits(past, found["a"], start + 120 * DAY, since=start)
    assert told.people > 900
    assert told.ratio >= 1.3


@pytest.mark.proves("X2")
def test_both_tell_who_buys_and_where_tastes_are_steady_the_longer_memory_tells_more(tmp_path: Path) -> None:
    """The demo shop's people have a taste and no passing intent: demand, which forgets sooner, knows less."""
    past, start = demo(people=2_000, events=100_000, seed=1)
    found = weighed(past, demo_tags(), start + 150 * DAY, tmp_path)
    interest, demand = auc(past, [found["interest"], found["demand"]], start + 150 * DAY)
    assert 0.65 < demand < interest < 0.9
