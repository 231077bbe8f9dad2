"""Journeys over HTTP: seen by all, started and halted by operators; one person tried; tasks done."""

from __future__ import annotations

from datetime import timedelta

from limner.workspace.tick import Ticker
from tests.api.served import Served

ROAD = """\
title: {en: Calls, zh: 回访}
start: {event: Product Added, where: amount > 5}
holdout: 0
steps:
  pause: {wait: 1 hour}
  look: {branch: [{when: "did \\"Order Paid\\"", next: end}]}
  call: {task: Call them, within: 1 day}
layout: {pause: [10, 20]}
"""
ALL = "/api/v1/journeys"


def pass_time(served: Served, length: timedelta) -> None:
    served.world.now += length
    served.world.workspace.load()
    Ticker(served.world.workspace).tick()


def test_a_journey_is_started_walked_and_halted(served: Served) -> None:
    served.world.write("journeys/calls.yml", ROAD)
    served.world.write("journeys/broken.yml", "steps: 7\n")
    served.track("ann", "Order Paid", amount=3)  # makes the names known
    rows = {row["name"]: row for row in served.get(ALL, role="viewer")["journeys"]}
    assert (rows["calls"]["status"], rows["broken"]["error"]["where"]) == (
        "not started",
        "journeys/broken.yml:1:8",
    )
    one = f"{ALL}/calls"
    served.track("ann", "Product Added", amount=1)
    served.world.workspace.load()
    assert served.get(f"{one}/problems", role="viewer") == {"name": "calls", "problems": []}
    assert served.send("POST", f"{one}/start", {}, role="viewer").status_code == 403
    assert served.post(f"{one}/start", role="operator")["status"] == "running"
    served.world.now += timedelta(minutes=1)
    served.track("bob", "Product Added", amount=10, at=served.world.now.isoformat())
    served.track("cho", "Product Added", amount=2, at=served.world.now.isoformat())
    pass_time(served, timedelta(minutes=1))
    shown = served.get(one, role="viewer")
    assert (shown["entered"], shown["steps"][0]["here"], shown["steps"][0]["place"]) == (1, 1, [10.0, 20.0])
    assert [step["says"] for step in shown["steps"]] == ["1 hour", 'did "Order Paid"', "Call them"]
    tried = served.post(f"{one}/try", {"person": "ann"}, role="viewer")
    assert [(step["step"], step["next"]) for step in tried["path"]] == [("pause", "look"), ("look", "end")]
    pass_time(served, timedelta(hours=1))
    (task,) = served.get("/api/v1/journey-tasks", role="viewer")["tasks"]
    assert (task["text"], task["late"]) == ("Call them", False)
    served.post(f"/api/v1/journey-tasks/{task['id']}/done", role="operator")
    assert served.get("/api/v1/journey-tasks")["tasks"] == []
    found = served.get("/api/v1/people/bob/journeys", role="viewer")["journeys"]
    assert [(row["journey"], row["ended"]) for row in found] == [("calls", "end")]
    assert served.post(f"{one}/pause", role="operator")["status"] == "paused"
    assert served.post(f"{one}/stop", role="operator")["status"] == "stopped"
    refused = served.send("POST", f"{ALL}/broken/start", {}, role="operator")
    assert (refused.status_code, refused.json()["path"]) == (422, "journeys/broken.yml:1:8")
    assert served.send("GET", f"{ALL}/nothing", role="viewer").status_code == 404
