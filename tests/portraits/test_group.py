"""A crowd's portrait adds up, against everybody or another crowd, and finds what was planted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from limner.bitmap import Bitmap
from limner.columns import Columns, Given, column
from limner.errors import UsageError
from limner.portraits.group import Distribution, portrait
from limner.types import ValueType

AS_OF = datetime(2025, 6, 1, tzinfo=UTC)
N = 4_000


def some_columns(seed: int = 1, n: int = N) -> Columns:
    rng = np.random.default_rng(seed)
    everybody = np.arange(n, dtype=np.uint32)
    known = everybody[rng.random(n) < 0.8]
    given = {
        "city": Given(ValueType.TEXT, known, rng.integers(1, 5, len(known)), ("a", "b", "c", "d")),
        "many": Given(ValueType.TEXT, everybody, rng.integers(1, 201, n), tuple(f"v{i}" for i in range(200))),
        "flag": Given(ValueType.FLAG, known, rng.random(len(known)) < 0.3),
        "few": Given(ValueType.NUMBER, everybody, rng.integers(0, 4, n)),
        "count": Given(ValueType.NUMBER, everybody, rng.poisson(40, n)),
        "spend": Given(ValueType.MONEY, known, rng.integers(0, 10**9, len(known))),
        "last": Given(ValueType.INSTANT, known, rng.integers(0, 10**15, len(known))),
    }
    alive = np.ones(n, dtype=np.bool_)
    alive[::100] = False
    made = {key: column(key, item, n) for key, item in given.items()}
    return Columns.memory(n=n, as_of=AS_OF, alive=alive, columns=made)


def by_tag(found: Any) -> dict[str, Distribution]:
    return {item.tag: item for item in found.tags}


@pytest.mark.proves("R5", "N5")
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_every_distribution_adds_up_to_the_crowd_and_to_everybody(share: float) -> None:
    columns = some_columns()
    crowd = Bitmap.of_mask(np.random.default_rng(2).random(N) < share)
    found = portrait(crowd, columns)
    living = crowd.mask(N) & columns.alive
    assert (found.crowd, found.base) == (int(living.sum()), int(columns.alive.sum()))
    for item in found.tags:
        assert sum(part.crowd for part in item.shares) == found.crowd
        assert sum(part.base for part in item.shares) == found.base
        unknown = [part for part in item.shares if part.unknown]
        assert sum(part.base for part in unknown) == int((~columns[item.tag].known & columns.alive).sum())


def test_shares_are_those_of_a_plain_count() -> None:
    columns = some_columns()
    crowd = Bitmap(range(0, N, 7))
    living = crowd.mask(N) & columns.alive
    values = np.array([columns["city"].label_at(ix) for ix in range(N)], dtype=object)
    for part in by_tag(portrait(crowd, columns))["city"].shares:
        assert part.crowd == sum(values[living] == part.value)
        assert part.base == sum(values[columns.alive] == part.value)
        assert part.tgi == pytest.approx(100 * part.crowd_share / part.base_share)
        assert part.tgi_low < part.tgi < part.tgi_high


def test_numbers_are_cut_where_the_base_has_as_many_people_each() -> None:
    columns = some_columns()
    found = by_tag(portrait(Bitmap(range(0, N, 7)), columns))
    assert [part.value for part in found["few"].shares if not part.unknown] == [0, 1, 2, 3]
    for key in ("count", "spend", "last"):
        bins = [part for part in found[key].shares if not part.unknown]
        assert 8 <= len(bins) <= 10
        known = sum(part.base for part in bins)
        assert all(0.05 <= part.base / known <= 0.2 for part in bins)
        assert [part.high for part in bins[:-1]] == [part.low for part in bins[1:]]
        assert bins[-1].high is None
    assert found["count"].mean_base == pytest.approx(40, rel=0.02)
    assert found["last"].mean_base is None


def test_of_many_texts_the_rare_ones_are_one() -> None:
    shares = by_tag(portrait(Bitmap(range(0, N, 7)), some_columns()))["many"].shares
    assert len(shares) == 51
    assert [part.rest for part in shares] == [False] * 50 + [True]


def test_a_crowd_can_be_held_against_another_crowd() -> None:
    columns = some_columns()
    one, other = Bitmap(range(1000)), Bitmap(range(1000, 3000))
    found = portrait(one, columns, against=other, tags=["city", "spend"])
    assert found.base == 1980
    assert found.crowd == 990
    for item in found.tags:
        assert sum(part.base for part in item.shares) == found.base
        assert sum(part.crowd for part in item.shares) == found.crowd
        for part in item.shares:
            assert part.tgi == pytest.approx(100 * (part.crowd / 990) / (part.base / 1980))


def test_crowds_that_overlap_are_held_against_each_other_as_they_are() -> None:
    columns = some_columns()
    one, other = Bitmap(range(1500)), Bitmap(range(1000, 3000))
    found = portrait(one, columns, against=other, tags=["city"])
    back = portrait(other, columns, against=one, tags=["city"])
    for part, mirrored in zip(found.tags[0].shares, back.tags[0].shares, strict=True):
        assert (part.crowd, part.base) == (mirrored.base, mirrored.crowd)
        assert part.tgi == pytest.approx(10_000 / mirrored.tgi)
        assert part.tgi_low == pytest.approx(10_000 / mirrored.tgi_high)
        assert part.p == pytest.approx(mirrored.p)
    assert portrait(one, columns, against=one).findings == 0


@pytest.mark.proves("R5")
def test_a_planted_difference_is_a_finding_and_chance_is_not() -> None:
    columns = some_columns()
    everybody = np.arange(N)
    city_b = columns["city"].codes == 2
    crowd = Bitmap.of(everybody[city_b | (np.random.default_rng(3).random(N) < 0.1)])
    found = by_tag(portrait(crowd, columns))
    assert {part.value for part in found["city"].shares if part.significant} >= {"b"}
    assert not any(part.significant for part in found["few"].shares)
    random_findings = [
        portrait(Bitmap.of(np.random.default_rng(seed).permutation(N)[:400]), columns).findings
        for seed in range(60)
    ]
    assert sum(findings > 0 for findings in random_findings) <= 3


def test_everybody_differs_from_everybody_in_nothing() -> None:
    columns = some_columns()
    found = portrait(Bitmap(range(N)), columns)
    assert found.findings == 0
    assert {round(part.tgi or 0) for item in found.tags for part in item.shares} == {100}


def test_an_empty_crowd_has_no_portrait() -> None:
    with pytest.raises(UsageError, match="empty"):
        portrait(Bitmap(), some_columns())
    with pytest.raises(UsageError, match="empty"):
        portrait(Bitmap([0]), some_columns())
