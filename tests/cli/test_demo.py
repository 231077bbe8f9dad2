"""The demo, small: the whole journey on a generated shop, with the planted effect inside the report's interval."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.cli.demo import demo
from limner.errors import ConflictError
from limner.types import Json


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Json:
    folder = tmp_path_factory.mktemp("demo") / "shop"
    # The interval is meant to hold the truth for 95 of 100 seeds; this one is fixed, so the answer is too.
    return demo(folder, people=3_000, seed=3, serve=False, port=0, as_json=False)


def test_every_source_accounts_for_what_it_received(answer: Json) -> None:
    names = {source["name"] for source in answer["sources"]}
    assert names == {"crm", "web", "till", "official account", "website", "limner"}
    for source in answer["sources"]:
        parts = [source[name] for name in ("stored", "duplicate", "quarantined", "rejected")]
        assert source["received"] == sum(parts)
        assert (source["quarantined"], source["rejected"]) == (0, 0), source["name"]
    assert answer["events"] == sum(source["stored"] for source in answer["sources"])
    assert answer["posted_before"] + answer["posted_after"] == next(
        source["received"] for source in answer["sources"] if source["name"] == "website"
    )


def test_everybody_of_the_audience_is_somewhere(answer: Json) -> None:
    report = answer["report"]
    assert report["exact"] is True
    assert report["audience"] == answer["audience"]
    assert report["sent"] == answer["planted"]["recipients"] > 500
    assert answer["wechat"]["sent"] > 100


def test_the_interval_holds_the_planted_effect(answer: Json) -> None:
    report, planted = answer["report"], answer["planted"]["per_person"]
    assert report["enough_data"] is True
    changed = report["incremental"]
    assert changed["per_person_low"] <= planted <= changed["per_person_high"]


def test_feedback_became_events_and_changed_tags(answer: Json) -> None:
    assert answer["links_followed"]["failed"] == 0
    mail = answer["answers_mail"]
    assert mail["clicks"] == answer["report"]["clicked"] > 0
    assert mail["opens"] > 0
    assert answer["tags_changed"] > 0


def test_a_folder_that_is_no_demo_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ConflictError, match="not a demo"):
        demo(tmp_path, people=500, seed=1, serve=False, port=0, as_json=False)
    assert (tmp_path / "precious.txt").read_text() == "mine"
