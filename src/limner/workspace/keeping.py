"""Verbs of keeping: runs, backups, the engine made again, and what the law asks for one person."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.columns import Columns
from limner.consents import ledger
from limner.engine.seam import Transaction, quoted
from limner.errors import ConflictError
from limner.events import erase as events
from limner.identity import erase as identity
from limner.tags import publish
from limner.touches import entries
from limner.types import Json, Progress
from limner.workspace import backup as archive
from limner.workspace import knowing
from limner.workspace.workspace import Workspace

MOST = 1_000


def run_list(workspace: Workspace, limit: int = 20) -> Json:
    """The latest runs, newest first."""
    return {"runs": workspace.runs.latest(min(limit, MOST))}


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
    return answer


def person_export(workspace: Workspace, id: str, to: str) -> Json:
    """Everything that is kept about a person, as JSON: the portrait whole, every event, consent and message."""
    workspace.load()
    target = Path(to)
    if target.exists():
        raise ConflictError(f"{target} is already there", hint="choose another name")
    shown = knowing.person_show(workspace, id=id, everything=True)
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
    content = {**shown, "consents": consents, "exported_at": workspace.clock().isoformat()}
    target.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    knowing.log_export(
        workspace, who="admin", what="person", path=target, people=1, reason="the person's own data"
    )
    return {"person": person_id, "path": str(target), "events": len(shown["timeline"])}


def person_erase(workspace: Workspace, progress: Progress, id: str) -> Json:
    """Every trace of a person leaves the folder: log, engine, columns, records, exports.

    The person is out of every answer first; then the files are written anew without the traces.
    """
    workspace.load()
    ix = knowing.person_ix(workspace, id)
    now = workspace.clock()
    with workspace.runs.run("person erase") as detail, workspace.loader.paused():
        person_ids, words = identity.traces(workspace.engine, ix)
        _tombstone(workspace, words)
        with workspace.engine.write() as tx:
            traces = events.Traces(events.ids_of(tx, ix), frozenset(words))
            gone = events.erase(tx, ix, words)
            identity.erase(tx, ix)
            for applied in publish.applied(tx).values():
                tx.execute(f"DELETE FROM {quoted(applied.table)} WHERE ix = $ix", {"ix": ix})
            tx.execute("DELETE FROM changes WHERE ix = $ix", {"ix": ix})
            _drop_labels(tx)
        for person_id in person_ids:
            entries.erase(workspace.records, person_id)
            ledger.erase(workspace.records, person_id)
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
        _reports_without(workspace, words)
        workspace.records.compact()
        with workspace.records.begin() as connection:
            connection.execute(
                text("UPDATE erased SET done_at = :now WHERE done_at IS NULL"), {"now": micros(now)}
            )
        progress("writing files anew", 3, 3)
        detail.update({"rows": gone, "segments": segments, "exports": exports})
    return {"rows": gone, "segments": segments, "exports_deleted": exports, "at": now.isoformat()}


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
        rows = connection.execute(text("SELECT digest, report FROM imports")).all()
        for digest, report in rows:
            if any(word in report for word in words):
                content = {**json.loads(report), "lines": []}
                connection.execute(
                    text("UPDATE imports SET report = :report WHERE digest = :digest"),
                    {"report": json.dumps(content, ensure_ascii=False), "digest": digest},
                )
