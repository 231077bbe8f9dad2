"""One owner: the lock, the socket, progress and errors across processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from limner.errors import NotFoundError, OwnedError
from limner.types import Json, Progress, silent
from limner.workspace.owner import Ownership, ask, holder


def test_a_second_owner_is_refused_and_told_who_owns(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    with pytest.raises(OwnedError, match="pid"):
        Ownership(tmp_path)
    first.release()
    Ownership(tmp_path).release()


def test_a_killed_owner_leaves_no_lock(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom limner.workspace.owner import Ownership\n"
        f"Ownership(Path({str(tmp_path)!r}))\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -9
    assert holder(tmp_path)["pid"] != 0
    Ownership(tmp_path).release()


def test_a_verb_reaches_the_owner_with_progress_and_answer(tmp_path: Path) -> None:
    def perform(verb: str, arguments: Json, progress: Progress) -> Json:
        progress("counting", 1, 2)
        return {"verb": verb, **arguments}

    told: list[tuple[str, int, int]] = []
    owner = Ownership(tmp_path)
    owner.serve(perform)
    answer = ask(tmp_path, "tag run", {"keys": ["a"]}, lambda *what: told.append(what))
    assert answer == {"verb": "tag run", "keys": ["a"]}
    assert told == [("counting", 1, 2)]
    owner.release()


def test_the_owners_error_arrives_with_code_hint_and_exit_code(tmp_path: Path) -> None:
    def perform(_verb: str, _arguments: Json, _progress: Progress) -> Json:
        raise NotFoundError("there is no tag 'vipp'", hint="did you mean vip?")

    owner = Ownership(tmp_path)
    owner.serve(perform)
    with pytest.raises(Exception, match="no tag 'vipp'") as caught:
        ask(tmp_path, "tag show", {}, silent)
    assert (caught.value.code, caught.value.hint, caught.value.status) == (  # type: ignore[attr-defined]
        "not_found",
        "did you mean vip?",
        404,
    )
    owner.release()


def test_an_owner_that_takes_no_commands_is_said_so(tmp_path: Path) -> None:
    owner = Ownership(tmp_path)
    with pytest.raises(OwnedError, match="takes no commands"):
        ask(tmp_path, "tag list", {}, silent)
    owner.release()


def test_a_very_long_folder_name_still_gets_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    owner = Ownership(folder)
    owner.serve(lambda verb, _arguments, _progress: {"verb": verb})
    assert ask(folder, "x", {}, silent) == {"verb": "x"}
    owner.release()
