"""Verbs of why: why a person has a tag's value, or has none, and is in an audience, or is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text

from limner.accounts.keys import instant, sources
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.audiences import evaluate, versions
from limner.audiences.model import NAME
from limner.columns import EPOCH_START
from limner.errors import LimnerError
from limner.expressions import check as check_expression
from limner.expressions import parse, to_text
from limner.expressions.tree import InAudience
from limner.identity import people
from limner.identity.then import person_then
from limner.portraits import person as portraits
from limner.portraits import why as reasons
from limner.portraits.because.sentences import say
from limner.tags import cut_points, publish, resolve, weights
from limner.tags import text as tag_text
from limner.tags.graph import build
from limner.tags.masking import hides, hiding, masked
from limner.tags.model import Tag, plain
from limner.types import Json, naive, utc
from limner.workspace import belonging, definitions, giving, publishing, remembering
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of, live, person_ix
from limner.workspace.workspace import Workspace


def person_why(
    workspace: Workspace, id: str, key: str, as_of: str = "", view: str = "", caller: Caller = LOCAL
) -> Json:
    """Why a person has a value of a tag, or has none: what decided it, as of when, until when, by which run.

    `view`: at a past instant by what was known then, of who the person was then, or by what is true of it, see
    `remembering.view_of`. `defined_later`: nobody had defined the tag then; it stands as it began. `joined_since`: they
    are not who they were then.
    """
    workspace.load()
    ix = person_ix(workspace, id)
    tags = definitions.tags(workspace)
    now = workspace.clock()
    asked = instant_of(workspace, as_of)
    seen = remembering.view_of(workspace, view, asked, ix=ix)
    heard, person, later = None, None, list[str]()
    if seen == remembering.KNOWN and remembering.forgotten(workspace, ix, asked):
        heard = asked
        tags, later = remembering.tags_then(workspace, tags, asked)
        person = person_then(
            workspace.engine, people.named_or_person(id, keys=workspace.config.strong_keys), heard
        )
        ix = person.ix
    applied = publish.applied(workspace.engine).get(known(tags, key, "tag"))
    columns = live(workspace)
    published = (
        heard is None
        and columns is not None
        and applied is not None
        and key in columns
        and asked >= columns.as_of
    )
    tag, at = tags[key], asked
    problem: Json | None = None
    if published and applied is not None and columns is not None:
        at = _decided(workspace, ix, tag, applied.as_of, columns.as_of)
        try:
            tag = replace(
                tag_text.read(applied.text, key),
                group=tags[key].group,
                measures=tags[key].measures,
                objects=tags[key].objects,
            )
        except LimnerError as error:
            problem = say("unreadable", {"message": error.message}, zone=workspace.config.zone)
    names = definitions.catalog(workspace)
    graph = build({**tags, key: tag}, names.audience)
    mask = not sees_personal(caller.role)
    answer: Json = {
        "person": people.person_id(workspace.engine, ix),
        "key": key,
        "titles": dict(tag.title),
        "nature": str(tag.nature),
        "method": str(tag.method),
        "type": str(tag.type),
        "definition": tag.described,
        "why": tag.why,
        "owner": tag.owner,
        "source": tag.source,
        "computed": published,
        "as_of": plain(at),
        "expires_at": None,
        "expired": False,
        "run": None,
        "run_at": None,
        "fingerprint": graph.fingerprints[key] if applied is None or not published else applied.fingerprint,
        "view": seen,
        "defined_later": key in later,
        "joined_since": person is not None and not person.same,
        "redefined": False,
        "recomputed": None,
        "agrees": True,
    }
    found = reasons.why(
        workspace.engine,
        ix,
        tag,
        graph=graph,
        catalog=names,
        at=at,
        hide=hiding(workspace.config.personal, mask=mask),
        sources={item.source_i: item.name for item in sources(workspace.records)},
        handed=max(asked, at),
        heard=heard,
        person=person,
        cuts=cut_points.kept(workspace.engine, at, graph=graph) if published else {},
    )
    if found["learned"] is not None:
        found["learned"]["version"] = publishing.version_of(workspace, key, answer["fingerprint"])
    for item in (found["rule"] or {}).get("inputs", ()):
        item["titles"] = dict(tags[item["name"]].title) if item["name"] in tags else {}
    if problem is not None:
        found |= {"available": False, "unavailable": problem}
    answer |= found
    if published and applied is not None and columns is not None:
        labels = weights.of_person(workspace.engine, ix, [key] if tag.weighted else ()).get(key, ())
        shown = portraits.tag_value(
            ix, tag, columns.at(asked), hide=hiding(workspace.config.personal, mask=mask), labels=labels
        )
        value = None if shown is None else shown["value"]
        if found["weights"] is not None:
            found["weights"]["labels"] = [] if shown is None else shown["labels"]
        expired = applied.expires_at is not None and applied.expires_at <= asked
        answer |= {
            "value": value,
            "recomputed": found["value"],
            "agrees": expired or value == found["value"],
            "expires_at": None if applied.expires_at is None else plain(applied.expires_at),
            "expired": expired,
            "run": applied.run,
            "run_at": _run_at(workspace, applied.run),
            "redefined": build(tags, names.audience).fingerprints[key] != applied.fingerprint,
        }
    else:
        until = tag.expires_at(at)
        answer |= {"recomputed": found["value"], "expires_at": None if until is None else plain(until)}
    answer |= _ending(answer)
    answer["settled"] = _settled(workspace, ix, key, tags, mask=mask) if published else None
    answer["given"] = giving.held_by_hand(
        workspace, ix, {key: tag}, now=asked, hide=hiding(workspace.config.personal, mask=mask)
    ).get(key)
    answer["known"] = answer["value"] is not None
    answer["asked_at"] = now.isoformat() if not as_of else asked.isoformat()
    return answer


def _decided(workspace: Workspace, ix: int, tag: Tag, as_of: datetime, until: datetime) -> datetime:
    """As of when the person's value was decided: a step may have moved them since the run that others wait for."""
    rows = workspace.engine.read(
        "SELECT MAX(ts) AS ts FROM changes WHERE ix = $ix AND subject = $subject AND cause = 'refresh'"
        " AND ts > $as_of AND ts <= $until",
        {"ix": ix, "subject": tag.subject, "as_of": naive(as_of), "until": naive(until)},
    )
    moved = rows.column("ts")[0].as_py()
    return as_of if moved is None else utc(moved)


