"""Bodies of bad-input entries, described by text, JSON, hex digits or a small recipe. Knows no HTTP."""

from __future__ import annotations

import gzip
import json
from typing import Any

from limner.types import Json


def body(described: Json) -> bytes | None:
    """The bytes to send, or None when the entry describes no body (a fault to set up, a bare request)."""
    if "hex" in described:
        return bytes.fromhex(described["hex"])
    if "text" in described:
        return str(described["text"]).encode()
    if "gen" in described:
        return made(described["gen"])
    if "json" in described:
        return json.dumps(described["json"]).encode()
    return None


def made(recipe: Json) -> bytes | None:
    """The bytes of a recipe, or None for one that is not known."""
    kind = recipe["op"]
    if kind == "repeat":
        return str(recipe["prefix"] + recipe["unit"] * recipe["times"] + recipe["suffix"]).encode()
    if kind == "nest":
        depth = recipe["depth"]
        core = recipe["open"] * depth + recipe["core"] + recipe["close"] * depth
        return str(recipe["wrap"] % core).encode()
    if kind == "encode":
        return str(recipe["text"]).encode(recipe["encoding"])
    if kind == "gzip":
        return gzip.compress(bytes.fromhex(recipe["byte"]) * recipe["times"], 9)
    if kind == "gzip_cut":
        return gzip.compress(recipe["text"].encode())[: -recipe["cut"]]
    if kind == "keys":
        keys = {f"k{number}": number for number in range(recipe["n"])}
        return f"{recipe['prefix']}{json.dumps(keys)}{recipe['suffix']}".encode()
    if kind in ("batch", "batch_dup"):
        return json.dumps({"batch": _calls(recipe)}).encode()
    return None


def _calls(recipe: Json) -> list[dict[str, Any]]:
    same = recipe["op"] == "batch_dup"
    good = int(recipe["good"] if "good" in recipe else recipe.get("n", 0))
    track = {"type": "track", "event": "a"}
    calls: list[dict[str, Any]] = [
        {**track, "userId": "u", "messageId": f"g{0 if same else number}"} for number in range(good)
    ]
    calls += [{**track, "messageId": f"x{number}"} for number in range(recipe.get("bad", 0))]
    calls += [
        {**track, "userId": "u", "messageId": f"p{number}", "properties": {"__poison_for_test__": True}}
        for number in range(recipe.get("poison", 0))
    ]
    return calls
