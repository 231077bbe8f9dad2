"""The lender that looks for car owners: no column says who has a car, and what people did does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources

import numpy as np
import pytest

from limner.demo import lender
from tests.workspace.worlds import World

PEOPLE = 2_500
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> lender.Lender:
    return lender.lender(people=PEOPLE, seed=7, start=START)


@pytest.fixture(scope="module")
def bank(made: lender.Lender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The lender's workspace as it stands when the journey is about to start."""
    folder = tmp_path_factory.mktemp("lender") / "workspace"
    shutil.copytree(str(resources.files("limner.demo") / "lender_files"), folder)
    files = tmp_path_factory.mktemp("files")
    world = World(folder, now=made.launch)
    cut = (lender.DAYS - lender.AFTER_DAYS) * 86_400
    lender.write_customers(made, files / "customers.csv")
    lender.write_survey(made, files / "survey.csv", asked=900)
    paid, done, tapped = (
        part.part(part.seconds < cut)
        for part in (lender.payments(made), lender.app(made), lender.account(made))
    )
    lender.write_payments(made, paid, files / "payments.parquet")
    lender.write_app(made, done, files / "app.parquet")
    lender.write_account(made, tapped, files / "account.csv")
    for file in sorted(files.iterdir()):
        answer = world.verb("import", file=str(file), map=str(folder / "mappings" / f"{file.stem}.yml"))
        assert answer["rejected"] == answer["quarantined"] == 0
    world.verb("tag run")
    yield world
    world.close()


def found(bank: World, tag: str) -> np.ndarray:
    """Which customers have the flag."""
    rows = bank.workspace.engine.read(
        f"SELECT i.value AS id FROM tag_{tag} t JOIN identifiers i ON i.ix = t.ix"
        " WHERE i.kind = 'user' AND t.value"
    )
    return np.sort([int(id.as_py()[1:]) for id in rows["id"]])


@pytest.mark.proves("S6")
def test_car_owners_are_found_without_a_column_that_says_it(bank: World, made: lender.Lender) -> None:
    owners = found(bank, "car_owner")
    right = made.owner[owners]
    assert right.mean() >= 0.85
    assert right.sum() >= 0.7 * made.owner.sum()
    assert right.mean() >= 2.5 * made.owner.mean()  # against as many drawn by chance
    kinds = (
        "pays_for_energy",
        "pays_for_the_road",
        "pays_for_keeping",
        "asks_about_own_car",
        "asks_for_inspection",
    )
    alone = {kind: made.owner[found(bank, kind)].mean() for kind in kinds}
    assert sorted(alone.values())[1] < right.mean()  # hardly one of them is as often right alone
    telling = [kind for kind in kinds if np.isin(owners, found(bank, kind)).mean() >= 0.2]
    assert len(telling) >= 3


def test_a_survey_says_how_often_the_tag_is_right(bank: World, made: lender.Lender) -> None:
    told = bank.verb("tag accuracy", key="car_owner")
    assert (told["people"], told["enough"], told["meets"]) == (900, True, True)
    right = made.owner[found(bank, "car_owner")].mean()
    assert told["precision"]["low"] < right < told["precision"]["high"]


def test_the_same_seed_gives_the_same_lender(made: lender.Lender) -> None:
    again = lender.lender(people=PEOPLE, seed=7, start=START)
    for one, other in (
        (lender.payments(made), lender.payments(again)),
        (lender.app(made), lender.app(again)),
    ):
        assert (one.person == other.person).all()
        assert (one.seconds == other.seconds).all()
    assert (made.owner != lender.lender(people=PEOPLE, seed=8, start=START).owner).any()


def test_a_message_that_fits_persuades_more(made: lender.Lender) -> None:
    everybody = np.arange(made.people)
    fits = {"channel": made.channel, "product": made.need, "hour": made.hour}
    anyway, because = lender.answers(made, got=everybody, **fits)
    assert not np.intersect1d(anyway, because).size
    assert made.owner[because].all()
    for name, many in (("channel", 3), ("product", 4), ("hour", 24)):
        _, fewer = lender.answers(made, got=everybody, **(fits | {name: (fits[name] + many // 2) % many}))
        assert len(fewer) < len(because)
