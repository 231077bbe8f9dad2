"""What a campaign did: where everybody is, what became of the messages, and what they changed.

The arms are compared as they were drawn (intention to treat): a treated person whom no message reached still
counts as treated, and everything that people did within the goal's time counts, clicked or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import text

from limner.accounts.keys import micros
from limner.campaigns.arms import HELD_OUT, TREATED
from limner.campaigns.model import Campaign
from limner.engine.seam import Engine, quoted
from limner.feedback import effects
from limner.feedback.effects import Arm, Interval, NotEnoughData
from limner.feedback.receipts import CLICKED, FAILED, OPENED, SENT, UNSUBSCRIBED
from limner.store.records import Records
from limner.touches import entries
from limner.types import MONEY_SCALE, Json, ValueType, naive


@dataclass(frozen=True)
class GoalEvents:
    """The goal in the engine's terms. `codes`: event names; `where`: a condition over events and its values.

    `money`: the column that is earned and its type (money or number); None when only conversions count.
    """

    codes: Sequence[int]
    where: str = "TRUE"
    values: Mapping[str, Any] = field(default_factory=dict)
    money: tuple[str, ValueType] | None = None


@dataclass(frozen=True)
class Outcome:
    """What both arms did within the goal's time."""

    treated: Arm
    held_out: Arm


def arms_of(
    records: Records, engine: Engine, campaign: str, entry: str, variant: str | None = None
) -> pa.Table:
    """The arm of each person by their ordinal now: ix, treated (bool); sorted by ix, each once.

    `variant`: only of those for whom this text was, whether they got it or were held out.

    People who were merged since count once, as the arm of the one who stayed; when that one is not in the
    entry, as treated if either was. Erased people are not in it.
    """
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT person, arm FROM arms WHERE campaign = :campaign AND entry = :entry"
                " AND arm IN ('treated', 'held_out') AND (:variant IS NULL OR variant = :variant)"
            ),
            {"campaign": campaign, "entry": entry, "variant": variant},
        ).all()
    return _now(engine, [(person, arm, 0) for person, arm in rows])


REACTIONS = ("sent", "opened", "clicked", "unsubscribed", "complained")


def reactions_of(records: Records, engine: Engine, campaign: str, entry: str) -> pa.Table:
    """Of each person of both arms, by their ordinal now: ix (sorted), treated, variant, channel and `REACTIONS`.

    `complained`: a complaint came about the address after the message left. `channel`: '' of the held out. People who
    were merged count as in `arms_of`, with everything that any of them did.
    """
    with records.read() as connection:
        rows = connection.execute(text(_REACTED), {"campaign": campaign, "entry": entry}).all()
    columns = list(zip(*rows, strict=True)) or [()] * (4 + len(REACTIONS))
    told = {
        "person_id": pa.array(columns[0], pa.string()),
        "treated": pa.array([arm == TREATED for arm in columns[1]], pa.bool_()),
        "variant": pa.array(columns[2], pa.string()),
        "channel": pa.array(columns[3], pa.string()),
        **{
            name: pa.array(map(bool, column), pa.bool_())
            for name, column in zip(REACTIONS, columns[4:], strict=True)
        },
    }
    any_of = ", ".join(f"bool_or(d.{name}) AS {name}" for name in REACTIONS)
    return engine.read(
        _PEOPLE_NOW.format(
            also=f", arg_min(d.variant, d.person_id) AS variant, MAX(d.channel) AS channel, {any_of}"
        ),
        given={"drawn": pa.table({**told, "since": pa.array([0] * len(rows), pa.int64())})},
    )


_REACTED = """
SELECT a.person, a.arm, a.variant, COALESCE(t.channel, ''), COALESCE(t.status = 'sent', 0), t.opened_at IS NOT NULL,
    t.clicked_at IS NOT NULL, t.unsubscribed_at IS NOT NULL, t.address_hash <> '' AND EXISTS (SELECT 1
        FROM suppressions AS s WHERE s.reason = 'complained' AND s.address_hash = t.address_hash
        AND s.channel = t.channel AND s.at >= t.claimed_at)
FROM arms AS a LEFT JOIN touches AS t ON t.campaign = a.campaign AND t.entry = a.entry AND t.person = a.person
WHERE a.campaign = :campaign AND a.entry = :entry AND a.arm IN ('treated', 'held_out')
"""


