"""The grammar's tables are kept beside the compiled code, and are never trusted when they are not whole."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

module = import_module("limner.expressions.parse")


@pytest.mark.parametrize("kept", [b"", b"nonsense", None])
def test_tables_that_are_missing_or_torn_are_made_again(
    kept: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "grammar.tables"
    monkeypatch.setattr(module, "_KEPT", path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    make = module._parser.__wrapped__
    text = 'did "Order Paid" and not did "Order Returned"'
    plain = make().parse(text)
    whole = path.read_bytes()
    if kept is None:
        path.unlink()
    else:
        path.write_bytes(kept or whole[: len(whole) // 2])
    assert make().parse(text) == plain
    assert len(path.read_bytes()) > 0.9 * len(whole)
    assert list(tmp_path.iterdir()) == [path]
    assert make().parse(text) == plain


def test_nothing_is_kept_where_nothing_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", tmp_path / "none" / "grammar.tables")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    module._parser.__wrapped__().parse('did "Order Paid"')
    assert not (tmp_path / "none").exists()
