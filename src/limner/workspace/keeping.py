"""Verbs of keeping: runs, backups, the engine made again, and what the law asks for one person."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import text

from limner.accounts.keys import micros, sources
from limner.accounts.model import LOCAL, Caller, Role
from limner.audiences import versions
from limner.campaigns import positions
from limner.columns import Columns
from limner.consents import ledger, preferences
from limner.contacts import follows
from limner.engine.seam import Transaction, quoted
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.events import erase as events
from limner.events import parts
from limner.feedback import handled, returns
from limner.forms import submissions
from limner.identity import erase as identity
from limner.identity import people
from limner.portraits.person import Which, events_of
from limner.referrals import codes, rewards
from limner.tags import publish
from limner.tags.erase import erase
from limner.touches import entries
from limner.types import Json, Progress
from limner.workspace import backup as archive
from limner.workspace import finding, giving, knowing, telling, uploads
from limner.workspace.computing import shared
from limner.workspace.jobs import STATES
from limner.workspace.workspace import Workspace

MOST = 1_000


def run_list(workspace: Workspace, limit: int = 20, cursor: str = "") -> Json:
    """The latest runs, newest first."""
    listed, following = workspace.runs.latest(limit, cursor)
    return {"runs": listed, "next": following}


def job_list(
    workspace: Workspace, status: str = "", limit: int = 50, cursor: str = "", caller: Caller = LOCAL
) -> Json:
    """Long work, the latest first: everybody's for an operator, one's own for a viewer."""
    if status and status not in STATES:
        raise UsageError(f"unknown status '{status}'", where="status", hint=", ".join(STATES))
    by = caller.name if caller.role is Role.VIEWER else ""
    listed, following = workspace.jobs.listed(status=status, by=by, limit=limit, cursor=cursor)
    return {"jobs": listed, "next": following}


def job_show(workspace: Workspace, id: str, caller: Caller = LOCAL) -> Json:
    """One job: how far it is, when it will end, and its answer or error when it has."""
    return _visible(workspace, id, caller)


def job_cancel(workspace: Workspace, id: str, caller: Caller = LOCAL) -> Json:
    """Asks a job to end; what it did not finish is as if it had not begun, but for chunks that an import has kept."""
    _visible(workspace, id, caller)
    return workspace.jobs.cancel(id)


def _visible(workspace: Workspace, id: str, caller: Caller) -> Json:
    shown = workspace.jobs.show(id)
    if caller.role is Role.VIEWER and shown["by"] != caller.name:
        raise NotFoundError(f"there is no job '{id}'")
    return shown


def backup(workspace: Workspace, progress: Progress, file: str) -> Json:
    """One consistent file of everything, also while events arrive and messages leave."""
    target = Path(file)
    with (
        workspace.runs.run("backup", target.name) as detail,
        tempfile.TemporaryDirectory(dir=workspace.paths.data, prefix="backup-") as beside,
    ):
        folder = Path(beside)
        files = list(archive.definitions(workspace.paths))
        with workspace.records.paused(), workspace.loader.paused(), workspace.engine.paused():
            engine = archive.copied(workspace.paths.engine, folder)
            records = folder / workspace.paths.records.name
            workspace.records.backup(records)
            files += [(f"data/log/{name}", path, length) for name, path, length in workspace.log.files()]
            for path in sorted(workspace.paths.snapshots.rglob("*.roaring")):
                name = path.relative_to(workspace.paths.data)
                files.append((f"data/{name}", path, path.stat().st_size))
        files += [(f"data/{path.name}", path, path.stat().st_size) for path in (engine, records)]
        answer = archive.write(target, files, at=workspace.clock(), progress=progress)
        detail.update(answer)
    return answer


def rebuild(workspace: Workspace, progress: Progress) -> Json:
    """The engine made again from the log, then every tag as of its last publication."""
    last = publish.current(workspace.engine)
    with workspace.runs.run("rebuild") as detail:
        workspace.empty_engine()
        loaded = workspace.loader.load_all(progress)
        detail["events"] = sum(item.stored for item in loaded)
        answer: Json = {"events": detail["events"], "tags": 0}
        if last is not None:
            ran = knowing.tag_run(workspace, progress, as_of=last.as_of.isoformat())
            answer["tags"] = len(ran["tags"])
            giving.hand_on(workspace)
    return answer


def person_export(workspace: Workspace, id: str, to: str = "", caller: Caller = LOCAL) -> Json:
    """Everything that is kept about a person, as JSON: the portrait whole, every event, consent and message.

    In the file `to`, or in the answer's `content` when no file is named.
    """
    workspace.load()
    target = Path(to) if to else None
    if target is not None and target.exists():
        raise ConflictError(f"{target} is already there", hint="choose another name")
    ix = knowing.person_ix(workspace, id)
    now = workspace.clock()
    events = events_of(
        workspace.engine,
        ix,
        Which(until=now),
        limit=None,
        sources={item.source_i: item.name for item in sources(workspace.records)},
    )
    shown = finding.person_show(workspace, id=id)
    person_id = shown["person"]
    consents = [
        {
            "channel": item.channel,
            "class": item.message_class,
            "state": str(item.state),
            "at": item.at.isoformat(),
            "source": item.source,
            "proof": item.proof,
        }
        for item in ledger.of_person(workspace.records, person_id)
    ]
    content = {
        **shown,
        "timeline": [{key: value for key, value in row.items() if key != "place"} for row in events],
        "messages": telling.person_messages(workspace, id=id)["messages"],
        "consents": consents,
        "exported_at": now.isoformat(),
    }
    knowing.log_export(
        workspace,
        who=caller.name,
        what="person",
        path=target or Path("download"),
        people=1,
        reason="the person's own data",
    )
    answer: Json = {"person": person_id, "events": len(events)}
    if target is None:
        return {**answer, "content": content}
    target.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    return {**answer, "path": str(target)}


def person_erase(workspace: Workspace, progress: Progress, id: str) -> Json:
    """Every trace of a person leaves the folder: log, engine, columns, records, exports.

    The person is out of every answer first; then the files are written anew without the traces.
    """
    workspace.load()
    ix = knowing.person_ix(workspace, id)
    shown_as = people.person_id(workspace.engine, ix)
    now = workspace.clock()
    with workspace.runs.run("person erase") as detail, workspace.loader.paused():
        person_ids, words = identity.traces(workspace.engine, ix)
        _tombstone(workspace, words)
        with workspace.engine.write() as tx:
            traces = events.Traces(events.ids_of(tx, ix), frozenset(words))
            gone = events.erase(tx, ix, words)
            identity.erase(tx, ix)
            erase(tx, ix)
            if workspace.config.spark.folder:  # the next run shares everything anew
                parts.forget(tx, shared(workspace.config, workspace.paths.folder) / parts.FOLDER)
            _drop_labels(tx)
        for person_id in person_ids:
            returns.erase(workspace.records, person_id)
            entries.erase(workspace.records, person_id)
            positions.erase(workspace.records, person_id)
            ledger.erase(workspace.records, person_id)
            preferences.erase(workspace.records, person_id)
            submissions.erase(workspace.records, person_id)
            codes.erase(workspace.records, person_id)
            handled.erase(workspace.records, person_id)
            rewards.erase(workspace.records, person_id)
        follows.erase(workspace.records, words)
        versions.erase(workspace.records, words)
        end = workspace.loader.settle()
        segments = workspace.log.rewrite(
            end, lambda kept: events.record(kept, traces), lambda kept: events.rows(kept, traces)
        )
        progress("writing files anew", 1, 3)
        with workspace.replacing_engine() as fresh:
            workspace.engine.rewrite(fresh)
        _columns_again(workspace)
        progress("writing files anew", 2, 3)
        exports = _exports_without(workspace, [*words, *person_ids])
        uploads.drop_all(workspace.paths)
        _reports_without(workspace, words)
        workspace.records.compact()
        with workspace.records.begin() as connection:
            connection.execute(
                text("UPDATE erased SET done_at = :now WHERE done_at IS NULL"), {"now": micros(now)}
            )
        progress("writing files anew", 3, 3)
        detail.update({"rows": gone, "segments": segments, "exports": exports})
    return {
        "person": shown_as,
        "rows": gone,
        "segments": segments,
        "exports_deleted": exports,
        "at": now.isoformat(),
    }


def _tombstone(workspace: Workspace, words: list[str]) -> None:
    """What stays for ever: keyed hashes of the identifiers, from which nobody can be found."""
    with workspace.records.begin() as connection:
        for word in words:
            hashed = hmac.new(workspace.secret, word.encode(), hashlib.sha256).hexdigest()
            connection.execute(
                text(
                    "INSERT INTO erased (identifier_hash, at) VALUES (:hash, :at)"
                    " ON CONFLICT (identifier_hash) DO UPDATE SET at = :at, done_at = NULL"
                ),
                {"hash": hashed, "at": micros(workspace.clock())},
            )


def _drop_labels(tx: Transaction) -> None:
    """A text that only the erased person had is no label any more; its code stays taken."""
    for applied in publish.applied(tx).values():
        tx.execute(
            "UPDATE labels SET label = 'erased ' || code WHERE tag = $tag AND label NOT LIKE 'erased %'"
            f" AND label NOT IN (SELECT value::VARCHAR FROM {quoted(applied.table)})",
            {"tag": applied.tag},
        )


def _columns_again(workspace: Workspace) -> None:
    """The published columns without the person."""
    current = publish.current(workspace.engine)
    if current is not None:
        shutil.rmtree(workspace.paths.columns, ignore_errors=True)
        workspace.forget_columns()
        columns = workspace.columns
        if not isinstance(columns, Columns):
            raise ConflictError("the columns could not be made again")


def _exports_without(workspace: Workspace, words: list[str]) -> int:
    """How many exports in the data folder named the person; they are deleted."""
    deleted = 0
    if workspace.paths.exports.is_dir():
        for path in sorted(workspace.paths.exports.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                if any(word.encode() in content for word in words) or path.suffix == ".parquet":
                    path.unlink()
                    deleted += 1
    return deleted


def _reports_without(workspace: Workspace, words: list[str]) -> None:
    """Reports of imports show the beginnings of bad lines: those that name the person lose them."""
    with workspace.records.begin() as connection:
        rows = connection.execute(text("SELECT id, report FROM imports")).all()
        for id, report in rows:
            if any(word in report for word in words):
                content = {**json.loads(report), "lines": []}
                connection.execute(
                    text("UPDATE imports SET report = :report WHERE id = :id"),
                    {"report": json.dumps(content, ensure_ascii=False), "id": id},
                )
