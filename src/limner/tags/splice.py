"""Splice: new values put into a YAML text, where every line that does not change stays as it was written.

Comments, order, quotes and blank lines survive because they are never read. Knows no tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

_UNUSUAL = re.compile(r"---|\t|(?:^|[\s,\[{])&\S")
"""Several documents in one text, tabs, and anchors, which other places repeat."""

Write = Callable[[Mapping[str, Any]], str]
"""A mapping as YAML text."""


def differs(one: Any, other: Any) -> bool:
    """Whether two values of a file are not the same: `true` is not 1, though they are equal."""
    return bool(one != other) or isinstance(one, bool) is not isinstance(other, bool)


class NotSpliced(Exception):
    """The text is laid out in a way that is not edited in place."""


def spliced(
    text: str, old: Any, changes: Mapping[str, Any], *, order: Sequence[str] = (), write: Write
) -> str:
    """The text with top-level keys set (None takes one away); `old` is what the text says now.

    A new key comes after the nearest one before it in `order`, else last. Raises NotSpliced for what is no plain
    block of `key: value`.
    """
    try:
        root = YAML(typ="rt").compose(text)
    except YAMLError as error:
        raise NotSpliced from error
    if not isinstance(root, MappingNode) or root.flow_style or _UNUSUAL.search(text):
        raise NotSpliced
    editor = _Editor(text, write)
    editor.mapping(root, old, changes, order)
    return editor.text()


def reordered(text: str, key: str, names: Sequence[str]) -> str:
    """The text with the entries of the block mapping `key` in this order, comments above an entry with it.

    Raises NotSpliced where the entries do not stand in lines of their own.
    """
    try:
        root = YAML(typ="rt").compose(text)
    except YAMLError as error:
        raise NotSpliced from error
    found = [value for name, value in getattr(root, "value", ()) if name.value == key]
    if len(found) != 1 or not isinstance(found[0], MappingNode) or found[0].flow_style:
        raise NotSpliced
    entries = found[0].value
    if sorted(entry.value for entry, _ in entries) != sorted(names):
        raise NotSpliced
    lines = _Editor(text, lambda _: "")
    starts = [lines.block_start(entry) for entry, _ in entries]
    end = lines.block_end(*entries[-1])
    stretches = {
        entry.value: text[start:stop].rstrip("\n") + "\n"
        for (entry, _), start, stop in zip(entries, starts, [*starts[1:], end], strict=True)
    }
    return text[: starts[0]] + "".join(stretches[name] for name in names) + text[end:]


def renamed(
    names: Sequence[str], old: Mapping[str, Any], changes: Mapping[str, Any], order: Sequence[str]
) -> list[tuple[str, str]]:
    """Which keys only got another name, each with the new one: what stands there is as it was.

    Of one that was renamed and edited at once, something of what it held is still there, at the same place of as many.
    """
    gone = [name for name in names if name in changes and changes[name] is None]
    found = []
    for new in [name for name in order if name not in old and changes.get(name) is not None]:
        place = order.index(new)
        same = [was for was in gone if not differs(old[was], changes[new])]
        there = [names[place]] if len(order) == len(names) and names[place] in gone else []
        near = [was for was in there if _alike(old[was], changes[new])]
        if len(same) == 1 or set(same) & set(there) or near:
            was = next(iter([*(one for one in same if one in there), *same, *near]))
            gone.remove(was)
            found.append((was, new))
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether two mappings agree in something."""
    both = isinstance(one, Mapping) and isinstance(other, Mapping)
    return both and any(key in other and not differs(value, other[key]) for key, value in one.items())


def _key(write: Write, name: str) -> str:
    """The key as YAML writes it."""
    return write({name: 0}).rpartition(":")[0]


