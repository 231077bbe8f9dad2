"""Verbs of tags: the catalogue, one tag with everything around it, its past, and its editor."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.audiences import model as audience_files
from limner.audiences.model import Audience
from limner.campaigns import journey as ways
from limner.campaigns import journey_text, scene_text
from limner.campaigns import text as campaign_files
from limner.campaigns.journey import Journey
from limner.campaigns.model import Campaign, Variant, files_of
from limner.campaigns.scene import Scene
from limner.columns import Columns
from limner.errors import DefinitionError, LimnerError, NotFoundError, UsageError, did_you_mean
from limner.expressions import parse, to_text
from limner.expressions import tree as t
from limner.portraits.finding import rows as listed_people
from limner.portraits.person import exact as exact_value
from limner.tags import aside, catalogue, publish, weights
from limner.tags import form as tag_form_of
from limner.tags import text as tag_text
from limner.tags.aside import Aside
from limner.tags.catalogue import Count, Entry
from limner.tags.graph import Graph, build, expressions
from limner.tags.masking import hides, hiding, is_personal, masked
from limner.tags.model import Given, Observed, Statistic, Tag, plain
from limner.tags.preview import Preview, preview, some
from limner.tags.publish import Applied
from limner.tags.trend import trend, trends
from limner.types import MONEY_SCALE, Json, ValueType, utc
from limner.workspace import definitions, publishing, times
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.knowing import exact, live
from limner.workspace.runs import said
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace
from limner.workspace.writing import etag_of, problems_of, read_text

SORTS = ("category", "key", "people", "coverage", "as_of", "used")
MOST_DAYS = 366
SHOWN_RUNS = 10
SHOWN_PEOPLE = 8
NEAR_EMPTY = 0.01
NEAR_CONSTANT = 0.99
MANY_VALUES = 1_000

_PREVIEWING = threading.Lock()
"""One preview at a time: each holds the engine's writer."""

_IN_TEMPLATE = re.compile(r"\btag\.([a-z][a-z0-9_]*)")

Use = dict[str, Json]


@dataclass(frozen=True)
class Known:
    """Everything that the files and the engine say of tags at one instant."""

    workspace: Workspace
    now: datetime
    tags: Mapping[str, Tag]
    graph: Graph
    problems: tuple[LimnerError, ...]
    audiences: Mapping[str, Audience]
    applied: Mapping[str, Applied]
    names: WorkspaceCatalog

    @cached_property
    def aside(self) -> dict[str, Aside]:
        """The tags that the last run could not compute."""
        return aside.listed(self.workspace.engine)

    @cached_property
    def columns(self) -> Columns | None:
        """The published columns with who is alive now."""
        return live(self.workspace)

    @cached_property
    def broken(self) -> frozenset[str]:
        """The keys of files that cannot be read or computed."""
        places = [(error.where or "").partition(":")[0] for error in self.problems]
        return frozenset(
            place.removeprefix("tags/").removesuffix(".yml") for place in places if place.startswith("tags/")
        ) - set(self.tags)

    @cached_property
    def named_by(self) -> dict[str, frozenset[str]]:
        """The tags that each audience's condition names, those of audiences inside it included."""
        return {name: frozenset(self._names_in(name, ())) for name in self.audiences}

    def _names_in(self, name: str, above: tuple[str, ...]) -> set[str]:
        item = self.audiences.get(name)
        if item is None or item.expression is None or name in above:
            return set()
        tree = parse(item.expression)
        found = t.names_of(tree) & self.tags.keys()
        for inner in t.audiences_of(tree):
            found |= self._names_in(inner, (*above, name))
        return found

    @cached_property
    def campaigns(self) -> dict[str, Campaign]:
        """Every campaign file that can be read."""
        found = self._readable("campaigns", campaign_files.read)
        return {name: definitions.in_scene(self.workspace, item) for name, item in found.items()}

    @cached_property
    def scenes(self) -> dict[str, Scene]:
        """Every scene file that can be read."""
        return self._readable("scenes", scene_text.read)

    @cached_property
    def journeys(self) -> dict[str, Journey]:
        """Every journey file that can be read."""
        return self._readable("journeys", journey_text.read)

    def _readable(self, kind: str, read: Callable[[str, str], Any]) -> dict[str, Any]:
        found = {}
        for path in sorted((self.workspace.paths.folder / kind).glob("*.yml")):
            try:
                found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
            except (LimnerError, UnicodeDecodeError):
                continue
        return found

    @cached_property
    def uses(self) -> dict[str, tuple[Use, Use, Use, Use]]:
        """Who uses each tag: tags that refer to it, audiences, campaigns and how, journeys and how."""
        found: dict[str, tuple[Use, Use, Use, Use]] = {key: ({}, {}, {}, {}) for key in self.tags}
        for key, needs in self.graph.needs.items():
            for need in needs & found.keys():
                found[need][0][key] = {"key": key, "titles": dict(self.tags[key].title)}
        for name, keys in self.named_by.items():
            direct = self._directly(name)
            for key in keys:
                titles = dict(self.audiences[name].title)
                found[key][1][name] = {"name": name, "titles": titles, "direct": key in direct}
        for name, campaign in self.campaigns.items():
            for key, how in self.in_campaign(campaign).items():
                found[key][2][name] = {"name": name, "titles": dict(campaign.title), "how": sorted(how)}
        for name, journey in self.journeys.items():
            for key, how in self.in_journey(journey).items():
                found[key][3][name] = {"name": name, "titles": dict(journey.title), "how": sorted(how)}
        return found

    def _directly(self, name: str) -> set[str]:
        expression = self.audiences[name].expression
        return set() if expression is None else t.names_of(parse(expression))

    def in_campaign(self, campaign: Campaign) -> dict[str, set[str]]:
        """The tags that a campaign depends on, and how: by its audience, by a variant's condition, in a template."""
        how: dict[str, set[str]] = {}
        for key in self.named_by.get(campaign.audience, ()):
            how.setdefault(key, set()).add("audience")
        self._in_message(campaign.template, campaign.templates, campaign.variants, how)
        return how

    def in_journey(self, journey: Journey) -> dict[str, set[str]]:
        """The tags that a journey depends on, and how.

        By the audience by which somebody enters; by a condition on who enters, goes which way or leaves; by a variant's
        condition; in a template; and `gives`: it gives or takes the tag.
        """
        how: dict[str, set[str]] = {}
        for audience in ways.audiences_of(journey):
            for key in self.named_by.get(audience, ()):
                how.setdefault(key, set()).add("audience")
        for text in ways.conditions_of(journey):
            self._named(text, "condition", how)
        for send in ways.sends_of(journey):
            self._in_message(send.template, send.templates, send.variants, how)
        for key in ways.gives_of(journey) & self.tags.keys():
            how.setdefault(key, set()).add("gives")
        return how

    def _in_message(
        self,
        template: str,
        templates: Mapping[str, str],
        variants: tuple[Variant, ...],
        how: dict[str, set[str]],
    ) -> None:
        for variant in variants:
            self._named(variant.when, "variant", how)
        for name in files_of(template, templates, variants):
            path = self.workspace.paths.folder / "templates" / name
            if path.is_file():
                for key in in_template(path) & self.tags.keys():
                    how.setdefault(key, set()).add("template")

    def _named(self, text: str, word: str, how: dict[str, set[str]]) -> None:
        try:
            tree = parse(text) if text else None
        except LimnerError:
            return
        if tree is not None:
            inside = (self.named_by.get(name, frozenset()) for name in t.audiences_of(tree))
            for key in (t.names_of(tree) | set().union(*inside)) & self.tags.keys():
                how.setdefault(key, set()).add(word)

    def entries(self) -> list[Entry]:
        """Every tag that is defined or published."""
        return catalogue.entries(
            self.tags, self.applied, self.columns, fingerprints=self.graph.fingerprints, now=self.now
        )

    @cached_property
    def rows(self) -> dict[str, Json]:
        """The catalogue's row of each tag that is defined."""
        return {item.key: _row(self, item) for item in self.entries() if item.tag is not None}

    def stage(self, tag: Tag | None, applied: Applied | None) -> str | None:
        """Where the tag's file is in its life; None when there is none that can be read."""
        if tag is None:
            return None
        return publishing.life(self.workspace, tag.key, tag.stage, tag.text, applied)[0]

    def state(self, item: Entry) -> str:
        """The entry's state; `broken` when there is a file that is wrong."""
        return "broken" if item.key in self.broken else item.state


def in_template(path: Path) -> frozenset[str]:
    """The keys after `tag.` in a template's text."""
    return frozenset(_IN_TEMPLATE.findall(path.read_text(encoding="utf-8", errors="replace")))


def names_of(found: Known) -> WorkspaceCatalog:
    """What names mean now, where every tag that is defined is one, computed yet or not."""
    for tag in found.tags.values():
        found.names.define(tag.key, tag.table, tag.type, weighted=tag.weighted)
    return found.names


def known_now(
    workspace: Workspace, instead: Mapping[str, Tag] | None = None, *, in_force: bool = False
) -> Known:
    """Everything that the files and the engine say of tags now; `instead`: tags that stand for their files.

    `in_force`: without drafts and texts that wait for approval.
    """
    folder = workspace.paths.folder
    read, problems = tag_text.read_folder_leniently(folder / "tags")
    if in_force:
        read = definitions.in_force(workspace, read)
    read, unfit = definitions.in_groups(workspace, {**read, **(instead or {})})
    audiences, _ = audience_files.read_folder_leniently(folder / "audiences")
    names = definitions.catalog_of(workspace, audiences)
    graph, wrong = _graph(read, names)
    return Known(
        workspace,
        workspace.clock(),
        graph.tags,
        graph,
        (*problems, *unfit, *wrong),
        audiences,
        publish.applied(workspace.engine),
        names,
    )


def _graph(tags: Mapping[str, Tag], names: WorkspaceCatalog) -> tuple[Graph, list[LimnerError]]:
    """The graph of the tags that can be computed, and why others cannot."""
    left = dict(tags)
    wrong: list[LimnerError] = []
    while True:
        try:
            return build(left, names.audience), wrong
        except DefinitionError as error:
            key = (error.where or "").partition(":")[0].removeprefix("tags/").removesuffix(".yml")
            if left.pop(key, None) is None:
                raise
            wrong.append(error)


def tag_list(
    workspace: Workspace,
    q: str = "",
    category: str = "",
    nature: str = "",
    method: str = "",
    state: str = "",
    sort: str = "category",
    trend: int = 0,
    owner: str = "",
    source: str = "",
    stage: str = "",
    kind: str = "",
    sensitivity: str = "",
) -> Json:
    """All tags with nature, method, people, coverage, freshness and who uses them; `trend`: people on so many days.

    `q` looks into keys, titles, definitions, owners and reasons; `category` includes those below; `state` may also be
    stale or unused; `kind` is static or dynamic; `sort` begins with - to turn it round. `owners` are the departments,
    each with the people who have any of its tags: with `owner` the list is that department's view.
    """
    order = sort.removeprefix("-")
    if order not in SORTS:
        raise UsageError(f"unknown sort '{sort}'", where="sort", hint=did_you_mean(order, SORTS))
    found = known_now(workspace)
    rows = [_row(found, item) for item in found.entries()]
    rows += [_broken_row(found, key) for key in sorted(found.broken - {row["key"] for row in rows})]
    matching = [
        row
        for row in rows
        if all(word in _searched(found, row) for word in q.casefold().split())
        and (not category or f"{row['category'] or ''}/".startswith(f"{category}/"))
        and nature in ("", row["nature"])
        and method in ("", row["method"])
        and owner in ("", row["owner"])
        and source in ("", row["source"])
        and stage in ("", row["stage"])
        and kind in ("", _KINDS.get(row["dynamic"], ""))
        and sensitivity in ("", row["sensitivity"])
        and _of_state(row, state)
    ]
    matching.sort(key=lambda row: _rank(row, order), reverse=sort.startswith("-"))
    starts = starts_of(workspace, found.now, trend) if trend else []
    lines = (
        trends(workspace.engine, found.applied, _left_by_runs(found), starts, now=found.now) if trend else {}
    )
    columns = found.columns
    return {
        "tags": [{**row, "trend": lines.get(row["key"], [])} for row in matching],
        "total": len(matching),
        "defined": len(rows),
        "categories": _categories(found, rows),
        "owners": _owners(found),
        "everybody": int(publish.alive(workspace.engine).sum()),
        "as_of": None if columns is None else columns.as_of.isoformat(),
        "days": [day_of(workspace, start) for start in starts],
        "problems": [said(error) for error in found.problems],
    }


