"""What the server says of people and to authors has Chinese words in the UI, whatever values it holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from limner.campaigns import policy
from limner.consents import model, permissions
from limner.touches import wanting
from limner.workspace import confirming
from tests.sentences import refusals, texts

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "web/src/lib/sentences.json").read_text(encoding="utf-8"))
KNOWN = TABLE["sentences"]
_PLACE = re.compile(r"\{\*?\}")
SHAPES = [re.compile("(.+?)".join(map(re.escape, _PLACE.split(english))), re.DOTALL) for english in KNOWN]

REASONS = ("campaigns/policy.py", "campaigns/holding.py", "feedback/harm.py", "touches/values.py")
PARTS = {
    "waits for ",
    "audience {}",
    "tag {}",
    "tag {} {}",
    "{}{}, which has priority",
    "cap reached: {} in {}{}{}",
}
"""What is no whole sentence: it is about something, or its parts are sentences of the table above."""
EXPRESSIONS = [
    f"expressions/{name}.py"
    for name in ("parse", "build", "check", "compile", "as_json", "happenings", "patterns", "windows")
]
IMPORTS = [
    *(f"connectors/{name}.py" for name in ("delimited", "files", "text", "workbook")),
    *(f"events/{name}.py" for name in ("mapping", "imports", "conversions", "draft")),
    "workspace/importing.py",
]
ROWS = [
    *(f"campaigns/{name}.py" for name in ("text", "journey_text", "scene_text")),
    "content/text.py",
    "workspace/journeys.py",
]


def lacking(found: list[tuple[str, str]]) -> dict[str, str]:
    """What has no Chinese, by its place: with a word in each of its gaps no sentence of the table fits."""
    return {
        place: text
        for place, text in found
        if text not in TABLE["words"]
        and not any(
            shape.fullmatch(f"{start}{text.strip()}".replace("{}", "7"))
            for shape in SHAPES
            for start in ("", "tag {} ")
        )
    }


@pytest.mark.parametrize(
    "reason",
    [
        policy.TOO_LATE, policy.HELD_OUT, policy.PAUSED, policy.UNPROFILED, policy.QUIET_HOURS, policy.HOLIDAY,
        policy.NEVER, permissions.NONE_LEFT, wanting.OVERTAKEN, wanting.LEFT, confirming.NOBODY_CONFIRMED,
        *model.REASONS, "no consent", "no address", "same address as another person", "erased",
        "the person is no longer known",
    ],
)  # fmt: skip
def test_every_word_for_why_somebody_gets_nothing_has_chinese(reason: str) -> None:
    assert reason in KNOWN


def test_every_reason_that_holds_or_suppresses_has_chinese() -> None:
    found = [(place, text) for place, text in texts(*REASONS) if text not in PARTS]
    assert len(found) > 25
    assert not lacking(found)
    assert lacking([("here", "kept back by the moon")])


@pytest.mark.parametrize(
    ("modules", "least"),
    [(EXPRESSIONS, 75), (IMPORTS, 30), (ROWS, 70)],
    ids=["expressions", "imports", "rows"],
)
def test_every_mistake_of_an_author_has_chinese(modules: list[str], least: int) -> None:
    found = list(refusals(*modules))
    assert len(found) > least
    assert not lacking(found)
