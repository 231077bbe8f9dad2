"""What people are shown next, in this workspace: the stock of an instant, and the picks of many people at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import text as sql

from limner.audiences import evaluate
from limner.campaigns.scene import Scene
from limner.content import ranking
from limner.content import text as content_text
from limner.content.model import LIBRARY, SENT, Ask, Item, tongue, valid
from limner.content.ranking import Shelves, Stock
from limner.engine.seam import quoted
from limner.errors import LimnerError, NotFoundError, did_you_mean
from limner.expressions import check, parse, to_text
from limner.expressions.interests import weights_of
from limner.tags import publish
from limner.tags import text as tag_text
from limner.tags import weights as tag_weights
from limner.tags.graph import build
from limner.tags.objects import Objects
from limner.touches.links import is_safe_target
from limner.touches.model import Recipient
from limner.types import Json, ValueType, naive
from limner.workspace import definitions, knowing, unprofiled
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.unprofiled import NOBODY, Ordinals
from limner.workspace.workspace import Workspace

LANGUAGES = ("language", "locale")
"""The attributes that say in which language to write to somebody, the first that is there."""
_A_SECOND = timedelta(seconds=1)
_TITLES, _LINKS, _PICTURES = ("title", "name"), ("link", "url"), ("picture", "image")
"""Which column of an object is shown as what, the first that there is."""


def library(workspace: Workspace) -> dict[str, Item]:
    """Every item of the library that can be read, by name."""
    return content_text.read_folder(workspace.paths.folder / LIBRARY)[0]


def digest(workspace: Workspace) -> str:
    """What the files of the library and of objects are now: another file, another digest."""
    found = blake2b(digest_size=8)
    for kind in (LIBRARY, "objects"):
        folder = workspace.paths.folder / kind
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix in (".yml", ".csv"):
                about = path.stat()
                found.update(f"{kind}/{path.name} {about.st_mtime_ns} {about.st_size}\0".encode())
    return found.hexdigest()


@dataclass(frozen=True, eq=False)
class Ready:
    """All that a list of picks needs at an instant, whoever is asked about.

    `until`: when something begins or ends, None: nothing does. `shown`: of each of the stock by language what a
    template may show. `columns`: the engine's column of each event property that names it. `profiled`: the places in
    the stock of what is for an audience that is chosen by what is computed of people.
    """

    ask: Ask
    shelves: Shelves
    shown: tuple[Mapping[str, Mapping[str, Any]], ...]
    ends: tuple[datetime | None, ...]
    until: datetime | None
    tags: tuple[str, ...]
    columns: Mapping[str, str]
    may: pa.Table
    as_of: datetime
    profiled: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pick:
    """One place of one person's list. `tag`, `label` and `weight`: the interest behind it; '' where there is none."""

    name: str
    kind: str
    score: float
    tag: str
    label: str
    weight: float
    people: int
    shown: Mapping[str, Any]
    ends: datetime | None

    @property
    def reason(self) -> str:
        """Why it stands there, in words."""
        match self.kind:
            case "interest":
                return f"because of {self.tag} in {self.label}: {self.weight:.2f}"
            case "popular":
                return f"no interest in it is known; {self.people:,} people took it up in 30 days"
            case "new":
                return "no interest in it is known; it is new"
        return "nothing is known that speaks for anything"


# The stock of an instant


def ready(workspace: Workspace, ask: Ask, now: datetime) -> Ready:
    """What may be picked now and how it stands for everybody; popularity is that of the hour's beginning.

    Raises NotFoundError for a kind of objects that is not there, ExpressionError for a condition on them.
    """
    names = definitions.catalog(workspace)
    hour = now.replace(minute=0, second=0, microsecond=0)
    tags = _weighing(workspace, ask)
    if ask.source == LIBRARY:
        items = library(workspace)
        stock, shown, ends = _of_library(workspace, items, ask, tags, now)
        moments = [
            edge
            for item in items.values()
            for edge in (item.begins(workspace.config.tz), item.ends(workspace.config.tz))
            if edge is not None and edge > now
        ]
        chosen = [items[name] for name in stock.names]
        may = _who_may(workspace, chosen, names, now)
        profiled = _profiled(workspace, chosen)
    else:
        kinds = definitions.kinds(workspace)
        if ask.source not in kinds:
            raise NotFoundError(
                f"there is no kind of objects '{ask.source}'",
                hint=did_you_mean(ask.source, [LIBRARY, *kinds]),
            )
        stock, shown = _of_objects(kinds[ask.source], ask, tags)
        ends, moments, may, profiled = (None,) * len(stock), [], ranking.nothing_left_out(), ()
    columns = _columns(names, stock)
    codes = names.event_codes(ask.popular) if ask.popular else None
    machine = names.property("machine")
    people = ranking.took_up(
        workspace.engine,
        stock,
        columns,
        hour,
        codes=codes,
        besides=f"e.{quoted(machine[0])}" if machine else "",
    )
    shelves = ranking.shelved(workspace.engine, stock, people, hour, popularity=ask.popularity)
    return Ready(
        ask, shelves, shown, ends, min(moments, default=None), tuple(tags), columns, may, now, profiled
    )