@dataclass
class _Editor:
    """Collects what is to stand instead of which stretch of the text."""

    source: str
    write: Write
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    called: dict[int, str] = field(default_factory=dict)
    """By where a key stands, its new name."""

    def text(self) -> str:
        """The text with every edit; those at one place stand in the order in which they were made."""
        parts, done = [], 0
        for start, end, new in sorted(self.edits, key=lambda edit: edit[:2]):
            if start < done:
                raise NotSpliced
            parts += [self.source[done:start], new]
            done = end
        return "".join([*parts, self.source[done:]])

    def mapping(
        self, node: MappingNode, old: Any, changes: Mapping[str, Any], order: Sequence[str] = ()
    ) -> None:
        """Edits one block mapping."""
        places = {key.value: (key, value) for key, value in node.value}
        if len(places) != len(node.value) or not places:
            raise NotSpliced
        indent = node.value[0][0].start_mark.column
        changes = dict(changes)
        for was, name in renamed(list(places), old, changes, order):
            key, value = places.pop(was)
            self.edits.append((key.start_mark.index, key.end_mark.index, _key(self.write, name)))
            self.called[key.start_mark.index] = name
            if differs(old[was], changes[name]):
                self._value(key, value, old[was], changes[name], indent)
            del changes[was], changes[name]
        for name in sorted(changes, key=lambda name: order.index(name) if name in order else len(order)):
            new = changes[name]
            if name in places:
                key, value = places[name]
                if new is None:
                    self._delete(key, value)
                elif differs(old.get(name), new):
                    self._value(key, value, old.get(name), new, indent)
            elif new is not None:
                self._insert(name, new, node, indent, order)

    def _value(self, key: Node, node: Node, old: Any, new: Any, indent: int) -> None:
        if isinstance(node, MappingNode) and not node.flow_style and isinstance(new, Mapping) and new:
            gone = {name: None for name in old if name not in new}
            self.mapping(node, old, {**new, **gone}, list(new))
        elif isinstance(node, SequenceNode) and not node.flow_style and isinstance(new, list) and new:
            self._items(node, list(old), new)
        elif isinstance(node, ScalarNode) and not node.value and node.start_mark.index == node.end_mark.index:
            place = self.source.index(":", key.end_mark.index) + 1
            self.edits.append((place, place, self._after_key(new, indent)))
        else:
            start = len(self.source[: node.start_mark.index].rstrip(" \n"))
            self.edits.append((start, self._end(node), self._after_key(_styled(node, new), indent)))

    def _after_key(self, value: Any, indent: int) -> str:
        """What comes after `key:`, without the last line feed."""
        if isinstance(value, str) and "\n" in value:
            return " " + _literal(value, indent)
        written = self.write({"k": value}).removeprefix("k:").rstrip("\n")
        return written.replace("\n", "\n" + " " * indent)

    def _insert(self, name: str, new: Any, node: MappingNode, indent: int, order: Sequence[str]) -> None:
        earlier = order[: order.index(name)] if name in order else [key.value for key, _ in node.value]
        above = [
            pair for pair in node.value if self.called.get(pair[0].start_mark.index, pair[0].value) in earlier
        ]
        line = f"{' ' * indent}{name}:{self._after_key(new, indent)}\n"
        place = self._line_start(node.value[0][0].start_mark.index)
        if above:
            place = self._line_end(max(self._pair_end(*pair) for pair in above))
        if place and self.source[place - 1] != "\n":
            line = "\n" + line
        self.edits.append((place, place, line))

    def block_start(self, key: Node) -> int:
        """Where the lines of an entry begin, the comments directly above among them."""
        start = self._line_start(key.start_mark.index)
        if self.source[start : key.start_mark.index].strip():
            raise NotSpliced
        return self._with_comments(start)

    def block_end(self, key: Node, value: Node) -> int:
        """Where the lines of an entry end."""
        return self._line_end(self._pair_end(key, value))

    def _pair_end(self, key: Node, value: Node) -> int:
        return max(self._end(value), key.end_mark.index) if value.value else int(key.end_mark.index)

    def _delete(self, key: Node, value: Node) -> None:
        start = self._line_start(key.start_mark.index)
        if self.source[start : key.start_mark.index].strip():
            raise NotSpliced
        self.edits.append((start, self._line_end(self._pair_end(key, value)), ""))

    def _items(self, node: SequenceNode, old: list[Any], new: list[Any]) -> None:
        """Edits a block list: equal items stay, others are edited, taken away or added; a moved one keeps its lines."""
        dash = self._dash(node.value[0])
        written = {_mark(item): self._lines_of(found) for item, found in zip(old, node.value, strict=True)}
        matcher = SequenceMatcher(None, [_mark(item) for item in old], [_mark(item) for item in new], False)
        for what, a, b, c, d in matcher.get_opcodes():
            if what == "equal":
                continue
            both = min(b - a, d - c)
            for number in range(both):
                self._item(node.value[a + number], old[a + number], new[c + number], dash)
            for number in range(a + both, b):
                self.edits.append((*self._span(node.value[number]), ""))
            if d > c + both:
                place = self._line_end(self._end(node.value[a + both - 1])) if a + both else None
                if place is None:
                    place = self._span(node.value[0])[0]
                added = new[c + both : d]
                lines = "".join(written.get(_mark(item)) or self._new_item(item, dash) for item in added)
                if place and self.source[place - 1] != "\n":
                    lines = "\n" + lines
                self.edits.append((place, place, lines))

    def _span(self, item: Node) -> tuple[int, int]:
        """The lines of a list's item, with the comments directly above."""
        start = self._with_comments(self._line_start(item.start_mark.index))
        return start, self._line_end(self._end(item))

    def _lines_of(self, item: Node) -> str:
        start, end = self._span(item)
        return self.source[start:end].rstrip("\n") + "\n"

    def _item(self, node: Node, old: Any, new: Any, dash: int) -> None:
        if isinstance(node, MappingNode) and not node.flow_style and isinstance(new, Mapping):
            gone = {name: None for name in old if name not in new}
            self.mapping(node, old, {**new, **gone}, list(new))
        else:
            self.edits.append((node.start_mark.index, self._end(node), self._new_item(new, dash).strip()[2:]))

    def _new_item(self, value: Any, dash: int) -> str:
        pad = " " * dash
        if not isinstance(value, Mapping):
            return f"{pad}-{self._after_key(value, dash)}\n"
        lines = [f"{name}:{self._after_key(item, dash + 2)}" for name, item in value.items()]
        return f"{pad}- " + f"\n{pad}  ".join(lines) + "\n"

    def _dash(self, item: Node) -> int:
        start = self._line_start(item.start_mark.index)
        before = self.source[start : item.start_mark.index]
        if before.strip() != "-":
            raise NotSpliced
        return len(before) - len(before.lstrip())

    def _end(self, node: Node) -> int:
        """Where the value ends in the text; comments after it are not its own."""
        if isinstance(node, ScalarNode) or getattr(node, "flow_style", False) or not node.value:
            end: int = node.end_mark.index
            if isinstance(node, ScalarNode) and node.style in ("|", ">"):
                end = self._without_comments(node.start_mark.index, end)
            return end
        last = node.value[-1]
        return self._end(last[1] if isinstance(last, tuple) else last)

    def _without_comments(self, start: int, end: int) -> int:
        """The end of a block of text: what is indented less, and blank lines, are not its own."""
        lines = self.source[start:end].splitlines(keepends=True)
        indents = [len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip()]
        least = indents[0] if indents else 0
        while len(lines) > 1 and (
            not lines[-1].strip() or len(lines[-1]) - len(lines[-1].lstrip(" ")) < least
        ):
            lines.pop()
        return start + len("".join(lines).rstrip("\n"))

    def _line_start(self, index: int) -> int:
        return self.source.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        """Where the next line begins."""
        found = self.source.find("\n", index)
        return len(self.source) if found < 0 else found + 1

    def _with_comments(self, start: int) -> int:
        """Where the comment lines directly above begin."""
        while start:
            above = self._line_start(start - 1)
            if not self.source[above : start - 1].lstrip().startswith("#"):
                break
            start = above
        return start


def _mark(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _literal(value: str, indent: int) -> str:
    """A text of several lines as a block; one that a block cannot hold in double quotes."""
    if value[0] in " \n" or value.endswith("\n\n") or any(not (c.isprintable() or c == "\n") for c in value):
        return json.dumps(value, ensure_ascii=False)
    chomp = "" if value.endswith("\n") else "-"
    pad = " " * (indent + 2)
    lines = value.removesuffix("\n").split("\n")
    return f"|{chomp}\n" + "\n".join(pad + line if line else "" for line in lines)


def _styled(node: Node, new: Any) -> Any:
    """The new value in the old one's quotes, or as the old one's kind of mapping or list."""
    style = getattr(node, "style", None)
    if isinstance(new, str) and "\n" not in new and style in ("'", '"'):
        return SingleQuotedScalarString(new) if style == "'" else DoubleQuotedScalarString(new)
    if isinstance(new, Mapping) and getattr(node, "flow_style", False):
        made = CommentedMap(new)
        made.fa.set_flow_style()
        return made
    return new
