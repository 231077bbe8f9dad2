"""The scheduler: once a second it does what is due. Each instant is claimed before it is done, so it is done once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from limner.errors import LimnerError
from limner.tags import run as tag_runs
from limner.types import silent
from limner.workspace import (
    approving,
    confirming,
    definitions,
    giving,
    harming,
    holding,
    knowing,
    posting,
    reaching,
    referring,
    relating,
    returning,
    scenes,
    syncing,
    uploads,
    walking,
)
from limner.workspace.runs import claim_schedule, done_schedules
from limner.workspace.schedule import Due, Scheduled, due
from limner.workspace.workspace import Workspace

log = structlog.get_logger("limner.tick")

SECONDS = 1.0


class Ticker:
    """Runs refreshes, launches scheduled campaigns, lets expired tags leave; sends in threads of their own."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._since = workspace.clock()
        self._complained: set[str] = set()
        self._did: dict[str, datetime] = {}
        self._referred = 0

    def run(self) -> None:
        """Tends to everything but journeys until the workspace is closed."""
        while not self._workspace.stopping.wait(SECONDS):
            self.tend()

    def walk(self) -> None:
        """Moves journeys until the workspace is closed: as soon as events were loaded, and once a second.

        It rests half as long as it took, so that a stream of events leaves time for others.
        """
        heard = 0
        while not self._workspace.stopping.is_set():
            began = time.monotonic()
            self.move()
            self._workspace.stopping.wait(min((time.monotonic() - began) / 2, SECONDS))
            heard = self._workspace.arrived.wait(heard, SECONDS)

    def move(self) -> None:
        """Moves every journey on now."""
        self._try("journeys", lambda: walking.move_all(self._workspace))

    def send(self, channel: str) -> None:
        """Sends what is due on one channel until the workspace is closed: a slow channel holds nothing else.

        As soon as messages were asked for, and once a second.
        """
        heard = self._workspace.queued.wait(0, SECONDS)
        while not self._workspace.stopping.is_set():
            self.send_once(channel)
            heard = self._workspace.queued.wait(heard, SECONDS)

    def send_once(self, channel: str) -> None:
        """Sends what is due on one channel now."""
        self._try(f"sending by {channel}", lambda: reaching.send_waiting(self._workspace, channel))

    def post(self) -> None:
        """Posts to other systems what is due until the workspace is closed."""
        looked = None
        posters = posting.Posters(self._workspace)
        heard = 0
        while not self._workspace.stopping.is_set():
            heard = self._workspace.queued.wait(heard, SECONDS)
            if self._workspace.stopping.is_set():
                break
            now = self._workspace.clock()
            if looked is None or now - looked >= timedelta(
                seconds=self._workspace.config.webhooks.audience_seconds
            ):
                looked = now
                self._try("audiences of webhooks", lambda: posting.watch(self._workspace))
            self._try("webhooks", posters.send_waiting)
        posters.close()

    def relate(self) -> None:
        """Keeps staff, customers, their tags and what waits for confirmation as WeCom says, until it is closed."""
        asked = None
        while not self._workspace.stopping.wait(SECONDS):
            if not relating.is_set_up(self._workspace):
                continue
            now = self._workspace.clock()
            seconds = self._workspace.config.wecom.sync_seconds
            due = seconds > 0 and (asked is None or now - asked >= timedelta(seconds=seconds))
            if due:
                asked = now
            self.relate_once(due=due)

    def relate_once(self, *, due: bool) -> None:
        """Asks for what changed; with `due` also for what became of messages and hand-overs, and for tags."""
        workspace = self._workspace
        self._try("WeCom: customers", lambda: relating.refresh(workspace))
        if due or confirming.stopped_waits(workspace):
            self._try("WeCom: messages", lambda: confirming.settle(workspace))
        if due:
            self._try("WeCom: hand-overs", lambda: relating.settle_hand_overs(workspace))
            self._try("tags of platforms", lambda: syncing.keep_agreeing(workspace))

    def read_mail(self) -> None:
        """Reads the mailbox of returned mails until the workspace is closed: one that is slow holds nothing else."""
        while not self._workspace.stopping.wait(max(SECONDS, self._workspace.config.mailbox.seconds)):
            self._try("returned mails", lambda: returning.mail_read(self._workspace))

    def tick(self) -> None:
        """Everything that is due now, once, journeys too."""
        self.tend()
        self.move()

    def tend(self) -> None:
        """Everything but journeys that is due now, once. An error of one thing stops no other."""
        workspace = self._workspace
        for item in self._due():
            if claim_schedule(workspace.records, item.scheduled.key, item.at, workspace.new_id()):
                self._try(item.scheduled.key, lambda item=item: self._do(item))
        self._try("expiry", self._expire)
        self._try("audience sizes", lambda: self._once("audience sizes", holding.note_sizes))
        self._try("harm", lambda: self._once("harm", harming.stop_harmful, hourly=True))
        self._try("referrals", self._refer)
        self._try("given values", lambda: giving.hand_on(self._workspace))
        self._try("uploads", lambda: uploads.sweep(self._workspace.paths, now=self._workspace.clock()))

    def schedules(self) -> list[Scheduled]:
        """All schedules that the definitions name now."""
        workspace = self._workspace
        zone = workspace.config.tz
        found = []
        if workspace.config.refresh:
            found.append(Scheduled("tag run", "", workspace.config.refresh, zone))
        for tag in definitions.tags(workspace).values():
            if tag.refresh:
                found.append(Scheduled("tag run", tag.key, tag.refresh, zone))
        for campaign in definitions.saved_campaigns(workspace).values():
            if campaign.schedule:
                found.append(Scheduled("campaign send", campaign.name, campaign.schedule, zone))
        return found

    def _due(self) -> list[Due]:
        workspace = self._workspace
        try:
            found = due(
                self.schedules(),
                done=done_schedules(workspace.records),
                since=self._since,
                now=workspace.clock(),
            )
        except LimnerError as error:
            self._complain("schedules", error)
            return []
        self._complained.discard("schedules")
        return found

    def _do(self, item: Due) -> None:
        scheduled = item.scheduled
        if scheduled.what == "tag run":
            only = [scheduled.subject] if scheduled.subject else []
            knowing.tag_run(self._workspace, silent, keys=only, caller=approving.SCHEDULE)
        else:
            entry = item.at.strftime("%Y%m%dT%H%M%SZ")
            if scenes.passes_over(self._workspace, scheduled.subject, item.at):
                return
            if holding.holds_campaign(self._workspace, scheduled.subject, entry):
                return
            reaching.campaign_launch(
                self._workspace, name=scheduled.subject, entry=entry, caller=approving.SCHEDULE
            )

    def _once(self, what: str, work: Callable[[Workspace], None], *, hourly: bool = False) -> None:
        """Does the work once in each day, or in each hour, on the workspace's clock."""
        workspace = self._workspace
        begins = workspace.clock().astimezone(workspace.config.tz).replace(minute=0, second=0, microsecond=0)
        begins = begins if hourly else begins.replace(hour=0)
        if self._did.get(what) != begins:
            self._did[what] = begins
            if claim_schedule(workspace.records, what, begins.astimezone(UTC), workspace.new_id()):
                work(workspace)

    def _refer(self) -> None:
        """Rewards for whoever was brought, after each load."""
        load = referring.changed_since(self._workspace, self._referred)
        if load != self._referred:
            self._referred = load
            referring.reward_all(self._workspace)

    def _expire(self) -> None:
        columns = self._workspace.columns
        if columns is not None:
            tag_runs.expire(
                self._workspace.engine,
                columns,
                now=self._workspace.clock(),
                run_id=self._workspace.new_id(),
            )

    def _try(self, what: str, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Exception as error:  # the scheduler outlives whatever one piece of work does
            self._complain(what, error)
        else:
            self._complained.discard(what)

    def _complain(self, what: str, error: Exception) -> None:
        if what not in self._complained:
            self._complained.add(what)
            self._workspace.runs.alert(f"{what} failed", {"error": f"{type(error).__name__}: {error}"})
