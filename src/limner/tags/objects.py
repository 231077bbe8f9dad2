"""Objects: products, stores, companies … with attributes and tags; what tags of people ask of them, put into words.

`objects/KIND.yml` says which event property names one and which tags they have; `objects/KIND.csv` lists them.

```yaml
# objects/product.yml
title: {en: Product, zh: 商品}
property: sku
tags:
  seasonal:
    when: season in ('winter', 'spring') and price >= 20
  hero:
    given: [T-1, T-7]
```
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions import tree as t
from limner.expressions.parse import parse
from limner.expressions.predicate import holds as satisfied
from limner.tags.document import KEY, Document
from limner.tags.model import Tag
from limner.types import ValueType

KEYS = ("title", "property", "tags", "owner", "why")
ID = "id"
MOST_OBJECTS = 200_000
MOST_ASKED = 20_000
"""A condition about more objects than these is refused: it stands in the tag's definition, one by one."""

Mask = npt.NDArray[np.bool_]
_TESTS = (t.Compare, t.Among, t.Between, t.TextTest, t.Known)
_FITTING: Mapping[ValueType, type] = {
    ValueType.FLAG: t.Flag,
    ValueType.NUMBER: t.Number,
    ValueType.TEXT: t.Text,
}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ObjectTag:
    """A tag of objects: by a condition on their attributes and the tags above it, or given to these ids."""

    key: str
    title: Mapping[str, str]
    when: str = ""
    given: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of one kind. `property`: the event property that holds an id; `ids` and `columns`: a row each.

    Columns are texts, numbers and flags; None = not known. `tagged`: which objects have each tag.
    """

    kind: str
    title: Mapping[str, str]
    property: str
    tags: tuple[ObjectTag, ...]
    owner: str
    why: str
    text: str
    ids: tuple[str, ...] = ()
    columns: Mapping[str, tuple[ValueType, tuple[Any, ...]]] = field(default_factory=dict)
    tagged: Mapping[str, Mask] = field(default_factory=dict)

    def holds(self, node: t.Expr, tags: Mapping[str, Mask]) -> Mask:
        """The objects of which the condition is true, with these tags. Raises ExpressionError."""
        match node:
            case t.And(args):
                return np.array(
                    np.logical_and.reduce([self.holds(arg, tags) for arg in args]), dtype=np.bool_
                )
            case t.Or(args):
                return np.array(np.logical_or.reduce([self.holds(arg, tags) for arg in args]), dtype=np.bool_)
            case t.Not(arg):
                return ~self.holds(arg, tags)
            case t.Flag(value):
                return np.full(len(self.ids), value)
        asked = [part for part in t.children(node) if isinstance(part, t.Name)]
        if isinstance(node, t.Name):
            asked = [node]
        if len(asked) != 1 or not isinstance(node, (*_TESTS, t.Name)):
            raise _wrong(node, "a condition on an object compares one of its attributes with a literal")
        return self.where(node, asked[0].name, tags)

    def concerned(self, node: t.Expr) -> t.Expr | None:
        """What a condition on events asks of an object of this kind, as `holds` takes it; None where it asks nothing.

        Of several conditions that must all be true, those that can be asked of an object.
        """
        if isinstance(node, t.And):
            found = [one for arg in node.args if (one := self.concerned(arg)) is not None]
            return t.And(tuple(found)) if len(found) > 1 else next(iter(found), None)
        own = self._own(node)
        return None if own is None else cast("t.Expr", own)

    def _own(self, node: t.Node) -> t.Node | None:
        """The same with the object's own names; None where anything in it is not known of an object."""
        if isinstance(node, t.OfObject):
            return t.Name(node.name) if node.kind == self.kind else None
        if isinstance(node, t.Name):
            return node if node.name in self.columns or node.name in self.tagged else None
        if isinstance(node, t.Builtin | t.Event):
            return None
        changed: dict[str, Any] = {}
        for item in fields(node):
            value = getattr(node, item.name)
            parts = value if isinstance(value, tuple) else (value,)
            made = [self._own(part) if isinstance(part, t.Node) else part for part in parts]
            if any(one is None and part is not None for one, part in zip(made, parts, strict=True)):
                return None
            changed[item.name] = tuple(made) if isinstance(value, tuple) else made[0]
        return replace(node, **changed)

    def where(self, test: t.Expr, name: str, tags: Mapping[str, Mask]) -> Mask:
        """The objects whose attribute or tag satisfies the test; what is not known satisfies none."""
        if name in tags:
            kind, values = ValueType.FLAG, tags[name].tolist()
        elif name in self.columns:
            kind, held = self.columns[name]
            values = list(held)
        elif not self.columns:  # no rows were loaded yet
            return np.zeros(len(self.ids), dtype=np.bool_)
        else:
            known = [*self.columns, *tags]
            hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
            raise _wrong(test, f"a {self.kind} has no '{name}'", hint=hint, code="unknown_name")
        literals = [part for part in t.children(test) if isinstance(part, t.Literal)]
        strange = next((part for part in literals if not isinstance(part, _FITTING[kind])), None)
        if strange is not None:
            raise _wrong(strange, f"'{name}' of a {self.kind} is a {kind}; it is compared with one")
        if isinstance(test, t.Name | t.OfObject) and kind is not ValueType.FLAG:
            raise _wrong(test, f"a {kind} is no condition", hint="compare it with something, or use known(…)")
        found = np.zeros(len(self.ids), dtype=np.bool_)
        there = [place for place, value in enumerate(values) if value is not None]
        known_values = [values[place] for place in there]
        found[there] = satisfied(test, known_values, kind, as_of=_NEVER, zone="UTC")
        return found


