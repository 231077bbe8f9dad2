"""Every verb is there under its name, says what it answers, and costs nothing before it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from limner.workspace.verbs import VERBS


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_stands_where_the_table_says_and_says_what_it_answers(name: str) -> None:
    verb = VERBS[name]
    assert verb.summary
    assert not {"workspace", "progress", "caller"} & set(verb.parameters)


def test_a_word_of_help_reads_neither_the_engine_nor_the_records() -> None:
    heavy = {"duckdb", "sqlalchemy", "numpy", "pyarrow"}
    asked = f"import sys, limner.cli.main; print(*{heavy} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []
