"""May this person be touched now? Pure: the instant, the zone and everything known are arguments.

The order of the checks stands in docs/how-to/how-a-message-is-decided.md, and a test runs each of its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from limner.campaigns.arms import held_out
from limner.campaigns.model import Cap, Quiet
from limner.campaigns.rules import Budget, Days, Limit, Policy
from limner.consents.model import MARKETING, Standing, objection
from limner.consents.preferences import Preference
from limner.types import MONEY_SCALE

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?")

TOO_LATE = "too late to be of use"
HELD_OUT = "in the global holdout"
PAUSED = "paused by the person"
UNPROFILED = "wants nothing chosen by their data"
QUIET_HOURS = "quiet hours"
HOLIDAY = "holiday"
NEVER = "the quiet hours leave no time to send"
YIELDS = timedelta(minutes=1)
"""A message that waits for another that has priority is looked at again after so long."""

_WAITS = "waits for "
_HORIZON = timedelta(days=400)
"""Quiet hours and holidays that last longer than this together never end."""


@dataclass(frozen=True)
class Decision:
    """Whether a message may go now, and why not; `until`: not now, but from that instant on."""

    allowed: bool
    reason: str = "ok"
    until: datetime | None = None


@dataclass(frozen=True)
class InScene:
    """The scene of a message, and what it says of one person; a time that is None has no bound.

    `member`: the person is in its audience; `held_out`: is one of those who get nothing of it.
    """

    name: str
    begins: datetime | None = None
    ends: datetime | None = None
    member: bool = True
    held_out: bool = False


@dataclass(frozen=True)
class SceneRules:
    """What a scene asks of every message of it: its time, and whom it leaves out by lot."""

    name: str
    begins: datetime | None = None
    ends: datetime | None = None
    seed: str = ""
    share: float = 0.0

    def of(self, people: Sequence[str], members: Sequence[bool]) -> list[InScene]:
        """What it says of each of these people, of whom those are in its audience."""
        out = self.held_out(people)
        return [
            InScene(self.name, self.begins, self.ends, member, held)
            for member, held in zip(members, out, strict=True)
        ]

    def held_out(self, people: Sequence[str]) -> list[bool]:
        """Of each whether they get nothing of it."""
        if not self.share:
            return [False] * len(people)
        drawn: list[bool] = held_out(people, seed=self.seed, share=self.share).tolist()
        return drawn


@dataclass(frozen=True)
class Asked:
    """A message that is to go to one person. `of`: its campaign or journey, whose own cap and quiet hours it brings.

    `useful_until`: not after that; `waited`: why it waited last, '' when it did not; `held_out`: the person is one of
    those who get nothing of its class; `scene`: which it belongs to; `wish`: what the person asked for in the
    preference centre; `profiled`: for whom it is was chosen by what is computed of people.
    """

    of: str
    message_class: str
    channel: str
    cap: Cap | None = None
    quiet: Quiet | None = None
    useful_until: datetime | None = None
    waited: str = ""
    held_out: bool = False
    scene: InScene | None = None
    wish: Preference | None = None
    profiled: bool = False


@dataclass(frozen=True)
class Counted:
    """A message that went to the person at an instant, or one that is due: of which campaign or journey."""

    of: str
    message_class: str
    channel: str
    at: datetime


def decide(
    asked: Asked,
    *,
    standing: Standing,
    policy: Policy,
    now: datetime,
    zone: ZoneInfo,
    earlier: Sequence[Counted] = (),
    rivals: Sequence[Counted] = (),
) -> Decision:
    """May this message go to this person now? The answer carries the reason of the first check that says no.

    `earlier`: what the person got before `now`, of every campaign and journey, as far back as any cap looks; `rivals`:
    what else is due for them now. `zone`: the person's own.
    """
    if asked.useful_until is not None and asked.useful_until < now:
        return Decision(False, TOO_LATE)
    against = objection(standing, asked.message_class)
    if against:
        return Decision(False, against)
    unwanted = unwanted_by(asked.wish, asked.of, asked.message_class, policy, now, profiled=asked.profiled)
    if unwanted:
        return Decision(False, unwanted)
    if asked.held_out:
        return Decision(False, HELD_OUT)
    apart = None if asked.scene is None else of_scene(asked.scene, now)
    if apart is not None:
        return apart
    own = own_limit(asked.wish, asked.message_class)
    limits = (*((own,) if own else ()), *limits_of(asked, policy))
    taken = [sum(_counts(limit, one, now) for one in earlier) for limit in limits]
    for limit, got in zip(limits, taken, strict=True):
        if got >= limit.messages:
            full = _full(limit, asked.waited)
            return Decision(False, wished(full) if limit is own else full)
    quiet = silence(asked, policy, now, zone)
    if quiet is not None:
        return quiet
    above = policy.above(asked.of)
    first = sorted((one for one in rivals if one.of in above), key=lambda one: above.index(one.of))
    for limit, got in zip(limits, taken, strict=True):
        ahead = [one for one in first if _counts(limit, one, now)]
        if ahead and got + len(ahead) >= limit.messages:
            return Decision(False, f"{_WAITS}{ahead[0].of}, which has priority", now + YIELDS)
    return Decision(True)


def of_scene(scene: InScene, now: datetime) -> Decision | None:
    """Why a message of the scene may not go to this person now; None when it may."""
    if scene.ends is not None and now >= scene.ends:
        return Decision(False, f"after the dates of scene {scene.name}")
    if not scene.member:
        return Decision(False, f"outside the audience of scene {scene.name}")
    if scene.held_out:
        return Decision(False, f"held out of scene {scene.name}")
    if scene.begins is not None and now < scene.begins:
        return Decision(False, f"before the dates of scene {scene.name}", scene.begins)
    return None


def in_global_holdout(policy: Policy, people: Sequence[str], message_class: str) -> list[bool]:
    """Of each person whether the global holdout keeps messages of the class from them."""
    if policy.holdout is None or message_class != MARKETING:
        return [False] * len(people)
    drawn: list[bool] = held_out(people, seed=policy.holdout.seed, share=policy.holdout.share).tolist()
    return drawn


def unwanted_by(
    wish: Preference | None,
    of: str,
    message_class: str,
    policy: Policy,
    now: datetime,
    *,
    profiled: bool = False,
) -> str:
    """Why the person wants no such message now; '' when nothing they asked for is against it. Service passes."""
    if wish is None or message_class != MARKETING:
        return ""
    if wish.paused_until is not None and now < wish.paused_until:
        return PAUSED
    off = [topic for topic in policy.topics_of(of) if topic in wish.without]
    if off:
        return f"wants nothing about {off[0]}"
    return UNPROFILED if profiled and wish.unprofiled else ""


def own_limit(wish: Preference | None, message_class: str) -> Limit | None:
    """The limit on advertising that the person asked for; None: no other than everybody's."""
    if wish is None or wish.messages is None or wish.per is None or message_class != MARKETING:
        return None
    return Limit(wish.messages, wish.per, message_class=MARKETING)


