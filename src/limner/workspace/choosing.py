"""Verbs of choosing: when and by which channel somebody is best written to, and what that would mean for many."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.campaigns import best_channel, best_hour, positions
from limner.campaigns import text as campaign_text
from limner.campaigns.best_hour import NOBODY, PERSON, WHOSE
from limner.campaigns.journey import Send
from limner.campaigns.model import Campaign, channel_text
from limner.campaigns.policy import spoken
from limner.channels.kinds import KINDS
from limner.consents.model import MARKETING
from limner.errors import NotFoundError, UsageError
from limner.tags import publish
from limner.touches import drawing
from limner.types import Json
from limner.workspace import (
    definitions,
    journeys,
    knowing,
    policing,
    reaching,
    recipients,
    scenes,
    timing,
    unprofiled,
    walking,
)
from limner.workspace.catalog import known
from limner.workspace.workspace import Workspace

MOST_LOOKED_AT = 20_000
"""Of more people so many are looked at, spread evenly over all of them."""


def person_when(workspace: Workspace, id: str) -> Json:
    """When one person is there on their own clock, their best hours and why; and how they answer by channel."""
    workspace.load()
    ix = knowing.person_ix(workspace, id)
    found = recipients.person_ids(workspace.engine, [ix])
    if not found:
        raise NotFoundError(f"there is no person '{id}'")
    now, policy = workspace.clock(), policing.policy(workspace)
    hours = policy.hours
    ixs = np.array([ix], dtype=np.uint32)
    habit = timing.habits_of(workspace, ixs, hours, now=now)
    whose, best = int(habit.whose[0]), int(habit.scores[0].argmax())
    counted = habit.counted[0]
    total = int(counted.sum())
    column = timing.segment_of(workspace, hours)
    return {
        "person": found[0],
        "zone": str(habit.clocks.zones[habit.clocks.of[0]]),
        "band": hours.band,
        "least": hours.least,
        "observations": int(habit.n[0].sum()),
        "hours": habit.n[0].tolist(),
        "others": None if whose == PERSON else (counted / total).tolist() if total else None,
        "whose": WHOSE[whose],
        "segment": None if column is None else _shown(column.label_at(ix)),
        "best": None if whose == NOBODY else best,
        "n": int(best_hour.in_bands(counted, hours.band)[best]),
        "of": total,
        "channels": _channels(workspace, ixs, found[0]),
        "response_within": spoken(policy.response.within),
        "as_of": now.isoformat(),
    }


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)


def _channels(workspace: Workspace, ixs: NDArray[np.uint32], person: str) -> list[Json]:
    """How the person answers on each channel, and why nothing of marketing would go by it now ('': it would)."""
    now, policy = workspace.clock(), policing.policy(workspace)
    kinds = tuple(KINDS)
    found = timing.answers_of(workspace, ixs, kinds, MARKETING, policy, now=now)
    crowd = best_channel.crowd_shares(found.crowd_asked, found.crowd_answered)
    likely = best_channel.shares(found, prior=policy.response.prior)
    listed = []
    for at, kind in enumerate(kinds):
        item = Campaign(person, {}, "", kind, "", holdout=0.0)
        (row,) = drawing.drawn(
            workspace.records,
            campaign=item,
            people=reaching.people_table(workspace, item, ixs, now),
            seed="",
            secret=workspace.secret,
            now=now,
            policy=policy,
            zone=workspace.config.tz,
        )
        listed.append(
            {
                "channel": kind,
                "asked": int(found.asked[0, at]),
                "answered": int(found.answered[0, at]),
                "share": round(float(likely[0, at]), 4),
                "everybody": {
                    "asked": int(found.crowd_asked[at]),
                    "answered": int(found.crowd_answered[at]),
                    "share": round(float(crowd[at]), 4),
                },
                "objection": row["reason"],
            }
        )
    return listed


def campaign_when(workspace: Workspace, name: str) -> Json:
    """When and by what a campaign's messages would go if it began now: people by hour and by channel."""
    workspace.load()
    item = definitions.campaign(workspace, name)
    who = knowing.members(workspace, item.audience, workspace.clock()).numpy()
    profiled = unprofiled.of_campaign(workspace, item, scenes.of(workspace, item.scene))
    return _foretold(workspace, item, who, profiled=profiled)