def arms_by_lot(engine: Engine, people: Sequence[str], out: Sequence[bool]) -> pa.Table:
    """The arm of each of these people by their ordinal now, of whom those are held out; as `arms_of`."""
    return _now(
        engine, [(who, HELD_OUT if held else TREATED, 0) for who, held in zip(people, out, strict=True)]
    )


def by_variant(records: Records, campaign: str, entry: str) -> list[Json]:
    """Of each text: variant, people whom it was for, and how many it was sent to, opened, clicked and unsubscribed.

    Of a campaign `people` are all whom it was for; of a journey's step those who came to it.
    """
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT variant, COUNT(*), SUM(status = 'sent'), COUNT(opened_at), COUNT(clicked_at),"
                " COUNT(unsubscribed_at) FROM touches WHERE campaign = :campaign AND entry = :entry"
                " GROUP BY variant ORDER BY variant"
            ),
            {"campaign": campaign, "entry": entry},
        ).all()
    keys = ("variant", "people", "sent", "opened", "clicked", "unsubscribed")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def spent_on(records: Records, campaign: str, entry: str) -> float:
    """What the messages of an entry cost, in currency units."""
    with records.read() as connection:
        units = connection.execute(
            text("SELECT COALESCE(SUM(cost), 0) FROM touches WHERE campaign = :campaign AND entry = :entry"),
            {"campaign": campaign, "entry": entry},
        ).scalar_one()
    return int(units) / MONEY_SCALE


def arms_in_journey(records: Records, engine: Engine, journey: str) -> pa.Table:
    """The arm of each person who ever entered a journey by their ordinal now, and since when: ix, treated, since.

    `since`: microseconds of the first time that they entered. People who were merged count as in `arms_of`.
    """
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT person, MIN(arm), MIN(entered_at) FROM positions WHERE journey = :journey GROUP BY person"
            ),
            {"journey": journey},
        ).all()
    return _now(engine, [(row[0], row[1], row[2]) for row in rows])


def reactions_in_journey(
    records: Records,
    engine: Engine,
    journey: str,
    named: Callable[[Sequence[str]], Sequence[str]] | None,
    *,
    step: str = "",
    since: datetime | None = None,
) -> pa.Table:
    """Of each person who entered a journey, by their ordinal now: ix (sorted), treated, since, variant, `REACTIONS`.

    `named`: the variant of each of these people; None: the text that they got at the `step`, and nobody else is there.
    `step`: only that step's messages count ('' all). `since`: only who entered first from then on.
    """
    with records.read() as connection:
        rows = connection.execute(
            text(_REACTED_IN_JOURNEY.format(join="JOIN" if named is None else "LEFT JOIN")),
            {"journey": journey, "step": step, "since": 0 if since is None else micros(since)},
        ).all()
    columns = list(zip(*rows, strict=True)) or [()] * (4 + len(REACTIONS))
    variants = columns[3] if named is None else named(columns[0])
    told = {
        "person_id": pa.array(columns[0], pa.string()),
        "treated": pa.array([arm == TREATED for arm in columns[1]], pa.bool_()),
        "since": pa.array(columns[2], pa.int64()),
        "variant": pa.array(variants, pa.string()),
        **{
            name: pa.array(map(bool, column), pa.bool_())
            for name, column in zip(REACTIONS, columns[4:], strict=True)
        },
    }
    any_of = ", ".join(f"bool_or(d.{name}) AS {name}" for name in REACTIONS)
    return engine.read(
        _PEOPLE_NOW.format(also=f", arg_min(d.variant, d.person_id) AS variant, {any_of}"),
        given={"drawn": pa.table(told)},
    )