def _tagged(made: Objects) -> dict[str, Mask]:
    """Which objects have each tag. Raises DefinitionError for a condition that cannot be asked."""
    found: dict[str, Mask] = {}
    document = Document(made.text, where=f"objects/{made.kind}.yml")
    for tag in made.tags:
        if tag.when:
            try:
                found[tag.key] = made.holds(parse(tag.when, scope="event"), found)
            except ExpressionError as error:
                raise document.wrapped(error, "tags", tag.key, "when") from error
        else:
            given = set(tag.given)
            found[tag.key] = np.array([one in given for one in made.ids], dtype=np.bool_)
    return found


def _wrong(node: t.Node, message: str, *, hint: str | None = None, code: str = "type") -> ExpressionError:
    line, column = node.position or (1, 1)
    return ExpressionError(message, line=line, column=column, code=code, hint=hint)


def read(text: str, kind: str) -> Objects:
    """The kind of objects that the text defines, without any. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=f"objects/{kind}.yml")
    if not KEY.match(kind) or len(kind) > 60 or kind == "person":
        raise DefinitionError(
            f"'{kind}' is no kind of objects",
            where=document.where,
            hint="a-z, 0-9 and _, beginning with a letter",
        )
    document.known_keys(KEYS)
    return Objects(
        kind=kind,
        title=document.titles("title"),
        property=document.string("property", required=True),
        tags=_tags(document),
        owner=document.string("owner"),
        why=document.string("why"),
        text=text,
    )


def _tags(document: Document) -> tuple[ObjectTag, ...]:
    listed = document.value("tags")
    if listed is None:
        return ()
    if not isinstance(listed, Mapping):
        raise document.error("'tags' holds each tag by its key", "tags", hint="seasonal: {when: …}")
    found = []
    for key in listed:
        if not isinstance(key, str) or not KEY.match(key):
            raise document.error(f"'{key}' is no tag key", "tags", key, of_key=True)
        if not isinstance(listed[key], Mapping):
            raise document.error("a tag has when, or given", "tags", key)
        document.known_keys(("title", "when", "given"), "tags", key)
        when = document.string("tags", key, "when")
        given = document.strings("tags", key, "given") if "given" in listed[key] else ()
        if bool(when) is ("given" in listed[key]):
            raise document.error("a tag has when, or given", "tags", key)
        if when:
            try:
                parse(when, scope="event")
            except ExpressionError as error:
                raise document.wrapped(error, "tags", key, "when") from error
        found.append(ObjectTag(key, document.titles("tags", key, "title"), when, given))
    return tuple(found)


@lru_cache(maxsize=64)  # the same texts are the same objects, and these never change
def listed(text: str, kind: str, rows: bytes) -> Objects:
    """The objects of the file's rows (CSV in UTF-8 with a column `id`), with their tags. Raises DefinitionError."""
    made = read(text, kind)
    if rows.strip():
        made = _with_rows(made, rows, where=f"objects/{kind}.csv")
    return replace(made, tagged=_tagged(made))