def _weighing(workspace: Workspace, ask: Ask) -> dict[str, str]:
    """The tags whose weights count, each with the property that its labels come from."""
    given = tag_text.read_folder_leniently(workspace.paths.folder / "tags")[0]
    found = {}
    for key in publish.weighted(workspace.engine):
        come_from = tag_weights.labels_come_from(given[key]) if key in given else None
        if come_from is not None and (not ask.by or key in ask.by):
            found[key] = come_from
    return found


def _of_library(
    workspace: Workspace, items: Mapping[str, Item], ask: Ask, tags: Mapping[str, str], now: datetime
) -> tuple[Stock, tuple[Mapping[str, Mapping[str, Any]], ...], tuple[datetime | None, ...]]:
    zone = workspace.config.tz
    chosen = [
        item
        for item in valid(items.values(), now, zone)
        if not ask.only or item.name in ask.only or set(item.words) & set(ask.only)
    ]
    numbered = list(enumerate(chosen))
    stock = Stock(
        names=tuple(item.name for item in chosen),
        editor=tuple(round(item.weight * ranking.MILLION) for item in chosen),
        began=tuple(item.begins(zone) for item in chosen),
        limited=tuple(bool(item.audience) for item in chosen),
        labels=_table(
            ("i", "tag", "label"),
            [(i, tag, label) for i, item in numbered for tag in tags for label in item.about],
        ),
        spoken=_table(
            ("i", "language"), [(i, language) for i, item in numbered for language in item.languages]
        ),
        named=_table(
            ("i", "property", "value"),
            [
                *((i, "url", link) for i, item in numbered for link in item.links),
                *((i, "content", item.name) for i, item in numbered),
            ],
        ),
    )
    return stock, tuple(_shown(item) for item in chosen), tuple(item.ends(zone) for item in chosen)


def _shown(item: Item) -> Mapping[str, Mapping[str, Any]]:
    """What a template may show of an item, by language; '' is for those whose language is not known."""
    made = {}
    for language in ("", *item.languages):
        words = item.said(language)
        spoken = language or next(iter(item.languages), "")
        titles = [
            words.title,
            item.title.get(spoken, ""),
            item.title.get("", ""),
            *item.title.values(),
            item.name,
        ]
        made[language] = {
            "name": item.name,
            "title": next(title for title in titles if title),
            "text": words.text,
            "link": words.link,
            "picture": words.picture,
            "language": spoken,
        }
    return made


def within(workspace: Workspace, ask: Ask, scene: Scene | None) -> Ask:
    """What a message of a scene asks for: of objects only the scene's products, as far as these can be told by them."""
    if scene is None or not scene.products or ask.source == LIBRARY:
        return ask
    kind = definitions.kinds(workspace).get(ask.source)
    products = None if kind is None else kind.concerned(parse(scene.products, scope="event"))
    if products is None:
        return ask
    asked = to_text(products)
    return replace(ask, where=f"({ask.where}) and ({asked})" if ask.where else asked)


def _objects_of(kind: Objects, ask: Ask) -> list[int]:
    """The places of the objects that the list is about. Raises ExpressionError."""
    mask = np.ones(len(kind.ids), dtype=np.bool_)
    if ask.where:
        mask &= kind.holds(parse(ask.where, scope="event"), kind.tagged)
    only = set(ask.only)
    found = [int(place) for place in np.flatnonzero(mask) if not only or kind.ids[place] in only]
    return sorted(found, key=lambda place: kind.ids[place])


