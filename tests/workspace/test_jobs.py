"""Jobs: progress, an end that is guessed, cancelling, and what a killed process leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.accounts.model import LOCAL, Caller, Role
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.types import Json, Progress
from tests.workspace.worlds import World

VIEWER = Caller("user", "v", "Vera", Role.VIEWER)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "shop")
    yield made
    made.close()


class Work:
    """Work that goes on when the test lets it."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> Json:
        progress("rows", 1, 4)
        self.began.set()
        assert self.go.wait(20)
        progress("rows", 4, 4)
        return {"rows": 4}


def ended(world: World, job: str) -> Json:
    while (shown := world.workspace.jobs.show(job))["status"] in ("waiting", "running"):
        pass
    return shown


def test_a_job_shows_how_far_it_is_and_then_its_answer(world: World) -> None:
    work = Work()
    job = world.workspace.jobs.begin("import", "orders.csv", LOCAL, work)
    assert work.began.wait(20)
    shown = world.verb("job show", id=job)
    assert (shown["status"], shown["what"], shown["done"], shown["total"]) == ("running", "rows", 1, 4)
    assert shown["eta_seconds"] >= 0
    assert [item["id"] for item in world.verb("job list", status="running")["jobs"]] == [job]
    work.go.set()
    assert ended(world, job)["answer"] == {"rows": 4}
    assert world.verb("job list", status="running")["jobs"] == []


def test_the_end_of_a_job_is_guessed_by_how_long_the_same_took_before(world: World) -> None:
    records = world.workspace.records
    with records.begin() as connection:
        for n, seconds in enumerate((30, 50, 1_000)):
            connection.execute(
                text(
                    "INSERT INTO jobs (id, verb, subject, status, by, started_at, ended_at)"
                    " VALUES (:id, 'tag run', 'city', 'done', 'v', 0, :ended)"
                ),
                {"id": f"old{n}", "ended": seconds * 1_000_000},
            )
    for subject, low, high in (("city", 40, 50), ("mail", 0, 25)):  # the median, or by its own progress
        work = Work()
        job = world.workspace.jobs.begin("tag run", subject, LOCAL, work)
        assert work.began.wait(20)
        assert low <= world.verb("job show", id=job)["eta_seconds"] <= high
        work.go.set()
        ended(world, job)


def test_a_cancelled_job_ends_at_its_next_step_and_has_no_answer(world: World) -> None:
    work = Work()
    job = world.workspace.jobs.begin("import", "", LOCAL, work)
    assert work.began.wait(20)
    world.verb("job cancel", id=job)
    work.go.set()
    shown = ended(world, job)
    assert (shown["status"], shown["answer"], shown["error"]) == ("cancelled", None, None)
    with pytest.raises(ConflictError, match="cancelled already"):
        world.verb("job cancel", id=job)


def test_a_job_that_fails_says_why_as_any_error_does(world: World) -> None:
    def wrong(_progress: Progress) -> Json:
        raise UsageError("there is no column 'x'", where="map.yml:3:1", hint="columns: a, b")

    shown = ended(world, world.workspace.jobs.begin("import", "", LOCAL, wrong))
    assert shown["status"] == "failed"
    assert shown["error"] == {
        "code": "usage",
        "message": "there is no column 'x'",
        "path": "map.yml:3:1",
        "hint": "columns: a, b",
    }


def test_a_fault_is_logged_and_not_shown(world: World) -> None:
    def broken(_progress: Progress) -> Json:
        return {"never": 1 // 0}

    shown = ended(world, world.workspace.jobs.begin("import", "", LOCAL, broken))
    assert shown["error"]["code"] == "internal"
    assert "division" not in shown["error"]["message"]


def test_a_job_that_the_process_did_not_survive_is_failed(world: World) -> None:
    with world.workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (id, verb, subject, status, by, started_at)"
                " VALUES ('old', 'import', '', 'running', 'x', 0)"
            )
        )
    world.reopen()
    assert world.verb("job show", id="old")["error"]["message"] == "the process ended"


def test_a_viewer_sees_only_own_jobs(world: World) -> None:
    from limner.types import silent
    from limner.workspace.calling import call

    mine = world.workspace.jobs.begin("a", "", VIEWER, lambda _progress: {})
    other = world.workspace.jobs.begin("b", "", LOCAL, lambda _progress: {})
    listed = call(world.workspace, "job list", {}, silent, VIEWER)["jobs"]
    assert [item["id"] for item in listed] == [mine]
    with pytest.raises(NotFoundError):
        call(world.workspace, "job show", {"id": other}, silent, VIEWER)


def test_pages_of_jobs_follow_each_other_without_gap_or_repetition(world: World) -> None:
    jobs = [world.workspace.jobs.begin(str(n), "", LOCAL, lambda _progress: {}) for n in range(7)]
    found: list[str] = []
    cursor = ""
    while True:
        answer = world.verb("job list", limit=3, cursor=cursor)
        found += [item["id"] for item in answer["jobs"]]
        if answer["next"] is None:
            break
        cursor = answer["next"]
    assert sorted(found) == sorted(jobs)
    with pytest.raises(UsageError, match="cursor"):
        world.verb("job list", cursor="bm9uc2Vuc2U")