_REACTED_IN_JOURNEY = """
SELECT p.person, p.arm, p.since, COALESCE(t.variant, ''), COALESCE(t.sent, 0), COALESCE(t.opened, 0),
    COALESCE(t.clicked, 0), COALESCE(t.unsubscribed, 0), COALESCE(t.complained, 0)
FROM (SELECT person, MIN(arm) AS arm, MIN(entered_at) AS since FROM positions WHERE journey = :journey
    GROUP BY person HAVING MIN(entered_at) >= :since) AS p
{join} (SELECT person, MIN(variant) AS variant, MAX(status = 'sent') AS sent, MAX(opened_at IS NOT NULL) AS opened,
        MAX(clicked_at IS NOT NULL) AS clicked, MAX(unsubscribed_at IS NOT NULL) AS unsubscribed,
        MAX(address_hash <> '' AND EXISTS (SELECT 1 FROM suppressions AS s WHERE s.reason = 'complained'
            AND s.address_hash = m.address_hash AND s.channel = m.channel AND s.at >= m.claimed_at)) AS complained
    FROM touches AS m WHERE campaign = :journey AND :step IN ('', entry) GROUP BY person) AS t ON t.person = p.person
ORDER BY p.person
"""


def _now(engine: Engine, rows: Sequence[tuple[str, str, int]]) -> pa.Table:
    """Who these people, each of an arm since an instant, are now: ix, treated, since; sorted by ix, each once."""
    drawn = pa.table(
        {
            "person_id": pa.array([person for person, _, _ in rows], pa.string()),
            "treated": pa.array([arm == TREATED for _, arm, _ in rows], pa.bool_()),
            "since": pa.array([since for _, _, since in rows], pa.int64()),
        }
    )
    return engine.read(_PEOPLE_NOW.format(also=""), given={"drawn": drawn})


_PEOPLE_NOW = """
WITH RECURSIVE found AS (
    SELECT d.person_id, d.since, d.treated, p.ix, true AS own
    FROM drawn AS d JOIN persons AS p ON p.person_id = d.person_id WHERE NOT p.erased
    UNION
    SELECT f.person_id, f.since, f.treated, p.merged_into, false
    FROM found AS f JOIN persons AS p ON p.ix = f.ix WHERE p.merged_into IS NOT NULL
)
SELECT f.ix, COALESCE(bool_or(f.treated) FILTER (WHERE f.own), bool_or(f.treated)) AS treated,
    MIN(f.since) AS since{also}
FROM found AS f JOIN persons AS p ON p.ix = f.ix JOIN drawn AS d ON d.person_id = f.person_id
WHERE p.merged_into IS NULL GROUP BY f.ix ORDER BY f.ix
"""


def outcome(
    engine: Engine,
    arms: pa.Table,
    goal: GoalEvents,
    *,
    start: datetime,
    end: datetime,
    within: timedelta | None = None,
) -> Outcome:
    """What both arms did in [start, end); with `within`, each so long from their own instant on.

    `arms`: ix (sorted), treated, and since (microseconds) for `within`.
    """
    treated = arms["treated"].to_numpy(zero_copy_only=False)
    converted, money = did(engine, arms, goal, start=start, end=end, within=within)
    return Outcome(_arm(treated, converted, money), _arm(~treated, converted, money))


