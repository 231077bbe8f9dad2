"""Verbs of tags on both sides: what would change between ours and a platform's, and making them agree.

Only differences are sent. What was sent is written down page by page, so whatever stops it, the next time goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.accounts.model import Caller, Role
from limner.channels.seam import Unavailable
from limner.channels.tencent import Api, Refused
from limner.channels.wecom import MARKS, MOST_TAGS, Wecom
from limner.contacts import follows, marks, tag_sync
from limner.contacts.tag_sync import CLASH, IN, OFFICIAL, OUT, Mapping_
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError, did_you_mean
from limner.tags.model import Given, Tag
from limner.types import Json, Progress, ValueType, silent
from limner.workspace import coding, definitions, giving, knowing, relating
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.workspace import Workspace

Piece = TypeVar("Piece")

PAGE = "/cgi-bin/externalcontact"
AT_ONCE = 200
"""After so many people what was done is written down."""
MOST_OPENIDS = 50
MOST_OFFICIAL = 100
"""Tags that an official account may have."""
MOST_OF_FOLLOWER = 20
SHOWN = 50
BY = Caller("key", "", "platform tags", Role.OPERATOR)


@dataclass(frozen=True)
class _Sides:
    """Both sides as they are now, and where they differ. `tags`: how many each pair has at the platform."""

    mapping: Mapping_
    found: pa.Table
    corp_tags: Mapping[tuple[str, str], str]
    tags: Mapping[tuple[str, str], int]
    ids: Mapping[tuple[str, str], tuple[str, ...]]
    pairs: int


def sync_plan(workspace: Workspace, progress: Progress, platform: str = tag_sync.WECOM) -> Json:
    """What making both sides agree would change, by tag of ours, with the conflicts; nothing is changed."""
    with _opened(workspace, platform) as api:
        sides = _sides(workspace, api, platform, progress)
    return _planned(workspace, sides, platform)


def sync_run(workspace: Workspace, progress: Progress, platform: str = tag_sync.WECOM) -> Json:
    """Both sides agree, as far as the platform lets: only what differs is sent, and every change is written down."""
    with workspace.runs.run("tag sync", platform) as detail, _opened(workspace, platform) as api:
        sides = _sides(workspace, api, platform, progress)
        planned = _planned(workspace, sides, platform)
        if planned["too_many"]:
            raise ConflictError(
                f"the platform would have {planned['tags_after']:,} tags, at most {planned['most_tags']:,} are allowed",
                code="too_many_tags",
                hint="map fewer values, or delete tags there",
            )
        done = _Doing(workspace, platform, str(detail["run"]), sides).go(api, progress)
        detail.update(done)
    return {**planned, "done": done}


def sync_changes(
    workspace: Workspace, platform: str = tag_sync.WECOM, limit: int = 50, cursor: str = ""
) -> Json:
    """Who was changed where and why, the latest first: of which member of staff, on which side, from what to what."""
    _known(workspace, platform)
    size_of(limit)
    before = int(place_of(cursor, 1)[0]) if cursor else None
    rows = marks.changes(workspace.records, platform, before=before, limit=limit + 1)
    shown = rows[:limit]
    return {
        "platform": platform,
        "changes": shown,
        "next": cursor_of(shown[-1]["id"]) if len(rows) > limit else None,
    }


def sync_list(workspace: Workspace) -> Json:
    """The platforms whose tags are mapped: by which file, with how many tags of ours, whether they ever agreed."""
    rows = []
    for platform in tag_sync.PLATFORMS:
        path = workspace.paths.definition("sync", platform)
        row: Json = {"platform": platform, "there": path.is_file(), "tags": [], "began": False, "problem": ""}
        if row["there"]:
            try:
                mapping = _known(workspace, platform)
                row["tags"] = [
                    {"key": one.key, "group": one.group, "wins": one.wins, "values": dict(one.labels)}
                    for one in mapping.tags
                ]
            except LimnerError as error:
                row["problem"] = str(error)
        row["began"] = marks.began(workspace.records, platform)
        rows.append(row)
    return {"platforms": rows}


def keep_agreeing(workspace: Workspace) -> None:
    """The sides of every platform agree again; only where somebody looked at a plan and let it begin."""
    for platform in tag_sync.PLATFORMS:
        if (
            marks.began(workspace.records, platform)
            and workspace.paths.definition("sync", platform).is_file()
        ):
            sync_run(workspace, silent, platform)


# both sides


def _known(workspace: Workspace, platform: str) -> Mapping_:
    if platform not in tag_sync.PLATFORMS:
        raise UsageError(
            f"there is no platform '{platform}'",
            where="platform",
            hint=did_you_mean(platform, tag_sync.PLATFORMS),
        )
    path = workspace.paths.definition("sync", platform)
    if not path.is_file():
        raise NotFoundError(
            f"there is no sync/{platform}.yml", hint="tags: {tier: {group: 会员等级, values: {gold: 金卡}}}"
        )
    mapping = tag_sync.read_file(path)
    tags = definitions.tags(workspace)
    for one in mapping.tags:
        if one.key not in tags:
            raise NotFoundError(f"there is no tag '{one.key}'", hint=did_you_mean(one.key, tags))
        for value in one.labels:
            giving.value_of(tags[one.key], _typed(tags[one.key], value))
    return mapping


def _typed(tag: Tag, value: str) -> Any:
    return [value] if tag.type is ValueType.LIST else value


def _opened(workspace: Workspace, platform: str) -> Any:
    if platform == OFFICIAL:
        return coding.account(workspace)
    return relating.opened(workspace)


def _sides(workspace: Workspace, api: Api | Wecom, platform: str, progress: Progress) -> _Sides:
    workspace.load()
    mapping = _known(workspace, platform)
    if isinstance(api, Wecom):
        pairs, tagged = _at_wecom(workspace, api.api)
    else:
        pairs, tagged = _at_account(workspace, api, mapping, progress)
    library = marks.corp_tags(workspace.records, platform)
    kind = "external_userid" if platform == tag_sync.WECOM else "openid"
    held = _held(workspace, mapping, pairs, kind)
    tags = definitions.tags(workspace)
    described = pa.table(
        {
            "key": pa.array([one.key for one in mapping.tags], pa.string()),
            "computed": pa.array(
                [not isinstance(tags[one.key].definition, Given) for one in mapping.tags], pa.bool_()
            ),
            "several": pa.array([tags[one.key].type is ValueType.LIST for one in mapping.tags], pa.bool_()),
        }
    )
    found = tag_sync.differences(
        workspace.engine,
        mapping,
        pairs=pairs,
        held=held,
        tagged=tagged,
        library=library,
        base=marks.base(workspace.records, platform),
        described=described,
    )
    several: dict[tuple[str, str], list[str]] = {}
    for staff, customer, tag in zip(
        *(tagged[name].to_pylist() for name in ("staff", "customer", "tag")), strict=True
    ):
        several.setdefault((staff, customer), []).append(tag)
    rows = zip(*(library[name].to_pylist() for name in ("bunch", "name", "tag")), strict=True)
    return _Sides(
        mapping,
        found,
        {(bunch, name): tag for bunch, name, tag in rows},
        {pair: len(some) for pair, some in several.items()},
        {pair: tuple(some) for pair, some in several.items()},
        pairs.num_rows,
    )


def _at_wecom(workspace: Workspace, api: Api) -> tuple[pa.Table, pa.Table]:
    answer = api.surely(f"{PAGE}/get_corp_tag_list", {})
    marks.keep_corp_tags(
        workspace.records,
        tag_sync.WECOM,
        [
            (str(tag["id"]), str(group["group_name"]), str(tag["name"]))
            for group in answer.get("tag_group") or ()
            if group["group_name"] != MARKS
            for tag in group.get("tag") or ()
        ],
    )
    relations = follows.relations(workspace.records)
    pairs = pa.table(
        {
            "staff": pa.array([row[0] for row in relations], pa.string()),
            "customer": pa.array([row[1] for row in relations], pa.string()),
            "moved": pa.array([row[3] for row in relations], pa.int64()),
        }
    )
    tagged = [(staff, customer, tag) for staff, customer, tags, _ in relations for tag in tags]
    return pairs, marks.table(tagged, ("staff", "customer", "tag"))


def _at_account(
    workspace: Workspace, api: Api, mapping: Mapping_, progress: Progress
) -> tuple[pa.Table, pa.Table]:
    listed = api.surely("/cgi-bin/tags/get").get("tags") or ()
    marks.keep_corp_tags(
        workspace.records, OFFICIAL, [(str(tag["id"]), "", str(tag["name"])) for tag in listed]
    )
    openids = [one for some in _openids(api, "/cgi-bin/user/get") for one in some]
    wanted = {label for one in mapping.tags for label in one.labels.values()}
    tagged: list[tuple[str, str, str]] = []
    for number, tag in enumerate(listed):
        if tag["name"] in wanted:
            for some in _openids(api, "/cgi-bin/user/tag/get", tagid=tag["id"]):
                tagged += [("", one, str(tag["id"])) for one in some]
        progress("tags there", number + 1, len(listed))
    pairs = pa.table(
        {
            "staff": pa.repeat(pa.scalar(""), len(openids)),
            "customer": pa.array(openids, pa.string()),
            "moved": pa.repeat(pa.scalar(0, pa.int64()), len(openids)),
        }
    )
    return pairs, marks.table(tagged, ("staff", "customer", "tag"))


def _openids(api: Api, path: str, **about: Any) -> Iterator[list[str]]:
    """The openids of a list that comes in pages of ten thousand."""
    following = ""
    while True:
        if about:
            answer = api.surely(path, {**about, "next_openid": following})
        else:
            answer = api.surely(path, next_openid=following)
        some = [str(one) for one in (answer.get("data") or {}).get("openid") or ()]
        following = str(answer.get("next_openid") or "")
        yield some
        if not some or not following:
            return


_WHO = """
SELECT DISTINCT w.customer, COALESCE(p.merged_into, p.ix) AS ix FROM wanted AS w
JOIN identifiers AS i ON i.kind = $kind AND i.value = w.customer JOIN persons AS p ON p.ix = i.ix
WHERE NOT p.erased ORDER BY 1
"""
_SINCE = """
SELECT subject, ix, EPOCH_US(MAX(ts)) AS moved FROM changes
WHERE subject IN (SELECT UNNEST($subjects)) AND ix IN (SELECT ix FROM who) GROUP BY ALL
"""


def _held(workspace: Workspace, mapping: Mapping_, pairs: pa.Table, kind: str) -> pa.Table:
    """Our values of the customers: customer, key, value, and since when they are so (microseconds)."""
    who = workspace.engine.read(_WHO, {"kind": kind}, given={"wanted": pairs.select(["customer"])})
    ordinals = who["ix"].to_numpy().astype(np.uint32)
    columns = knowing.live(workspace)
    parts = []
    for one in mapping.tags:
        if columns is None or one.key not in columns or not len(ordinals):
            continue
        column = columns[one.key].padded(max(columns.n, int(ordinals.max()) + 1))
        values = column.arrow(ordinals)
        if pa.types.is_list(values.type):
            at = pc.list_parent_indices(values)
            customers, ixs, values = who["customer"].take(at), who["ix"].take(at), pc.list_flatten(values)
        else:
            customers, ixs = who["customer"], who["ix"]
        if pa.types.is_floating(values.type):
            whole = pc.equal(pc.floor(values), values)
            values = pc.if_else(
                whole,
                pc.floor(values).cast(pa.int64(), safe=False).cast(pa.string()),
                values.cast(pa.string()),
            )
        parts.append(
            pa.table(
                {
                    "customer": customers,
                    "ix": ixs,
                    "key": pa.repeat(pa.scalar(one.key), len(values)),
                    "value": values.cast(pa.string()),
                }
            )
        )
    if not parts:
        return pa.table(
            {
                "customer": pa.array([], pa.string()),
                "key": pa.array([], pa.string()),
                "value": pa.array([], pa.string()),
                "moved": pa.array([], pa.int64()),
            }
        )
    return workspace.engine.read(
        f"WITH since AS ({_SINCE}) SELECT h.customer, h.key, h.value, COALESCE(s.moved, 0) AS moved FROM held AS h"
        " LEFT JOIN since AS s ON s.ix = h.ix AND s.subject = 'tag:' || h.key WHERE h.value IS NOT NULL",
        {"subjects": [f"tag:{one.key}" for one in mapping.tags]},
        given={"held": pa.concat_tables(parts), "who": who},
    )


# what would change


def _planned(workspace: Workspace, sides: _Sides, platform: str) -> Json:
    rows: dict[str, Json] = {
        one.key: {
            "key": one.key, "group": one.group, "wins": one.wins,
            "out_added": 0, "out_removed": 0, "in_people": 0, "conflicts": 0, "clashes": 0,
        }
        for one in sides.mapping.tags
    }  # fmt: skip
    counted = workspace.engine.read(
        "SELECT key, way, SUM(LEN(ours) - LEN(LIST_INTERSECT(ours, theirs))) AS added,"
        " SUM(LEN(theirs) - LEN(LIST_INTERSECT(ours, theirs))) AS removed,"
        " COUNT(DISTINCT customer) AS people, COUNT(*) FILTER (conflict) AS conflicts FROM found GROUP BY ALL",
        given={"found": sides.found},
    ).to_pylist()
    for row in counted:
        one = rows[row["key"]]
        one["conflicts"] += row["conflicts"]
        if row["way"] == OUT:
            one["out_added"], one["out_removed"] = int(row["added"]), int(row["removed"])
        elif row["way"] == IN:
            one["in_people"] = row["people"]
        else:
            one["clashes"] = row["people"]
    missing = _missing(sides)
    most = MOST_OFFICIAL if platform == OFFICIAL else workspace.config.wecom.company_tags
    after = len(sides.corp_tags) + len(missing)
    shown = sides.found.filter(sides.found["conflict"]).slice(0, SHOWN).to_pylist()
    return {
        "platform": platform,
        "pairs": sides.pairs,
        "added": sum(one["out_added"] for one in rows.values()),
        "removed": sum(one["out_removed"] for one in rows.values()),
        "in_people": sum(one["in_people"] for one in rows.values()),
        "tags": list(rows.values()),
        "new_tags": [{"group": group, "name": name} for group, name in missing],
        "tags_after": after,
        "most_tags": most,
        "too_many": after > most,
        "conflicts": [
            {
                "staff": row["staff"], "customer": row["customer"], "key": row["key"],
                "ours": row["ours"], "theirs": row["theirs"], "way": row["way"], "why": row["why"],
            }
            for row in shown
        ],
        "began": marks.began(workspace.records, platform),
    }  # fmt: skip


def _missing(sides: _Sides) -> list[tuple[str, str]]:
    """The tags that must be made at the platform: those that somebody is to get."""
    groups = {one.key: one.group for one in sides.mapping.tags}
    wanted = {
        (groups[key], label)
        for key, ours in zip(
            *(
                sides.found.filter(pc.equal(sides.found["way"], OUT))[name].to_pylist()
                for name in ("key", "ours")
            ),
            strict=True,
        )
        for label in ours
    }
    return sorted(wanted - set(sides.corp_tags))


# doing it


class _Doing:
    """One synchronisation."""

    def __init__(self, workspace: Workspace, platform: str, run: str, sides: _Sides) -> None:
        self.workspace = workspace
        self.platform = platform
        self.run = run
        self.sides = sides
        self.groups = {one.key: one.group for one in sides.mapping.tags}
        self.ids = dict(sides.corp_tags)
        self.counted: Counter[str] = Counter()
        self.refused: list[Json] = []
        self.stopped = ""

    def go(self, api: Api | Wecom, progress: Progress) -> Json:
        """What was done: pairs told, tags added and removed there, people given values here, who was refused."""
        self._in(progress)
        try:
            if isinstance(api, Wecom):
                self._make_wecom(api.api)
                self._out_wecom(api, progress)
            else:
                self._make_account(api)
                self._out_account(api, progress)
        except Unavailable as error:
            self.stopped = error.message  # the next synchronisation goes on with what differs still
        return {
            "pairs": self.counted["pairs"],
            "added": self.counted["added"],
            "removed": self.counted["removed"],
            "in_people": self.counted["in"],
            "refused": self.refused[:SHOWN],
            "refused_total": self.counted["refused"],
            "stopped": self.stopped,
        }

    def _rows(self, way: str) -> list[Json]:
        found: list[Json] = self.sides.found.filter(pc.equal(self.sides.found["way"], way)).to_pylist()
        return found

    # ours are changed

    def _in(self, progress: Progress) -> None:
        tags = definitions.tags(self.workspace)
        labels = {
            one.key: {label: value for value, label in one.labels.items()} for one in self.sides.mapping.tags
        }
        latest: dict[tuple[str, str], Json] = {}
        rows = self._rows(IN)
        for row in rows:
            before = latest.get((row["customer"], row["key"]))
            if before is None or row["theirs_at"] > before["theirs_at"]:
                latest[row["customer"], row["key"]] = row
        wanted: dict[tuple[str, tuple[str, ...]], list[Json]] = {}
        for row in latest.values():
            wanted.setdefault(
                (row["key"], tuple(labels[row["key"]][label] for label in row["theirs"])), []
            ).append(row)
        kind = "openid" if self.platform == OFFICIAL else "external_userid"
        for number, ((key, values), some) in enumerate(sorted(wanted.items())):
            people = [f"{kind}:{row['customer']}" for row in some]
            given = _value(tags[key], values)
            if given is None:
                answer = giving.tag_take(self.workspace, silent, key, people=people, caller=BY)
            else:
                answer = giving.tag_give(self.workspace, silent, key, given, people=people, caller=BY)
            self.counted["in"] += answer["changes"]
            self._write(IN, some)
            progress("ours", number + 1, len(wanted))
        for row in self._rows(CLASH):
            self._refuse(row, "several tags there, and one value here")

    def _write(self, way: str, rows: Sequence[Json]) -> None:
        """Writes down what both sides have now."""
        now = self.workspace.clock()
        after = "ours" if way == OUT else "theirs"
        before = "theirs" if way == OUT else "ours"
        marks.agree(
            self.workspace.records,
            self.platform,
            [(row["staff"], row["customer"], row["key"], row[after]) for row in rows],
        )
        marks.write(
            self.workspace.records,
            self.platform,
            self.run,
            [
                {
                    "staff": row["staff"], "customer": row["customer"], "key": row["key"], "way": way,
                    "before": row[before], "after": row[after], "why": row["why"],
                }
                for row in rows
            ],
            now=now,
        )  # fmt: skip

    def _refuse(self, row: Json, why: str) -> None:
        self.counted["refused"] += 1
        if len(self.refused) < SHOWN:
            self.refused.append(
                {"staff": row["staff"], "customer": row["customer"], "key": row["key"], "why": why}
            )

    # theirs are changed

    def _make_wecom(self, api: Api) -> None:
        missing: dict[str, list[str]] = {}
        for group, name in _missing(self.sides):
            missing.setdefault(group, []).append(name)
        for group, names in missing.items():
            answer = api.surely(
                f"{PAGE}/add_corp_tag", {"group_name": group, "tag": [{"name": name} for name in names]}
            )
            for tag in answer["tag_group"]["tag"]:
                self.ids[group, str(tag["name"])] = str(tag["id"])

    def _out_wecom(self, channel: Wecom, progress: Progress) -> None:
        several: dict[tuple[str, str], list[Json]] = {}
        for row in self._rows(OUT):
            several.setdefault((row["staff"], row["customer"]), []).append(row)
        done = 0
        for some in _pieces(list(several.items()), AT_ONCE):
            told: list[Json] = []
            have: list[tuple[str, str, Sequence[str]]] = []
            try:
                for (staff, customer), rows in some:
                    add, remove = self._sets(rows)
                    before = set(self.sides.ids.get((staff, customer), ()))
                    after = (before - set(remove)) | set(add)
                    if len(after) > MOST_TAGS and len(after) > len(before):
                        self._refuse(rows[0], f"over {MOST_TAGS:,} tags of one customer")
                        continue
                    try:
                        channel.mark(staff, customer, add=add, remove=remove)
                    except Refused as error:
                        self._refuse(rows[0], error.message)
                        continue
                    told += rows
                    have.append((staff, customer, sorted(after)))
                    self.counted["pairs"] += 1
                    self.counted["added"] += len(add)
                    self.counted["removed"] += len(remove)
            finally:
                marks.retag(self.workspace.records, have)
                self._write(OUT, told)
            done += len(some)
            progress("theirs", done, len(several))

    def _sets(self, rows: Sequence[Json]) -> tuple[list[str], list[str]]:
        """The ids of the tags that are to be added and removed."""
        add = [
            self.ids[self.groups[row["key"]], label]
            for row in rows
            for label in row["ours"]
            if label not in row["theirs"]
        ]
        remove = [
            self.ids[self.groups[row["key"]], label]
            for row in rows
            for label in row["theirs"]
            if label not in row["ours"]
        ]
        return add, remove

    def _make_account(self, api: Api) -> None:
        for group, name in _missing(self.sides):
            answer = api.surely("/cgi-bin/tags/create", {"tag": {"name": name}})
            self.ids[group, name] = str(answer["tag"]["id"])

    def _out_account(self, api: Api, progress: Progress) -> None:
        """Tag by tag, fifty openids at once: first what is taken away, so that nobody has more than may be."""
        rows = {(row["customer"], row["key"]): row for row in self._rows(OUT)}
        wanted: dict[tuple[str, str], list[str]] = {}
        for row in rows.values():
            add, remove = self._sets([row])
            for way, ids in (("1 batchtagging", add), ("0 batchuntagging", remove)):
                for tag in ids:
                    wanted.setdefault((way, tag), []).append(row["customer"])
        bad: set[str] = set()
        for number, ((way, tag), openids) in enumerate(sorted(wanted.items())):
            path = f"/cgi-bin/tags/members/{way[2:]}"
            for some in _pieces(openids, MOST_OPENIDS):
                failed = self._tell(api, path, tag, list(some))
                bad |= set(failed)
                self.counted["added" if way[0] == "1" else "removed"] += len(some) - len(failed)
            progress("theirs", number + 1, len(wanted))
        told = [row for (customer, _), row in rows.items() if customer not in bad]
        self.counted["pairs"] = len({row["customer"] for row in told})
        for rows_told in _pieces(told, AT_ONCE):
            self._write(OUT, rows_told)

    def _tell(self, api: Api, path: str, tag: str, openids: list[str]) -> list[str]:
        """Those of the openids whom the platform refused; of a refused list each is asked for alone."""
        try:
            api.surely(path, {"openid_list": openids, "tagid": int(tag)})
        except Refused as error:
            if len(openids) > 1:
                return [bad for one in openids for bad in self._tell(api, path, tag, [one])]
            self._refuse({"staff": "", "customer": openids[0], "key": ""}, error.message)
            return openids
        return []


def _pieces(rows: Sequence[Piece], size: int) -> Iterator[Sequence[Piece]]:
    """The rows in pieces of so many."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _value(tag: Tag, values: Sequence[str]) -> Any:
    """What is given for these values of a mapping; None takes the given value away."""
    if tag.type is ValueType.LIST:
        return list(values) or None
    if not values:
        return None
    return values[0]