def wished(reason: str) -> str:
    """The reason at a cap that the person asked for."""
    return f"{reason}, as the person asked"


def limits_of(asked: Asked, policy: Policy) -> tuple[Limit, ...]:
    """The limits that hold for a message: its campaign's own, then those of the policy in their order."""
    own = (
        ()
        if asked.cap is None
        else (Limit(asked.cap.messages, asked.cap.per, message_class=asked.message_class),)
    )
    return own + tuple(
        Limit(cap.messages, cap.per, cap.message_class, cap.channel, of=asked.of) if cap.apart else cap
        for cap in policy.caps
        if cap.message_class in ("", asked.message_class)
        and cap.channel in ("", asked.channel)
        and cap.of in ("", asked.of)
    )


def _counts(limit: Limit, one: Counted, now: datetime) -> bool:
    return (
        one.at > now - limit.per
        and limit.message_class in ("", one.message_class)
        and limit.channel in ("", one.channel)
        and limit.of in ("", one.of)
    )


def _full(limit: Limit, waited: str) -> str:
    """The reason at a cap: whoever had priority took the last place, or the cap alone."""
    if waited.startswith(_WAITS):
        return f"cap reached: {waited.removeprefix(_WAITS).partition(',')[0]} had priority"
    return cap_reached(limit)