def _ending(answer: Json) -> Json:
    """{ends_at, ends_by}: when the value ends, by its validity or by time alone, whichever is first; null: neither."""
    ways = [(answer["ends"]["at"], "time"), (answer["expires_at"], "validity")]
    known = sorted((datetime.fromisoformat(at), by, at) for at, by in ways if at is not None)
    return {"ends_at": known[0][2], "ends_by": known[0][1]} if known else {"ends_at": None, "ends_by": None}


def audience_why(
    workspace: Workspace, id: str, name: str, as_of: str = "", view: str = "", caller: Caller = LOCAL
) -> Json:
    """Why a person is in an audience or not: what decided it, what is missing, until when.

    `view`: at a past instant by what was known then, of who the person was then and as the audience and the tags were
    defined then, or by what is true of it, see `remembering.view_of`. `definition` says which text of the audience was
    asked; `kept` whether the snapshots of then had the person, null where there was none.
    """
    workspace.load()
    ix = person_ix(workspace, id)
    asked = instant_of(workspace, as_of)
    past = asked < workspace.clock()
    tags = definitions.tags(workspace)
    seen = remembering.view_of(workspace, view, asked, ix=ix)
    heard, person, later = None, None, list[str]()
    if seen == remembering.KNOWN and past:
        heard = asked
        tags, later = remembering.tags_then(workspace, tags, asked)
        person = person_then(
            workspace.engine, people.named_or_person(id, keys=workspace.config.strong_keys), heard
        )
        ix = person.ix
    meant = belonging.named_at(workspace, asked, then=heard is not None, person=person)
    names, saved = meant.names, meant.saved
    named = name in saved
    if not named and NAME.match(name) and name not in {*names.tag_keys(), *names.attribute_names()}:
        known(saved, name, "audience")
    condition = InAudience(name) if named else definitions.meaning(workspace, parse(name))
    check_expression(condition, names)
    graph = build(tags, names.audience)
    columns = live(workspace)
    now_published = columns is not None and asked >= columns.as_of
    found = reasons.why_in(
        workspace.engine,
        ix,
        condition,
        graph=graph,
        catalog=names,
        at=asked,
        hide=() if sees_personal(caller.role) else workspace.config.personal,
        sources={item.source_i: item.name for item in sources(workspace.records)},
        cuts=cut_points.kept(workspace.engine, asked, graph=graph) if now_published and heard is None else {},
        heard=heard,
        person=person,
    )
    member = found["holds"]
    if heard is None:
        member = ix in evaluate.people(
            condition, catalog=names, engine=workspace.engine, columns=columns, as_of=asked, graph=graph
        )
    expression = names.audience(name) if named else condition
    fixed = expression is None or isinstance(expression, frozenset)
    kept = belonging.since_then(workspace, ix, asked, heard=heard, person=person) if named else {}
    snapped = named and belonging.snapped(workspace, name, asked, heard=heard)
    needed = graph.closure(reasons.tags_of(condition, graph, names))
    return {
        "person": people.person_id(workspace.engine, ix),
        "audience": name,
        "titles": dict(saved[name].title) if named else {},
        "expression": None if fixed else to_text(expression),  # type: ignore[arg-type]
        "member": member,
        "recomputed": found["holds"],
        "agrees": member == found["holds"],
        "as_of": asked.isoformat(),
        "tags_as_of": None if columns is None else plain(columns.as_of),
        "view": seen,
        "definition": meant.which[name] if named else versions.TODAY,
        "defined_later": sorted(needed & set(later)),
        "joined_since": person is not None and not person.same,
        "kept": name in kept if snapped else None,
        "since": kept[name].isoformat() if name in kept else None,
        "because": found["because"],
        "near": found["near"],
        "ends": found["ends"],
    }


def _settled(workspace: Workspace, ix: int, key: str, tags: Mapping[str, Tag], *, mask: bool) -> Json | None:
    """Which exclusive group took the value, and what the person kept instead; None when none did."""
    found = resolve.taken(workspace.engine, ix, key)
    if found is None:
        return None
    kept, hidden = found["kept"], hiding(workspace.config.personal, mask=mask)
    covered = kept in tags and hides(tags[kept], hidden)
    return {
        "group": found["grp"],
        "kept": masked(kept) if covered else kept,
        "since": utc(EPOCH_START + timedelta(microseconds=found["began"])).isoformat(),
        "run": found["run"],
    }


def _run_at(workspace: Workspace, run: str) -> str | None:
    with workspace.records.read() as connection:
        found = connection.execute(text("SELECT started_at FROM runs WHERE id = :id"), {"id": run}).scalar()
    return None if found is None else instant(found).isoformat()