def _searched(found: Known, row: Json) -> str:
    tag = found.tags.get(row["key"])
    words = [row["key"], row["category"] or "", *row["titles"].values()]
    if tag is not None:
        words += [tag.described, tag.owner, tag.why, tag.source]
    return " ".join(words).casefold()


def _of_state(row: Json, state: str) -> bool:
    if state == "stale":
        return bool(row["freshness"]["stale"])
    if state == "unused":
        return not any(row["used_by"].values())
    return state in ("", row["state"])


def _rank(row: Json, order: str) -> tuple[Any, ...]:
    if order == "category":
        return (row["category"] or "~", row["key"])
    if order == "used":
        return (sum(row["used_by"].values()), row["key"])
    return (row[order] or ("" if order == "as_of" else 0), row["key"]) if order != "key" else (row["key"],)


def _row(found: Known, item: Entry) -> Json:
    tag, applied = item.tag, item.applied
    uses = found.uses.get(item.key, ({}, {}, {}, {}))
    return {
        "key": item.key,
        "titles": dict(tag.title) if tag else {},
        "nature": str(tag.nature) if tag else None,
        "method": str(tag.method) if tag else None,
        "type": str(tag.type) if tag else str(applied.type) if applied else None,
        "category": "/".join(tag.category) if tag else None,
        "owner": tag.owner if tag else None,
        "why": tag.why if tag else None,
        "definition": tag.described if tag else None,
        "allowed": [exact_value(value, tag.type) for value in tag.definition.values]
        if tag and isinstance(tag.definition, Given)
        else [],
        "state": found.state(item),
        "stage": found.stage(tag, applied),
        "dynamic": tag.dynamic if tag else None,
        "sensitivity": str(tag.sensitivity) if tag else None,
        "source": tag.source if tag else None,
        "group": tag.group.key if tag and tag.group else None,
        "people": item.people,
        "where": to_text(t.Known(t.Name(item.key))),
        "coverage": round(item.coverage, 6),
        "as_of": applied.as_of.isoformat() if applied else None,
        "expires_at": applied.expires_at.isoformat() if applied and applied.expires_at else None,
        "freshness": _freshness(found, item.key, tag, applied),
        "aside": _aside(found.aside.get(item.key)),
        "used_by": {
            "tags": len(uses[0]),
            "audiences": len(uses[1]),
            "campaigns": len(uses[2]),
            "journeys": len(uses[3]),
        },
    }


def _broken_row(found: Known, key: str) -> Json:
    return {**_row(found, Entry(None, key, "broken", found.applied.get(key), 0, 0.0)), "state": "broken"}


def _aside(item: Aside | None) -> Json | None:
    """Why the last run could not compute the tag, which keeps its former values."""
    if item is None:
        return None
    return {
        "code": item.code,
        "message": item.message,
        "where": item.where or None,
        "hint": item.hint or None,
        "through": item.through or None,
        "since": None if item.since is None else item.since.isoformat(),
    }


def _freshness(found: Known, key: str, tag: Tag | None, applied: Applied | None) -> Json:
    """Whether the values are those that should be there now, else since when and why not."""
    due = upcoming = None
    if tag is not None:
        upcoming = _next_run(found.workspace, tag, found.now)
        due = None if applied is None else _next_run(found.workspace, tag, applied.as_of)
    reason, since = "", None
    if applied is None:
        reason = "never"
    elif applied.expires_at is not None and applied.expires_at <= found.now:
        reason, since = "expired", applied.expires_at
    elif key in found.aside:
        reason, since = "aside", found.aside[key].since
    elif tag is not None and applied.fingerprint != found.graph.fingerprints[tag.key]:
        reason = "changed"
    elif due is not None and due <= found.now:
        reason, since = "overdue", due
    return {
        "stale": bool(reason),
        "reason": reason,
        "since": None if since is None else since.isoformat(),
        "next": None if upcoming is None else upcoming.isoformat(),
    }