def _of_objects(
    kind: Objects, ask: Ask, tags: Mapping[str, str]
) -> tuple[Stock, tuple[Mapping[str, Mapping[str, Any]], ...]]:
    places = _objects_of(kind, ask)
    ids = tuple(kind.ids[place] for place in places)
    labels = []
    for tag, come_from in tags.items():
        held = kind.ids if come_from == kind.property else kind.columns.get(come_from, (None, None))[1]
        if held is not None:
            labels += [
                (i, tag, str(held[place])) for i, place in enumerate(places) if held[place] is not None
            ]
    stock = Stock(
        names=ids,
        editor=(0,) * len(ids),
        began=(None,) * len(ids),
        limited=(False,) * len(ids),
        labels=_table(("i", "tag", "label"), labels),
        spoken=_table(("i", "language"), []),
        named=_table(("i", "property", "value"), [(i, kind.property, one) for i, one in enumerate(ids)]),
    )
    return stock, tuple({"": _shown_object(kind, place)} for place in places)


def _shown_object(kind: Objects, place: int) -> Mapping[str, Any]:
    """What a template may show of an object: its columns, and what they are called elsewhere."""
    values = {name: held[1][place] for name, held in kind.columns.items() if held[1][place] is not None}

    def first(names: Sequence[str]) -> str:
        return next((str(values[name]) for name in names if name in values), "")

    link, picture = first(_LINKS), first(_PICTURES)
    return {
        **values,
        "name": kind.ids[place],
        "title": first(_TITLES) or kind.ids[place],
        "link": link if link and is_safe_target(link) else "",
        "picture": picture if picture and is_safe_target(picture) else "",
    }


_TYPES = {"i": pa.int32(), "tag": pa.string(), "label": pa.string(), "language": pa.string(),
          "property": pa.string(), "value": pa.string()}  # fmt: skip


def _table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(column, _TYPES[name]) for name, column in zip(names, columns, strict=True)}
    )


def _columns(names: WorkspaceCatalog, stock: Stock) -> dict[str, str]:
    """The engine's column of each property by which events name the stock; those that no event has are left out."""
    found = {}
    for name in sorted(set(stock.named.column("property").to_pylist())):
        held = names.property(name)
        if held is not None and held[1] is ValueType.TEXT:
            found[name] = held[0]
    return found


def _who_may(workspace: Workspace, items: Sequence[Item], names: WorkspaceCatalog, now: datetime) -> pa.Table:
    """(ix, i) of who may see what only some may see; nobody where the condition cannot be asked."""
    parts = []
    for i, item in enumerate(items):
        if not item.audience:
            continue
        try:
            tree = definitions.meaning(workspace, parse(item.audience))
            check(tree, names)
            who = evaluate.people(
                tree, engine=workspace.engine, catalog=names, columns=knowing.live(workspace), as_of=now,
                graph=build(definitions.tags(workspace), names.audience),
            ).numpy()  # fmt: skip
        except LimnerError:
            continue
        parts.append(
            pa.table({"ix": pa.array(who, pa.uint32()), "i": pa.array(np.full(len(who), i), pa.int32())})
        )
    return pa.concat_tables(parts) if parts else ranking.nothing_left_out()


def _profiled(workspace: Workspace, items: Sequence[Item]) -> tuple[int, ...]:
    """The places of the items whose audience is chosen by what is computed of people."""
    found = []
    for i, item in enumerate(items):
        if item.audience:
            with suppress(LimnerError):  # a condition that cannot be asked is true of nobody
                tree = definitions.meaning(workspace, parse(item.audience))
                found += [i] if unprofiled.computed(workspace, [tree]) else []
    return tuple(found)


# The picks of people


def languages(workspace: Workspace, people: pa.Table, now: datetime) -> pa.Table:
    """(ix, language) of these people as they said or were said to speak; null when nothing is known."""
    return workspace.engine.read(
        "WITH said AS (SELECT a.ix, a.name, max_by(a.value, {'ts': a.ts, 'id': a.id}) AS value FROM attributes AS a"
        " SEMI JOIN people AS p ON p.ix = a.ix WHERE a.ts < $now AND a.name IN (SELECT UNNEST($names))"
        " AND a.value IS NOT NULL GROUP BY a.ix, a.name)\n"
        "SELECT p.ix, arg_min(json_extract_string(s.value, '$'), list_position($names, s.name))"
        " FILTER (json_type(s.value) = 'VARCHAR') AS language FROM people AS p LEFT JOIN said AS s ON s.ix = p.ix"
        " GROUP BY p.ix ORDER BY p.ix",
        {"now": naive(now), "names": list(LANGUAGES)},
        given={"people": people},
    )