def _with_rows(made: Objects, rows: bytes, *, where: str) -> Objects:
    try:
        texts = csv.ConvertOptions(column_types={ID: pa.string()}, strings_can_be_null=True, null_values=[""])
        table = csv.read_csv(io.BytesIO(rows), convert_options=texts)
    except (pa.ArrowException, ValueError) as error:
        raise DefinitionError(f"the file is no CSV: {error}".splitlines()[0], where=where) from error
    if ID not in table.column_names:
        raise DefinitionError("the file has no column 'id'", where=where, hint="id,name,price")
    if len(set(table.column_names)) < len(table.column_names):
        raise DefinitionError("a column stands in the file twice", where=where)
    if table.num_rows > MOST_OBJECTS:
        raise DefinitionError(f"there are {table.num_rows:,} objects; limit {MOST_OBJECTS:,}", where=where)
    ids = tuple(table.column(ID).to_pylist())
    if None in ids or len(set(ids)) < len(ids):
        raise DefinitionError("every object has an id of its own", where=where)
    taken = next((tag.key for tag in made.tags if tag.key in table.column_names), None)
    if taken is not None:
        raise DefinitionError(f"'{taken}' is both a column and a tag", where=where)
    columns = {name: _typed(table.column(name)) for name in table.column_names if name != ID}
    return replace(made, ids=ids, columns=columns)


def of_rows(made: Objects, rows: Sequence[Mapping[str, Any]]) -> Objects:
    """The kind with these objects instead, and their tags. Raises DefinitionError, ExpressionError."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != ID))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = {type(value) for value in values if value is not None}
        kind = (
            ValueType.FLAG
            if kinds == {bool}
            else ValueType.NUMBER
            if kinds <= {int, float}
            else ValueType.TEXT
        )
        texts = kind is ValueType.TEXT
        columns[name] = (
            kind,
            tuple(str(value) if texts and value is not None else value for value in values),
        )
    held = replace(made, ids=tuple(str(row[ID]) for row in rows), columns=columns)
    return replace(held, tagged=_tagged(held))


def _typed(column: pa.ChunkedArray) -> tuple[ValueType, tuple[Any, ...]]:
    """A column's type and values."""
    if pa.types.is_boolean(column.type):
        return ValueType.FLAG, tuple(column.to_pylist())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return ValueType.NUMBER, tuple(column.to_pylist())
    return ValueType.TEXT, tuple(pc.cast(column, pa.string()).to_pylist())


def read_folder(folder: Path) -> tuple[dict[str, Objects], list[DefinitionError]]:
    """Every kind of objects of the folder that can be read, and the errors of the others."""
    found: dict[str, Objects] = {}
    errors: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        rows = path.with_suffix(".csv")
        try:
            made = listed(
                path.read_text(encoding="utf-8"), path.stem, rows.read_bytes() if rows.exists() else b""
            )
            found[path.stem] = made
        except UnicodeDecodeError:
            errors.append(DefinitionError("the file is not UTF-8", where=f"objects/{path.name}"))
        except DefinitionError as error:
            errors.append(error)
    return found, errors


def meaning(tags: Mapping[str, Tag], objects: Mapping[str, Objects]) -> dict[str, Tag]:
    """The tags, each that may ask about objects knowing them."""
    if not objects:
        return dict(tags)
    asks = re.compile(rf'(?<![\w$."])"?({"|".join(map(re.escape, sorted(objects)))})"?\s*\.')
    return {
        key: replace(tag, objects=objects) if any(asks.search(source) for source in tag.sources) else tag
        for key, tag in tags.items()
    }


