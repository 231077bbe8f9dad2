"""The examples of the pages about WeCom and official accounts are files that Limner reads."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from limner.config import Config
from limner.contacts import codes, tag_sync
from limner.tags import text as tags
from limner.touches import letter, replies
from limner.workspace import coding
from limner.workspace.files import Paths
from tests.docs.test_docs import ROOT

_BLOCK = re.compile(r"^```(yaml|toml)\n(.*?)^```$", re.M | re.S)
_NAMED = re.compile(r"# (\w+)/(\w+)\.yml")


@pytest.mark.parametrize(("page", "files"), [("channels-wecom", 4), ("official-account", 6)])
def test_every_file_of_a_page_can_be_read(page: str, files: int, tmp_path: Path) -> None:
    text = (ROOT / "docs/how-to" / f"{page}.md").read_text(encoding="utf-8")
    read = 0
    for language, block in _BLOCK.findall(text):
        if language == "toml":
            (tmp_path / "limner.toml").write_text(block, encoding="utf-8")
            Config.load(tmp_path)
            continue
        named = _NAMED.match(block)
        assert named, block
        folder, name = named.groups()
        match folder:
            case "codes":
                codes.read(block, name)
            case "sync":
                tag_sync.read(block, name)
            case "tags":
                tags.read(block, name)
            case "replies":
                replies.read(block, name)
            case "templates":
                source = letter.structured(block, "wecom", file=name)
                assert source.data["as"] == "customer"
            case "menus":
                path = tmp_path / "menus" / f"{name}.yml"
                path.parent.mkdir(exist_ok=True)
                path.write_text(block, encoding="utf-8")
                here = cast("Any", SimpleNamespace(paths=Paths(tmp_path)))
                assert len(coding.menu_of(here)["button"]) == 2
            case other:
                raise AssertionError(f"nobody reads {other}/")
        read += 1
    assert read == files