def ranked(
    workspace: Workspace,
    made: Ready,
    people: pa.Table,
    now: datetime,
    *,
    sent: pa.Table | None = None,
    alike: Ordinals = NOBODY.ixs,
) -> pa.Table:
    """(ix, place, i, score, match, tag, label): the first places of these people (`ix`), as of now.

    `sent`: (ix, i) of what was in messages to them; `alike`: people whose interests do not count.
    """
    spoken = languages(workspace, people, now)
    # A language is one of a few words: each is looked at once.
    codes = spoken.column("language").combine_chunks().dictionary_encode()
    words = [
        made.shelves.tongue(None if word is None else tongue(word)) for word in codes.dictionary.to_pylist()
    ]
    places = codes.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    asked = pa.table(
        {"ix": spoken.column("ix"), "language": pa.array([*words, ranking.ANY]).take(pa.array(places))}
    )
    stated = naive(now).isoformat(sep=" ")
    weights = " UNION ALL ".join(
        f"SELECT w.ix, '{key}' AS tag, w.label, w.weight FROM {quoted(weights_of(f'tag_{key}'))} AS w"
        f" SEMI JOIN people AS p ON p.ix = w.ix WHERE w.expires_at IS NULL OR w.expires_at > TIMESTAMP '{stated}'"
        for key in made.tags
    )
    return ranking.ranked(
        workspace.engine,
        made.shelves,
        people=asked,
        weights=f"SELECT * FROM ({weights}) AS w ANTI JOIN alike AS a ON a.ix = w.ix"
        if weights
        else "SELECT ix, '' AS tag, '' AS label, 0.0 AS weight FROM people WHERE FALSE",
        count=made.ask.count,
        without=_without(workspace, made, people, now, sent),
        may=_may(made, alike),
        given={"alike": pa.table({"ix": alike})},
    )


def _may(made: Ready, alike: Ordinals) -> pa.Table:
    """(ix, i) of who may see what only some may see; to who is `alike` nothing that is chosen by what is computed."""
    if not len(alike) or not made.profiled:
        return made.may
    apart = np.isin(made.may.column("ix").to_numpy(), alike) & np.isin(
        made.may.column("i").to_numpy(), np.array(made.profiled)
    )
    return made.may.filter(pa.array(~apart))


def _without(
    workspace: Workspace, made: Ready, people: pa.Table, now: datetime, sent: pa.Table | None
) -> pa.Table:
    """(ix, i) of what is left out for people."""
    names = definitions.catalog(workspace)
    codes = [code for event in made.ask.leave_out if event != SENT for code in names.event_codes(event)]
    done = ranking.had(workspace.engine, made.shelves.of, made.columns, people, now, codes=codes)
    if SENT not in made.ask.leave_out or sent is None:
        return done
    return workspace.engine.read(
        "SELECT ix, i FROM done UNION SELECT ix, i FROM sent", given={"done": done, "sent": sent}
    )


def picks(made: Ready, rows: Sequence[Mapping[str, Any]]) -> list[Pick]:
    """One person's places as they are shown; `rows` with the language that the person reads."""
    found = []
    for row in rows:
        i = row["i"]
        people = made.shelves.people[i]
        kind = "interest" if row["match"] else "popular" if people else "any"
        if kind == "any" and made.shelves.of.began[i] is not None:
            kind = "new"
        shown = made.shown[i].get(row["language"] or "") or made.shown[i][""]
        found.append(
            Pick(
                made.shelves.of.names[i], kind, row["score"] / ranking.MILLION, row["tag"] or "", row["label"] or "",
                row["match"] / ranking.MILLION, people, shown, made.ends[i],
            )
        )  # fmt: skip
    return found


