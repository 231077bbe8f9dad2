"""What is wrong with the picks that a message asks for, and with items, as far as it takes the workspace to know it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from limner.content.model import LIBRARY, Ask, Item
from limner.errors import DefinitionError, ExpressionError, LimnerError, did_you_mean
from limner.expressions import check, parse
from limner.expressions.catalog import Catalog
from limner.tags.document import Document
from limner.tags.objects import Objects


def of_asks(
    asks: Mapping[str, Ask],
    *,
    where: str,
    within: str = "",
    kinds: Mapping[str, Objects],
    weighted: Collection[str],
    words: Collection[str],
) -> list[LimnerError]:
    """What the picks of a message name that is not there: `words` are those of the library's items, and their names.

    `within`: where in the file the message stands, such as `steps.hello.message.`.
    """
    found: list[LimnerError] = []
    for name, ask in asks.items():
        place = f"{where}: {within}picks.{name}"
        asked = [
            ("kind of objects", [ask.source], [LIBRARY, *kinds]),
            ("tag that gives weights", ask.by, weighted),
        ]
        if ask.source == LIBRARY:
            asked.append(("word or item", ask.only, words))
        for what, given, known in asked:
            for word in given:
                if word not in known:
                    found.append(
                        DefinitionError(
                            f"there is no {what} '{word}'",
                            where=place,
                            hint=did_you_mean(word, known),
                            code="not_found",
                        )
                    )
        if ask.where and ask.source in kinds:
            kind = kinds[ask.source]
            try:
                kind.holds(parse(ask.where, scope="event"), kind.tagged)
            except ExpressionError as error:
                found.append(DefinitionError(error.message, where=place, hint=error.hint, code=error.code))
    return found


def of_items(items: Mapping[str, Item], names: Catalog) -> list[LimnerError]:
    """What is wrong in the conditions on who may see them."""
    found: list[LimnerError] = []
    for item in items.values():
        if item.audience:
            try:
                check(parse(item.audience), names)
            except ExpressionError as error:
                found.append(
                    Document(item.definition, where=f"content/{item.name}.yml").wrapped(error, "audience")
                )
    return found


def words_of(items: Mapping[str, Item]) -> set[str]:
    """Every word by which a message may choose items: their names and the editor's words."""
    return {*items, *(word for item in items.values() for word in item.words)}
