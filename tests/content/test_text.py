"""An item's file and a message's picks: read, refused at the place that is wrong, written back."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.campaigns import text as campaign_text
from limner.content import text
from limner.content.model import Ask
from limner.errors import DefinitionError

SHANGHAI = ZoneInfo("Asia/Shanghai")
SPRING = """\
# The first flush.
title: {en: First flush, zh: 头采}
languages:
  en: {text: Two minutes at 75 °C, link: "https://shop.example/en/first"}
  zh: {text: 75 ℃，两分钟, link: "https://shop.example/zh/first"}
about: [green tea, gifts]   # what it is about
words: [article]
from: 2026-03-01
until: 2026-06-01
audience: tier = 'gold'
weight: 0.2
"""


def test_an_item_says_what_it_is_in_each_language_and_when_it_may_be_shown() -> None:
    item = text.read(SPRING, "spring")
    assert (item.said("zh").text, item.said("fr").link) == ("75 ℃，两分钟", "https://shop.example/en/first")
    assert (item.about, item.words, item.weight) == (("green tea", "gifts"), ("article",), 0.2)
    moments = {
        datetime(2026, 2, 28, 15, 59, tzinfo=UTC): "not yet",
        datetime(2026, 2, 28, 16, 0, tzinfo=UTC): "valid",
        datetime(2026, 6, 1, 15, 59, tzinfo=UTC): "valid",  # the whole of the first of June
        datetime(2026, 6, 1, 16, 0, tzinfo=UTC): "expired",
    }
    assert {at: item.state(at, SHANGHAI) for at in moments} == moments
    exact = text.read(SPRING.replace("until: 2026-06-01", "until: 2026-06-01T12:00:00"), "spring")
    assert exact.state(datetime(2026, 6, 1, 4, 0, tzinfo=UTC), SHANGHAI) == "expired"


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("about:", "abuot:", "12:1", "unknown key"),
        ('"https://shop.example/zh/first"', '"javascript:alert(1)"', "5:30", "'link' begins with https://"),
        ('"https://shop.example/zh/first"', '"https://a b.example/"', "5:30", "'link' begins with https://"),
        ("until: 2026-06-01", "until: 2026-02-01", "9:8", "it ends before it begins"),
        ("until: 2026-06-01", "until: soon", "9:8", "is no date"),
        ("audience: tier = 'gold'", "audience: tier = = 'gold'", "10:", "="),
        ("weight: 0.2", "weight: 2", "11:9", "from -1 to 1"),
        ("words: [article]", "words: ['a, b']", "7:8", "no word"),
        ("  en:", "  english:", "4:3", "no language"),
        ("  zh: {text: 75 ℃，两分钟, link", "  zh: {title: 头采, picture", "5:7", "says nothing and leads nowhere"),
        ("languages:", "language:", "3:1", "unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(old: str, new: str, place: str, said: str) -> None:
    assert old in SPRING
    with pytest.raises(DefinitionError, match=said) as caught:
        text.read(SPRING.replace(old, new) if "abuot" not in new else SPRING + "abuot: [x]\n", "spring")
    assert str(caught.value.where).startswith(f"content/spring.yml:{place}")


def test_the_form_writes_only_what_it_changes() -> None:
    fields = text.fields_of(text.read(SPRING, "spring"))
    assert text.written(SPRING, fields, name="spring") == SPRING
    made = text.written(SPRING, {**fields, "about": ["oolong"], "audience": "", "weight": 0}, name="spring")
    assert made.startswith("# The first flush.")
    assert "audience" not in made
    assert "weight" not in made
    again = text.read(made, "spring")
    assert (again.about, again.languages, again.end) == (
        ("oolong",),
        text.read(SPRING, "spring").languages,
        "2026-06-01",
    )
    fresh = text.written(
        "", {"title": {"en": "New"}, "languages": {"en": {"text": "x", "link": ""}}}, name="new"
    )
    assert text.read(fresh, "new").title == {"en": "New"}


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)


@settings(deadline=None)
@given(
    st.dictionaries(
        NAMES,
        st.builds(
            Ask, source=st.sampled_from(["content", "product"]), count=st.integers(1, 20), only=st.just(("article",)),
            by=st.just(("interest",)), leave_out=st.sampled_from([(), ("sent", "Order Paid")]),
            popularity=st.sampled_from([0.0, 0.3, 3.0]), least=st.sampled_from([0, 1]),
        ),
        max_size=3,
    )
)  # fmt: skip
def test_picks_stay_what_they_are_through_a_campaigns_form(asks: dict[str, Ask]) -> None:
    fields = {"audience": "all", "template": "a.html", "subject": "s", "picks": text.asks_of(asks)}
    made = campaign_text.written("", fields, name="spring")
    item = campaign_text.read(made, "spring")
    assert item.picks == asks
    again = campaign_text.written(made, campaign_text.fields_of(item), name="spring")
    assert campaign_text.read(again, "spring") == item


@pytest.mark.parametrize(
    ("picks", "said"),
    [
        ("{a: {count: 0}}", "whole number from 1 to 20"),
        ("{a: {coun: 3}}", "unknown key"),
        ("{a: {where: price > 3}}", "'where' asks objects"),
        ("{A: {count: 3}}", "no name of a list"),
        ("{a: {popularity: -1}}", "from 0 to 10"),
        ("[a]", "by name"),
        ("{a: 3}", "a list of picks says"),
    ],
)
def test_picks_that_cannot_be_are_refused(picks: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said) as caught:
        campaign_text.read(f"audience: all\ntemplate: a.html\nsubject: s\npicks: {picks}\n", "spring")
    assert str(caught.value.where).startswith("campaigns/spring.yml:4:")
