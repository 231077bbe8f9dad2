"""A small place for identity alone: Segment-shaped calls into a bare engine."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from identity_world import Call, World, engine

from limner.identity import people


class BareSession:
    """Takes calls and knows whose they are; the declared keys are e-mail and phone."""

    keys = ("email", "phone")

    def __init__(self) -> None:
        self.world = World(engine(), mirror=False)

    def __enter__(self) -> BareSession:
        return self

    def __exit__(self, *_error: object) -> None:
        self.world.engine.close()

    def collect(self, calls: list[dict[str, Any]], received_at: datetime) -> None:  # noqa: ARG002
        for call in calls:
            ts = int(datetime.fromisoformat(call["timestamp"]).timestamp())
            traits = call.get("traits", {})
            found = self.world.load(
                [
                    Call(
                        ts=ts,
                        user=call.get("userId"),
                        device=call.get("anonymousId"),
                        keys=tuple((key, traits[key]) for key in self.keys if traits.get(key)),
                        previous=call.get("previousId"),
                        call=call["type"],
                    )
                ]
            ).columns.to_pylist()[0]
            changes = [
                (name, "set" if value is not None else "unset", value) for name, value in traits.items()
            ]
            changes += [(name, "once", value) for name, value in call.get("traitsOnce", {}).items()]
            with self.world.engine.write() as tx:
                for name, mode, value in changes:
                    tx.execute(
                        "INSERT INTO attributes SELECT $row, $ix, $user_i, $device_i, $key_i, $name,"
                        " make_timestamp($ts::BIGINT * 1000000), $mode, $value",
                        {**found, "ts": ts, "name": name, "mode": mode, "value": json.dumps(value)},
                    )

    def person_of(self, kind: str, value: str) -> str | None:
        ix = people.find(self.world.engine, f"{kind}:{value}", keys=self.keys)
        return None if ix is None else people.person_id(self.world.engine, ix)

    def attributes(self, person: str) -> dict[str, Any]:
        """The last set or unset by time holds; a once counts where there is no value."""
        ix = people.find(self.world.engine, f"person:{person}", keys=self.keys)
        held: dict[str, Any] = {}
        rows = self.world.rows(
            "SELECT name, mode, value FROM attributes WHERE ix = $ix ORDER BY ts, id, mode = 'once'",
            {"ix": ix},
        )
        for row in rows:
            if row["mode"] == "unset":
                held.pop(row["name"], None)
            elif row["mode"] == "set" or row["name"] not in held:
                held[row["name"]] = json.loads(row["value"])
        return held