class Picker:
    """Fills the picks of a message in, a page of people at a time; what all have in common is made once an hour, and
    whenever a file, the tags or what may be shown changes."""

    def __init__(self, workspace: Workspace, asks: Mapping[str, Ask]) -> None:
        self._workspace, self._asks = workspace, asks
        self._ready: dict[str, Ready] = {}
        self._made_of: tuple[Any, ...] = ()
        self._digest = ""
        self._looked: datetime | None = None

    def fill(self, known: Mapping[str, Recipient], now: datetime) -> dict[str, Recipient]:
        """The recipients, by person id, each with their picks, and with the names of the lists that are too short."""
        if not self._asks or not known:
            return dict(known)
        self._refresh(now)
        found = self._workspace.engine.read(
            "SELECT ix, person_id FROM persons WHERE merged_into IS NULL AND NOT erased"
            " AND person_id IN (SELECT UNNEST($ids)) ORDER BY ix",
            {"ids": list(known)},
        )
        ixs = dict(zip(found.column("person_id").to_pylist(), found.column("ix").to_pylist(), strict=True))
        picked = {
            name: self._picked(made, found.select(["ix"]), known, ixs, now)
            for name, made in self._ready.items()
        }
        return {
            who: self._filled(one, {name: by[ixs[who]] for name, by in picked.items()})
            for who, one in known.items()
        }

    def stale(self, recipient: Recipient, now: datetime) -> bool:
        """Whether something that was picked for the recipient may not be shown any more, or its file was changed."""
        if not recipient.picks:
            return False
        if recipient.picked_until is not None and now >= recipient.picked_until:
            return True
        if self._looked is None or abs(now - self._looked) >= _A_SECOND:
            self._digest, self._looked = digest(self._workspace), now
        return self._digest != recipient.picked_from

    def _refresh(self, now: datetime) -> None:
        self._digest, self._looked = digest(self._workspace), now
        epoch = publish.current(self._workspace.engine)
        hour = now.replace(minute=0, second=0, microsecond=0)
        made_of = (self._digest, hour, epoch and (epoch.epoch, epoch.run))
        over = any(made.until is not None and now >= made.until for made in self._ready.values())
        if made_of != self._made_of or over:
            self._ready = {name: ready(self._workspace, ask, now) for name, ask in self._asks.items()}
            self._made_of = made_of

    def _picked(
        self,
        made: Ready,
        people: pa.Table,
        known: Mapping[str, Recipient],
        ixs: Mapping[str, int],
        now: datetime,
    ) -> dict[int, list[Pick]]:
        sent = self._sent(made, known, ixs) if SENT in made.ask.leave_out else None
        spoken = languages(self._workspace, people, now).to_pylist()
        reads = {row["ix"]: tongue(row["language"] or "") for row in spoken}
        rows: dict[int, list[Mapping[str, Any]]] = {ix: [] for ix in reads}
        alike = np.array([ixs[who] for who in ixs if known[who].unprofiled], dtype=np.uint32)
        for row in ranked(self._workspace, made, people, now, sent=sent, alike=alike).to_pylist():
            rows[row["ix"]].append({**row, "language": reads[row["ix"]]})
        return {ix: picks(made, theirs) for ix, theirs in rows.items()}

    def _sent(self, made: Ready, known: Mapping[str, Recipient], ixs: Mapping[str, int]) -> pa.Table:
        """(ix, i) of what was in messages that were handed over to these people, under any of their ids."""
        whose = {person: ixs[who] for who, one in known.items() for person in (who, *one.former)}
        places = {name: i for i, name in enumerate(made.shelves.of.names)}
        with self._workspace.records.read() as connection:
            rows = connection.execute(
                sql(
                    "SELECT person, picks FROM touches WHERE picks <> '' AND status IN ('sent', 'claimed', 'in_doubt')"
                    " AND person IN (SELECT value FROM json_each(:people))"
                ),
                {"people": json.dumps(list(whose))},
            ).all()
        pairs = {
            (whose[person], places[one["name"]])
            for person, said in rows
            for listed in json.loads(said).values()
            for one in listed
            if one["from"] == made.ask.source and one["name"] in places
        }
        ordered = sorted(pairs)
        return pa.table(
            {
                "ix": pa.array([ix for ix, _ in ordered], pa.uint32()),
                "i": pa.array([i for _, i in ordered], pa.int32()),
            }
        )

    def _filled(self, recipient: Recipient, found: Mapping[str, list[Pick]]) -> Recipient:
        ends = [pick.ends for listed in found.values() for pick in listed if pick.ends is not None]
        return replace(
            recipient,
            picks={
                name: tuple(_of_template(self._asks[name], pick) for pick in listed)
                for name, listed in found.items()
            },
            lacking=tuple(name for name, listed in found.items() if len(listed) < self._asks[name].least),
            picked_until=min(ends, default=None),
            picked_from=self._digest,
        )


def _of_template(ask: Ask, pick: Pick) -> Json:
    """What a template may read of a pick, and what is kept of it with the message."""
    return {
        **pick.shown,
        "because": pick.label,
        "reason": pick.reason,
        "kept": {
            "from": ask.source, "name": pick.name, "kind": pick.kind, "tag": pick.tag, "label": pick.label,
            "weight": pick.weight, "people": pick.people,
        },
    }  # fmt: skip