def _next_run(workspace: Workspace, tag: Tag, after: datetime) -> datetime | None:
    """When the tag is computed next by a schedule, its own or everybody's; None = only by hand."""
    crons = [cron for cron in (workspace.config.refresh, tag.refresh) if cron]
    return min((_moment(cron, workspace.config.zone, after) for cron in crons), default=None)


@lru_cache(maxsize=1_000)
def _moment(cron: str, zone: str, after: datetime) -> datetime:
    return next(iter(moments(cron, ZoneInfo(zone), after)))


def _categories(found: Known, rows: Iterable[Json]) -> list[Json]:
    """Every category with its tags and people, parents before children; '' holds the tags without one."""
    counted = {} if found.columns is None else catalogue.categories(found.tags, found.columns, now=found.now)
    tags: dict[tuple[str, ...], int] = {}
    for row in rows:
        path = tuple(part for part in (row["category"] or "").split("/") if part)
        for depth in range(1, len(path) + 1):
            tags[path[:depth]] = tags.get(path[:depth], 0) + 1
        if not path:
            tags[()] = tags.get((), 0) + 1
    return [
        {"path": "/".join(path), "tags": n, "people": counted.get(path, 0) if path else None}
        for path, n in sorted(tags.items())
    ]


_KINDS: Mapping[bool | None, str] = {True: "dynamic", False: "static"}


def _owners(found: Known) -> list[Json]:
    """Every department that answers for tags, with how many, and how many distinct people have any of them."""
    counted = {} if found.columns is None else catalogue.owners(found.tags, found.columns, now=found.now)
    tags: dict[str, int] = {}
    for tag in found.tags.values():
        tags[tag.owner] = tags.get(tag.owner, 0) + 1
    return [
        {"owner": owner, "tags": n, "people": counted.get(owner, 0) if found.columns is not None else None}
        for owner, n in sorted(tags.items())
    ]


def _left_by_runs(found: Known) -> dict[str, int]:
    """How many people have each tag as its last run, or its recorded expiry, left it."""
    columns = found.workspace.columns
    people = {}
    for key, state in found.applied.items():
        column = None if columns is None or state.expired else columns.column(key)
        people[key] = 0 if column is None else int(np.count_nonzero(column.known))
    return people


def starts_of(workspace: Workspace, now: datetime, days: int) -> list[datetime]:
    """The first instants of the last days, today's included, in the workspace's zone."""
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(
            f"1 to {MOST_DAYS} days can be asked for, not {days}", where="days", code="out_of_range"
        )
    today = now.astimezone(workspace.config.tz).date()
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    return [utc(datetime(day.year, day.month, day.day, tzinfo=workspace.config.tz)) for day in dates]


def day_of(workspace: Workspace, start: datetime) -> str:
    return start.astimezone(workspace.config.tz).date().isoformat()


def tag_show(workspace: Workspace, key: str, caller: Caller = LOCAL) -> Json:
    """One tag: definition, coverage, sum, its distribution with who is behind each count, uses, needs, runs, health.

    People without a value are a value of their own. Personal values are masked for those who may not see them.
    """
    found = known_now(workspace)
    item = next((item for item in found.entries() if item.key == key), None)
    if item is None and key not in found.broken:
        hint = did_you_mean(key, found.tags) or "limner tag list"
        raise NotFoundError(f"there is no tag '{key}'", hint=hint)
    row = _broken_row(found, key) if item is None or key in found.broken else _row(found, item)
    held, tag = found.applied.get(key), found.tags.get(key)
    text = read_text(workspace.paths.definition("tags", key))
    problems = [] if text is None else problems_of(workspace, "tags", key, text)
    written = text if text is not None else (held.text if held is not None else "")
    uses = found.uses.get(key, ({}, {}, {}, {}))
    hidden = hidden_from(tag, workspace, caller)
    distribution = _distribution(found, key, hidden)
    runs = _runs(found, key, SHOWN_RUNS)
    columns = found.columns
    return {
        **row,
        "text": written,
        "etag": None if text is None else etag_of(text),
        "fields": _fields(written, key),
        "metric": tag.metric if tag else None,
        "goal": tag is not None and tag.goal is not None,
        "problems": problems,
        "everybody": 0 if columns is None else int(columns.alive.sum()),
        "sum": _total(columns, key, found.now) if columns is not None else None,
        "values": distribution,
        "labels": _labels(found, key, hidden),
        "formula": None if tag is None else weights.formula_of(tag),
        "masked": hidden,
        "used_by": {
            "tags": list(uses[0].values()),
            "audiences": list(uses[1].values()),
            "campaigns": list(uses[2].values()),
            "journeys": list(uses[3].values()),
        },
        "needs": _needs(found, key),
        "fingerprint": {
            "defined": found.graph.fingerprints.get(key),
            "applied": None if held is None else held.fingerprint,
        },
        "run": None if held is None else held.run,
        "runs": runs,
        "health": _health(row, distribution, uses, problems, runs, tag),
    }  # fmt: skip


