"""Accounts from the command line, and the first admin of a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx2

from limner.types import Json
from limner.workspace.files import init

LIMNER = [sys.executable, "-m", "limner"]


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LIMNER, *words, "--workspace", str(folder), "--json"], capture_output=True, text=True, timeout=120
    )


def answer(folder: Path, *words: str) -> Json:
    ended = ran(folder, *words)
    assert ended.returncode == 0, ended.stderr
    found: Json = json.loads(ended.stdout)
    return found


def test_a_server_without_users_names_the_link_of_the_first_admin_and_commands_reach_it(
    tmp_path: Path,
) -> None:
    folder = init(tmp_path / "shop")
    server = subprocess.Popen(
        [*LIMNER, "serve", "--workspace", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("listening on ").strip()
        line = server.stdout.readline().strip()
        assert line.startswith(f"first admin: {url}/setup#lt_")
        made = httpx2.post(
            f"{url}/api/v1/setup",
            json={"token": line.partition("#")[2], "login": "ada", "password": "cedar quartz 71 lantern"},
        )
        assert made.status_code == 200, made.text

        invited = answer(folder, "user", "add", "Bo@Shop.Example", "--role", "operator", "--name", "Bo")
        assert (invited["login"], invited["name"], invited["invited"]) == ("bo@shop.example", "Bo", True)
        assert "/setup#lt_" in invited["link"]
        assert answer(folder, "user", "reset", "bo@shop.example")["link"] != invited["link"]
        assert answer(folder, "user", "change", "bo@shop.example", "--role", "viewer")["role"] == "viewer"
        assert answer(folder, "user", "disable", "bo@shop.example")["enabled"] is False
        listed = answer(folder, "user", "list")["users"]
        assert [(row["login"], row["enabled"]) for row in listed] == [
            ("ada", True),
            ("bo@shop.example", False),
        ]
        last = ran(folder, "user", "disable", "ada")
        assert (last.returncode, "last admin" in last.stderr) == (1, True)

        key = answer(
            folder, "key", "add", "--role", "viewer", "--scope", "people:read", "--scope", "tags:read"
        )
        assert key["key"].startswith("lk_")
        assert answer(folder, "key", "list")["keys"][0]["scopes"] == ["people:read", "tags:read"]
        narrow = {"authorization": f"Bearer {key['key']}"}
        assert httpx2.get(f"{url}/api/v1/audit", headers=narrow).status_code == 403
    finally:
        server.terminate()
        assert server.wait(20) == 0
        if server.stdout is not None:
            server.stdout.close()

    rows = answer(folder, "audit", "list", "--action", "user add")["audit"]
    assert [(row["caller"]["name"], row["subject"]) for row in rows] == [("command line", invited["id"])]
    assert answer(folder, "audit", "verify")["ok"] is True
    forged = ran(folder, "audit", "verify", "--head", "999:" + "0" * 64)
    assert forged.returncode == 1
    assert json.loads(forged.stdout)["first_wrong"]["why"].startswith("the last ")
