"""The management API: who may call what, errors, and the links in messages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from limner.accounts.model import RANK, Role
from limner.api.routes import ROUTES
from limner.api.routes.route import Route
from tests.api.served import Served


@pytest.fixture(scope="module", autouse=True)
def lived_in(served: Served) -> None:
    """Something happened in the workspace, so that nobody may fill it with the demo."""
    served.track("somebody", "Seen")
    served.world.workspace.load()


def asked(served: Served, route: Route, key: str | None) -> httpx2.Response:
    """The route with names that nothing has, and an empty body."""
    path = re.sub(r"{\w+}", "none", route.path).replace("/definitions/none", "/definitions/tags")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = b"{}" if route.method in ("POST", "PUT") else None
    return served.client.request(route.method, path, headers=headers, content=body)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_each_route_is_open_to_its_role_and_above_and_to_nobody_else(served: Served, route: Route) -> None:
    if route.role is None:
        assert asked(served, route, None).status_code not in (403, 500)
        return
    for role in Role:
        status = asked(served, route, served.keys[role.value]).status_code
        if RANK[role] < RANK[route.role]:
            assert status == 403, role
        else:
            assert status not in (401, 403, 500), role
    assert asked(served, route, None).status_code == 401
    assert asked(served, route, "lk_unknown").status_code == 401
    assert asked(served, route, served.keys["write"]).status_code == 403


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_error_has_code_message_path_and_request_id(served: Served, route: Route) -> None:
    for key in (None, served.keys["admin"]):
        answer = asked(served, route, key)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"code", "message", "path", "request_id"}
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_viewer_sees_masked_people_and_an_operator_does_not(served: Served) -> None:
    served.client.post(
        "/v1/identify",
        json={"userId": "mei", "traits": {"email": "mei@example.test", "city": "上海"}, "messageId": "1"},
        auth=(served.keys["write"], ""),
    ).raise_for_status()

    served.world.now += timedelta(minutes=1)

    def shown(role: str) -> str:
        answer = served.client.get(
            "/api/v1/people/mei", headers={"authorization": f"Bearer {served.keys[role]}"}
        )
        answer.raise_for_status()
        return answer.text

    assert "mei@example.test" not in shown("viewer")
    assert "上海" in shown("viewer")
    assert "mei@example.test" in shown("operator")


def test_words_of_the_wrong_type_are_refused_with_their_name(served: Served) -> None:
    answer = served.client.post(
        "/api/v1/audiences/count",
        json={"expression": 5},
        headers={"authorization": f"Bearer {served.keys['viewer']}"},
    )
    assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (
        422,
        "invalid_type",
        "expression",
    )


def test_health_version_and_metrics_answer_without_a_key(served: Served) -> None:
    assert served.client.get("/health").json()["healthy"] is True
    assert served.client.get("/version").json()["version"]
    served.client.post(
        "/v1/track", json={"userId": "u", "event": "Seen"}, auth=(served.keys["write"], "")
    ).raise_for_status()
    served.world.workspace.load()
    metrics = served.client.get("/metrics").text
    assert 'events_received_total{source="web"}' in metrics
    assert "healthy 1.0" in metrics


def test_an_unknown_path_and_a_wrong_method_are_json_errors(served: Served) -> None:
    assert served.client.get("/api/v1/nowhere").json()["code"] == "not_found"
    wrong = served.client.get("/v1/batch")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (
        405,
        "method_not_allowed",
        "POST, OPTIONS",
    )


def test_foreign_links_lead_nowhere(served: Served) -> None:
    assert served.client.get("/c/forged", follow_redirects=False).status_code == 404
    assert served.client.post("/u/forged").status_code == 404
    assert served.client.get("/o/forged").headers["content-type"] == "image/gif"


@pytest.mark.proves("B13", partly="only Segment's clients so far")
def test_segments_own_python_client_works_unmodified(served: Served) -> None:
    from segment.analytics.client import Client as Segment

    sdk = Segment(served.keys["write"], host=str(served.client.base_url), sync_mode=True, max_retries=0)
    sdk.identify("from-sdk", {"plan": "gold"})
    sdk.track("from-sdk", "Order Paid", {"amount": 9.95})
    sdk.alias("before", "from-sdk")
    served.world.now = max(served.world.now, datetime.now(UTC)) + timedelta(minutes=1)
    shown = served.world.verb("person show", id="from-sdk")
    told = served.world.verb("person timeline", id="from-sdk")["events"]
    assert {event["event"] for event in told} == {"$identify", "Order Paid", "$alias"}
    assert {"user:before", "user:from-sdk"} <= {f"{i['kind']}:{i['value']}" for i in shown["identities"]}
    assert served.world.verb("event summary", sum="amount", where="event = 'Order Paid'")["sum"] == "9.95"


def test_a_file_can_be_imported_over_http(served: Served, tmp_path: Path) -> None:
    answer = served.client.post(
        "/api/v1/imports/direct?name=people.csv&map=auto",
        content="user_id,city\n007,广州\n",
        headers={"authorization": f"Bearer {served.keys['operator']}"},
    )
    assert answer.json()["stored"] == 1
    served.world.now += timedelta(minutes=1)
    assert served.world.verb("person show", id="007")["attributes"][0]["value"] == "广州"
