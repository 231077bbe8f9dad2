"""Audiences by the API: counts are exact whatever came before, and every number leads to its people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.audiences.leaves import Leaves, of_one_state
from limner.bitmap import Bitmap
from limner.expressions import parse, to_text
from limner.expressions import tree as t
from limner.types import Json
from tests.api.served import Served, serving

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = 40


def person(n: int) -> dict[str, Any]:
    """What is known of the n-th person; some know little."""
    return {
        "city": (None, "上海", "杭州", "北京")[n % 4],
        "level": ("gold", None, "basic")[n % 3],
        "orders": [NOW - timedelta(days=3 * k + n % 5 + 0.5) for k in range(n % 6)],
        "views": n % 7,
    }


EVERYBODY = [person(n) for n in range(PEOPLE)]

TAGS = {
    "city": "nature: fact\nmethod: observed\ntype: text\nattribute: city\n",
    "orders": "nature: fact\nmethod: statistic\ntype: number\nstatistic: 'count(\"Order Paid\")'\nvalidity: 900 days\n",
    "spend": (
        "nature: fact\nmethod: statistic\ntype: money\nstatistic: 'sum(amount of \"Order Paid\")'\nvalidity: 900 days\n"
    ),
    "last_order": (
        "nature: fact\nmethod: statistic\ntype: instant\nstatistic: 'last_time(\"Order Paid\")'\nvalidity: 900 days\n"
    ),
    "loyal": (
        "nature: model\nmethod: rule\ntype: flag\ncases:\n  - {when: 'orders >= 4', then: true}\n"
        "  - {when: orders >= 1, then: false}\nvalidity: 900 days\n"
    ),
}

LEAVES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "city = '上海'": lambda p: p["city"] == "上海",
    "city != '上海'": lambda p: p["city"] not in (None, "上海"),
    "city in ('上海', '杭州')": lambda p: p["city"] in ("上海", "杭州"),
    "known(city)": lambda p: p["city"] is not None,
    "orders >= 2": lambda p: len(p["orders"]) >= 2,
    "orders between 1 and 2": lambda p: len(p["orders"]) in (1, 2),
    "spend > 25": lambda p: 10 * len(p["orders"]) > 25,
    "loyal": lambda p: len(p["orders"]) >= 4,
    "last_order in last 3 days": lambda p: bool(p["orders"]) and p["orders"][0] >= NOW - timedelta(days=3),
    "person.level = 'gold'": lambda p: p["level"] == "gold",
    'did "Order Paid" in last 6 days': lambda p: any(at >= NOW - timedelta(days=6) for at in p["orders"]),
    "did Viewed at least 3 times": lambda p: p["views"] >= 3,
    "in audience east": lambda p: p["city"] in ("上海", "杭州") and len(p["orders"]) < 5,
    "in audience invited": lambda p: EVERYBODY.index(p) < 5,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("audiences") / "shop", now=NOW - timedelta(hours=1)) as made:
        filled(made)
        yield made


def filled(made: Served) -> None:
    for n, known in enumerate(EVERYBODY):
        traits = {key: known[key] for key in ("city", "level") if known[key]}
        made.identify(f"u{n}", email=f"u{n}@example.test", **traits)
        for at in known["orders"]:
            made.track(f"u{n}", "Order Paid", at=at.isoformat(), amount=10)
        for k in range(known["views"]):
            made.track(f"u{n}", "Viewed", at=(NOW - timedelta(hours=k + 1)).isoformat())
    made.world.now = NOW
    for key, content in TAGS.items():
        made.world.write(f"tags/{key}.yml", f"title: {{en: {key} (en), zh: {key}（中）}}\n{content}")
    made.world.write("audiences/east.yml", "title: {en: East, zh: 华东}\nexpression: known(city)\n")
    made.world.verb("tag run")
    east = (
        "title: {en: East, zh: 华东}\nexpression: city in ('上海', '杭州') and not orders >= 5\nowner: crm\n"
    )
    made.world.write("audiences/east.yml", east)
    made.world.write("audiences/invited.yml", "members: [u0, u1, u2, u3, u4, nobody]\n")
    made.world.write("audiences/lovers.yml", "expression: in audience east and did Viewed\nwhy: They look.\n")


# --- each part's own effect -------------------------------------------------------------------------

trees = st.recursive(
    st.sampled_from(sorted(LEAVES)).map(parse),
    lambda inner: st.one_of(
        inner.map(t.Not),
        st.lists(inner, min_size=2, max_size=4).map(lambda args: t.And(tuple(args))),
        st.lists(inner, min_size=2, max_size=4).map(lambda args: t.Or(tuple(args))),
    ),
    max_leaves=9,
)


def true_of(node: t.Expr, who: dict[str, Any]) -> bool:
    match node:
        case t.And(args):
            return all(true_of(arg, who) for arg in args)
        case t.Or(args):
            return any(true_of(arg, who) for arg in args)
        case t.Not(arg):
            return not true_of(arg, who)
        case _:
            return LEAVES[to_text(node)](who)


def without(node: t.Expr, path: list[int]) -> t.Expr | None:
    """The tree without the node at the path; None when nothing is left."""
    if not path:
        return None
    if isinstance(node, t.Not):
        left = without(node.arg, path[1:])
        return None if left is None else t.Not(left)
    assert isinstance(node, t.And | t.Or)
    args = [without(arg, path[1:]) if place == path[0] else arg for place, arg in enumerate(node.args)]
    kept = tuple(arg for arg in args if arg is not None)
    return type(node)(kept) if kept else None


def at(node: t.Expr, path: list[int]) -> t.Expr:
    for place in path:
        node = node.arg if isinstance(node, t.Not) else node.args[place]  # type: ignore[union-attr]
    return node


def how_many(node: t.Expr | None) -> int:
    return PEOPLE if node is None else sum(true_of(node, who) for who in EVERYBODY)


@pytest.mark.proves("A1")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_every_part_of_a_nested_condition_is_counted_as_by_hand_alone_and_taken_away(
    shop: Served, tree: t.Expr
) -> None:
    counted = shop.post("/api/v1/audiences/count", {"expression": to_text(tree)}, role="viewer")
    read = parse(to_text(tree))
    assert (counted["count"], counted["everybody"]) == (how_many(read), PEOPLE)
    assert counted["conditions"][0]["path"] == []
    for part in counted["conditions"]:
        node = at(read, part["path"])
        assert part["expression"] == to_text(node)
        assert part["people"] == how_many(node), to_text(node)
        assert part["without"] == how_many(without(read, part["path"])), part
    assert len(counted["conditions"]) == sum(1 for _ in nodes(read))


def nodes(node: t.Expr) -> Iterator[t.Expr]:
    yield node
    if isinstance(node, t.Not):
        yield from nodes(node.arg)
    elif isinstance(node, t.And | t.Or):
        for arg in node.args:
            yield from nodes(arg)


def test_a_tree_counts_as_its_text_does(shop: Served) -> None:
    text = "(city = '上海' or not known(city)) and did Viewed at least 3 times"
    by_text = shop.post("/api/v1/audiences/count", {"expression": text})
    by_tree = shop.post("/api/v1/audiences/count", {"tree": by_text["tree"]})
    assert by_tree == by_text
    neither = shop.send("POST", "/api/v1/audiences/count", {})
    assert (neither.status_code, neither.json()["code"]) == (422, "missing")


def test_a_count_of_the_past_is_the_count_there_was(shop: Served) -> None:
    then = NOW - timedelta(days=6)
    for text in ("orders >= 2", "orders >= 2 and not did Viewed", "city = '上海'"):
        asked = {"expression": text, "as_of": then.isoformat()}
        counted = shop.post("/api/v1/audiences/count", asked)
        assert counted["as_of"] == then.isoformat()
        assert counted["count"] == shop.post("/api/v1/audiences/count", asked)["count"]
    expected = sum(sum(when < then for when in who["orders"]) >= 2 for who in EVERYBODY)
    counted = shop.post("/api/v1/audiences/count", {"expression": "orders >= 2", "as_of": then.isoformat()})
    assert counted["count"] == counted["conditions"][0]["people"] == expected


def test_a_condition_of_hundreds_of_parts_is_counted_as_a_whole(shop: Served) -> None:
    text = " or ".join(f"orders = {n}" for n in range(300))
    counted = shop.post("/api/v1/audiences/count", {"expression": text})
    assert counted["conditions"] == []
    assert counted["count"] == shop.post("/api/v1/audiences/count", {"expression": "known(orders)"})["count"]


# --- what is kept is never old ----------------------------------------------------------------------


def test_no_count_is_older_than_the_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("fresh") / "shop", now=NOW - timedelta(hours=1)) as fresh:
        filled(fresh)

        def count(expression: str) -> int:
            return int(fresh.post("/api/v1/audiences/count", {"expression": expression})["count"])

        lately, often, east = 'did "Order Paid" in last 6 days', "orders >= 2", "not in audience east"
        before = {text: count(text) for text in (lately, often, east, "not did Signed")}
        fresh.track("u0", "Order Paid", at=(NOW - timedelta(hours=1)).isoformat(), amount=10)
        fresh.track("new", "Order Paid", at=(NOW - timedelta(hours=1)).isoformat(), amount=10)
        assert count(lately) == before[lately] + 2
        assert count(often) == before[often]  # as published
        assert count(east) == before[east] + 1
        assert count("not did Signed") == before["not did Signed"] + 1
        fresh.track("u0", "Order Paid", at=(NOW - timedelta(hours=1)).isoformat(), amount=10)
        fresh.world.verb("tag run")
        assert count(often) == before[often] + 1
        fresh.world.write("audiences/east.yml", "expression: city = '上海'\n")
        assert count(east) == PEOPLE + 1 - sum(who["city"] == "上海" for who in EVERYBODY)
        fresh.world.write("audiences/invited.yml", "members: [u0]\n")
        assert count("in audience invited") == 1
        fresh.world.write("audiences/invited.yml", "members: [u0, u1]\n")
        assert count("in audience invited") == 2
        fresh.world.verb("person erase", id="u0")
        assert count("in audience invited") == 1
        assert count(often) == before[often]
        fresh.world.now += timedelta(days=30)
        assert count(lately) == 0
        fresh.world.now += timedelta(days=1_000)
        assert count(often) == 0  # its validity has ended
        assert count("not known(orders)") == PEOPLE


def test_what_is_kept_is_bounded_and_belongs_to_one_version() -> None:
    leaves = Leaves(most_bytes=10_000)
    for number in range(100):
        leaves.put(2, (f"leaf {number}",), Bitmap(range(number * 1_000, number * 1_000 + 400)))
        assert leaves.bytes <= 10_000
    assert 0 < len(leaves) < 100
    assert leaves.get(2, ("leaf 99",)) is not None
    assert leaves.get(2, ("leaf 0",)) is None
    assert leaves.get(4, ("leaf 99",)) is None
    leaves.put(4, ("leaf 99",), Bitmap([1]))
    assert leaves.get(2, ("leaf 99",)) is None
    leaves.put(2, ("old",), Bitmap([1]))
    assert leaves.get(2, ("old",)) is None
    assert leaves.get(4, ("leaf 99",)) == Bitmap([1])
    leaves.put(4, ("too large",), Bitmap(range(0, 1_000_000, 2)))
    assert leaves.get(4, ("too large",)) is None


def test_an_answer_that_a_commit_came_into_is_asked_again_and_at_last_alone() -> None:
    from contextlib import contextmanager

    versions = iter([0, 2, 3, 4, 6, 6])
    alone: list[str] = []

    @contextmanager
    def block() -> Iterator[None]:
        alone.append("in")
        yield

    assert of_one_state(lambda: next(versions), block, lambda version: version) == 6
    assert alone == ["in"]
    assert of_one_state(lambda: 8, block, lambda version: version) == 8
    assert alone == ["in"]


# --- portraits and overlap --------------------------------------------------------------------------


@pytest.mark.proves("R5")
@pytest.mark.parametrize("against", ["", "invited", "not loyal"])
def test_every_bar_of_a_portrait_leads_to_its_people(shop: Served, against: str) -> None:
    drawn = shop.post("/api/v1/audiences/portrait", {"name": "east", "against": against}, role="viewer")
    base = shop.post("/api/v1/audiences/count", {"expression": drawn["against"] or "true"})["count"]
    assert drawn["base"] == base
    assert {tag["tag"] for tag in drawn["tags"]} == set(TAGS)
    for tag in drawn["tags"]:
        assert tag["titles"]["zh"] == f"{tag['tag']}（中）"
        assert sum(value["people"] for value in tag["values"]) == drawn["people"]
        assert sum(value["base_people"] for value in tag["values"]) == base
        for value in tag["values"]:
            counted = shop.post("/api/v1/audiences/count", {"expression": value["expression"]})["count"]
            assert counted == value["people"], value
            whole = f"({drawn['against'] or 'true'}) and {bracketed(value['condition'])}"
            assert (
                shop.post("/api/v1/audiences/count", {"expression": whole})["count"] == value["base_people"]
            )
            if value["base_people"]:
                assert value["tgi"] == pytest.approx(100 * value["share"] / value["base_share"])
            else:
                assert value["tgi"] is None


def bracketed(text: str) -> str:
    return f"({text})"


def test_a_portrait_begins_with_what_tells_most(shop: Served) -> None:
    drawn = shop.post("/api/v1/audiences/portrait", {"name": "city = '上海'", "most": 2})
    assert drawn["tags"][0]["tag"] == "city"
    assert drawn["tags"][0]["values"][0]["value"] == "上海"
    assert drawn["tags"][0]["values"][0]["significant"] is True
    assert (len(drawn["tags"]), drawn["tags_in_all"]) == (2, len(TAGS))
    empty = shop.send("POST", "/api/v1/audiences/portrait", {"name": "orders > 1000"})
    assert (empty.status_code, empty.json()["code"]) == (422, "empty_crowd")


def test_every_number_of_an_overlap_is_the_count_of_its_expression(shop: Served) -> None:
    asked = ["east", "loyal or not known(city)", "lovers", "invited"]
    found = shop.post("/api/v1/audiences/overlap", {"audiences": asked}, role="viewer")

    def count(expression: str) -> int:
        return int(shop.post("/api/v1/audiences/count", {"expression": expression})["count"])

    for crowd in found["audiences"]:
        assert count(crowd["expression"]) == crowd["people"]
    assert found["audiences"][0]["titles"] == {"en": "East", "zh": "华东"}
    sizes = [crowd["people"] for crowd in found["audiences"]]
    assert len(found["pairs"]) == 6
    for pair in found["pairs"]:
        assert count(pair["expression"]) == pair["both"]
        assert pair["either"] == sizes[pair["a"]] + sizes[pair["b"]] - pair["both"]
        assert pair["jaccard"] == pytest.approx(pair["both"] / pair["either"])
    for part in found["parts"]:
        assert count(part["expression"]) == part["people"]
    for place, size in enumerate(sizes):
        assert sum(part["people"] for part in found["parts"] if place in part["in"]) == size
    for wrong in ([], ["east"], ["east"] * 7):
        assert shop.send("POST", "/api/v1/audiences/overlap", {"audiences": wrong}).status_code == 422


# --- the list and one audience ----------------------------------------------------------------------


def test_the_list_is_searched_sorted_and_cut_into_pages(shop: Served) -> None:
    def names(**asked: Any) -> list[str]:
        return [row["name"] for row in shop.get("/api/v1/audiences", role="viewer", **asked)["audiences"]]

    assert names(sort="name") == ["east", "invited", "lovers"]
    assert names(sort="-name") == ["lovers", "invited", "east"]
    assert names(q="华东") == ["east"]
    assert names(q="THEY look") == ["lovers"]
    assert names(q="nothing like it") == []
    first = shop.get("/api/v1/audiences", limit=2)
    rest = shop.get("/api/v1/audiences", limit=2, cursor=first["next"])
    assert [row["name"] for row in first["audiences"] + rest["audiences"]] == ["east", "invited", "lovers"]
    assert rest["next"] is None
    assert shop.send("GET", "/api/v1/audiences", sort="size").status_code == 422


def test_an_audience_says_what_uses_it_and_how_large_it_was(shop: Served) -> None:
    shop.world.write(
        "campaigns/hello.yml",
        "title: {en: Hello}\naudience: east\nchannel: email\ntemplate: hello.html\nsubject: Hi\nholdout: 0.1\n",
    )
    shop.world.write("templates/hello.html", "<p>Hi</p>")
    shop.world.write("journeys/met.yml", "start: {enters: east}\nsteps:\n  ask: {task: Say hello}\n")
    shop.world.write(
        "journeys/once.yml",
        "start: {event: Order Paid}\nonly: in audience east\nsteps:\n  ask: {task: Say hello}\n",
    )
    shown = shop.get("/api/v1/audiences/east", role="viewer")
    assert [(user["kind"], user["name"]) for user in shown["used_by"]] == [
        ("campaign", "hello"),
        ("journey", "met"),
        ("journey", "once"),
        ("audience", "lovers"),
    ]
    assert shown["count"] == how_many(parse("in audience east"))
    assert [part["expression"] for part in shown["conditions"]][1:3] == [
        "city in ('上海', '杭州')",
        "not orders >= 5",
    ]
    assert (shown["people"], shown["history"]) == (None, [])
    taken = shop.post("/api/v1/audiences/east/snapshot", role="operator")
    assert (taken["people"], taken["entered"], taken["left"]) == (shown["count"], shown["count"], 0)
    shown = shop.get("/api/v1/audiences/east")
    assert shown["history"] == [
        {"at": NOW.isoformat(), "people": taken["people"], "entered": taken["people"], "left": 0}
    ]
    assert (shown["people"], shown["as_of"], shown["sizes"]) == (
        taken["people"],
        NOW.isoformat(),
        [taken["people"]],
    )
    assert shop.get("/api/v1/audiences/invited")["members"] == 6
    assert shop.get("/api/v1/audiences/invited")["count"] == 5
    assert shop.send("GET", "/api/v1/audiences/eats").status_code == 404


def test_an_audience_that_is_wrong_is_shown_with_what_is_wrong(shop: Served) -> None:
    path = shop.world.write("audiences/broken.yml", "expression: orders >\n")
    try:
        rows = {row["name"]: row for row in shop.get("/api/v1/audiences")["audiences"]}
        assert "broken.yml:1" in rows["broken"]["problem"]
        shown = shop.get("/api/v1/audiences/broken")
        assert (shown["count"], shown["text"]) == (None, "expression: orders >\n")
        assert shown["problem"]
    finally:
        path.unlink()


def test_a_text_is_edited_without_losing_its_comments(shop: Served) -> None:
    text = "# the east\ntitle: {en: East, zh: 华东}\nexpression: known(city)  # for now\nowner: crm\n"
    made = shop.post(
        "/api/v1/audiences/text",
        {
            "name": "east",
            "text": text,
            "titles": {"en": "East", "zh": "东部"},
            "expression": "orders > 1",
            "owner": "crm",
        },
        role="viewer",
    )["text"]
    assert "# the east" in made
    assert "# for now" in made
    assert "东部" in made
    assert "orders > 1" in made
    fresh = shop.post("/api/v1/audiences/text", {"name": "vips", "members": ["u1"], "why": "Invited."})[
        "text"
    ]
    assert fresh == "members:\n  - u1\nwhy: Invited.\n"
    assert shop.send("POST", "/api/v1/audiences/text", {"name": "x"}).status_code == 422
    assert (
        shop.send("POST", "/api/v1/audiences/text", {"name": "x", "expression": "orders >"}).status_code
        == 422
    )


# --- exports ----------------------------------------------------------------------------------------


def test_an_export_says_why_is_kept_and_fetched_and_leaves_a_trace(shop: Served) -> None:
    asked = {"columns": ["city", "person.email", "orders"], "reason": "letters"}
    made = shop.post("/api/v1/audiences/east/exports", asked, role="operator")
    assert made["people"] == how_many(parse("in audience east"))
    listed = shop.get("/api/v1/exports", role="operator")["exports"][0]
    assert (listed["id"], listed["name"], listed["reason"], listed["people"], listed["there"]) == (
        made["export"], "east", "letters", made["people"], True,
    )  # fmt: skip
    answer = shop.send("GET", f"/api/v1/exports/{made['export']}/file", role="operator")
    assert answer.headers["content-disposition"] == 'attachment; filename="east-2026-06-01.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert list(rows[0]) == ["person_id", "user_id", "person.email", "city", "orders"]
    assert {row["city"] for row in rows} == {"上海", "杭州"}
    assert len(rows) == made["people"]
    audit = shop.world.verb("audit list")["audit"]
    assert [row["action"] for row in audit if row["kind"] == "export"][:2] == [
        "export file",
        "audience export",
    ]
    assert "@example.test" not in json.dumps(audit)


def test_an_export_as_parquet_keeps_types(shop: Served) -> None:
    made = shop.post(
        "/api/v1/audiences/invited/exports", {"format": "parquet", "columns": ["spend"], "reason": "types"}
    )
    content = shop.send("GET", f"/api/v1/exports/{made['export']}/file").content
    table = pq.read_table(io.BytesIO(content))
    assert str(table.schema.field("spend").type) == "decimal128(23, 4)"
    assert table.num_rows == 5


def test_an_export_without_a_reason_or_a_role_is_refused(shop: Served) -> None:
    before = len(shop.get("/api/v1/exports")["exports"])
    for body in ({}, {"reason": ""}, {"reason": "ab"}):
        assert shop.send("POST", "/api/v1/audiences/east/exports", body).status_code == 422
    blank = shop.send("POST", "/api/v1/audiences/east/exports", {"reason": "     "}).json()["job"]
    while (job := shop.get(f"/api/v1/jobs/{blank}"))["status"] in ("waiting", "running"):
        pass
    assert job["error"]["path"] == "reason"
    for method, path in (
        ("POST", "audiences/east/exports"),
        ("GET", "exports"),
        ("GET", "exports/none/file"),
    ):
        body = {"reason": "because"} if method == "POST" else None
        assert shop.send(method, f"/api/v1/{path}", body, role="viewer").status_code == 403
    assert shop.send("GET", "/api/v1/exports/none/file").status_code == 404
    assert len(shop.get("/api/v1/exports")["exports"]) == before


def test_an_export_asked_for_twice_with_one_key_is_made_once(shop: Served) -> None:
    before = len(shop.get("/api/v1/exports")["exports"])
    headers = {"idempotency-key": "once"}
    body = {"reason": "only once"}
    answers = [shop.send("POST", "/api/v1/audiences/east/exports", body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    shop.wait(answers[0].json()["job"])
    assert len(shop.get("/api/v1/exports")["exports"]) == before + 1


def test_files_that_were_exported_elsewhere_are_listed_and_not_fetched(shop: Served) -> None:
    target = shop.world.folder / "east.csv"
    shop.world.verb("audience export", name="east", to=str(target), reason="by hand")
    row = shop.get("/api/v1/exports", q="by hand")["exports"][0]
    assert (row["by"], row["there"], row["bytes"]) == ("command line", False, None)
    assert shop.send("GET", f"/api/v1/exports/{row['id']}/file").status_code == 404


# --- saved views ------------------------------------------------------------------------------------


def test_views_are_ones_own_unless_they_are_shared(shop: Served) -> None:
    def save(role: str, name: str, **more: Any) -> Json:
        body = {"page": "audiences", "name": name, "query": "?q=east&sort=-people", **more}
        return shop.post("/api/v1/views", body, role=role)

    def seen(role: str) -> set[str]:
        return {view["name"] for view in shop.get("/api/v1/views", role=role, page="audiences")["views"]}

    mine = save("viewer", "mine")
    assert (mine["query"], mine["own"]) == ("q=east&sort=-people", True)
    ours = save("operator", "ours", shared=True)
    assert seen("viewer") == {"mine", "ours"}
    assert seen("operator") == {"ours"}
    assert shop.get("/api/v1/views", page="people")["views"] == []
    again = save("viewer", "mine", shared=False)
    assert seen("viewer") == {"mine", "ours"}
    refused = {"page": "audiences", "name": "x", "query": "", "shared": True}
    assert shop.send("POST", "/api/v1/views", refused, role="viewer").status_code == 403
    assert shop.send("DELETE", f"/api/v1/views/{ours['id']}", role="viewer").status_code == 403
    assert shop.send("DELETE", f"/api/v1/views/{again['id']}", role="operator").status_code == 404
    assert shop.send("DELETE", f"/api/v1/views/{ours['id']}", role="admin").status_code == 200
    assert shop.send("DELETE", f"/api/v1/views/{again['id']}", role="viewer").json()["removed"] is True
    assert seen("viewer") == set()
