"""Tags given by hand through the API: previewed, given by a job, undone, imported; who may, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.served import Served, serving

START = datetime(2026, 6, 1, 4, tzinfo=UTC)
VIP = "title: {en: VIP, zh: 贵宾}\nnature: model\nmethod: manual\ntype: text\nvalues: [gold, silver]\n"
POINTS = "nature: fact\nmethod: imported\ntype: number\n"
CITY = "nature: fact\nmethod: observed\ntype: text\nattribute: city\n"


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three people in two cities, with a manual, an imported and an observed tag."""
    with serving(tmp_path_factory.mktemp("giving") / "shop", now=START) as made:
        for user, city in {"ann": "Bern", "bob": "Bern", "cai": "Basel"}.items():
            made.identify(user, city=city)
        for key, text in {"vip": VIP, "points": POINTS, "city": CITY}.items():
            made.world.write(f"tags/{key}.yml", text)
        made.world.now += timedelta(minutes=1)
        made.post("/api/v1/tags/run", {})
        yield made


def count(shop: Served, expression: str) -> int:
    return int(shop.post("/api/v1/audiences/count", {"expression": expression})["count"])


@pytest.mark.proves("P7", "P8")
def test_a_filter_is_previewed_tagged_and_undone(shop: Served) -> None:
    asked = {"value": "gold", "where": "city = 'Bern'"}
    preview = shop.post("/api/v1/tags/vip/give/preview", asked, role="operator")
    assert (preview["people"], preview["changes"], preview["batch"]) == (2, 2, None)
    assert preview["before"] == [{"value": None, "people": 2}]
    assert count(shop, "vip = 'gold'") == 0
    done = shop.post("/api/v1/tags/vip/give", asked, role="operator")
    assert (done["changes"], count(shop, "vip = 'gold'")) == (2, 2)
    (row,) = shop.get("/api/v1/batches", role="operator")["batches"]
    assert (row["what"], row["value"], row["chosen"], row["people"], row["standing"]) == (
        "give", "gold", "city = 'Bern'", 2, 2,
    )  # fmt: skip
    shop.send("PUT", "/api/v1/people/bob/tags/vip", {"value": "silver"})
    seen = shop.get(f"/api/v1/batches/{done['batch']}/undo", role="operator")
    assert (seen["changes"], seen["changed_total"]) == (1, 1)
    undone = shop.post(f"/api/v1/batches/{done['batch']}/undo", role="operator")
    assert (undone["changes"], len(undone["changed"])) == (1, 1)
    assert (count(shop, "vip = 'gold'"), count(shop, "vip = 'silver'")) == (0, 1)
    actions = [row["action"] for row in shop.get("/api/v1/audit")["audit"]]
    assert (actions.count("tag give"), actions.count("tag undo")) == (2, 1)


@pytest.mark.proves("P8")
def test_one_person_is_corrected_with_author_and_the_computed_value_beside_it(shop: Served) -> None:
    end = (START + timedelta(days=30)).isoformat()
    given = shop.send("PUT", "/api/v1/people/ann/tags/city", {"value": "Thun", "until": end}, role="operator")
    assert given.json()["corrects"] is True
    shop.post("/api/v1/tags/run", {})
    (tag,) = [
        tag for part in shop.get("/api/v1/people/ann")["tags"] for tag in part["tags"] if tag["key"] == "city"
    ]
    assert (tag["value"], tag["given"]["computed"], tag["expires_at"]) == ("Thun", "Bern", end)
    assert tag["given"]["by"].startswith("key ")
    assert tag["given"]["origin"] == "manual"
    listed = shop.get("/api/v1/tags/city/conflicts", role="viewer")
    assert [(row["given"], row["computed"]) for row in listed["conflicts"]] == [("Thun", "Bern")]
    assert shop.get("/api/v1/people/ann/tags/city/why")["given"]["computed"] == "Bern"
    shop.send("DELETE", "/api/v1/people/ann/tags/city", role="operator")
    assert count(shop, "city = 'Bern'") == 2


@pytest.mark.proves("P8")
def test_an_uploaded_file_gives_values_and_says_which_lines_are_none(shop: Served) -> None:
    body = b"person,value\nann,5\nbob,many\nzed,1\n"
    upload = shop.send("POST", "/api/v1/uploads", content=body, name="points.csv").json()["upload"]
    preview = shop.post("/api/v1/tags/points/import/preview", {"upload": upload})
    done = shop.post("/api/v1/tags/points/import", {"upload": upload, "source": "till"})
    for answer in (preview, done):
        assert (answer["rows"], answer["taken"], answer["rejected_total"]) == (3, 1, 2)
        assert [row["line"] for row in answer["rejected"]] == [3, 4]
    assert (count(shop, "points = 5"), done["source"]) == (1, "till")


def test_viewers_give_nothing(shop: Served) -> None:
    for method, path, body in (
        ("POST", "/api/v1/tags/vip/give", {"value": "gold", "where": "known(city)"}),
        ("POST", "/api/v1/tags/vip/give/preview", {"value": "gold", "where": "known(city)"}),
        ("PUT", "/api/v1/people/ann/tags/vip", {"value": "gold"}),
        ("DELETE", "/api/v1/people/ann/tags/vip", None),
        ("GET", "/api/v1/batches", None),
    ):
        assert shop.send(method, path, body, role="viewer").status_code == 403
    assert count(shop, "known(vip)") == 0


def test_the_same_request_twice_is_one_batch(shop: Served) -> None:
    headers = {"idempotency-key": "one"}
    for _ in range(2):
        answer = shop.send("PUT", "/api/v1/people/ann/tags/vip", {"value": "gold"}, headers=headers)
        assert answer.json()["changes"] == 1
    assert len(shop.get("/api/v1/batches")["batches"]) == 1


def test_what_is_no_value_is_refused_with_its_reason(shop: Served) -> None:
    answer = shop.send("PUT", "/api/v1/people/ann/tags/vip", {"value": "bronze"})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_allowed")
