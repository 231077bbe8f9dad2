"""Stops what surely loses conversions, by its report against the holdout. Asked once an hour."""

from __future__ import annotations

from limner.campaigns import journey_text, positions
from limner.feedback import harm
from limner.feedback import report as reports
from limner.touches import entries
from limner.workspace import journeying, policing, reaching
from limner.workspace.workspace import Workspace


def stop_harmful(workspace: Workspace) -> None:
    """Pauses every running sending and journey whose effect is surely below the policy's bound, and alerts."""
    bounds = policing.policy(workspace).harm
    if bounds.effect is None:
        return
    now = workspace.clock()

    def why(outcome: reports.Outcome | None) -> str:
        return "" if outcome is None else harm.loses(outcome.treated, outcome.held_out, bounds)

    for entry in entries.entries(workspace.records, status="running"):
        reason = why(reaching.outcome_of(workspace, entry, now))
        if reason:
            entries.pause(workspace.records, entry.campaign, entry.entry, reason=reason, now=now)
            reaching.tell_halted(workspace, entry.campaign, entry.entry, reason)
    for running in positions.running(workspace.records):
        if running.status == positions.RUNNING:
            journey = journey_text.read(running.definition, running.journey)
            reason = why(journeying.outcome_of(workspace, running, journey, now))
            if reason:
                reaching.halt_harmful(workspace, running.journey, reason)
                reaching.tell_halted(workspace, running.journey, "", reason)
