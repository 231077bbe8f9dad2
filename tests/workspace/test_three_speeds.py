"""The behavioural known answers as rule tags, at three speeds: anew, carried on from an hour before, and in steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from limner.testing.cases import run
from limner.testing.session import WorkspaceSession
from limner.types import silent
from limner.workspace import knowing
from limner.workspace.realtime import Realtime

BEFORE = timedelta(hours=1)


class TagSession(WorkspaceSession):
    """Answers an expression by the people who have a rule tag of it. `speed`: full, carried or step.

    `asked`: how often; `apart`: how often it took a run that carried nothing on, or a step left it to one.
    """

    def __init__(self, speed: str) -> None:
        super().__init__()
        self.speed = speed
        self.asked = self.apart = 0

    def people(self, expression: str, as_of: datetime) -> set[str]:
        self.asked += 1
        when = json.dumps(self._with_names(expression), ensure_ascii=False)
        (self.workspace.paths.folder / "tags" / "asked.yml").write_text(
            f"nature: model\nmethod: rule\ntype: flag\nvalidity: 100 days\ncases:\n  - when: {when}\n    then: true\n",
            encoding="utf-8",
        )
        at = self.now = max(as_of, self.now)
        if self.speed != "full":
            self.now = at - BEFORE
            knowing.tag_run(self.workspace, silent, full=True)
            self.now = at
        if self.speed == "step":
            report = Realtime(self.workspace).once()
            if report is None or report.waiting:
                self.apart += 1
                knowing.tag_run(self.workspace, silent)
        else:
            answer = knowing.tag_run(self.workspace, silent, full=self.speed == "full")
            self.apart += answer["carried"] is None
        found = self.workspace.engine.read(
            "SELECT value FROM identifiers WHERE kind = 'user' AND ix IN (SELECT ix FROM tag_asked WHERE value)"
        )
        return set(found.column("value").to_pylist())


@pytest.mark.datasets
@pytest.mark.proves("B1")
@pytest.mark.parametrize("speed", ["full", "carried", "step"])
def test_every_known_answer_is_a_tag_at_each_speed(
    datasets: Path, capsys: pytest.CaptureFixture[str], speed: str
) -> None:
    sessions: list[TagSession] = []

    @contextmanager
    def opened() -> Iterator[TagSession]:
        with TagSession(speed) as session:
            sessions.append(session)
            yield session

    assert run(datasets / "cases" / "behavioural_cases.json", opened) == (40, 0), capsys.readouterr().out
    asked, apart = sum(one.asked for one in sessions), sum(one.apart for one in sessions)
    assert (asked, apart) == (57, 57 if speed == "full" else 0)