def _fields(text: str, key: str) -> Json | None:
    try:
        return tag_form_of.form_of(text, key)
    except DefinitionError:
        return None


def hidden_from(tag: Tag | None, workspace: Workspace, caller: Caller) -> bool:
    """Whether the tag's values are personal ones that the caller may not see."""
    if tag is None or sees_personal(caller.role):
        return False
    if hides(tag, hiding(workspace.config.personal, mask=True)):
        return True
    if not isinstance(tag.definition, Statistic):
        return False
    nodes = [node for tree in expressions(tag) for node in t.walk(tree)]
    names = {node.of for node in nodes if isinstance(node, t.Aggregate | t.Interest) and node.of is not None}
    names |= {".".join(node.path) for node in nodes if isinstance(node, t.Attribute)}
    return any(is_personal(name, workspace.config.personal) for name in names)


def _distribution(found: Known, key: str, hidden: bool) -> list[Json]:
    if found.columns is None or key not in found.columns:
        return []
    return _counts(key, found.columns, found.now, hidden=hidden, asked=True)


def _labels(found: Known, key: str, hidden: bool) -> list[Json]:
    """The labels to which the tag gives weights, by their mean among everybody who has any."""
    if (
        found.columns is None
        or key not in found.columns
        or key not in publish.weighted(found.workspace.engine)
    ):
        return []
    column = found.columns.at(found.now).column(key)
    if column is None or not column.known.any():
        return []
    return [
        {
            "label": masked(item["label"]) if hidden else item["label"],
            "people": int(item["people"]),
            "mean": round(item["mean"], 6),
            "top": int(item["top"]),
            "where": None
            if hidden
            else to_text(t.Compare(t.Weight(t.Name(key), item["label"]), ">", t.Number(0))),
        }
        for item in weights.labels(found.workspace.engine, key)
    ]


def _counts(key: str, columns: Columns, now: datetime, *, hidden: bool, asked: bool) -> list[Json]:
    """The distribution; with `asked` each count has the expression of the people behind it."""
    counts = catalogue.distribution(key, columns, now=now)
    kind = columns[key].type
    everybody = int(columns.alive.sum())
    return [
        {
            "kind": _kind(item),
            "value": masked(_value(item, kind)) if hidden and item.value is not None else _value(item, kind),
            "low": None if item.low is None else as_text(item.low, kind),
            "high": None if item.high is None else as_text(item.high, kind),
            "people": item.people,
            "share": round(item.people / everybody, 6) if everybody else 0.0,
            "where": catalogue.condition(key, item, kind, shown=counts) if asked and not hidden else None,
        }
        for item in counts
    ]


def _kind(item: Count) -> Literal["unknown", "rest", "value", "bin"]:
    if item.unknown:
        return "unknown"
    return "rest" if item.rest else "value" if item.value is not None else "bin"


def _value(item: Count, kind: ValueType) -> str:
    """A value, or a bin [low, high) of values, as people read it."""
    if item.unknown:
        return "unknown"
    if item.rest:
        return "all others"
    if item.value is not None:
        return as_text(item.value, kind)
    low = as_text(item.low, kind)
    return f"{low} and more" if item.high is None else f"{low} to {as_text(item.high, kind)}"


