"""The policy of a workspace, as its file says it now; and the verb of what it kept back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from limner.accounts.keys import instant
from limner.campaigns import policy_text
from limner.campaigns import text as campaign_text
from limner.campaigns.rules import Policy
from limner.errors import NotFoundError, UsageError, did_you_mean
from limner.touches import suppressions
from limner.types import Json
from limner.workspace.workspace import Workspace


def policy(workspace: Workspace) -> Policy:
    """The rules that hold now; none without `policy.yml`. Raises DefinitionError: a wrong file lets nothing go."""
    return policy_text.read_folder(workspace.paths.folder)


MOST_DAYS = 3660


def campaign_suppressions(workspace: Workspace, name: str = "", days: int = 30) -> Json:
    """What was not sent and why, by reason, class, channel, campaign or journey and day, with counts.

    `name`: of one campaign or journey; `days`: of so many days up to now. Each message and each person set aside at a
    launch counts once, under its one reason.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"'days' is 1 to {MOST_DAYS}", where="days", code="out_of_range")
    zone = workspace.config.tz
    now = workspace.clock()
    begun = suppressions.names(workspace.records)
    if name and name not in begun:
        raise NotFoundError(f"'{name}' was never sent", hint=did_you_mean(name, begun))
    found: Counter[tuple[str, str, str, str, str, str]] = Counter()
    for one in suppressions.since(workspace.records, since=now - timedelta(days=days), name=name):
        message_class, channel = one.message_class, one.channel
        if one.definition:
            item = campaign_text.read(one.definition, one.name)
            message_class, channel = item.message_class, item.channel
        day = instant(one.at).astimezone(zone).date().isoformat()
        found[one.reason, message_class, channel, one.kind, one.name, day] += one.people
    names = ("reason", "class", "channel", "kind", "name", "day")
    most = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    rows: list[Json] = [{**dict(zip(names, key, strict=True)), "count": count} for key, count in most]
    reasons: Counter[str] = Counter()
    for key, count in most:
        reasons[key[0]] += count
    return {
        "name": name,
        "since": (now - timedelta(days=days)).isoformat(),
        "zone": workspace.config.zone,
        "total": sum(reasons.values()),
        "reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "rows": rows,
    }
