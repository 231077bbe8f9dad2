from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from limner.campaigns.holding import Age, Finding, Size, moved, stale
from limner.campaigns.model import Hold

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")


def said(age: Age, bounds: Hold | None = None) -> list[str]:
    return [item.says for item in stale([age], bounds or Hold(), now=NOON, zone=ZONE)]


def test_a_tag_is_stale_when_it_was_never_computed_expired_missed_its_refresh_or_is_too_old() -> None:
    assert said(Age("rich", None)) == ["tag rich was never computed"]
    assert said(Age("rich", NOON - 2 * DAY)) == []
    assert said(Age("rich", NOON - 2 * DAY, NOON + DAY)) == []
    assert said(Age("rich", NOON - 2 * DAY, NOON)) == ["tag rich expired at 2026-03-10 20:00"]
    assert said(Age("rich", NOON - 2 * DAY), Hold(2 * DAY)) == []
    assert said(Age("rich", NOON - 2 * DAY - timedelta(seconds=1)), Hold(2 * DAY)) == [
        "tag rich is of 2026-03-08 19:59, older than 2 days"
    ]
    hour = timedelta(hours=1)
    assert said(Age("rich", NOON - DAY, None, [NOON - hour + timedelta(seconds=1)])) == [], (
        "it may be running"
    )
    assert said(Age("rich", NOON - DAY, None, [NOON - hour])) == [
        "tag rich is of 2026-03-09 20:00: its refresh of 2026-03-10 19:00 did not happen"
    ]


def test_an_audience_holds_when_its_size_moved_by_more_than_the_bound() -> None:
    def found(before: int, now: int, bound: float | None) -> list[Finding]:
        return moved([Size("vip", NOON - DAY, before, now)], Hold(moved=bound), zone=ZONE)

    assert found(100, 130, 0.3) == []
    assert found(100, 70, 0.3) == []
    assert found(100, 9, None) == []
    says = "audience vip had 1,000 people at 2026-03-09 20:00 and has 1,301 now: moved by 30%, at most 30% is allowed"
    assert found(1000, 1301, 0.3) == [Finding("audience vip", says)]
    assert [item.about for item in found(100, 69, 0.3)] == ["audience vip"]
    assert found(0, 1, 0.5) != [], "from nobody to somebody is a move"
    assert found(0, 0, 0.0) == []
