"""Document: one YAML definition file with the position of each value. Knows no tag, audience or campaign.

The file is the definition: what is read keeps its comments and its order when it is edited.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import FoldedScalarString, LiteralScalarString

from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.tags.splice import NotSpliced, differs, renamed, reordered, spliced

MOST_BYTES = 300_000
KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_DURATION = re.compile(r"(\d+)\s+(second|minute|hour|day|week)s?\Z")

Step = str | int

MOST_BRACKETS = 1_000
"""YAML nested deeper than this takes seconds to refuse."""


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


class Document:
    """A definition file: `where` names it (`tags/vip.yml`), `root` is its mapping.

    Raises DefinitionError (file:line:column) for what is no YAML mapping.
    """

    def __init__(self, text: str, *, where: str) -> None:
        self.text = text
        self.where = where
        if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
            raise DefinitionError(f"the file is longer than {MOST_BYTES} bytes", where=where, code="too_long")
        if text.count("[") + text.count("{") > MOST_BRACKETS:
            raise DefinitionError(
                f"the file holds more than {MOST_BRACKETS} brackets", where=where, code="too_complex"
            )
        try:
            root = _yaml().load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
            problem = (error.problem or "not YAML").split(" with value")[0]
            raise DefinitionError(problem, where=place, hint="the file is YAML: key: value") from error
        except (YAMLError, ValueError, RecursionError) as error:
            raise DefinitionError(f"the file is not YAML: {error}".splitlines()[0], where=where) from error
        if not isinstance(root, CommentedMap):
            raise DefinitionError("the file is not a mapping of key: value", where=f"{where}:1:1")
        self.root = root

    def place(self, *path: Step, of_key: bool = False, inside: tuple[int, int] | None = None) -> str:
        """`file:line:column` of a value (or its key), or of a line and column inside a text value."""
        line, column = self._position(path, of_key)
        if inside is not None:
            line, column = self._inside(path, line, column, inside)
        return f"{self.where}:{line}:{column}"

    def error(
        self,
        message: str,
        *path: Step,
        of_key: bool = False,
        hint: str | None = None,
        code: str | None = None,
        inside: tuple[int, int] | None = None,
    ) -> DefinitionError:
        """The error at a value of this file."""
        where = self.place(*path, of_key=of_key, inside=inside) if path else f"{self.where}:1:1"
        return DefinitionError(message, where=where, hint=hint, code=code)

    def wrapped(self, error: ExpressionError, *path: Step) -> DefinitionError:
        """An expression's error at its place in this file."""
        inside = (error.line, error.column)
        return self.error(error.message, *path, hint=error.hint, code=error.code, inside=inside)

    def known_keys(self, known: Iterable[str], *path: Step) -> None:
        """Raises DefinitionError at the first key of a mapping that is not known."""
        allowed = list(known)
        mapping = self.value(*path) if path else self.root
        for key in mapping:
            if key not in allowed:
                raise self.error(
                    f"unknown key '{key}'", *path, key, of_key=True, hint=did_you_mean(str(key), allowed)
                )

    def value(self, *path: Step) -> Any:
        """The value at the path, None when it is absent."""
        found: Any = self.root
        for step in path:
            if isinstance(found, CommentedMap):
                found = found.get(step)
            elif isinstance(found, CommentedSeq) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def string(self, *path: Step, required: bool = False) -> str:
        """The text at the path, '' when absent. Raises DefinitionError when it is no text."""
        found = self.value(*path)
        if found is None:
            if required:
                raise self.error(f"'{path[-1]}' is missing", *path[:-1], code="missing")
            return ""
        if not isinstance(found, str):
            raise self.error(f"'{path[-1]}' is a text", *path, hint="put it in quotes")
        return str(found)

    def strings(self, *path: Step) -> tuple[str, ...]:
        """The list of texts at the path. Raises DefinitionError when it is none."""
        found = self.value(*path)
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self.error(f"'{path[-1]}' is a list of texts", *path)
        return tuple(str(item) for item in found)

    def titles(self, *path: Step) -> dict[str, str]:
        """A title: one text, or a text per language."""
        found = self.value(*path)
        if found is None:
            return {}
        if isinstance(found, str):
            return {"": str(found)}
        if isinstance(found, Mapping) and all(isinstance(item, str) for item in found.values()):
            return {str(language): str(item) for language, item in found.items()}
        raise self.error(f"'{path[-1]}' is a text, or a text per language", *path, hint="{en: …, zh: …}")

    def date(self, *path: Step) -> str:
        """The date or instant at the path as ISO text. Raises DefinitionError when it is none."""
        found = self.value(*path)
        said = found.isoformat() if isinstance(found, date) else str(found)
        try:
            moment(said)
        except ValueError:
            raise self.error(f"'{found}' is no date", *path, hint="2026-01-01") from None
        return said

    def duration(self, *path: Step) -> timedelta | None:
        """The duration at the path, such as `2 days`; None when absent."""
        found = self.value(*path)
        if found is None:
            return None
        match = _DURATION.match(found.strip()) if isinstance(found, str) else None
        if match is None or int(match[1]) == 0 or int(match[1]) > 10_000_000:
            raise self.error(
                f"'{path[-1]}' is a duration", *path, hint="for example: 2 days, 36 hours, 1 week"
            )
        return timedelta(**{f"{match[2]}s": int(match[1])})

    def edited(self, changes: Mapping[str, Any], *, order: Sequence[str] = ()) -> str:
        """The file's text with top-level keys set (None removes one); comments and order survive.

        Lines that do not change stay as they are. A new key comes after the nearest one before it in `order`.
        """
        wanted = {key: value for key, value in changes.items() if differs(self.root.get(key), value)}
        if not wanted:
            return self.text
        fresh = Document(self.text, where=self.where)
        for key, value in wanted.items():
            if value is None:
                fresh.root.pop(key, None)
            else:
                _put(fresh.root, key, value)
        with suppress(NotSpliced, DefinitionError):
            text = spliced(self.text, self.root, wanted, order=order, write=dumped)
            if Document(text, where=self.where).root == fresh.root:
                return text
        return dumped(fresh.root)

    def path_at(self, line: int, column: int) -> tuple[Step, ...]:
        """The path of the value that stands at a line and column, both from 1."""
        found: Any = self.root
        path: list[Step] = []
        while isinstance(found, CommentedMap | CommentedSeq):
            steps: list[Step] = list(found) if isinstance(found, CommentedMap) else [*range(len(found))]
            above = [step for step in steps if self._position((*path, step), True) <= (line, column)]
            if not above:
                break
            path.append(above[-1])
            found = found[above[-1]]
        return tuple(path)

    def path_of(self, words: Iterable[str]) -> tuple[Step, ...]:
        """The path that the words name, as far as there is something: `steps`, `hello`, `variants`, `1`."""
        path: list[Step] = []
        for word in words:
            found = self.value(*path)
            step: Step = int(word) if isinstance(found, list) and word.isdigit() else word
            if isinstance(found, list) and not (isinstance(step, int) and step < len(found)):
                break
            if not isinstance(found, list) and not (isinstance(found, Mapping) and step in found):
                break
            path.append(step)
        return tuple(path)

    def _position(self, path: tuple[Step, ...], of_key: bool) -> tuple[int, int]:
        found: Any = self.root
        line, column = 0, 0
        for step in path:
            try:
                if isinstance(found, CommentedMap):
                    line, column = found.lc.key(step) if of_key and step is path[-1] else found.lc.value(step)
                else:
                    line, column = found.lc.item(step)
                found = found[step]
            except (KeyError, IndexError, AttributeError, TypeError):
                break
        return line + 1, column + 1

    def _inside(self, path: tuple[Step, ...], line: int, column: int, at: tuple[int, int]) -> tuple[int, int]:
        value = self.value(*path)
        lines = self.text.splitlines()
        if isinstance(value, LiteralScalarString):
            below = lines[line + at[0] - 1] if line + at[0] - 1 < len(lines) else ""
            indent = len(below) - len(below.lstrip())
            return line + at[0], indent + at[1]
        if isinstance(value, FoldedScalarString) or at[0] > 1 or line > len(lines):
            return line, column
        raw = lines[line - 1][column - 1 :]
        if not raw.startswith(("'", '"')):
            return line, column + at[1] - 1
        doubled = "''" if raw[0] == "'" else "\\"
        spot = 1
        for _ in range(at[1] - 1):
            spot += 2 if raw.startswith(doubled, spot) else 1
        return line, column + spot


