"""Whether definitions can be computed: names, types and references, each error at its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions.catalog import Catalog
from limner.expressions.check import check as sound
from limner.expressions.check import type_of
from limner.expressions.compile import people, values
from limner.expressions.tree import Aggregate, Arithmetic, Dated, Interest, Logistic, OfEvents, walk
from limner.tags.graph import Graph, expression_path
from limner.tags.model import Given, Learned, Method, Observed, Stage, Tag, Tiers
from limner.tags.text import document_of
from limner.types import ValueType


def problems(
    graph: Graph, keys: Iterable[str], *, catalog: Catalog, as_of: datetime
) -> list[DefinitionError]:
    """What is wrong with these tags; nothing when each can be computed. Compiles, computes nothing."""
    found = []
    for key in keys:
        try:
            check(graph.tags[key], graph, catalog=catalog, as_of=as_of)
        except DefinitionError as error:
            found.append(error)
    return found


def check(tag: Tag, graph: Graph, *, catalog: Catalog, as_of: datetime) -> None:
    """Raises DefinitionError at the first place of the tag's file that cannot be computed."""
    check_truth(tag, graph.tags)
    if isinstance(tag.definition, Learned) and tag.definition.learnt is None and tag.stage is not Stage.DRAFT:
        hint = f"limner tag learn {tag.key} computes them; until then say stage: draft"
        raise document_of(tag).error("there are no weights yet", "learned", code="not_learned", hint=hint)
    for position, tree in enumerate(graph.trees[tag.key]):
        path = expression_path(tag, position)
        try:
            if isinstance(tag.definition, Tiers):
                _tiers(tag, catalog)
                continue
            if tag.method is Method.RULE:
                sound(tree, catalog)
                people(tree, catalog, as_of)
                continue
            if not isinstance(tree, OfEvents | Arithmetic | Dated | Interest | Logistic):
                raise document_of(tag).error(
                    "a statistic is worked out of events, or of other values",
                    *path,
                    hint='for example count("Order Paid" in last 30 days)',
                )
            kind = type_of(tree, catalog)
            values(tree, catalog, as_of)
        except ExpressionError as error:
            raise document_of(tag).wrapped(error, *path) from error
        asked = [node.of for node in walk(tree) if isinstance(node, Aggregate)]
        seen = all(of is None or catalog.property(of) is not None for of in asked)
        if kind is ValueType.LIST:
            hint = "most_frequent(…, 2) is the second alone; a condition asks top(…) includes …"
            raise document_of(tag).error("a tag holds no list", *path, code="type", hint=hint)
        if seen and kind is not None and kind is not tag.type:
            raise document_of(tag).error(
                f"the statistic is of type {kind}, the tag of type {tag.type}",
                "type",
                code="type",
                hint=f"type: {kind}",
            )


def _tiers(tag: Tag, catalog: Catalog) -> None:
    """Raises DefinitionError when the tag that is cut is none, or has no cut points yet."""
    definition = tag.definition
    if not isinstance(definition, Tiers):
        raise TypeError(f"the tag {tag.key} has no cuts")
    cuts, document = definition.cuts, document_of(tag)
    found = catalog.tag(cuts.of)
    if found is None:
        hint = did_you_mean(cuts.of, catalog.tag_keys())
        raise document.error(f"unknown tag '{cuts.of}'", "cuts", "of", code="unknown_name", hint=hint)
    if found[1] not in (ValueType.NUMBER, ValueType.MONEY):
        raise document.error(f"'{cuts.of}' is a {found[1]}; a number is cut", "cuts", "of", code="type")
    if not cuts.every_run and tag.stage is not Stage.DRAFT:
        hint = f"limner tag cut {tag.key} computes them; until then say stage: draft"
        raise document.error("there are no cut points yet", "cuts", "at", code="not_cut", hint=hint)
    if tag.tests:
        hint = "freeze the cut points to test it"
        raise document.error("cut points of every run cannot be tested on one person", "tests", hint=hint)


def check_truth(tag: Tag, tags: Mapping[str, Tag]) -> None:
    """Raises DefinitionError when the tag that `truth` names cannot tell the truth of this one."""
    if not tag.truth:
        return
    document = document_of(tag)
    held = tags.get(tag.truth)
    if isinstance(tag.definition, Given | Observed):
        raise document.error(f"a tag of method '{tag.method}' is no guess", "truth", of_key=True)
    if held is None:
        raise document.error(
            f"unknown tag '{tag.truth}'", "truth", code="unknown_name", hint=did_you_mean(tag.truth, tags)
        )
    if not isinstance(held.definition, Given | Observed):
        raise document.error(
            f"'{tag.truth}' is of method {held.method}: the truth is declared, observed or imported", "truth"
        )
    if held.type is not tag.type:
        raise document.error(f"'{tag.truth}' is of type {held.type}, the tag of type {tag.type}", "truth")
    if tag.type not in (ValueType.FLAG, ValueType.TEXT):
        raise document.error("only flags and texts are right or wrong", "truth", of_key=True)
