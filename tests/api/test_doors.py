"""What every management route has in common: shapes, preconditions, idempotency, jobs, scopes."""

from __future__ import annotations

import pytest

from tests.api.served import Served

TEXT = 'title: Everybody\nexpression: "known(person.city) or not known(person.city)"\n'
PLACE = "/api/v1/definitions/audiences/everybody"


def test_a_definition_is_written_under_the_etag_that_was_read(served: Served) -> None:
    served.identify("u1", city="杭州")
    assert served.send("PUT", PLACE, {"text": TEXT}).status_code == 428
    made = served.send("PUT", PLACE, {"text": TEXT}, headers={"if-none-match": "*"})
    assert made.status_code == 200
    etag = made.headers["etag"]
    assert served.send("GET", PLACE).headers["etag"] == etag
    again = served.send("PUT", PLACE, {"text": TEXT}, headers={"if-none-match": "*"})
    assert (again.status_code, again.json()["code"]) == (409, "edited")
    other = served.send(
        "PUT", PLACE, {"text": TEXT + "why: x\n"}, headers={"if-match": etag}, role="operator"
    )
    assert other.status_code == 200
    late = served.send("PUT", PLACE, {"text": TEXT + "why: y\n"}, headers={"if-match": etag})
    assert late.status_code == 409
    assert "changed it at" in late.json()["message"]
    assert served.send("DELETE", PLACE, headers={"if-match": other.headers["etag"]}).json()["deleted"] is True
    assert served.post(f"{PLACE}/undo")["there"] is True


def test_a_wrong_text_is_refused_with_its_place(served: Served) -> None:
    wrong = served.send(
        "PUT",
        "/api/v1/definitions/audiences/wrong",
        {"text": 'expression: "nosuchtag > 3"\n'},
        headers={"if-none-match": "*"},
    )
    assert wrong.status_code == 422
    assert wrong.json()["path"].startswith("audiences/wrong.yml:1:")


def test_the_same_idempotency_key_does_the_effect_once(served: Served) -> None:
    place = "/api/v1/definitions/audiences/once"
    served.send("PUT", place, {"text": TEXT}, headers={"if-none-match": "*"})
    key = {"idempotency-key": "undo-1"}
    first = served.send("POST", f"{place}/undo", {}, headers=key)
    second = served.send("POST", f"{place}/undo", {}, headers=key)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert second.headers["idempotent-replay"] == "true"
    assert served.send("POST", f"{place}/undo", {}).status_code == 404
    elsewhere = served.send("POST", f"{PLACE}/undo", {}, headers=key)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "key_reused")
    other_caller = served.send("POST", f"{place}/undo", {}, headers=key, role="operator")
    assert other_caller.status_code == 404


def test_an_effect_that_failed_may_be_tried_again_with_its_key(served: Served) -> None:
    place = "/api/v1/definitions/audiences/later"
    key = {"idempotency-key": "undo-2"}
    assert served.send("POST", f"{place}/undo", {}, headers=key).status_code == 404
    served.send("PUT", place, {"text": TEXT}, headers={"if-none-match": "*"})
    assert served.send("POST", f"{place}/undo", {}, headers=key).status_code == 200


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "####"}, "cursor"),
        ({"nosuch": "1"}, "nosuch"),
        ({"status": "odd"}, "status"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_its_name(
    served: Served, query: dict[str, str], path: str
) -> None:
    answer = served.send("GET", "/api/v1/jobs", **query)
    assert (answer.status_code, answer.json()["path"]) == (422, path)


def test_a_body_that_is_wrong_is_refused_with_its_place(served: Served) -> None:
    place = "/api/v1/expressions/check"
    assert served.send("POST", place, content=b"{").json()["code"] == "invalid_json"
    assert served.send("POST", place, content=b"[]").json()["code"] == "not_an_object"
    missing = served.send("POST", place, {})
    assert (missing.json()["code"], missing.json()["path"]) == ("missing", "expression")
    unknown = served.send("POST", place, {"expression": "true", "expresion": 1})
    assert (unknown.json()["code"], unknown.json()["path"]) == ("unknown", "expresion")
    assert served.send("POST", place, {"expression": 5}).json()["code"] == "invalid_type"


def test_a_key_reaches_only_what_its_scopes_name(served: Served) -> None:
    key = served.world.verb("key add", role="admin", scopes=["jobs:read"])["key"]
    assert served.send("GET", "/api/v1/jobs", role=key).status_code == 200
    refused = served.send("GET", "/api/v1/expressions/names", role=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_scope")
    reader = served.world.verb("key add", role="admin", scopes=["definitions:read"])["key"]
    assert served.send("GET", PLACE, role=reader).status_code in (200, 404)
    assert served.send("POST", f"{PLACE}/undo", {}, role=reader).status_code == 403


def test_text_and_tree_of_an_expression_are_the_same_thing(served: Served) -> None:
    text = "did \"Order Paid\" at least 2 times in last 30 days and not person.city = '杭州'"
    parsed = served.post("/api/v1/expressions/check", {"expression": text})
    printed = served.post("/api/v1/expressions/print", {"tree": parsed["tree"]})
    assert printed == parsed
    names = served.get("/api/v1/expressions/names")
    assert "city" in names["attributes"]