def as_text(value: Any, kind: ValueType) -> str:
    """A value as exact text: true, the text, 12.5, an instant with Z."""
    if kind is ValueType.MONEY:
        return exact(value, MONEY_SCALE)
    if kind is ValueType.NUMBER:
        return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(plain(value))


def _total(columns: Columns, key: str, now: datetime) -> str | float | None:
    if key not in columns:
        return None
    total = catalogue.total(key, columns, now=now)
    return exact(total, MONEY_SCALE) if columns[key].type is ValueType.MONEY and total is not None else total


def _needs(found: Known, key: str) -> Json:
    """What the tag is computed from."""
    tag = found.tags.get(key)
    trees = found.graph.trees.get(key, ())
    tags = sorted(found.graph.needs.get(key, ()))
    names = set().union(*(t.names_of(tree) for tree in trees)) if trees else set()
    paths = {node.path[0] for tree in trees for node in t.walk(tree) if isinstance(node, t.Attribute)}
    if tag is not None and isinstance(tag.definition, Observed):
        paths.add(tag.definition.attribute)
    return {
        "tags": [{"key": need, "titles": dict(found.tags[need].title)} for need in tags],
        "audiences": sorted(set().union(*(t.audiences_of(tree) for tree in trees))) if trees else [],
        "events": sorted(set().union(*(t.events_of(tree) for tree in trees))) if trees else [],
        "attributes": sorted(paths | (names - set(tags) - set(found.names.tag_keys()))),
    }


def _runs(found: Known, key: str, limit: int) -> list[Json]:
    """The last runs that computed, or should have computed, the tag; the latest first."""
    asked = found.graph.dependents([key]) if key in found.tags else {key}
    return times.runs_of(found.workspace.records, key, asked=asked, limit=limit, now=found.now)


def tag_runs(workspace: Workspace, key: str, limit: int = 20) -> Json:
    """The last runs that computed a tag, or should have: how long each and the tag itself took, and whom it changed."""
    if not 1 <= limit <= times.KEPT:
        raise UsageError(
            f"1 to {times.KEPT} runs can be asked for, not {limit}", where="limit", code="out_of_range"
        )
    found = known_now(workspace)
    if key not in found.tags and key not in found.applied and key not in found.broken:
        raise NotFoundError(
            f"there is no tag '{key}'", hint=did_you_mean(key, found.tags) or "limner tag list"
        )
    return {"key": key, "runs": _runs(found, key, limit)}


def _health(
    row: Json,
    values: Sequence[Json],
    uses: tuple[Use, ...],
    problems: Sequence[Json],
    runs: Sequence[Json],
    tag: Tag | None,
) -> list[Json]:
    """What somebody should look at, the worst first; empty when all is well."""
    found: list[Json] = []

    def note(code: str, level: str, value: float | None = None) -> None:
        found.append({"code": code, "level": level, "value": value})

    if problems:
        note("broken", "bad", len(problems))
    if runs and runs[0]["status"] == "failed":
        note("run_failed", "bad")
    if row["aside"] is not None:
        note("aside", "bad")
    if row["state"] == "removed":
        note("removed", "warn")
    elif row["freshness"]["stale"] and row["freshness"]["reason"] != "aside":
        note(row["freshness"]["reason"], "warn")
    known = [item for item in values if item["kind"] != "unknown"]
    people = sum(item["people"] for item in known)
    if row["as_of"] is not None and row["freshness"]["reason"] != "expired":
        if not people:
            note("empty", "warn")
        elif row["coverage"] < NEAR_EMPTY:
            note("near_empty", "warn", row["coverage"])
        elif row["type"] != "flag" and len(known) > 1:
            most = max(item["people"] for item in known) / people
            if most >= NEAR_CONSTANT:
                note("near_constant", "warn", round(most, 4))
    rest = next((item for item in values if item["kind"] == "rest"), None)
    if rest is not None and rest["people"] > people / 2:
        note("scattered", "note", rest["share"])
    if row["state"] != "removed" and not any(uses):
        note("unused", "note")
    if tag is not None and not tag.why:
        note("no_why", "note")
    if tag is not None and not tag.owner:
        note("no_owner", "note")
    return found