def _quiet_for(asked: Asked, policy: Policy) -> Quiet | None:
    return policy.quiet if asked.message_class in policy.quiet_for else None


def silence(asked: Asked, policy: Policy, now: datetime, zone: ZoneInfo) -> Decision | None:
    """Whether quiet hours or holidays keep a message back at an instant, and until when; None: they do not."""
    return silent_until(
        now,
        zone,
        quiets=[quiet for quiet in (asked.quiet, _quiet_for(asked, policy)) if quiet is not None],
        holidays=policy.holidays if asked.message_class in policy.quiet_for else (),
    )


def silent_until(
    now: datetime, zone: ZoneInfo, *, quiets: Sequence[Quiet], holidays: Sequence[Days]
) -> Decision | None:
    """When all the quiet hours and holidays that hold from `now` on are over, with the first of them; None: none hold.

    What follows on one another without a gap is one wait; what never ends is a refusal.
    """
    if not quiets and not holidays:
        return None
    at, reason = now, ""
    while True:
        holiday = _over(at, holidays, zone)
        ends = [end for quiet in quiets if (end := quiet_until(at, quiet, zone)) is not None]
        until = max([*ends, *([holiday] if holiday else [])], default=None)
        if until is None:
            return Decision(False, reason, at) if reason else None
        reason = reason or (HOLIDAY if holiday else QUIET_HOURS)
        at = until
        if at - now > _HORIZON:
            return Decision(False, NEVER)


def _over(now: datetime, holidays: Iterable[Days], zone: ZoneInfo) -> datetime | None:
    """When the holiday at `now` is over (UTC); None when there is none."""
    today = now.astimezone(zone).date()
    last = max((days.last for days in holidays if days.first <= today <= days.last), default=None)
    return None if last is None else _day_begins(last + timedelta(days=1), zone, after=now)


def _day_begins(day: date, zone: ZoneInfo, *, after: datetime) -> datetime:
    """The first instant (UTC) after `after` at which it is that day there."""
    begins = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    return (
        begins
        if begins > after
        else datetime.combine(day, time(), tzinfo=zone).replace(fold=1).astimezone(UTC)
    )


def month_of(now: datetime, zone: ZoneInfo) -> str:
    """The month on the clocks of `zone`: 2026-03."""
    return now.astimezone(zone).strftime("%Y-%m")


def next_month(now: datetime, zone: ZoneInfo) -> datetime:
    """When the next month begins on the clocks of `zone` (UTC)."""
    local = now.astimezone(zone).date().replace(day=1)
    return _day_begins((local + timedelta(days=32)).replace(day=1), zone, after=now)


@dataclass(frozen=True)
class Room:
    """How many more messages budgets and quotas allow; and of the narrowest one what is said when it is used up.

    `until`: it goes on then; `monthly`: with the next month; else somebody has to let it go on.
    """

    messages: int
    reason: str = ""
    monthly: bool = False
    until: datetime | None = None


def room(
    policy: Policy, *, of: str, cost: int, spent: Sequence[tuple[str, str, int]], month: str, currency: str
) -> Room | None:
    """How many more messages of a campaign or journey, at `cost` each, the budgets allow; None: any number.

    `spent`: what was spent (1/10,000 of the currency unit), by campaign or journey and month.
    """
    if not cost:
        return None
    rooms = [
        Room(
            max(0, budget.most - _spent(budget, spent, month)) // cost,
            _used_up(budget, currency),
            budget.monthly,
        )
        for budget in policy.budgets
        if budget.of in ("", of)
    ]
    return min(rooms, key=lambda one: (one.messages, one.monthly), default=None)