def in_order(text: str, key: str, names: Sequence[str]) -> str:
    """The text with the entries of the mapping `key` in this order; each keeps its lines and the comments above it."""
    document = Document(text, where="")
    there = document.root[key]
    if list(there) == list(names):
        return text
    with suppress(NotSpliced, DefinitionError):
        made = reordered(text, key, names)
        fresh = Document(made, where="").root
        if fresh == document.root and list(fresh[key]) == list(names):
            return made
    kept = {name: there[name] for name in names}
    there.clear()
    there.update(kept)
    return dumped(document.root)


def _put(holder: Any, key: Any, value: Any) -> None:
    """Sets the value where it differs; inside mappings and lists of the same length only what differs."""
    there = holder[key] if isinstance(holder, list) else holder.get(key)
    if isinstance(there, dict) and isinstance(value, dict):
        _rename(there, value)
        for gone in [name for name in there if name not in value]:
            del there[gone]
        for name, item in value.items():
            _put(there, name, item)
    elif isinstance(there, list) and isinstance(value, list) and len(there) == len(value):
        for place, item in enumerate(value):
            _put(there, place, item)
    elif differs(there, value):
        holder[key] = value


def _rename(there: Any, value: Mapping[str, Any]) -> None:
    """A key that only got another name keeps its place and its comments."""
    changes = {**value, **{name: None for name in there if name not in value}}
    for was, name in renamed(list(there), there, changes, list(value)):
        place, kept = list(there).index(was), there.pop(was)
        comments = there.ca.items.pop(was, None) if isinstance(there, CommentedMap) else None
        rest = [(key, there.pop(key)) for key in list(there)[place:]]
        there[name] = kept
        for key, item in rest:
            there[key] = item
        if comments is not None:
            there.ca.items[name] = comments


def dumped(root: Any) -> str:
    """The YAML text of a mapping."""
    stream = io.StringIO()
    _yaml().dump(root, stream)
    return stream.getvalue()


def moment(said: str) -> datetime:
    """A date of a file; without a zone it is in UTC here, which is enough to put dates in order."""
    found = datetime.fromisoformat(said)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
