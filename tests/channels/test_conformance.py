"""Every channel does the same: each against a server of its kind, whose own book says what arrived."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from limner.channels.kinds import KINDS, ChannelKind
from limner.testing.channels import CHECKS
from tests.channels.audit import audited
from tests.channels.channel_rigs import RIGS, WecomRig
from tests.channels.conftest import Rigging

SLOW = ("a server that never answers is given up", "a server that answers byte by byte is given up")


def test_every_kind_of_channel_has_a_rig() -> None:
    assert set(RIGS) == set(KINDS) == set(get_args(ChannelKind))


@pytest.mark.proves("G14")
@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("kind", RIGS)
def test_a_channel_behaves_as_it_must(rigged: Rigging, kind: str, name: str) -> None:
    CHECKS[name](rigged(kind, patience=1.0 if name in SLOW else 5.0))


@pytest.mark.proves("G13")
@pytest.mark.parametrize("kind", RIGS)
def test_what_the_servers_book_says_is_what_the_ledger_says(
    rigged: Rigging, tmp_path: Path, kind: str
) -> None:
    rig = rigged(kind)
    people = 400 if KINDS[kind].confirmed else 2_000  # of these each message is asked after, one by one
    became = audited(rig, people=people, folder=tmp_path)
    assert (rig.tries == 1) == (became["in_doubt"] > 1), "where it cannot be asked again, answers were lost"
    assert became["failed"] > 0.015 * people - 3
    assert became["sent"] > 0.85 * people


@pytest.mark.proves("G13")
def test_a_channel_that_takes_many_at_once_is_counted_as_exactly(rigged: Rigging, tmp_path: Path) -> None:
    rig = rigged("wecom")
    became = audited(rig, people=2_000, folder=tmp_path, together=True)
    assert became["failed"] > 20
    assert became["sent"] > 1_200
    assert became["in_doubt"] > 1
    assert isinstance(rig, WecomRig)
    assert len(rig.server.tasks) < 30, "one task for many"