def narrowest(rooms: Iterable[Room | None]) -> Room | None:
    """The room with the fewest messages left; of equal ones a budget's, then a month's, a day's; None: none ends."""
    found = [one for one in rooms if one is not None]
    return min(found, key=lambda one: (one.messages, one.until is not None, one.monthly), default=None)


def quota_room(
    policy: Policy, channel: str, left: int | None, *, now: datetime, zone: ZoneInfo
) -> Room | None:
    """The room that a channel's quota leaves today; None: any number of messages may leave."""
    if left is None:
        return None
    reason = f"quota used up: {policy.quotas[channel]} a day by {channel}"
    return Room(left, reason, until=next_day(now, zone))


def next_day(now: datetime, zone: ZoneInfo) -> datetime:
    """When the next day begins on the clocks of `zone` (UTC)."""
    return _day_begins(now.astimezone(zone).date() + timedelta(days=1), zone, after=now)


def warm_up_room(policy: Policy, channel: str, *, handed: int, now: datetime, zone: ZoneInfo) -> Room | None:
    """How many more messages may leave by the channel today while its sender is warmed up; None: any number.

    `handed`: how many were handed over since the day began on the clocks of `zone`.
    """
    warm_up = policy.warm_up.get(channel)
    most = None if warm_up is None else warm_up.limit(now.astimezone(zone).date())
    if most is None:
        return None
    reason = f"waits: warm-up {handed} of {most} today"
    return Room(max(0, most - handed), reason, until=next_day(now, zone))


def day_began(now: datetime, zone: ZoneInfo) -> datetime:
    """When the day began on the clocks of `zone` (UTC)."""
    return datetime.combine(now.astimezone(zone).date(), time(), tzinfo=zone).astimezone(UTC)


def _spent(budget: Budget, spent: Sequence[tuple[str, str, int]], month: str) -> int:
    return sum(
        cost for of, when, cost in spent if budget.of in ("", of) and (not budget.monthly or when == month)
    )


def _used_up(budget: Budget, currency: str) -> str:
    amount = f"{budget.most / MONEY_SCALE:,.2f} {currency}".strip()
    return f"budget used up: {amount}{' a month' if budget.monthly else ''}{f' for {budget.of}' if budget.of else ''}"


def quiet_until(now: datetime, quiet: Quiet | None, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold at `now` end (UTC); None when none hold.

    An end that a clock change skips counts as the instant at which the clock passes it.
    """
    if quiet is None:
        return None
    local = now.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if quiet.start < quiet.end:
        if not quiet.start <= clock < quiet.end:
            return None
        day = local.date()
    else:
        if quiet.end <= clock < quiet.start:
            return None
        day = local.date() + timedelta(days=1) if clock >= quiet.start else local.date()
    end = datetime.combine(day, quiet.end, tzinfo=zone).astimezone(UTC)
    # When clocks go back the end's wall time comes twice; the second one is meant once the first is past.
    if end <= now:
        end = datetime.combine(day, quiet.end, tzinfo=zone).replace(fold=1).astimezone(UTC)
    return end if end > now else None


def once_at(schedule: str, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) of a schedule that names one moment; None for a recurring one, or none.

    `2026-12-01 10:00` is on the clocks of `zone`, unless an offset stands behind it.
    """
    if not _MOMENT.fullmatch(schedule):
        return None
    try:
        read = datetime.fromisoformat(schedule)
        return (read.replace(tzinfo=zone) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def zone_of(name: str | None, fallback: ZoneInfo) -> ZoneInfo:
    """The person's time zone, or the workspace's when it is unknown or wrong."""
    if not name:
        return fallback
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return fallback


def cap_reached(limit: Limit) -> str:
    """The reason that somebody at the cap is not written to."""
    by = f" by {limit.channel}" if limit.channel else ""
    of = f" of {limit.of}" if limit.of else ""
    return f"cap reached: {limit.messages} in {spoken(limit.per)}{by}{of}"


def spoken(length: timedelta) -> str:
    """The duration in words: 7 days, 36 hours, 1 day."""
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, rest = divmod(int(length.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "0 seconds"
