"""What other systems are told: steps of journeys that post, and changes of audiences and tags. Each has one id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text as sql

from limner.accounts.keys import micros
from limner.audiences import snapshot
from limner.campaigns import journey_text, positions
from limner.campaigns.journey import Webhook
from limner.channels import webhook
from limner.channels.http import NotSent
from limner.channels.seam import Unavailable
from limner.config import secret as secret_of
from limner.errors import (
    ChannelError,
    DefinitionError,
    LimnerError,
    NotFoundError,
    UsageError,
    did_you_mean,
)
from limner.identity import people
from limner.referrals import rewards
from limner.tags.model import Sensitivity
from limner.tags.publish import ALIVE
from limner.touches import hooks, posts
from limner.touches.hooks import Hook
from limner.touches.posts import Post
from limner.touches.render import Template, Values, compile_template
from limner.touches.values import Missing
from limner.types import Json, naive, utc
from limner.workspace import definitions, gathering, knowing, reaching, recipients
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace

JOURNEY, AUDIENCE, TAG, REFERRAL = "journey.step", "audience.changed", "tag.changed", "referral.rewarded"
"""What the types of posts are called."""
AT_ONCE = 100
"""So many posts are taken up together."""
MOST_RECEIVERS = 16
"""So many receivers are posted to at the same time."""


def send_waiting(workspace: Workspace) -> int:
    """How many posts the other side took: changes that nobody was told of yet, and whatever is due."""
    try:
        note_changes(workspace)
    finally:  # a hook's file that is wrong keeps nothing else from leaving
        taken = _send_due(workspace)
    return taken


class Posters:
    """Posts to each receiver in a thread of its own, so that one that is slow or broken holds no other."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._pool = ThreadPoolExecutor(MOST_RECEIVERS, thread_name_prefix="limner-post")
        self._busy: dict[str, Future[int]] = {}

    def send_waiting(self) -> None:
        """Begins with every receiver that has something due and is not being posted to. Raises what one of them did."""
        try:
            note_changes(self._workspace)
        finally:
            for url in posts.receivers(self._workspace.records, now=self._workspace.clock()):
                if url not in self._busy:
                    self._busy[url] = self._pool.submit(_send_due, self._workspace, url)
        for url, work in list(self._busy.items()):
            if work.done():
                del self._busy[url]
                work.result()

    def close(self) -> None:
        """Waits for what is being posted; nothing more begins."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _send_due(workspace: Workspace, url: str = "") -> int:
    taken = 0
    resting: set[str] = set()
    for post in posts.waiting(workspace.records, now=workspace.clock(), limit=AT_ONCE, url=url):
        if workspace.stopping.is_set():
            break
        if post.url not in resting:
            there = _send(workspace, post)
            taken += there
            if not there:
                resting.add(post.url)
    return taken


def _send(workspace: Workspace, post: Post) -> bool:
    """Whether the other side took it."""
    config, now = workspace.config.webhooks, workspace.clock()
    try:
        kind, data = _composed(workspace, post)
    except (Missing, LimnerError) as error:
        reason = error.reason if isinstance(error, Missing) else error.message
        posts.failed(workspace.records, post, reason, now=now)
        return True  # the URL is not to blame: what comes next for it may be posted
    try:
        webhook.post(
            post.url,
            kind=kind,
            data=data,
            message_id=post.id,
            at=now,
            secret=webhook.key(secret_of(config.secret_env)) if config.secret_env else b"",
            allowed=webhook.networks(config.allowed),
            seconds=config.seconds,
        )
    except ChannelError as error:
        if error.code in (webhook.GONE, webhook.FORBIDDEN):
            posts.failed(workspace.records, post, error.message, now=now)
        else:
            until = error.until if isinstance(error, Unavailable) else None
            posts.put_off(workspace.records, post, error.message, until=until, now=now)
        return False
    posts.sent(workspace.records, post, now=now)
    return True


# changes of audiences and tags


def watch(workspace: Workspace) -> int:
    """How many audiences of hooks have other people than when they were last looked at; that becomes a change."""
    found, _ = hooks.read_folder(workspace.paths.folder / "webhooks")
    saved = definitions.saved_audiences(workspace)
    changed = 0
    for name in sorted({name for hook in found.values() for name in hook.audiences if name in saved}):
        who = knowing.members(workspace, name, workspace.clock())
        last = snapshot.state(workspace.engine, name)
        if last is not None and last.text == saved[name].text:
            before = snapshot.members(workspace.engine, name, workspace.paths.snapshots)
            if not len(who - before) and not len(before - who):
                continue
        gathering.audience_snapshot(workspace, name)
        changed += 1
    return changed


def note_changes(workspace: Workspace) -> int:
    """How many posts were written down of changes that hooks were not told of yet; each change once for each hook.

    Raises the first error of a hook's file, after all others were told.
    """
    found, wrong = hooks.read_folder(workspace.paths.folder / "webhooks")
    noted = 0
    for hook in found.values():
        try:
            refused(workspace, hook)
        except LimnerError as error:
            wrong.append(error)
            continue
        now = workspace.clock()
        since = posts.since(workspace.records, hook.name, now=now)
        rows = workspace.engine.read(
            "SELECT subject, run, ts, COUNT(*) AS n FROM changes WHERE subject IN (SELECT UNNEST($subjects))"
            " AND ts >= $since GROUP BY ALL ORDER BY ts, subject, run",
            {"subjects": list(hook.subjects), "since": naive(since)},
        ).to_pylist()
        known = posts.told(workspace.records, hook.name) if rows else set()
        for row in rows:
            at = utc(row["ts"])
            if (row["subject"], row["run"], at) in known:
                continue
            made = [
                (
                    _id(workspace, hook.name, row["subject"], row["run"], at.isoformat(), str(start)),
                    hook.name,
                    hook.url,
                    {
                        "subject": row["subject"],
                        "run": row["run"],
                        "at": at.isoformat(),
                        "from": start,
                        "n": hook.batch,
                    },
                )
                for start in range(0, row["n"], hook.batch)
            ]
            with workspace.records.begin() as connection:
                posts.add(connection, made, now=now)
                posts.tell(connection, hook.name, row["subject"], row["run"], at)
            noted += len(made)
    if wrong:
        raise wrong[0]
    return noted


def refused(workspace: Workspace, hook: Hook) -> None:
    """Raises DefinitionError for a hook that would be told of what does not exist, or must not leave."""
    tags, audiences = definitions.tags(workspace), definitions.saved_audiences(workspace)
    for what, names, known in (("audience", hook.audiences, audiences), ("tag", hook.tags, tags)):
        for name in names:
            if name not in known:
                raise DefinitionError(
                    f"there is no {what} '{name}'",
                    where=f"webhooks/{hook.name}.yml",
                    hint=did_you_mean(name, known),
                    code="not_found",
                )
    for key in hook.tags:
        if tags[key].sensitivity is Sensitivity.SENSITIVE:
            raise DefinitionError(
                f"the tag '{key}' is sensitive: it leaves for nowhere", where=f"webhooks/{hook.name}.yml"
            )


def reachable(workspace: Workspace, hook: Hook) -> None:
    """Raises LimnerError for a hook whose definition is refused, or whose address may not be posted to."""
    refused(workspace, hook)
    parts = urlsplit(hook.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        webhook.address(
            parts.hostname or "", port, allowed=webhook.networks(workspace.config.webhooks.allowed)
        )
    except NotSent as error:
        raise ChannelError(str(error), where=hook.url, hint="[webhooks] allowed") from error


def _composed(workspace: Workspace, post: Post) -> tuple[str, Json]:
    """The type and data of a post, as of now. Raises Missing and NotFoundError."""
    if "charge" in post.about:
        return JOURNEY, _step_data(workspace, post.about)
    if "reward" in post.about:
        return REFERRAL, _reward_data(workspace, int(post.about["reward"]))
    return _changed_data(workspace, post.about)


def _changed_data(workspace: Workspace, about: Mapping[str, Any]) -> tuple[str, Json]:
    subject = str(about["subject"])
    what, _, name = subject.partition(":")
    rows = workspace.engine.read(
        "SELECT COALESCE(p.merged_into, p.ix) AS ix, c.before, c.after, c.cause FROM"
        " (SELECT * FROM changes WHERE subject = $subject AND run = $run AND ts = $at ORDER BY ix"
        "  LIMIT $n OFFSET $start) AS c JOIN persons AS p ON p.ix = c.ix"
        f" WHERE COALESCE(p.merged_into, p.ix) IN ({ALIVE}) ORDER BY 1",
        {
            "subject": subject,
            "run": about["run"],
            "at": naive(datetime.fromisoformat(str(about["at"]))),
            "n": about["n"],
            "start": about["from"],
        },
    ).to_pylist()
    ixs = [row["ix"] for row in rows]
    named = recipients.named(workspace.engine, ixs, keys=workspace.config.strong_keys)
    people = []
    for row in rows:
        person, kind, value = named[row["ix"]]
        one: Json = {"person": person, **({"id": {kind: value}} if value else {})}
        if what == "audience":
            one["entered"] = row["after"] is not None
        else:
            one |= {"before": row["before"], "after": row["after"]}
        people.append(one)
    if not people:
        raise NotFoundError("nobody whom it is about is known any more")
    kind_of = AUDIENCE if what == "audience" else TAG
    return kind_of, {
        what: name,
        "run": about["run"],
        "at": about["at"],
        "cause": rows[0]["cause"],
        "people": people,
    }


# steps of journeys


def parts_of(workspace: Workspace, step: Webhook) -> dict[str, Template]:
    """The checked texts of what a step posts. Raises TemplateError."""
    names = reaching.template_names(workspace)
    return {key: compile_template(source, names=names, html=False) for key, source in step.data.items()}


def queue(workspace: Workspace, charge: positions.Charge, step: Webhook) -> None:
    """Writes down one post for each person who came to the step; written again it changes nothing."""
    hook = f"{charge.journey}/{charge.step}"
    made = [
        (_id(workspace, hook, str(number)), hook, step.url, {"charge": number, "journey": charge.journey})
        for number in charge.ids
    ]
    with workspace.records.begin() as connection:
        posts.add(connection, made, now=workspace.clock())


def _step_data(workspace: Workspace, about: Mapping[str, Any]) -> Json:
    with workspace.records.read() as connection:
        row = connection.execute(
            sql("SELECT journey, step, person, at FROM charges WHERE id = :id"), {"id": about["charge"]}
        ).first()
    running = positions.running(workspace.records, str(about["journey"]))
    if row is None or not running:
        raise NotFoundError("the journey is not known any more")
    step = journey_text.read(running[0].definition, row[0]).steps.get(row[1])
    if not isinstance(step, Webhook):
        raise NotFoundError("the step is not one that posts any more")
    parts = parts_of(workspace, step)
    wanted = {name for part in parts.values() for name in part.names}
    known = recipients.recipients(
        workspace.engine,
        [row[2]],
        address="",
        keys=workspace.config.strong_keys,
        attributes=reaching.under(wanted, "person"),
        tags=reaching.under(wanted, "tag"),
        columns=knowing.live(workspace),
        now=workspace.clock(),
    ).get(row[2])
    if known is None:
        raise NotFoundError("the person is no longer known")
    values = Values(person=known.person, tag=known.tag, campaign_name=row[0])
    return {
        "journey": row[0],
        "step": row[1],
        "person": row[2],
        **({"id": {known.identifier_kind: known.identifier_value}} if known.identifier_value else {}),
        "data": {key: part.render(values) for key, part in parts.items()},
    }


def queue_reward(workspace: Workspace, given: rewards.Given, url: str) -> None:
    """Writes down the post of a reward; written again it changes nothing."""
    hook = f"referral {given.referral}"
    with workspace.records.begin() as connection:
        about = {"reward": given.id}
        posts.add(
            connection, [(_id(workspace, hook, str(given.id)), hook, url, about)], now=workspace.clock()
        )


def _reward_data(workspace: Workspace, id: int) -> Json:
    given = rewards.one(workspace.records, id)
    ixs = {} if given is None else people.persons_of(workspace.engine, [given.person, given.friend])
    if given is None or given.person not in ixs:
        raise NotFoundError("nobody whom it is about is known any more")
    person, kind, value = recipients.named(
        workspace.engine, [ixs[given.person]], keys=workspace.config.strong_keys
    )[ixs[given.person]]
    return {
        "referral": given.referral,
        "role": given.role,
        "depth": given.depth,
        "person": person,
        **({"id": {kind: value}} if value else {}),
        "for": given.friend if given.friend in ixs else None,
    }


def _id(workspace: Workspace, *parts: str) -> str:
    """The one id of a post: 32 hex digits, the same on every attempt, not to be guessed."""
    text = "\0".join(parts)
    return blake2b(text.encode(), digest_size=16, key=blake2b(workspace.secret).digest()[:32]).hexdigest()


# the verbs


def webhook_list(workspace: Workspace) -> Json:
    """Every hook and every step that posts: to where, and how many posts are waiting, sent and failed."""
    found, wrong = hooks.read_folder(workspace.paths.folder / "webhooks")
    counted = posts.counted(workspace.records)
    problems = [said(error) for error in wrong]
    for hook in found.values():
        try:
            refused(workspace, hook)
        except LimnerError as error:
            problems.append(said(error))
    nothing: Json = {"waiting": 0, "sent": 0, "failed": 0, "reason": ""}
    rows = [
        {
            "name": name,
            "url": found[name].url if name in found else "",
            "of": list(found[name].subjects) if name in found else [],
            **counted.get(name, nothing),
        }
        for name in sorted({*found, *counted})
    ]
    return {"webhooks": rows, "problems": problems}


def webhook_posts(
    workspace: Workspace, name: str = "", status: str = "", limit: int = 50, cursor: str = ""
) -> Json:
    """What was and is to be posted, the latest first: to which hook or step, of what, how often tried, and why not.

    `name`: of one hook or step; `status`: waiting, sent or failed.
    """
    size_of(limit)
    if status and status not in posts.STATUSES:
        raise UsageError(f"unknown status '{status}'", where="status", hint=", ".join(posts.STATUSES))
    after = None
    if cursor:
        at, id_ = place_of(cursor, 2)
        after = (int(at), str(id_))
    found = posts.listed(workspace.records, hook=name, status=status, limit=limit + 1, after=after)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return {
        "posts": [
            {
                "id": post.id,
                "name": post.hook,
                "url": post.url,
                "of": _about(post.about),
                "status": post.status,
                "reason": post.reason,
                "tries": post.tries,
                "at": post.at.isoformat(),
                "due_at": post.due_at.isoformat() if post.status == "waiting" else None,
            }
            for post in shown
        ],
        "next": cursor_of(micros(last.at), last.id) if last else None,
    }


def _about(about: Mapping[str, Any]) -> str:
    """What a post is made of, in a word: a change's subject and size, a step's journey, or a reward."""
    if "charge" in about:
        return f"journey:{about['journey']}"
    return "reward" if "reward" in about else str(about["subject"])


def webhook_replay(workspace: Workspace, name: str) -> Json:
    """Posts again what failed, by the ids that it had, so that a receiver who has it counts it once."""
    known: Sequence[str] = sorted(posts.counted(workspace.records))
    if name not in known:
        raise NotFoundError(f"nothing was ever posted to '{name}'", hint=did_you_mean(name, known))
    return {"name": name, "again": posts.again(workspace.records, name, now=workspace.clock())}
