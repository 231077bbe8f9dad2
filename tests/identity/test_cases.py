"""The driver of known-answer cases, and the cases themselves where the real data sets are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from identity_session import BareSession

from limner.testing.identity import check_case, run

APART: dict[str, Any] = {
    "id": "apart",
    "ops": [
        {"op": "track", "id": "anon-1", "event": "e1"},
        {"op": "identify", "id": "guest", "anonymous_id": "anon-1"},
        {"op": "track", "id": "anon-2", "event": "e2"},
        {"op": "identify", "id": "guest", "anonymous_id": "anon-2"},
    ],
    "expected": "anon-1 and anon-2 stay two people",
}


@pytest.mark.proves("I2", partly="nothing serves content to a device yet")
@pytest.mark.proves("I4", partly="no verb undoes a merge yet")
@pytest.mark.proves("I1", "I2", "I3", "I4")
@pytest.mark.datasets
def test_every_known_answer_comes_out(datasets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passed, failures = run(datasets / "cases" / "identity_cases.json", BareSession)
    assert not failures
    assert capsys.readouterr().out == f"{passed} passed, 0 failed\n"
    assert passed == 16


def test_a_case_that_comes_out_has_no_failures() -> None:
    assert check_case(APART, BareSession) == []


def test_the_driver_sees_people_fused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operations = [{**op, "id": "u1"} if op["id"] == "guest" else op for op in APART["ops"]]
    (tmp_path / "cases.json").write_text(json.dumps({"cases": [{**APART, "ops": operations}, APART]}))
    passed, failures = run(tmp_path / "cases.json", BareSession)
    assert passed == 1
    assert [failure.case for failure in failures] == ["apart"]
    assert capsys.readouterr().out.endswith("1 passed, 1 failed\n")


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([{"ids": ["u1"]}, {"ids": ["d1"]}], "stay apart"),
        ([{"ids": ["u1", "d2"]}], "one person"),
        ([{"ids": ["u1"], "properties": {"a": 2}}], "should have"),
        ([{"ids": ["d2"], "identified": True}], "identified"),
    ],
)
def test_the_driver_sees_each_kind_of_failure(people: list[dict[str, Any]], message: str) -> None:
    case = {
        "id": "wrong",
        "ops": [
            {"op": "identify", "id": "u1", "anonymous_id": "d1", "set": {"a": 1}},
            {"op": "set", "id": "d2", "set": {"b": 1}},
        ],
        "expected_people": people,
    }
    assert message in str(check_case(case, BareSession)[0])


def test_the_driver_sees_a_session_that_did_not_move() -> None:
    case = {
        "id": "moved",
        "ops": [
            {"op": "set", "id": "owner", "set": {"email": "owner@x"}},
            {"op": "set", "id": "other", "set": {"email": "other@x"}},
            {"op": "login_in_session_of", "session_owner": "owner", "email": "other@x"},
        ],
        "expected_people": [{"ids": ["owner"]}, {"ids": ["other"]}],
    }

    class Unmoved(BareSession):
        keys = ()  # type: ignore[assignment]

    assert check_case(case, BareSession) == []
    assert check_case(case, Unmoved)
