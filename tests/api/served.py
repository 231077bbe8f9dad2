"""A served workspace for tests of the management API. Every answer is held to the shape that its route declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from limner.accounts.model import Role
from limner.api.routes import ROUTES
from limner.api.routes.route import Begun, Problem, Route
from limner.cli.serve import running
from limner.types import Json
from limner.workspace import live
from tests.workspace.worlds import World

PATTERNS = [(re.compile(re.sub(r"{\w+}", "[^/]+", route.path) + r"\Z"), route) for route in ROUTES]


def route_of(method: str, path: str) -> Route:
    """The route that answers; one without a parameter there comes first."""
    found = [route for pattern, route in PATTERNS if route.method == method and pattern.match(path)]
    assert found, f"no route answers {method} {path}"
    return min(found, key=lambda route: route.path.count("{"))


class Served:
    """A served workspace with a key of each role and a write key."""

    def __init__(self, world: World, client: httpx2.Client) -> None:
        self.world = world
        self.client = client
        self.keys = {role.value: world.verb("key add", role=role.value)["key"] for role in Role}
        self.keys["write"] = world.verb("source add", name="web")["write_key"]

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str | None = "admin",
        headers: dict[str, str] | None = None,
        content: bytes | str | None = None,
        **query: Any,
    ) -> httpx2.Response:
        """The response; its body fits the route's shape, or is a Problem."""
        sent = dict(headers or {})
        if role is not None:
            sent["authorization"] = f"Bearer {self.keys.get(role, role)}"
        answer = self.client.request(
            method,
            path,
            headers=sent,
            params=query or None,
            **({"json": body} if body is not None else {"content": content}),
        )
        route = route_of(method, path)
        if answer.status_code >= 400:
            Problem.model_validate(answer.json())
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
        elif not route.answers_file:
            (Begun if answer.status_code == 202 else route.answers).model_validate(answer.json())
        return answer

    def get(self, path: str, *, role: str = "admin", **query: Any) -> Json:
        """The answer of a GET that must work."""
        return self._good(self.send("GET", path, role=role, **query))

    def post(self, path: str, body: Any = None, *, role: str = "admin", **more: Any) -> Json:
        """The answer of a POST that must work; a job's answer when it begins one."""
        answer = self._good(self.send("POST", path, {} if body is None else body, role=role, **more))
        return self.wait(answer["job"]) if set(answer) == {"job"} else answer

    def wait(self, job: str) -> Json:
        """The answer of a job that must end well."""
        while (shown := self.get(f"/api/v1/jobs/{job}"))["status"] in ("waiting", "running"):
            pass
        assert shown["status"] == "done", shown["error"]
        found: Json = shown["answer"]
        return found

    def track(self, user: str, event: str, *, at: str | None = None, **properties: Any) -> None:
        """One event through the collector."""
        body: Json = {"userId": user, "event": event, "properties": properties}
        if at is not None:
            body |= {"timestamp": at, "sentAt": self.world.now.isoformat()}
        self._sent("track", body)

    def identify(self, user: str, **traits: Any) -> None:
        """Attributes of a person through the collector."""
        self._sent("identify", {"userId": user, "traits": traits})

    def _sent(self, kind: str, body: Json) -> None:
        self.client.post(f"/v1/{kind}", json=body, auth=(self.keys["write"], "")).raise_for_status()

    def _good(self, answer: httpx2.Response) -> Json:
        assert answer.status_code < 400, answer.text
        found: Json = answer.json()
        return found


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Served]:
    """A fresh served workspace."""
    world = World(folder, **settings)
    live.start(world.workspace, schedule=False)
    try:
        with running(world.workspace) as url, httpx2.Client(base_url=url, timeout=60) as client:
            world.workspace.public_url = url
            yield Served(world, client)
    finally:
        world.close()