def did(
    engine: Engine,
    arms: pa.Table,
    goal: GoalEvents,
    *,
    start: datetime,
    end: datetime,
    within: timedelta | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each of the people did what the goal asks for, and the money of it in currency units, as `outcome`."""
    ixs = arms["ix"].to_numpy()
    money = np.zeros(len(ixs))
    converted = np.zeros(len(ixs), dtype=bool)
    if goal.codes and len(ixs):
        amount = "CAST(0 AS DOUBLE)"
        if goal.money is not None:
            column, kind = goal.money
            scale = f" / {MONEY_SCALE}" if kind is ValueType.MONEY else ""
            amount = f"CAST(COALESCE(SUM({quoted(column)}), 0) AS DOUBLE){scale}"
        events = "events"
        if within is not None:
            events = (
                "(SELECT e.* FROM events AS e JOIN arms AS a ON a.ix = e.ix"
                " WHERE EPOCH_US(e.ts) >= a.since AND EPOCH_US(e.ts) < a.since + $goal_within)"
            )
        found = engine.read(
            f"SELECT ix, {amount} AS money FROM {events}"
            " WHERE name_i IN (SELECT UNNEST($goal_codes)) AND ts >= $goal_start AND ts < $goal_end"
            f" AND ix IS NOT NULL AND ({goal.where}) GROUP BY ix ORDER BY ix",
            {
                **goal.values,
                "goal_codes": list(goal.codes),
                "goal_start": naive(start),
                "goal_end": naive(end),
                "goal_within": 0 if within is None else within // timedelta(microseconds=1),
            },
            given={"arms": arms},
        )
        who = found["ix"].to_numpy()
        place = np.minimum(np.searchsorted(ixs, who), len(ixs) - 1)
        ours = ixs[place] == who
        converted[place[ours]] = True
        money[place[ours]] = found["money"].to_numpy()[ours]
    return converted, money


def _arm(inside: np.ndarray, converted: np.ndarray, money: np.ndarray) -> Arm:
    spent = money[inside]
    return Arm(
        n=int(inside.sum()),
        k=int(converted[inside].sum()),
        total=float(spent.sum()),
        squares=float((spent * spent).sum()),
    )


def report(
    records: Records,
    *,
    campaign: Campaign,
    entry: str,
    outcome: Outcome | None,
    currency: str = "",
    until: datetime | None = None,
) -> Json:
    """Everything about one entry as JSON. Raises NotFoundError.

    Keys: campaign, entry, status, reason, started_at, until, audience, held_out, treated,
    suppressed {reason: people}, waiting, sending, sent, failed, in_doubt, accepted, opened, clicked,
    unsubscribed, exact; converted {treated, held_out: {n, k, rate, low, high}};
    incremental {conversions, low, high, per_person, per_person_low, per_person_high} and
    money {currency, treated_per_person, held_out_per_person, per_person, per_person_low, per_person_high,
    total, low, high}: null where nothing can be said; enough_data; message; why_not: why nothing can be
    said (no_goal, nobody_held_out, nobody_treated, few_conversions), else null.
    `outcome`: what `outcome` answered, None when the campaign has no goal. `until`: up to when it counted.
    """
    found = entries.entry_of(records, campaign.name, entry)
    counted = entries.counts(records, campaign.name, entry)
    reacted = _reactions(records, campaign.name, entry)
    answer: Json = {
        "campaign": campaign.name,
        "entry": entry,
        "status": found.status,
        "reason": found.reason,
        "started_at": found.started_at.isoformat(),
        "until": None if until is None else until.isoformat(),
        "audience": counted.audience,
        "held_out": counted.held_out,
        "treated": counted.waiting + counted.sent + counted.failed + counted.in_doubt + reacted["dropped"],
        "suppressed": dict(counted.suppressed),
        "waiting": counted.waiting,
        "sending": counted.sending,
        "sent": counted.sent,
        "failed": counted.failed,
        "in_doubt": counted.in_doubt,
        "accepted": counted.sent,
        "opened": reacted["opened"],
        "clicked": reacted["clicked"],
        "unsubscribed": reacted["unsubscribed"],
        "exact": counted.exact,
        "converted": None,
        "incremental": None,
        "money": None,
        "enough_data": False,
        "message": "the campaign has no goal",
        "why_not": "no_goal",
    }
    if outcome is not None:
        answer |= changed(outcome, currency=currency, money=bool(campaign.goal and campaign.goal.money))
    return answer


def changed(outcome: Outcome, *, currency: str = "", money: bool = True) -> Json:
    """What the campaign changed: converted, incremental, money, enough_data and message of the report."""
    treated, held_out = outcome.treated, outcome.held_out
    answer: Json = {
        "converted": {TREATED: _rate(treated), HELD_OUT: _rate(held_out)},
        "incremental": None,
        "money": None,
        "enough_data": False,
    }
    made = effects.conversions(treated, held_out)
    if isinstance(made, NotEnoughData):
        return {**answer, "message": made.message, "why_not": made.reason}
    total = made.times(treated.n)
    answer |= {
        "enough_data": True,
        "incremental": {
            "conversions": total.value,
            "low": total.low,
            "high": total.high,
            "per_person": made.value,
            "per_person_low": made.low,
            "per_person_high": made.high,
        },
        "message": _said(made),
        "why_not": None,
    }
    earned = effects.money(treated, held_out) if money else None
    if isinstance(earned, Interval):
        sum_earned = earned.times(treated.n)
        answer["money"] = {
            "currency": currency,
            "treated_per_person": treated.mean,
            "held_out_per_person": held_out.mean,
            "per_person": earned.value,
            "per_person_low": earned.low,
            "per_person_high": earned.high,
            "total": sum_earned.value,
            "low": sum_earned.low,
            "high": sum_earned.high,
        }
    return answer


def more_days(outcome: Outcome, *, start: datetime, now: datetime, end: datetime) -> int | None:
    """About how many more days it takes until there is enough to say something, if people go on as they did.

    0: there is enough. None: nobody converted in an arm yet, or the goal's time `end` is over before.
    """
    if effects.not_enough(outcome.treated, outcome.held_out) is None:
        return 0
    scarce = min(outcome.treated.k, outcome.held_out.k)
    gone = (now - start).total_seconds()
    if not outcome.treated.n or not outcome.held_out.n or scarce == 0 or gone <= 0:
        return None
    more = gone / scarce * (effects.ENOUGH - scarce)
    return None if now + timedelta(seconds=more) > end else math.ceil(more / 86_400)


def conditions(campaign: str, entry: str) -> Json:
    """Who is behind a count, as an expression over people: sent, failed, opened, clicked, unsubscribed."""
    ours = f"campaign = {_literal(campaign)} and entry = {_literal(entry)}"
    told = {
        "sent": (SENT, ours),
        "failed": (FAILED, ours),
        "opened": (OPENED, f"{ours} and machine = false"),
        "clicked": (CLICKED, f"{ours} and machine = false"),
        "unsubscribed": (UNSUBSCRIBED, ours),
    }
    return {name: f'did "{event}" where ({which})' for name, (event, which) in told.items()}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _rate(arm: Arm) -> Json:
    if not arm.n:
        return {"n": 0, "k": 0, "rate": None, "low": None, "high": None}
    share = effects.wilson(arm.k, arm.n)
    return {"n": arm.n, "k": arm.k, "rate": share.value, "low": share.low, "high": share.high}


def _said(made: Interval) -> str:
    if made.low > 0:
        return "more people converted because of what was sent"
    if made.high < 0:
        return "fewer people converted because of what was sent"
    return "no difference can be told from chance"


def _reactions(records: Records, campaign: str, entry: str) -> dict[str, int]:
    with records.read() as connection:
        row = connection.execute(
            text(
                "SELECT COUNT(opened_at), COUNT(clicked_at), COUNT(unsubscribed_at),"
                " COALESCE(SUM(status = 'suppressed'), 0) FROM touches"
                " WHERE campaign = :campaign AND entry = :entry"
            ),
            {"campaign": campaign, "entry": entry},
        ).one()
    return dict(zip(("opened", "clicked", "unsubscribed", "dropped"), map(int, row), strict=True))


def returned(answer: Json, *, cost: float) -> Json:
    """What each unit of money that was spent brought back: cost, per_unit with low and high, and why nothing is known.

    `answer`: what `changed` said. The money is what was made beyond the held out: 1 is as much as was spent.
    `why_not`: no_cost, no_money, or what the answer says, else null.
    """
    nothing: Json = {"cost": cost, "per_unit": None, "low": None, "high": None}
    earned = answer["money"]
    if answer["why_not"]:
        return {**nothing, "why_not": answer["why_not"]}
    if earned is None:
        return {**nothing, "why_not": "no_money"}
    if not cost:
        return {**nothing, "why_not": "no_cost"}
    return {
        "cost": cost,
        "per_unit": earned["total"] / cost,
        "low": earned["low"] / cost,
        "high": earned["high"] / cost,
        "why_not": None,
    }
