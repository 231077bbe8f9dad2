"""A whole workspace in a temporary folder, on a clock that the case sets: calls go in through the durable log."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from limner.accounts import keys
from limner.audiences import evaluate
from limner.audiences.model import Audience
from limner.audiences.model import write as audience_text
from limner.config import FILE
from limner.events.frames import Record
from limner.expressions import check, parse
from limner.identity import people
from limner.portraits.person import attributes
from limner.tags.graph import build
from limner.types import Json
from limner.workspace import definitions
from limner.workspace.files import init
from limner.workspace.workspace import Workspace

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


class WorkspaceSession:
    """One fresh workspace; use as a context manager. Its zone is UTC; `strong_keys` are the declared keys."""

    def __init__(self, *, strong_keys: tuple[str, ...] = ("email", "phone", "openid", "unionid")) -> None:
        self.now = BEGIN
        self._folder = Path(tempfile.mkdtemp(prefix="limner-case-"))
        made = init(self._folder / "workspace")
        listed = ", ".join(f'"{key}"' for key in strong_keys)
        (made / FILE).write_text(
            f'refresh = ""\nlog_level = "error"\nstrong_keys = [{listed}]\n', encoding="utf-8"
        )
        self.workspace = Workspace.open(made, clock=lambda: self.now)
        self.source = keys.ensure_source(self.workspace.records, "case", kind="segment", now=self.now)
        self._batches = 0
        self._named: dict[str, str] = {}

    def __enter__(self) -> WorkspaceSession:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workspace and removes its folder."""
        self.workspace.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def collect(self, calls: list[Json], received_at: datetime) -> None:
        """Takes the calls as if they arrived at that instant; they are loaded when this returns."""
        self.now = received_at
        self._batches += 1
        self.workspace.log.append_now(
            Record(
                batch=f"case-{self._batches}",
                source_i=self.source.source_i,
                received_at=keys.micros(received_at),
                n=len(calls),
                body=json.dumps({"batch": calls}, ensure_ascii=False).encode(),
            )
        )
        self.workspace.load()

    def set_audience(self, name: str, definition: str | list[str]) -> None:
        """Saves an audience: an expression, or the user ids of its members."""
        self._named[name] = re.sub(r"\W+", "_", name)
        made = (
            Audience(self._named[name], {}, expression=self._with_names(definition))
            if isinstance(definition, str)
            else Audience(self._named[name], {}, members=tuple(definition))
        )
        path = self.workspace.paths.definition("audiences", made.name)
        path.write_text(audience_text(made), encoding="utf-8")

    def _with_names(self, expression: str) -> str:
        """The expression with each audience under the name of its file."""
        for name, file in self._named.items():
            expression = expression.replace(f'audience "{name}"', f"audience {file}")
        return expression

    def people(self, expression: str, as_of: datetime) -> set[str]:
        """The user ids of everybody for whom the expression is true at the instant."""
        names = definitions.catalog(self.workspace)
        tree = parse(self._with_names(expression))
        check(tree, names)
        who = evaluate.people(
            tree,
            catalog=names,
            engine=self.workspace.engine,
            columns=self.workspace.columns,
            as_of=as_of,
            graph=build(definitions.tags(self.workspace), names.audience),
        )
        found = self.workspace.engine.read(
            "SELECT value FROM identifiers WHERE kind = 'user' AND ix IN (SELECT UNNEST($ixs))",
            {"ixs": who.numpy().tolist()},
        )
        return set(found.column("value").to_pylist())

    def person_of(self, kind: str, value: str) -> str | None:
        """The outward id of the person whom the identifier names now; None when nobody has it."""
        ix = people.find(self.workspace.engine, f"{kind}:{value}", keys=self.workspace.config.strong_keys)
        return None if ix is None else str(people.person_id(self.workspace.engine, ix))

    def attributes(self, person: str) -> dict[str, Any]:
        """The person's attributes as they stand now."""
        ix = people.find(self.workspace.engine, f"person:{person}", keys=self.workspace.config.strong_keys)
        if ix is None:
            return {}
        now = datetime(9000, 1, 1, tzinfo=UTC)
        return {item["name"]: item["value"] for item in attributes(self.workspace.engine, ix, now=now)}
