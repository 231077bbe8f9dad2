"""Verbs of proving: the tests that stand in tag files, tried on people of their own in memory."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from limner.accounts import keys as accounts
from limner.audiences.model import Audience
from limner.engine.duckdb import DuckDB
from limner.errors import DefinitionError, LimnerError, NotFoundError, did_you_mean
from limner.expressions import Expr, parse, to_text
from limner.tags import trying
from limner.tags.check import check
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag
from limner.tags.trying import Subject, Verdict
from limner.types import Json, ValueType
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.runs import said
from limner.workspace.tagging import Known, as_text, known_now
from limner.workspace.workspace import Workspace, make_tables


def tag_test(workspace: Workspace, keys: list[str] = []) -> Json:  # noqa: B006 - never changed
    """How the tests in the tag files went: what was expected and what followed. Nobody's data take part.

    `problems`: definitions that cannot be tried, and tests that say something wrong; then `ok` is false, too.
    """
    began = time.perf_counter()
    known = known_now(workspace)
    there = known.tags.keys() | known.broken
    for key in keys:
        if key not in there:
            raise NotFoundError(
                f"there is no tag '{key}'", hint=did_you_mean(key, there) or "limner tag list"
            )
    wanted = [key for key in known.graph.order if not keys or key in keys]
    wrong: list[LimnerError] = [
        error
        for error in known.problems
        if not keys or _key_of(error) in known.graph.closure(wanted) | set(keys)
    ]
    tested = [known.tags[key] for key in wanted if known.tags[key].tests]
    listed, more = _tried(known, tested) if tested else ([], [])
    wrong += more
    passed = sum(verdict.passed for verdict in listed)
    return {
        "ok": passed == len(listed) and not wrong,
        "passed": passed,
        "failed": len(listed) - passed,
        "tests": [_shown(verdict) for verdict in listed],
        "untested": [key for key in wanted if not known.tags[key].tests],
        "problems": [said(error) for error in wrong],
        "seconds": round(time.perf_counter() - began, 3),
    }


def _key_of(error: LimnerError) -> str:
    return (error.where or "").partition(":")[0].removeprefix("tags/").removesuffix(".yml")


def _tried(known: Known, tested: Iterable[Tag]) -> tuple[list[Verdict], list[LimnerError]]:
    """How the tests of the tags went, and what is wrong with those that cannot be tried."""
    workspace = known.workspace
    wrong: list[LimnerError] = []
    for tag in tested:
        wrong += trying.problems(tag, known.graph)
    said_of = {_key_of(error) for error in wrong}
    sound = [tag for tag in tested if tag.key not in said_of]
    engine = DuckDB(None, memory=workspace.config.memory or None, threads=workspace.config.threads or None)
    try:
        make_tables(engine)
        given = _filled(known, engine, sound, wrong)
        catalog = _catalog(known, engine)
        fresh = Fresh(catalog, known.tags)
        cannot = {}
        for key in sorted(known.graph.closure({subject.tag.key for subject in given})):
            try:
                check(known.tags[key], known.graph, catalog=fresh, as_of=known.now)
            except DefinitionError as error:
                cannot[key] = error
        wrong += cannot.values()
        lost = known.graph.dependents(cannot.keys())
        tried = [subject for subject in given if subject.tag.key not in lost]
        return list(trying.verdicts(engine, known.graph, tried, catalog=catalog)), wrong
    finally:
        engine.close()


def _filled(known: Known, engine: DuckDB, tested: list[Tag], wrong: list[LimnerError]) -> tuple[Subject, ...]:
    """The tests whose events are in the engine; a tag with one that is wrong is left out, and joins `wrong`."""
    workspace = known.workspace
    sources = {source.name: source.source_i for source in accounts.sources(workspace.records)}
    about = trying.Known(
        zone=workspace.config.zone,
        properties=_named_properties(known),
        sources=sources,
        money=workspace.config.money_properties,
        limits=workspace.config.limits,
    )
    while True:
        given = trying.subjects(tested, about.zone)
        try:
            trying.fill(engine, given, about)
        except DefinitionError as error:
            wrong.append(error)
            tested = [tag for tag in tested if tag.key != _key_of(error)]
            continue
        return given


def _named_properties(known: Known) -> dict[str, ValueType]:
    """The properties of the workspace that a definition may name, with their types."""
    texts = [to_text(tree) for trees in known.graph.trees.values() for tree in trees]
    texts += [item.expression or "" for item in known.audiences.values()]
    words = "\n".join(texts)
    found = {}
    for name in known.names.property_names():
        typed = known.names.property(name)
        if typed is not None and name in words:
            found[name] = typed[1]
    return found


def _catalog(known: Known, engine: DuckDB) -> WorkspaceCatalog:
    """What names mean among the people of the tests: nobody of them is on a fixed list."""
    workspace = known.workspace
    return WorkspaceCatalog(
        engine,
        zone=workspace.config.zone,
        sources=known.names.source_codes(),
        tags={},
        audiences={name: partial(_meant, item) for name, item in known.audiences.items()},
        attributes=known.names.attribute_names(),
    )


def _meant(item: Audience) -> Expr | frozenset[int]:
    return frozenset() if item.expression is None else parse(item.expression)


def _shown(verdict: Verdict) -> Json:
    subject = verdict.subject
    kind = subject.tag.type
    wanted, got = subject.trial.expect, verdict.got
    return {
        "tag": subject.tag.key,
        "name": subject.trial.name,
        "where": subject.where,
        "as_of": subject.as_of.isoformat(),
        "passed": verdict.passed,
        "expected": None if wanted is None else as_text(wanted, kind),
        "got": None if got is None else as_text(got, kind),
    }
