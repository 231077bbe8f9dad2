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
    (bob,) = served.get(f"{one}/people", role="viewer")["people"]
    assert (bob["called"], bob["step"], bob["arm"]) == ("bob", "pause", "treated")
    assert served.get(f"{one}/people", role="viewer", step="call")["total"] == 0
    assert served.send("GET", f"{one}/people", role="viewer", step="cal").status_code == 404
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


def test_a_text_is_shown_as_fields_with_its_mistakes_at_their_steps(served: Served) -> None:
    served.track("ann", "Order Paid", amount=3)
    served.world.workspace.load()
    read = served.post(f"{ALL}/form", {"name": "calls", "text": ROAD}, role="viewer")
    assert (list(read["fields"]["steps"]), read["problems"]) == (["pause", "look", "call"], [])
    wrong = ROAD.replace("wait: 1 hour", "wayt: 1 hour")
    (problem,) = served.post(f"{ALL}/form", {"name": "calls", "text": wrong}, role="viewer")["problems"]
    assert (problem["line"], problem["step"], problem["stops"]) == (5, "pause", "save")
    later = ROAD.replace("call: {task: Call them, within: 1 day}", "call: {tag: nobody_knows}")
    (problem,) = served.post(f"{ALL}/form", {"name": "calls", "text": later}, role="viewer")["problems"]
    assert (problem["line"], problem["step"], problem["stops"]) == (7, "call", "start")
    (problem,) = served.post(f"{ALL}/form", {"name": "calls", "text": "a: [\n"}, role="viewer")["problems"]
    assert (problem["step"], problem["stops"]) == (None, "save")
    outside = ROAD.replace("holdout: 0", "holdout: 7")
    (problem,) = served.post(f"{ALL}/form", {"name": "calls", "text": outside}, role="viewer")["problems"]
    assert (problem["line"], problem["step"]) == (3, None)


def test_fields_are_put_into_a_text_that_is_saved_and_taken_back(served: Served) -> None:
    served.track("ann", "Order Paid", amount=3)
    steps = {"pause": {"wait": "2 hours"}, "call": {"task": "Call them", "within": "1 day"}}
    made = served.post(
        f"{ALL}/text", {"name": "calls", "text": ROAD, "fields": {"steps": steps}}, role="viewer"
    )
    assert "pause: {wait: 2 hours}\n  call: {task: Call them, within: 1 day}\n" in made["text"]
    place = "/api/v1/definitions/journeys/phoned"
    new = served.send("PUT", place, {"text": ROAD}, headers={"if-none-match": "*"})
    assert new.status_code == 200
    etag = new.headers["etag"]
    assert served.send("PUT", place, {"text": made["text"]}, headers={"if-match": etag}).status_code == 200
    assert served.send("PUT", place, {"text": ROAD}, headers={"if-match": etag}).status_code == 409
    served.post(f"{place}/undo")
    assert served.get(place)["text"] == ROAD
    assert served.send("DELETE", place, headers={"if-match": etag}).status_code == 200
    assert "phoned" not in [row["name"] for row in served.get(ALL)["journeys"]]
