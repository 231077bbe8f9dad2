"""Referrals: what an invitation does, who counts as brought by whom, what is given for it, and the verbs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.accounts.model import LOCAL, Caller, Role, sees_personal
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError
from limner.events.load import loads
from limner.expressions import check, parse, where
from limner.expressions.printer import to_text
from limner.feedback import receipts
from limner.forms.model import Bots
from limner.identity import people
from limner.portraits import finding
from limner.referrals import codes, rewards, tree
from limner.referrals import text as referral_text
from limner.referrals.model import CODE, OPENED, REWARDED, Referral
from limner.referrals.rewards import Given
from limner.referrals.spread import spread
from limner.referrals.tree import NEVER, Claims, Flags, Ints
from limner.touches import links
from limner.types import Json, naive, silent
from limner.workspace import asking, definitions, fitting, giving, knowing, posting, reaching, recipients
from limner.workspace.catalog import known
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace

AUTHOR = Caller("referral", "", "a referral", Role.OPERATOR)
"""Who gives the values of tags that are rewards."""

OPENINGS = Bots(free=60, most=60)
"""So many invitations an hour are noted of one address; beyond it they lead on and nothing is noted."""
AT_ONCE = 1_000
WEEKS = 12
MOST_WEEKS = 104
TOP = 20
_MICRO = timedelta(microseconds=1)


def saved(workspace: Workspace, name: str) -> Referral:
    """The referral as its file says it. Raises NotFoundError with the nearest name."""
    paths = {path.stem: path for path in (workspace.paths.folder / "referrals").glob("*.yml")}
    path = paths[known(sorted(paths), name, "referral")]
    return referral_text.read(path.read_text(encoding="utf-8", errors="replace"), name)


# an invitation is opened


@dataclass(frozen=True)
class Invited:
    """Where whoever opened an invitation is led, and the cookie by which they are known again ('' none)."""

    target: str
    cookie: str


def invited(workspace: Workspace, code: str, *, cookie: str, user_agent: str, address: str) -> Invited:
    """What becomes of an opened invitation. Raises NotFoundError for a code that was never handed out."""
    found = codes.find(workspace.records, code.lower())
    if found is None:
        raise NotFoundError("this invitation is not one of ours")
    referral = saved(workspace, found.referral)
    mark = "&" if "?" in referral.to else "?"
    base, hash_, anchor = referral.to.partition("#")
    target = f"{base}{mark}ref={found.code}&utm_source=referral&utm_campaign={referral.name}{hash_}{anchor}"
    now = workspace.clock()
    if receipts.is_machine(user_agent, at=now, sent_at=None, click=True):
        return Invited(target, "")
    made = reaching.links(workspace)
    browser = made.unsealed(links.VISITOR, cookie, 1) if cookie else None
    device = browser[0] if browser else f"web-{workspace.new_id()}"
    gate = asking.gate(workspace)
    if not gate.busy(f"/i/{referral.name}", address, OPENINGS, answered=False, now=now):
        gate.take(f"/i/{referral.name}", address, now=now)
        call: Json = {
            "type": "track",
            "event": OPENED,
            "messageId": f"{found.code}.{device}.opened",
            "anonymousId": device,
            "timestamp": now.isoformat(),
            "properties": {"referral": referral.name, CODE: found.code},
        }
        reaching.keep_calls(workspace, [call])
    return Invited(target, made.sealed(links.VISITOR, device))


# who was brought by whom


@dataclass(frozen=True)
class World:
    """A referral as of an instant, over columns: everybody who takes part by number, every claim and its verdict.

    `ix`: the ordinal of each; `brought`, `by`, `claimed`: who counts as brought, by whom, since when; `success`: when
    they did what counts (NEVER: not yet).
    """

    referral: Referral
    ix: Ints
    claims: Claims
    verdict: Ints
    household: Ints
    brought: Ints
    by: Ints
    claimed: Ints
    success: Ints
    owners: pa.Table

    @property
    def rewarded(self) -> Flags:
        """Who of those brought did what counts, within the limit of who brought them."""
        done = self.success < NEVER
        fine = np.zeros(len(done), dtype=np.bool_)
        per = int(self.referral.per / _MICRO)
        fine[done] = tree.within_limit(self.by[done], self.success[done], most=self.referral.most, per=per)
        return fine


def world(workspace: Workspace, referral: Referral, now: datetime) -> World:
    """The referral as it stands: every claim with its verdict, decided set by set."""
    owners = _owners(workspace, referral.name)
    claims = _claimed(workspace, owners, now)
    first = _first_success(workspace, referral, claims, now)
    ix = np.unique(np.concatenate([_ints(claims, "friend"), _ints(claims, "referrer")]))
    friend, referrer = (np.searchsorted(ix, _ints(claims, key)) for key in ("friend", "referrer"))
    at = _ints(claims, "at")
    done = np.full(len(ix), NEVER, dtype=np.int64)
    done[np.searchsorted(ix, _ints(first, "ix"))] = _ints(first, "at")
    within = int(referral.success.within / _MICRO)
    latest = np.minimum(done, int(now.timestamp() * 1e6))
    allowed = np.ones(len(ix), dtype=np.bool_)
    if referral.audience:
        allowed = np.isin(ix, knowing.members(workspace, referral.audience, now).numpy())
    home = _households(workspace, referral, ix, now)
    made = Claims(friend, referrer, at, done[friend], latest[friend] - within, allowed[referrer])
    verdict = tree.verdicts(made, home)
    counts = verdict == tree.COUNTS
    return World(
        referral=referral,
        ix=ix,
        claims=made,
        verdict=verdict,
        household=home,
        brought=friend[counts],
        by=referrer[counts],
        claimed=at[counts],
        success=done[friend[counts]],
        owners=owners,
    )


def _ints(table: pa.Table, key: str) -> Ints:
    found: Ints = table.column(key).to_numpy().astype(np.int64)
    return found


def _owners(workspace: Workspace, name: str) -> pa.Table:
    """Every code with whose it is now: code, ix, at; those of the erased are left out."""
    return workspace.engine.read(
        'SELECT g.code, COALESCE(p.merged_into, p.ix)::BIGINT AS ix, g."at" FROM given AS g'
        " JOIN persons AS p ON p.person_id = g.person WHERE NOT p.erased",
        given={"given": codes.of_referral(workspace.records, name)},
    )


def _claimed(workspace: Workspace, owners: pa.Table, now: datetime) -> pa.Table:
    """Every event that names a code of the referral: friend, referrer, at, in the order in which they happened."""
    column = definitions.catalog(workspace).property(CODE)
    if column is None or not owners.num_rows:
        return pa.table({key: pa.array([], pa.int64()) for key in ("friend", "referrer", "at")})
    return workspace.engine.read(
        'SELECT e.ix::BIGINT AS friend, o.ix AS referrer, EPOCH_US(MIN(e.ts)) AS "at" FROM events AS e'
        f" JOIN owners AS o ON o.code = LOWER(e.{column[0]}::VARCHAR) JOIN persons AS p ON p.ix = e.ix"
        f" WHERE e.{column[0]} IS NOT NULL AND e.ts <= $now AND p.merged_into IS NULL AND NOT p.erased"
        " GROUP BY ALL ORDER BY 3, 1, 2",
        {"now": naive(now)},
        given={"owners": owners},
    )


def _first_success(workspace: Workspace, referral: Referral, claims: pa.Table, now: datetime) -> pa.Table:
    """When each of those who came first did what counts: ix, at; who never did is absent."""
    names = definitions.catalog(workspace)
    known_codes = names.event_codes(referral.success.event)
    if not known_codes or not claims.num_rows:
        return pa.table({"ix": pa.array([], pa.int64()), "at": pa.array([], pa.int64())})
    condition: str = "TRUE"
    bound: Mapping[str, Any] = {}
    if referral.success.where:
        asked = parse(referral.success.where, scope="event")
        check(asked, names, kind="event")
        condition, bound = where(asked, names, now)
    return workspace.engine.read(
        'SELECT e.ix::BIGINT AS ix, EPOCH_US(MIN(e.ts)) AS "at" FROM events AS e SEMI JOIN came AS c ON c.friend = e.ix'
        f" WHERE e.name_i IN ({', '.join(map(str, known_codes))}) AND e.ts <= $now AND ({condition}) GROUP BY e.ix",
        {**bound, "now": naive(now)},
        given={"came": claims},
    )


_DEVICES = """
SELECT s.ix, 'device ' || d.value AS value FROM (
    SELECT e.ix, e.device_i FROM events AS e SEMI JOIN part ON part.ix = e.ix WHERE e.device_i IS NOT NULL
    UNION
    SELECT i.ix, c.b FROM claims AS c JOIN identifiers AS i ON i.i = c.a SEMI JOIN part ON part.ix = i.ix
    WHERE c.what = 'login'
) AS s JOIN identifiers AS d ON d.i = s.device_i WHERE d.kind = 'device' AND d.value IS NOT NULL
UNION
SELECT i.ix, 'device ' || i.value FROM identifiers AS i SEMI JOIN part ON part.ix = i.ix
WHERE i.kind = 'device' AND i.value IS NOT NULL
"""
_KEYS = """
SELECT i.ix, i.kind || ' ' || LOWER(TRIM(i.value)) FROM identifiers AS i SEMI JOIN part ON part.ix = i.ix
WHERE i.kind IN (SELECT UNNEST($kinds)) AND i.value IS NOT NULL
"""
_SAID = """
SELECT DISTINCT a.ix, a.name || ' ' || REGEXP_REPLACE(LOWER(TRIM(a.value, '" ')), '[\\s,.;-]+', ' ', 'g')
FROM attributes AS a SEMI JOIN part ON part.ix = a.ix
WHERE a.name IN (SELECT UNNEST($names)) AND a.ts <= $now AND a.value IS NOT NULL
AND TRIM(a.value, '" ') NOT IN ('', 'null')
"""


def _households(workspace: Workspace, referral: Referral, ix: Ints, now: datetime) -> Ints:
    """The household of each who takes part, by what `same` names; values they ever had count."""
    names = [one.removeprefix("person.") for one in referral.same if one.startswith("person.")]
    kinds = [one for one in referral.same if not one.startswith("person.") and one != "device"]
    asked = []
    if "device" in referral.same:
        asked.append(_DEVICES)
    if kinds:
        asked.append(_KEYS)
    if names:
        asked.append(_SAID)
    if not asked or not len(ix):
        return np.arange(len(ix), dtype=np.int64)
    bound: dict[str, Any] = {
        **({"kinds": kinds} if kinds else {}),
        **({"names": names, "now": naive(now)} if names else {}),
    }
    found = workspace.engine.read(
        f"SELECT ix::BIGINT AS ix, DENSE_RANK() OVER (ORDER BY value) - 1 AS value FROM ({' UNION '.join(asked)}) AS s",
        bound,
        given={"part": pa.table({"ix": pa.array(ix, pa.uint32())})},
    )
    return tree.households(len(ix), np.searchsorted(ix, _ints(found, "ix")), _ints(found, "value"))


# what is given for it


def reward_all(workspace: Workspace) -> int:
    """How many rewards were newly written down, of every referral; what is written down is carried out.

    Raises the first error of a file, after all others were looked at.
    """
    found, wrong = referral_text.read_folder(workspace.paths.folder / "referrals")
    written = 0
    for referral in found.values():
        try:
            written += _write(workspace, referral)
        except LimnerError as error:
            wrong.append(error)
    _carry_out(workspace, found)
    if wrong:
        raise wrong[0]
    return written


def _write(workspace: Workspace, referral: Referral) -> int:
    problems = _problems(workspace, referral)
    if problems:
        raise problems[0]
    now = workspace.clock()
    seen = world(workspace, referral, now)
    due = due_of(workspace, seen)
    return rewards.write(workspace.records, referral.name, due, now=now)


def due_of(workspace: Workspace, seen: World) -> list[tuple[str, int, str]]:
    """The rewards that are due (friend, depth, person): none for whom there were any before, as whomever."""
    chosen = seen.rewarded
    before = {one.friend for one in rewards.of(workspace.records, seen.referral.name) if one.depth == 0}
    past = np.asarray(sorted(set(people.persons_of(workspace.engine, list(before)).values())), dtype=np.int64)
    chosen &= ~np.isin(seen.ix[seen.brought], past)
    if not chosen.any():
        return []
    above = tree.ancestors(len(seen.ix), seen.brought, seen.by, seen.referral.depth)
    table = people.person_ids(workspace.engine, seen.ix.tolist())
    ids = dict(zip(table["ix"].to_pylist(), table["person_id"].to_pylist(), strict=True))
    friends = seen.brought[chosen]
    due = [(friend, 0, friend) for friend in friends.tolist()]
    for depth, column in enumerate(above, start=1):
        who = column[chosen]
        # Nobody is given anything for somebody of their own household, however many stand between them.
        fine = (who != tree.NOBODY) & (seen.household[who] != seen.household[friends])
        due += [
            (friend, depth, person)
            for friend, person in zip(friends[fine].tolist(), who[fine].tolist(), strict=True)
        ]
    named = [ids.get(int(one), "") for one in seen.ix]
    return [
        (named[friend], depth, named[person])
        for friend, depth, person in due
        if named[friend] and named[person]
    ]


def _carry_out(workspace: Workspace, found: Mapping[str, Referral]) -> None:
    """Does what is written down and not done yet; doing it again changes nothing."""
    while batch := rewards.open_(workspace.records, limit=AT_ONCE):
        by_id = people.persons_of(workspace.engine, [one.person for one in batch])
        named = recipients.named(
            workspace.engine, sorted(set(by_id.values())), keys=workspace.config.strong_keys
        )
        calls = [
            call
            for one in batch
            if one.person in by_id and (call := _call(one, named[by_id[one.person]])) is not None
        ]
        if calls:
            reaching.keep_calls(workspace, calls)
        tagged: dict[tuple[str, Any], list[str]] = {}
        for one in batch:
            referral = found.get(one.referral)
            reward = referral.rewards.get(one.role) if referral else None
            if reward is None or one.person not in by_id:
                continue
            if reward.tag:
                tagged.setdefault((reward.tag, reward.value), []).append(f"person:{one.person}")
            if reward.webhook:
                posting.queue_reward(workspace, one, reward.webhook)
        for (tag, value), whose in tagged.items():
            giving.tag_give(workspace, silent, tag, value, people=whose, caller=AUTHOR)
        rewards.done(workspace.records, [one.id for one in batch], now=workspace.clock())


def _call(one: Given, named: tuple[str, str, str]) -> Json | None:
    _, kind, value = named
    if not value:
        return None
    whose: Json = (
        {"userId": value}
        if kind == "user"
        else {"anonymousId": value}
        if kind == "device"
        else {
            "context": {
                "externalIds": [{"id": value, "type": kind, "collection": "users", "encoding": "none"}]
            }
        }
    )
    return {
        **whose,
        "type": "track",
        "event": REWARDED,
        "messageId": f"{one.referral}.{one.id}.rewarded",
        "timestamp": one.at.isoformat(),
        "properties": {"referral": one.referral, "role": one.role, "depth": one.depth},
    }


def changed_since(workspace: Workspace, load: int) -> int:
    """The number of the last load, when it is another than `load` and there is a referral; else `load`."""
    if not any((workspace.paths.folder / "referrals").glob("*.yml")):
        return load
    return loads(workspace.engine)


# the verbs


def _problems(workspace: Workspace, referral: Referral) -> list[LimnerError]:
    found = fitting.of_referral(
        referral, definitions.tags(workspace), definitions.saved_audiences(workspace), workspace.config
    )
    if referral.success.where:
        try:
            check(parse(referral.success.where, scope="event"), definitions.catalog(workspace), kind="event")
        except LimnerError as error:
            error.where = f"referrals/{referral.name}.yml: success"
            found.append(error)
    return found


def referral_list(workspace: Workspace) -> Json:
    """Every referral: how many may invite, came by a code, counted, and were given something."""
    workspace.load()
    found, wrong = referral_text.read_folder(workspace.paths.folder / "referrals")
    now = workspace.clock()
    rows: list[Json] = []
    for path in sorted((workspace.paths.folder / "referrals").glob("*.yml")):
        name = path.stem
        referral = found.get(name)
        error = next(
            (item for item in wrong if (item.where or "").startswith(f"referrals/{path.name}")), None
        )
        seen = world(workspace, referral, now) if referral else None
        rows.append(
            {
                "name": name,
                "titles": dict(referral.title) if referral else {},
                "members": 0 if seen is None else _members(seen),
                "came": 0 if seen is None else len(np.unique(seen.claims.friend)),
                "brought": 0 if seen is None else len(seen.brought),
                "succeeded": 0 if seen is None else int((seen.success < NEVER).sum()),
                "error": None if error is None else said(error),
            }
        )
    return {"referrals": rows}


def _members(seen: World) -> int:
    return len(pc.unique(seen.owners["ix"]))


def referral_show(workspace: Workspace, name: str, weeks: int = WEEKS, caller: Caller = LOCAL) -> Json:
    """One referral: K by week with its interval, claims refused by reason, how deep it goes, and who brought most."""
    if not 1 <= weeks <= MOST_WEEKS:
        raise UsageError(f"'weeks' is 1 to {MOST_WEEKS}", where="weeks", code="out_of_range")
    workspace.load()
    referral = saved(workspace, name)
    now = workspace.clock()
    seen = world(workspace, referral, now)
    succeeded = seen.success < NEVER
    chosen = seen.rewarded
    reasons = Counter(tree.REASONS[why] for why in seen.verdict.tolist() if why != tree.COUNTS)
    if int((succeeded & ~chosen).sum()):
        reasons["over_the_limit"] = int((succeeded & ~chosen).sum())
    depth = Counter(tree.depths(len(seen.ix), seen.brought, seen.by).tolist())
    given = Counter(one.role for one in rewards.of(workspace.records, name))
    everything = spread(_members(seen), len(np.unique(seen.claims.friend)), np.bincount(seen.by[succeeded]))
    return {
        "name": name,
        "titles": dict(referral.title),
        "to": referral.to,
        "audience": referral.audience,
        "success": {
            "event": referral.success.event,
            "where": referral.success.where,
            "days": referral.success.within / timedelta(days=1),
        },
        "same": list(referral.same),
        "depth": referral.depth,
        "claims": len(seen.claims.friend),
        "brought": len(seen.brought),
        "succeeded": int(succeeded.sum()),
        "rewarded": {role: int(n) for role, n in sorted(given.items())},
        "refused": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "depths": [{"depth": int(level), "people": int(n)} for level, n in sorted(depth.items())],
        "k": _shown(everything),
        "weeks": _weeks(workspace, seen, now, weeks),
        "top": _top(workspace, seen, succeeded, now, caller),
        "masked": not sees_personal(caller.role),
        "where": to_text(parse(f"did \"{REWARDED}\" where referral = '{name}'")),
        "problems": [said(error) for error in _problems(workspace, referral)],
        "zone": workspace.config.zone,
    }


def _shown(found: Any) -> Json:
    return {
        "members": found.members,
        "invited": found.invited,
        "converted": found.converted,
        "invitations_each": found.invitations_each,
        "conversion": found.conversion,
        "k": found.k,
        "low": found.low,
        "high": found.high,
    }


def _weeks(workspace: Workspace, seen: World, now: datetime, weeks: int) -> list[Json]:
    """K of each week that began with a Monday in the workspace's zone; the last ones may still grow."""
    zone = workspace.config.tz
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    given_at = seen.owners["at"].to_numpy().astype(np.int64)
    whose = _ints(seen.owners, "ix")
    first = np.full(len(seen.ix), NEVER, dtype=np.int64)
    np.minimum.at(first, seen.claims.friend, seen.claims.at)
    came = first[first < NEVER]
    rows = []
    for number in range(weeks - 1, -1, -1):
        begins, ends = (_micros(monday + timedelta(weeks=week), zone) for week in (-number, 1 - number))
        members = len(np.unique(whose[given_at < ends]))
        invited = int(((came >= begins) & (came < ends)).sum())
        inside = (seen.claimed >= begins) & (seen.claimed < ends) & (seen.success < NEVER)
        row = _shown(spread(members, invited, np.bincount(seen.by[inside])))
        open_until = ends + int(seen.referral.success.within / _MICRO)
        rows.append(
            {
                "week": (monday - timedelta(weeks=number)).isoformat(),
                "open": open_until > int(now.timestamp() * 1e6),
                **row,
            }
        )
    return rows


