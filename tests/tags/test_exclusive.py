"""Of an exclusive group's tags nobody ever has two, whatever comes, in whatever order."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from limner.engine.duckdb import DuckDB
from limner.errors import DefinitionError
from limner.tags import exclusive, publish
from limner.tags.graph import build, grouped, strangers
from limner.tags.history import values_at
from limner.tags.model import Tag
from limner.tags.run import RunReport, run
from tests.builders import (
    AS_OF,
    DAY,
    Names,
    attributes,
    engine,
    erase,
    events,
    merge,
    observed,
    rule,
    statistic,
    tags,
)

PAID = "Order Paid"


def flag(when: str) -> str:
    return rule({"true": f"'{when.replace(chr(39), chr(39) * 2)}'"}, kind="flag")


def group(*members: str, keep: str = "priority") -> str:
    return f"tags: [{', '.join(members)}]\nkeep: {keep}\nwhy: Never both.\n"


def defined(texts: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, Tag]:
    return grouped(tags(texts), {key: exclusive.read(text, key) for key, text in groups.items()})


def ran(
    made: DuckDB,
    found: Mapping[str, Tag],
    folder: Path,
    *,
    as_of: datetime = AS_OF,
    run_id: str = "r1",
    only: list[str] | None = None,
) -> RunReport:
    return run(
        made,
        found,
        catalog=Names(made, found),
        as_of=as_of,
        run_id=run_id,
        columns_dir=folder,
        only=only,
    )


def values(report: RunReport, key: str, people: int) -> list[Any]:
    return [report.columns[key].label_at(ix) for ix in range(people)]


def written(made: DuckDB) -> list[tuple[Any, ...]]:
    rows = made.read("SELECT * FROM group_conflicts ORDER BY began, ix, dropped").to_pylist()
    return [(row["ix"], row["kept"], row["dropped"], row["run"], row["ended"] is None) for row in rows]


BOTH = {
    "male": observed("is_male", "flag"),
    "female": observed("is_female", "flag"),
    "greeting": rule({"Sir": "male", "Madam": "female"}, "friend"),
}


def couple() -> DuckDB:
    """0 said both (male first), 1 only female, 2 said both (female first), 3 nothing."""
    made = engine(people=4)
    said = [
        (0, "is_male", True, AS_OF - 9 * DAY),
        (0, "is_female", True, AS_OF - 5 * DAY),
        (1, "is_female", True, AS_OF - 9 * DAY),
        (2, "is_female", True, AS_OF - 9 * DAY),
        (2, "is_male", True, AS_OF - 3 * DAY),
    ]
    attributes(made, said)
    return made


@pytest.mark.proves("T7")
def test_the_losing_value_exists_for_nobody(tmp_path: Path) -> None:
    made = couple()
    report = ran(made, defined(BOTH, {"gender": group("female", "male")}), tmp_path)
    assert values(report, "female", 4) == [True, True, True, None]
    assert values(report, "male", 4) == [None, None, None, None]
    assert values(report, "greeting", 4) == ["Madam", "Madam", "Madam", "friend"]
    assert made.read("SELECT ix FROM tag_male").num_rows == 0
    assert written(made) == [(0, "female", "male", "r1", True), (2, "female", "male", "r1", True)]
    counted = {tag.tag: tag.people for tag in report.tags}
    assert (counted["female"], counted["male"]) == (3, 0)
    assert publish.applied(made)["male"].people == 0


def test_the_newest_is_the_one_whose_value_began_last(tmp_path: Path) -> None:
    made = couple()
    found = defined(BOTH, {"gender": group("female", "male", keep="newest")})
    report = ran(made, found, tmp_path)
    assert values(report, "female", 4) == [True, True, None, None]
    assert values(report, "male", 4) == [None, None, True, None]
    # What is said again later is no new beginning; what was taken back and said again is one.
    attributes(made, [(0, "is_male", True, AS_OF + DAY)])
    attributes(made, [(2, "is_female", None, AS_OF + DAY, "unset"), (2, "is_female", True, AS_OF + 2 * DAY)])
    later = ran(made, found, tmp_path, as_of=AS_OF + 3 * DAY, run_id="r2")
    assert values(later, "female", 4) == [True, True, True, None]
    assert values(later, "male", 4) == [None, None, None, None]


def test_a_computed_value_that_lost_does_not_begin_anew_with_every_run(tmp_path: Path) -> None:
    made = engine(people=1)
    texts = {
        "buyer": flag('did "Order Paid"'),
        "looker": flag('did "Product Viewed"'),
    }
    found = defined(texts, {"how": group("buyer", "looker", keep="newest")})
    events(made, [(0, PAID, AS_OF - 9 * DAY, {})])
    assert values(ran(made, found, tmp_path, as_of=AS_OF - 5 * DAY), "buyer", 1) == [True]
    events(made, [(0, "Product Viewed", AS_OF - 3 * DAY, {})])
    for step in range(4):
        report = ran(made, found, tmp_path, as_of=AS_OF - 2 * DAY + step * DAY, run_id=f"r{step}")
        assert values(report, "looker", 1) == [True]
        assert values(report, "buyer", 1) == [None]
    assert len(written(made)) == 1


def test_a_new_group_knows_what_was_published_before_it(tmp_path: Path) -> None:
    made = engine(people=1)
    texts = {"buyer": flag('did "Order Paid"'), "looker": flag('did "Product Viewed"')}
    events(made, [(0, "Product Viewed", AS_OF - 9 * DAY, {})])
    ran(made, defined(texts, {}), tmp_path, as_of=AS_OF - 2 * DAY)
    events(made, [(0, PAID, AS_OF - 6 * DAY, {})])
    ran(made, defined(texts, {}), tmp_path, as_of=AS_OF - DAY, run_id="r2")
    found = defined(texts, {"how": group("looker", "buyer", keep="newest")})
    report = ran(made, found, tmp_path, as_of=AS_OF, run_id="r3")
    assert values(report, "buyer", 1) == [True]
    assert values(report, "looker", 1) == [None]
    changes = made.read("SELECT cause FROM changes WHERE run = 'r3'").column(0).to_pylist()
    assert changes == ["redefined"]


def test_what_was_told_wins_over_what_was_computed(tmp_path: Path) -> None:
    made = couple()
    events(made, [(1, PAID, AS_OF - DAY, {}), (3, PAID, AS_OF - DAY, {})])
    texts = {"guess": flag('did "Order Paid"'), "female": observed("is_female", "flag")}
    report = ran(made, defined(texts, {"g": group("guess", "female", keep="declared")}), tmp_path)
    assert values(report, "guess", 4) == [None, None, None, True]
    assert values(report, "female", 4) == [True, True, True, None]
    assert written(made) == [(1, "female", "guess", "r1", True)]


def test_none_keeps_none(tmp_path: Path) -> None:
    made = couple()
    report = ran(made, defined(BOTH, {"gender": group("female", "male", keep="none")}), tmp_path)
    assert values(report, "female", 4) == [None, True, None, None]
    assert values(report, "greeting", 4) == ["friend", "Madam", "friend", "friend"]
    assert written(made)[:2] == [(0, None, "female", "r1", True), (0, None, "male", "r1", True)]


def test_false_is_in_nobodys_way(tmp_path: Path) -> None:
    made = couple()
    attributes(made, [(1, "is_male", False, AS_OF - DAY)])
    report = ran(made, defined(BOTH, {"gender": group("female", "male")}), tmp_path)
    assert values(report, "male", 4) == [None, False, None, None]
    assert values(report, "female", 4)[1] is True


def test_a_conflict_is_written_once_and_closed_when_it_ends(tmp_path: Path) -> None:
    made = couple()
    found = defined(BOTH, {"gender": group("female", "male")})
    ran(made, found, tmp_path)
    ran(made, found, tmp_path, as_of=AS_OF + DAY, run_id="r2")
    assert len(written(made)) == 2
    attributes(made, [(0, "is_female", None, AS_OF + DAY, "unset")])
    report = ran(made, found, tmp_path, as_of=AS_OF + 2 * DAY, run_id="r3")
    assert values(report, "male", 1) == [True]
    assert written(made) == [(0, "female", "male", "r1", False), (2, "female", "male", "r1", True)]
    ran(made, defined(BOTH, {}), tmp_path, as_of=AS_OF + 3 * DAY, run_id="r4")
    assert not any(row[-1] for row in written(made))


def test_statistics_in_a_group_stand_apart_and_are_carried_on_with_the_others(tmp_path: Path) -> None:
    made = engine(people=2)
    texts = {
        "gifts": statistic('last(gift of "Order Paid")', "flag"),
        "gave": statistic('first(gift of "Order Paid")', "flag"),
        "orders": statistic('count("Order Paid")'),
    }
    events(made, [(0, PAID, AS_OF - DAY, {"gift": True}), (1, PAID, AS_OF - DAY, {"gift": False})])
    found = defined(texts, {"g": group("gave", "gifts")})
    report = ran(made, found, tmp_path)
    assert values(report, "gifts", 2) == [None, False]
    events(made, [(1, PAID, AS_OF + DAY, {"gift": True})])
    later = ran(made, found, tmp_path, as_of=AS_OF + 2 * DAY, run_id="r2")
    assert later.carried is not None
    assert values(later, "gave", 2) == [True, False]
    assert values(later, "gifts", 2) == [None, True]
    alone = ran(made, defined(texts, {}), tmp_path, as_of=AS_OF + 2 * DAY, run_id="r3")
    assert values(alone, "gifts", 2) == [True, True]
    again = ran(made, found, tmp_path, as_of=AS_OF + 2 * DAY, run_id="r4")
    assert values(again, "gifts", 2) == [None, True]


def test_one_member_is_never_computed_without_the_others(tmp_path: Path) -> None:
    made = couple()
    found = defined(BOTH, {"gender": group("female", "male")})
    report = ran(made, found, tmp_path, only=["male"])
    assert {tag.tag for tag in report.tags} == {"female", "male"}
    assert build(found).closure(["greeting"]) == {"greeting", "female", "male"}
    assert build(found).dependents(["male"]) == {"male", "female", "greeting"}


def test_the_past_is_settled_as_it_was(tmp_path: Path) -> None:
    made = couple()
    found = defined(BOTH, {"gender": group("female", "male", keep="newest")})
    graph, names = build(found), Names(made, found)
    assert values_at(made, graph, ix=2, catalog=names, as_of=AS_OF - 4 * DAY) == {
        "female": True, "greeting": "Madam",
    }  # fmt: skip
    assert values_at(made, graph, ix=2, catalog=names, as_of=AS_OF) == {"male": True, "greeting": "Sir"}


def test_members_fingerprints_follow_the_group() -> None:
    alone = build(defined(BOTH, {})).fingerprints
    one = build(defined(BOTH, {"g": group("female", "male")})).fingerprints
    turned = build(defined(BOTH, {"g": group("male", "female")})).fingerprints
    assert all(len({alone[key], one[key], turned[key]}) == 3 for key in BOTH)
    other = {**BOTH, "male": observed("sex_m", "flag")}
    assert build(defined(other, {"g": group("female", "male")})).fingerprints["female"] != one["female"]


@pytest.mark.parametrize(
    ("texts", "where", "message"),
    [
        ({"male": BOTH["male"], "female": flag("not male")}, "tags/", "circle: female → female|circle: fe"),
        (
            {"male": BOTH["male"], "other": flag("male"), "female": flag("other")},
            "tags/female.yml",
            "exclusive groups and tags refer to each other in a circle",
        ),
        ({"male": BOTH["male"], "female": observed("f", "text")}, "groups/g.yml:1:", "a group holds flags"),
    ],
)
def test_what_cannot_be_settled_is_refused(texts: dict[str, str], where: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        build(defined(texts, {"g": group("female", "male")}))
    assert str(caught.value.where).startswith(where)


def test_a_tag_is_in_one_group_and_groups_have_tags() -> None:
    with pytest.raises(DefinitionError, match="in the group 'a' already"):
        defined(BOTH, {"a": group("female", "male"), "b": group("male", "female")})
    (error,) = strangers(BOTH, {"g": exclusive.read(group("female", "mail"), "g")})
    assert (error.where, error.hint) == ("groups/g.yml:1:16", "did you mean male?")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tags: [a]\nkeep: none\n", "at least two"),
        ("keep: none\n", "at least two"),
        ("tags: [a, a]\nkeep: none\n", "twice"),
        ("tags: [a, b]\n", "'keep' is missing"),
        ("tags: [a, b]\nkeep: first\n", "unknown keep 'first'"),
        ("tags: [a, b]\nkeep: none\nkep: 1\n", "unknown key 'kep'"),
    ],
)
def test_a_wrong_group_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        exclusive.read(text, "g")
    assert str(caught.value.where).startswith("groups/g.yml:")


@pytest.mark.proves("T7")
@pytest.mark.parametrize("seed", range(12))
def test_nobody_ever_has_two_whatever_comes_late_or_is_merged(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    people = 8
    made = engine(people=people)
    pool = {
        "told_a": observed("a", "flag"),
        "told_b": observed("b", "flag"),
        "paid": flag('did "Order Paid" in last 6 days'),
        "viewed": flag('did "Product Viewed" at least 2 times'),
        "gift": statistic('last(gift of "Order Paid")', "flag"),
        "rich": flag('sum(amount of "Order Paid" in last 9 days) >= 30'),
    }
    members = draw.sample(sorted(pool), draw.randint(2, len(pool)))
    cut = draw.randint(2, len(members))
    texts = {**pool, "after": rule({m: m for m in members}, "none")}
    keep = draw.choice([str(word) for word in exclusive.Keep])
    groups = {"g": group(*members[:cut], keep=keep)}
    if len(members) - cut >= 2:
        groups["h"] = group(*members[cut:], keep=draw.choice([str(word) for word in exclusive.Keep]))
    found = defined(texts, groups)
    alive = list(range(people))
    for step in range(6):
        now = AS_OF + step * DAY
        for _ in range(draw.randint(1, 8)):
            ix, at = draw.choice(alive), now - draw.randint(0, 12) * DAY  # some of it long ago: late
            if draw.random() < 0.5:
                gift = {"gift": draw.random() < 0.6, "amount": draw.randint(1, 40)}
                events(made, [(ix, draw.choice((PAID, "Product Viewed")), at, gift)])
            else:
                said = draw.choice(((True, "set"), (False, "set"), (None, "unset")))
                attributes(made, [(ix, draw.choice("ab"), said[0], at, said[1])])
        if draw.random() < 0.4 and len(alive) > 3:
            away, into = draw.sample(alive, 2)
            merge(made, away, into)
            alive.remove(away)
        elif draw.random() < 0.15:
            erase(made, alive.pop())
        only = None if draw.random() < 0.7 else [draw.choice(members)]
        report = ran(made, found, tmp_path, as_of=now, run_id=f"r{step}", only=only)
        for key, item in groups.items():
            listed = exclusive.read(item, key).tags
            for ix in range(people):
                true = [
                    tag for tag in listed if tag in report.columns and values(report, tag, people)[ix] is True
                ]
                assert len(true) <= 1
                rows = [
                    m for m in true if made.read(f"SELECT 1 FROM tag_{m} WHERE ix = {ix} AND value").num_rows
                ]
                assert rows == true
        if only is None:
            for ix in alive:
                mine = [m for m in members if values(report, m, people)[ix] is True]
                assert values(report, "after", people)[ix] == (mine[0] if mine else "none")
            one = draw.choice(alive)
            then = values_at(made, build(found), ix=one, catalog=Names(made, found), as_of=now)
            published = {key: values(report, key, people)[one] for key in texts}
            assert then == {key: value for key, value in published.items() if value is not None}
        standing = made.read(
            "SELECT grp, ix, dropped, COUNT(*) AS n FROM group_conflicts WHERE ended IS NULL GROUP BY ALL"
        ).to_pylist()
        assert all(row["n"] == 1 for row in standing)
        for row in standing:
            assert values(report, row["dropped"], people)[row["ix"]] is not True