def put_in(tree: t.Expr, objects: Mapping[str, Any]) -> t.Expr:
    """The expression with the ids of the objects that are meant in the place of what it asks about objects.

    Raises ExpressionError (unknown_name, type, too_complex).
    """
    return _with(tree, objects) if t.objects_of(tree) else tree  # type: ignore[return-value]


def _with(node: t.Node, objects: Mapping[str, Objects]) -> t.Node:
    if isinstance(node, t.OfObject):
        return _ids(node, node, objects)
    if isinstance(node, (*_TESTS, t.Within)):
        parts = list(t.children(node))
        asked = [part for part in parts if isinstance(part, t.OfObject)]
        named = any(isinstance(part, t.Name | t.Builtin) for part in parts)
        if asked and (named or len(asked) > 1 or isinstance(node, t.Within)):
            raise _wrong(node, f"{asked[0].kind}.{asked[0].name} is compared with a literal")
        if asked:
            return _ids(node, asked[0], objects)
    changed: dict[str, Any] = {}
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, t.Node):
            changed[item.name] = _with(value, objects)
        elif isinstance(value, tuple) and any(isinstance(part, t.Node) for part in value):
            changed[item.name] = tuple(_with(part, objects) for part in value)
    return replace(node, **changed) if changed else node


TITLES = ("title", "name")
"""Which column of the rows says what an object is called, the first that there is."""

MOST_TITLES = 3


def worded(tree: t.Node, objects: Mapping[str, Objects]) -> Any:
    """The expression for people to read: ids of objects are called by their titles, of many only the first few."""
    named = {kind.property: called(kind) for kind in objects.values()}
    return _worded(tree, {name: titles for name, titles in named.items() if titles})


def _worded(node: t.Node, named: Mapping[str, Mapping[str, str]]) -> Any:
    match node:
        case t.Among(t.Name(name), options) if name in named:
            said = tuple(_called(option, named[name]) for option in options[:MOST_TITLES])
            rest = len(options) - len(said)
            return replace(node, options=(*said, t.Text(f"… {rest:,} more")) if rest else said)
        case t.Compare(t.Name(name), _, t.Text() as held) if name in named:
            return replace(node, right=_called(held, named[name]))
    changed: dict[str, Any] = {}
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, t.Node):
            changed[item.name] = _worded(value, named)
        elif isinstance(value, tuple) and any(isinstance(part, t.Node) for part in value):
            changed[item.name] = tuple(_worded(part, named) for part in value)
    return replace(node, **changed) if changed else node


def _called(option: t.Literal, titles: Mapping[str, str]) -> t.Literal:
    return t.Text(titles.get(option.value, option.value)) if isinstance(option, t.Text) else option


@lru_cache(maxsize=64)
def called(objects: Objects) -> Mapping[str, str]:
    """What each object is called, by id; nothing where no column says so."""
    column = next((objects.columns[name] for name in TITLES if name in objects.columns), None)
    if column is None or column[0] is not ValueType.TEXT:
        return {}
    return {one: title for one, title in zip(objects.ids, column[1], strict=True) if title}


def _ids(test: t.Expr, asked: t.OfObject, objects: Mapping[str, Objects]) -> t.Expr:
    """The event's property names one of the objects of which the test is true."""
    found = objects.get(asked.kind)
    if found is None:
        hint = did_you_mean(asked.kind, objects) or "limner object list"
        raise _wrong(asked, f"there are no objects of kind '{asked.kind}'", hint=hint, code="unknown_name")
    meant = found.where(test, asked.name, found.tagged)
    ids = sorted(one for one, held in zip(found.ids, meant.tolist(), strict=True) if held)
    if len(ids) > MOST_ASKED:
        raise _wrong(
            asked,
            f"{len(ids):,} objects are meant; limit {MOST_ASKED:,}",
            hint="send what they have in common as a property of the event",
            code="too_complex",
        )
    if not ids:
        return t.Flag(False, position=test.position)
    named = t.Name(found.property, position=asked.position)
    return t.Among(named, tuple(t.Text(one) for one in ids), position=test.position)
