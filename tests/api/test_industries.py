"""Industry templates through the management API."""

from __future__ import annotations

from tests.api.served import Served


def test_an_operator_installs_what_a_viewer_may_look_at(served: Served) -> None:
    listed = served.get("/api/v1/industries", role="viewer")["industries"]
    assert [row["name"] for row in listed] == ["auto_finance", "retail"]
    shown = served.get("/api/v1/industries/auto_finance", role="viewer")
    assert {row["path"] for row in shown["categories"]} >= {"source", "risk"}
    place = "/api/v1/industries/auto_finance/install"
    assert served.send("POST", place, {"only": "source"}, role="viewer").status_code == 403
    dry = served.post(place, {"only": "source", "dry_run": True}, role="operator")
    made = served.post(place, {"only": "source"}, role="operator")
    assert made["saved"] == dry["saved"]
    assert "tags/auto_first_source.yml" in made["saved"]
    assert served.get("/api/v1/tags/auto_first_source")["state"] == "new"
    assert served.send("GET", "/api/v1/industries/bakery").status_code == 404
    refused = served.send("POST", place, {"only": "nosuch"}, role="operator")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