def journey_when(workspace: Workspace, name: str, step: str) -> Json:
    """When and by what the message of a journey's step would go now to those in it; to everybody, while nobody is."""
    workspace.load()
    journey = journeys.saved(workspace, name)
    known(list(journey.steps), step, "step")
    sends = journey.steps[step]
    if not isinstance(sends, Send):
        raise UsageError(f"the step '{step}' sends no message", where="step")
    with workspace.records.read() as connection:
        inside = positions.inside(connection, name)
    here = walking.Here(workspace, workspace.clock())
    ixs = here.ordinals(inside)
    found = ixs[ixs >= 0].astype(np.uint32)
    item = journeys.campaign_of(journey, sends)
    profiled = unprofiled.of_journey(workspace, journey, scenes.of(workspace, journey.scene))
    who = found if len(found) else _everybody(workspace)
    return _foretold(workspace, item, who, profiled=profiled)


def message_when(workspace: Workspace, message: dict[str, Any], audience: str = "") -> Json:
    """When and by what a message that is not saved yet would go to an audience ('': to everybody) if it began now.

    `message`: the keys of a campaign or of a journey's message that say its class, channels, hours and cap.
    """
    workspace.load()
    kept = ("channel", "class", "cap", "quiet_hours", "when", "within", "response_value")
    fields = {key: message[key] for key in kept if key in message}
    given = {**fields, "audience": "-", "subject": "-"}  # which files and whose they are does not matter
    channels = campaign_text.channels_named(campaign_text.written("", given, name="draft"))
    files = {"templates": dict.fromkeys(channels, "-")} if len(channels) > 1 else {"template": "-"}
    text = campaign_text.written("", {**given, **files}, name="draft")
    item = campaign_text.read(text, "draft", file="message")
    who = (
        knowing.members(workspace, audience, workspace.clock()).numpy() if audience else _everybody(workspace)
    )
    profiled = bool(audience) and unprofiled.computed(workspace, (), [audience])
    return _foretold(workspace, item, who, profiled=profiled)


def _everybody(workspace: Workspace) -> NDArray[np.uint32]:
    found: NDArray[np.uint32] = (
        workspace.engine.read(f"SELECT ix FROM ({publish.ALIVE}) ORDER BY ix").column("ix").to_numpy()
    )
    return found


def _foretold(workspace: Workspace, item: Campaign, ixs: NDArray[np.uint32], *, profiled: bool) -> Json:
    now, policy = workspace.clock(), policing.policy(workspace)
    looked_at = ixs
    if len(ixs) > MOST_LOOKED_AT:
        looked_at = ixs[np.linspace(0, len(ixs) - 1, MOST_LOOKED_AT).astype(np.int64)]
    item = replace(item, holdout=0.0)
    rows = drawing.drawn(
        workspace.records,
        campaign=item,
        people=reaching.people_table(workspace, item, looked_at, now),
        seed="",
        secret=workspace.secret,
        now=now,
        policy=policy,
        zone=workspace.config.tz,
        profiled=profiled,
    )
    hours, at_once = [0] * best_hour.HOURS, 0
    whose: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for row in rows:
        if row["reason"]:
            without[row["reason"]] += 1
            continue
        channels[row["channel"]] += 1
        said = json.loads(row["choice"]).get("hour") if row["choice"] else None
        if said is not None:
            whose[said["whose"]] += 1
        if said is None or said["hour"] < 0:
            at_once += 1
        else:
            hours[said["hour"]] += 1
    return {
        "name": item.name,
        "channel": channel_text(item),
        "people": len(ixs),
        "looked_at": len(rows),
        "goes_to": sum(channels.values()),
        "within": None if item.best_hour is None else spoken(item.best_hour),
        "hours": hours,
        "at_once": at_once,
        "whose": {name: whose[name] for name in WHOSE},
        "channels": {channel: channels[channel] for channel in reaching.channels_of(item)},
        "without": dict(without.most_common()),
        "as_of": now.isoformat(),
    }
