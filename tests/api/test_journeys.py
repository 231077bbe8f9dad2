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


def test_a_ready_journey_is_put_in_edited_by_plan_and_says_what_it_may_tell(served: Served) -> None:
    ready = "/api/v1/ready-journeys"
    rows = {row["key"]: row for row in served.get(ready, role="viewer")["ready"]}
    assert rows["stages"]["journeys"] == ["active", "cooling", "lost", "new"]
    assert served.get(f"{ready}/cart", role="viewer")["messages"][0]["subject"]["zh"] == "购物车还在等您"
    assert served.send("GET", f"{ready}/basket", role="viewer").status_code == 404
    asked = {"name": "after", "values": {"days": "2"}, "language": "zh"}
    preview = served.post(f"{ready}/call/preview", asked, role="viewer")
    assert preview["journeys"][0]["fields"]["steps"]["pause"] == {"wait": "2 days"}
    assert served.send("POST", f"{ready}/call/install", asked, role="viewer").status_code == 403
    assert served.send("POST", f"{ready}/call/install", {**asked, "values": {"days": 2}}).status_code == 422
    refused = served.send("POST", f"{ready}/call/install", {**asked, "values": {"days": "no"}})
    assert (refused.status_code, refused.json()["code"], refused.json()["path"]) == (
        422,
        "bad_value",
        "with.days",
    )
    served.post(f"{ready}/call/install", asked, role="operator")
    one = f"{ALL}/after"
    told = served.post(f"{one}/power", {"effect": 0.1}, role="viewer")
    assert (told["per_week"], told["reason"]) == (None, "short_history")
    assert served.send("GET", f"{one}/versions", role="viewer").status_code == 404
    served.world.now += timedelta(hours=1)  # who paid before it started stays out
    served.post(f"{one}/start", {}, role="operator")
    served.world.now += timedelta(minutes=1)
    served.track("dan", "Order Paid", amount=10, at=served.world.now.isoformat())
    pass_time(served, timedelta(minutes=1))
    text = served.world.folder.joinpath("journeys/after.yml").read_text(encoding="utf-8")
    plan = served.post(f"{one}/plan", {"text": text.replace("wait: 2 days", "wait: 5 days")}, role="viewer")
    assert [(row["step"], row["people"], row["fate"]) for row in plan["steps"]] == [("pause", 1, "waits")]
    assert served.post(f"{one}/plan", {"text": "steps: 7\n"}, role="viewer")["problems"][0]["code"]
    served.world.write("journeys/after.yml", text.replace("pause:", "rest:"))
    lost = served.post(f"{one}/plan", {}, role="viewer")
    assert (lost["loses"], lost["steps"][0]["fate"]) == (1, "leaves")
    assert served.send("POST", f"{one}/start", {}).json()["code"] == "people_leave"
    assert served.send("POST", f"{one}/start", {"plan": "another"}).json()["code"] == "stale_plan"
    served.post(f"{one}/start", {"plan": lost["plan"]}, role="operator")
    assert served.get(one, role="viewer")["ended"] == {"left: the step pause is gone": 1}
    assert [item["version"] for item in served.get(f"{one}/versions", role="viewer")["versions"]] == [2, 1]
    assert served.send("GET", f"{one}/movement", role="viewer").status_code == 422


def test_hours_and_channels_are_foretold(served: Served) -> None:
    served.world.write("templates/hi.html", "<p>Hi</p>\n")
    served.world.write(
        "journeys/hi.yml",
        "start: {event: Signed Up}\nsteps:\n  wait: {wait: 1 hour}\n"
        "  hi: {message: {template: hi.html, subject: Hi, class: service, when: best hour}}\n",
    )
    served.identify("dee", email="dee@example.test", timezone="America/New_York")
    for day in range(1, 13):
        served.track("dee", "Page Seen", at=f"2026-05-{day:02d}T23:10:00+00:00")
    served.world.now += timedelta(hours=1)
    one = served.get("/api/v1/people/dee/when", role="viewer")
    assert (one["zone"], one["whose"], one["n"], one["of"], one["observations"]) == (
        "America/New_York", "person", 12, 12, 12,
    )  # fmt: skip
    assert one["best"] in (18, 19)
    assert one["hours"][19] == 12
    step = served.get(f"{ALL}/hi/steps/hi/when", role="viewer")
    assert (step["goes_to"], sum(step["hours"]), step["whose"]["person"]) == (1, 1, 1)
    assert served.send("GET", f"{ALL}/hi/steps/wait/when", role="viewer").status_code == 422
    assert served.send("GET", f"{ALL}/hi/steps/ho/when", role="viewer").status_code == 404
    asked = {"message": {"class": "service", "channel": "best of [email, sms]"}, "audience": ""}
    told = served.post("/api/v1/messages/when", asked, role="viewer")
    assert (told["channels"], told["at_once"]) == ({"email": 1, "sms": 0}, 1)
    wrong = served.send("POST", "/api/v1/messages/when", {"message": {"when": "noon"}}, role="viewer")
    assert (wrong.status_code // 100, wrong.json()["path"] is not None) == (4, True)
    assert served.send("GET", "/api/v1/campaigns/none/when", role="viewer").status_code == 404