def tag_history(workspace: Workspace, key: str, days: int = 30, caller: Caller = LOCAL) -> Json:
    """How many people had the tag at the end of each day, who came and went, and the most frequent values.

    `since`: from when on it is known; days before it are null. `labels` is null where values are not recorded exactly.
    """
    found = known_now(workspace)
    held = found.applied.get(key)
    if held is None and key not in found.tags:
        raise NotFoundError(
            f"there is no tag '{key}'", hint=did_you_mean(key, found.tags) or "limner tag list"
        )
    known = trend(workspace.engine, key, held, starts_of(workspace, found.now, days), now=found.now)
    hidden = hidden_from(found.tags.get(key), workspace, caller)
    labels = None if hidden else known.labels
    return {
        "key": key,
        "zone": workspace.config.zone,
        "since": None if known.since is None else known.since.isoformat(),
        "as_of": found.now.isoformat(),
        "labels": None if labels is None else list(labels),
        "days": [
            {
                "day": day_of(workspace, item.start),
                "people": item.people,
                "entered": item.entered,
                "left": item.left,
                "values": None
                if labels is None or item.values is None
                else [item.values.get(label, 0) for label in labels],
            }
            for item in known.days
        ],
    }


def tag_form(workspace: Workspace, key: str, text: str) -> Json:
    """The fields of a tag's text as a form shows them, and what is wrong in it; null fields when it is no YAML."""
    return {"key": key, "fields": _fields(text, key), "problems": problems_of(workspace, "tags", key, text)}


def tag_text_with(workspace: Workspace, key: str, text: str, fields: dict[str, Any]) -> Json:
    """The tag's text with the form's fields set; comments and everything else stay. Nothing is saved."""
    made = tag_form_of.text_with(text, key, fields)
    return {
        "key": key,
        "text": made,
        "fields": tag_form_of.form_of(made, key),
        "problems": problems_of(workspace, "tags", key, made),
    }


def _some(found: Known, key: str, made: Preview, caller: Caller, *, hidden: bool) -> list[Json]:
    """A few of those who would have the tag, who enters first: who they are, and their value; masked as in lists."""
    chosen = some(made, key, SHOWN_PEOPLE)
    column = made.columns[key]
    shown = listed_people(
        found.workspace.engine,
        chosen,
        now=found.now,
        personal=found.workspace.config.personal,
        mask=not sees_personal(caller.role),
    )
    return [
        {
            **{name: row[name] for name in ("person", "name", "id")},
            "value": masked(value) if hidden else value,
            "enters": not (ix < len(made.had) and made.had[ix]),
        }
        for ix, row in zip(chosen, shown, strict=True)
        for value in [as_text(column.label_at(ix), column.type)]
    ]


def tag_preview(workspace: Workspace, key: str, text: str, caller: Caller = LOCAL) -> Json:
    """What the text would give if it were computed now: people, values, and whom it would change; nothing is kept."""
    began = time.perf_counter()
    workspace.load()
    draft = tag_text.read(text, key)
    found = known_now(workspace, {key: draft})
    wrong = next(
        (error for error in found.problems if (error.where or "").startswith(f"tags/{key}.yml")), None
    )
    if wrong is not None:
        raise wrong
    with _PREVIEWING:
        made = preview(
            workspace.engine,
            found.graph,
            key,
            catalog=found.names,
            as_of=found.now,
            published=workspace.columns,
            held=found.applied.get(key),
        )
    everybody = int(made.columns.alive.sum())
    hidden = hidden_from(found.tags[key], workspace, caller)
    return {
        "key": key,
        "as_of": found.now.isoformat(),
        "people": made.people,
        "everybody": everybody,
        "coverage": round(made.people / everybody, 6) if everybody else 0.0,
        "before": made.before,
        "entered": made.entered,
        "left": made.left,
        "changed": made.moved,
        "type": str(draft.type),
        "sum": _total(made.columns, key, found.now),
        "values": _counts(key, made.columns, found.now, hidden=hidden, asked=False),
        "some": _some(found, key, made, caller, hidden=hidden),
        "masked": hidden,
        "seconds": round(time.perf_counter() - began, 3),
    }
