"""`limner demo lender`: who has a car, and what each of them is offered when and by what, on a clock that it turns."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from limner.cli import lender_show
from limner.cli.lender_days import send
from limner.cli.lender_stage import JOURNEY, SCENE, Stage, bring, staged, write_traces
from limner.cli.serve import running
from limner.cli.staging import keep_serving
from limner.demo import lender as bank
from limner.demo import lender_truth
from limner.types import Json
from limner.workspace import definitions, scenes

EVIDENCE = (
    "pays_for_energy",
    "pays_for_the_road",
    "pays_for_keeping",
    "asks_about_own_car",
    "asks_for_inspection",
)
"""The tags that speak for a car: by card, in the app, on the official account."""

ASKED = 900
"""So many were asked in the survey whether they have a car."""


def demo(folder: Path, *, people: int, seed: int, serve: bool, port: int, as_json: bool) -> Json:
    """Makes the workspace and goes from evidence to offers, answers and a report against a holdout."""
    with staged(folder, people=people, seed=seed, port=port) as stage:
        answer = perform(stage)
        if as_json:
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        else:
            lender_show.draw(answer)
        if serve:
            stage.clock.now = None
            keep_serving(stage.opened, port=port, example=answer["examples"][0]["user"])
    return answer


def perform(stage: Stage) -> Json:
    """The summary of all steps, one after the other."""
    began = time.monotonic()
    stage.summary |= {"seed": stage.made.seed, "steps": {}}
    with running(stage.opened, port=stage.port) as url:
        stage.opened.public_url = stage.url = url
        for name, step in STEPS.items():
            started = time.monotonic()
            step(stage)
            stage.summary["steps"][name] = round(time.monotonic() - started, 1)
    return stage.summary | {"url": stage.url, "seconds": round(time.monotonic() - began, 1)}


def collect(stage: Stage) -> None:
    """Customers, a survey, and five months of cards, app, official account, newsletters and contracts."""
    made, folder = stage.made, stage.folder / "sample"
    folder.mkdir()
    stage.traces = {
        "payments": bank.payments(made),
        "app": bank.app(made),
        "account": bank.account(made),
    }
    stage.at(made.launch)
    bank.write_customers(made, folder / "customers.csv")
    bank.write_consents(made, folder / "consents.csv")
    bank.write_survey(made, folder / "survey.csv", asked=ASKED)
    bank.write_newsletters(made, bank.newsletters(made), folder / "messages.parquet")
    bank.write_contracts(made, bank.contracts(made), folder / "contracts.csv")
    files = [folder / name for name in ("customers.csv", "survey.csv", "messages.parquet", "contracts.csv")]
    files += write_traces(stage, 0, stage.seconds, "")
    stage.until = stage.seconds
    stored = sum(bring(stage, path) for path in files)
    stage.verb("consent import", file=str(folder / "consents.csv"))
    stage.write_key = stage.verb("source add", name="contract desk", kind="segment")["write_key"]
    stage.summary["stored_before"] = stored


def find(stage: Stage) -> None:
    """Tags as of the launch: who has a car, by which evidence, and how often that is right."""
    ran = stage.verb("tag run")
    made = stage.made
    kinds = {kind: who_has(stage, kind) for kind in EVIDENCE}
    found = who_has(stage, "car_owner")
    stage.verb("audience snapshot", name="car_owners")
    stage.summary |= {
        "people": ran["people"],
        "tags": len(ran["tags"]),
        "evidence": lender_truth.by_evidence(made, found, kinds),
        "kinds_each": lender_truth.kinds_each(found, kinds),
        "finding": lender_truth.finding(made, found),
        "survey": surveyed(stage),
    }


def who_has(stage: Stage, tag: str) -> np.ndarray:
    """Which customers have the flag."""
    rows = stage.opened.engine.read(
        f"SELECT i.value AS id FROM tag_{tag} AS t JOIN identifiers AS i ON i.ix = t.ix"
        " WHERE i.kind = 'user' AND t.value"
    )
    return np.sort(np.array([int(id.as_py()[1:]) for id in rows["id"]], dtype=np.int64))


def surveyed(stage: Stage) -> Json:
    """What the survey says of the tag, as anybody would learn it who does not know the truth."""
    told = stage.verb("tag accuracy", key="car_owner")
    owners = stage.verb("audience count", expression="says_car")["count"]
    asked = stage.verb("audience count", expression="known(says_car)")["count"]
    return {
        "asked": asked,
        "owners": owners,
        "precision": told["precision"],
        "recall": told["recall"],
        "meets": told["meets"],
        "lift": told["precision"]["share"] / (owners / asked) if told["precision"] and owners else None,
    }


def conclude(stage: Stage) -> None:
    """Where everybody is, what it changed against the holdout, and what was planted."""
    stage.summary |= {
        "journey": stage.verb("journey show", name=JOURNEY),
        "report": stage.verb("scene report", name=SCENE),
    }
    got = stage.inbox.columns()
    first = np.unique(got.person, return_index=True)[1]
    measured = scenes.people_of(stage.opened, SCENE)
    out = scenes.rules(stage.opened, definitions.scene(stage.opened, SCENE)).held_out(measured)
    treated = users(stage, [person for person, held in zip(measured, out, strict=True) if not held])
    stage.summary |= {
        "fitting": lender_truth.fitting(stage.made, got.part(first)),
        "ways": lender_truth.ways(stage.made, got.part(first)),
        "twice": len(stage.inbox.twice),
        "received": {name: int((got.channel == number).sum()) for number, name in enumerate(bank.CHANNELS)},
        "planted": lender_truth.planted(
            treated=treated,
            because=np.array([one for one in stage.because if one in stage.posted], dtype=np.int64),
        ),
        "examples": examples(stage),
    }


def users(stage: Stage, people: Sequence[str]) -> np.ndarray:
    """Which customers these people are."""
    rows = stage.opened.engine.read(
        "SELECT i.value AS id FROM identifiers AS i JOIN persons AS p ON p.ix = i.ix"
        " WHERE i.kind = 'user' AND p.person_id IN (SELECT UNNEST($ids))",
        {"ids": list(people)},
    )
    return np.sort(np.array([int(id.as_py()[1:]) for id in rows["id"]], dtype=np.int64))


def examples(stage: Stage) -> list[Json]:
    """Of each channel somebody whom a message by it persuaded, with why it went then, so and about that."""
    shown = []
    for channel in range(len(bank.CHANNELS)):
        rows = [row for row in stage.inbox.taken if row.channel == channel]
        row = next((row for row in rows if row.person in stage.because), next(iter(rows), None))
        if row is not None:
            user = stage.made.user_id(row.person)
            shown.append({"user": user, **stage.verb("person messages", id=user)["messages"][-1]})
    return shown


STEPS: dict[str, Callable[[Stage], None]] = {
    "five months of files": collect,
    "tags: who has a car": find,
    "two weeks of the journey": send,
    "the report": conclude,
}