def _micros(day: date, zone: Any) -> int:
    return int(datetime.combine(day, time(), tzinfo=zone).timestamp() * 1e6)


def _top(workspace: Workspace, seen: World, succeeded: Flags, now: datetime, caller: Caller) -> list[Json]:
    """Who brought most, names masked for whom they are not meant."""
    if not len(seen.by):
        return []
    brought = np.bincount(seen.by, minlength=len(seen.ix))
    done = np.bincount(seen.by[succeeded], minlength=len(seen.ix))
    order = np.lexsort((np.arange(len(seen.ix)), -brought, -done))[:TOP]
    order = order[brought[order] > 0]
    rows = finding.rows(
        workspace.engine,
        [int(one) for one in seen.ix[order]],
        now=now,
        personal=workspace.config.personal,
        mask=not sees_personal(caller.role),
    )
    return [
        {
            "person": row["person"],
            "called": row["name"],
            "brought": int(brought[place]),
            "succeeded": int(done[place]),
        }
        for place, row in zip(order.tolist(), rows, strict=True)
    ]


def referral_check(workspace: Workspace, name: str) -> Json:
    """What is wrong with a referral's file; nothing when it can be used."""
    try:
        found = _problems(workspace, saved(workspace, name))
    except NotFoundError:
        raise
    except LimnerError as error:
        found = [error]
    return {"name": name, "problems": [said(error) for error in found]}


def referral_code(workspace: Workspace, name: str, person: str) -> Json:
    """The person's code and the address that they send on; it is handed out by this."""
    workspace.load()
    referral = saved(workspace, name)
    ix = knowing.person_ix(workspace, person)
    now = workspace.clock()
    if referral.audience and ix not in knowing.members(workspace, referral.audience, now).numpy():
        raise ConflictError(
            f"they may not invite: not in the audience '{referral.audience}'", code="not_allowed"
        )
    who = people.person_id(workspace.engine, ix)
    code = codes.code_of(workspace.secret, name, who)
    codes.keep(workspace.records, [(code, name, who)], now=now)
    return {"name": name, "person": who, "code": code, "url": reaching.links(workspace).referral_url(code)}


def referral_run(workspace: Workspace) -> Json:
    """Gives what is due now; while the server runs this happens by itself after each load."""
    workspace.load()
    written = reward_all(workspace)
    return {"written": written}
