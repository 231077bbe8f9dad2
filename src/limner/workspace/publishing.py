"""Verbs of a tag's life: asked for, approved by somebody else, kept version by version, brought back.

With `approvals = true` a changed file is applied only after another person approved that very text; until then the text
that was applied last is computed. Without it a file is applied as it stands. A draft is computed in previews only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text as sql

from limner.accounts.keys import instant, micros
from limner.accounts.model import LOCAL, Caller
from limner.campaigns import approvals
from limner.campaigns.approvals import Approval
from limner.errors import ConflictError, DefinitionError, DeniedError, NotFoundError, UsageError
from limner.tags import goal as goals
from limner.tags import publish
from limner.tags import text as tag_text
from limner.tags.model import Stage
from limner.tags.publish import Applied
from limner.types import Json
from limner.workspace import approving, belonging, definitions, writing
from limner.workspace.workspace import Workspace

NEEDED = ("why", "metric", "owner")
"""What a tag says before it is published: what it is for, by what that is judged, who answers for it."""


def life(
    workspace: Workspace, key: str, stage: Stage, text: str, applied: Applied | None
) -> tuple[str, Approval | None]:
    """Where a tag's file is in its life, and the last word on that very text.

    draft (computed in previews only), review (another person has to say yes), published, deprecated.
    """
    if stage is Stage.DRAFT:
        return "draft", None
    if not workspace.config.approvals or (applied is not None and applied.text == text):
        return str(stage), None
    said = definitions.approval_of(workspace, key, text)
    if said is None or said.decision == approvals.REFUSED:
        return "draft", said
    return (str(stage) if said.decision == approvals.APPROVED else "review"), said


def tag_submit(workspace: Workspace, key: str, reason: str = "", caller: Caller = LOCAL) -> Json:
    """Asks for the approval of a tag's file as it stands: it says what it is for, its metric and its owner.

    Raises DefinitionError for a file that is wrong, a draft, or one that leaves these out.
    """
    if not workspace.config.approvals:
        raise UsageError(
            "tags need no approval here",
            code="no_approvals",
            hint="approvals = true in limner.toml asks for it",
        )
    text = _file(workspace, key)
    wrong = writing.problems_of(workspace, "tags", key, text)
    if wrong:
        place = f"tags/{key}.yml:{wrong[0]['line']}:{wrong[0]['column']}"
        raise DefinitionError(wrong[0]["message"], where=place, hint=wrong[0]["hint"], code=wrong[0]["code"])
    tag = tag_text.read(text, key)
    if tag.stage is Stage.DRAFT:
        raise tag_text.document_of(tag).error(
            "this is a draft", "stage", code="draft", hint="stage: published"
        )
    missing = [
        word
        for word in NEEDED
        if not getattr(tag, word).strip() and not (word == "metric" and tag.goal is not None)
    ]
    if missing:
        raise tag_text.document_of(tag).error(
            f"before it is published it says its {' and '.join(missing)}",
            code="no_purpose",
            hint="why: what it is for; metric: by what that is judged, from which baseline; owner: who answers",
        )
    held = publish.applied(workspace.engine).get(key)
    if held is not None and held.text == text:
        raise ConflictError("this very text is applied already", code="applied")
    asked = approvals.ask(
        workspace.records,
        subject=definitions.approval_subject(key),
        digest=definitions.approval_digest(key, text),
        by=approving.person_of(workspace, caller),
        detail={"tag": key, "titles": dict(tag.title), "why": reason[:500], "metric": goals.said(tag)},
        now=workspace.clock(),
    )
    return _said(workspace, asked, caller)


def tag_decide(
    workspace: Workspace, key: str, decision: str, reason: str = "", caller: Caller = LOCAL
) -> Json:
    """The answer to a tag's question, as its file stands: approve or refuse; the next run applies what was approved.

    Raises DeniedError (`same_person`) for whoever asked, and for whoever wrote the text.
    """
    if decision not in ("approve", "refuse"):
        raise UsageError("'decision' is approve or refuse", where="decision", code="invalid_type")
    text = _file(workspace, key)
    asked = definitions.approval_of(workspace, key, text)
    if asked is None:
        raise NotFoundError(
            f"nobody asked for the approval of '{key}' as it stands", hint=f"limner tag submit {key}"
        )
    person = approving.person_of(workspace, caller)
    if person.id in writing.authors_of(workspace, "tags", key, text):
        raise DeniedError(
            "whoever wrote a text cannot approve it",
            code="same_person",
            hint="another operator or admin decides",
        )
    decided = approvals.decide(
        workspace.records,
        asked.id,
        by=person,
        approve=decision == "approve",
        reason=reason[:500],
        now=workspace.clock(),
    )
    return _said(workspace, decided, caller)


def tag_reviews(workspace: Workspace, state: str = "", caller: Caller = LOCAL) -> Json:
    """The questions about tags and their answers, the latest first; void: the file is another one by now.

    `needed`: whether a changed tag is applied only after somebody else approved it.
    """
    rows = [
        _said(workspace, item, caller)
        for item in approvals.listed(workspace.records)
        if item.subject.startswith(definitions.approval_subject(""))
    ]
    shown = [row for row in rows if state in ("", row["state"])]
    return {"needed": workspace.config.approvals, "approvals": shown}


def _said(workspace: Workspace, item: Approval, caller: Caller) -> Json:
    key = str(item.detail["tag"])
    text = writing.read_text(workspace.paths.definition("tags", key))
    person = approving.person_of(workspace, caller).id
    wrote = text is not None and person in writing.authors_of(workspace, "tags", key, text)
    state = item.decision or "waiting"
    if state != approvals.REFUSED and (text is None or definitions.approval_digest(key, text) != item.digest):
        state = "void"
    return {
        "id": item.id,
        "tag": key,
        "titles": item.detail["titles"],
        "state": state,
        "why": item.detail["why"],
        "metric": item.detail["metric"],
        "asked_by": item.asked_by.name,
        "asked_at": item.asked_at.isoformat(),
        "mine": person == item.asked_by.id,
        "wrote": wrote,
        "decided_by": None if item.decided_by is None else item.decided_by.name,
        "decided_at": None if item.decided_at is None else item.decided_at.isoformat(),
        "reason": item.reason,
    }


def _file(workspace: Workspace, key: str) -> str:
    found = writing.read_text(writing.path_of(workspace, "tags", key))
    if found is None:
        raise NotFoundError(f"there is no tag '{key}'", hint="limner tag list")
    return found


# versions


def keep_versions(workspace: Workspace, caller: Caller) -> None:
    """Writes down each applied text that is not the last one that stands here; the same call twice adds none.

    And what every audience says meanwhile.
    """
    belonging.keep_versions(workspace)
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT tag, text, version FROM tag_versions AS v WHERE version ="
                " (SELECT MAX(version) FROM tag_versions AS w WHERE w.tag = v.tag)"
            )
        ).mappings()
        last = {row["tag"]: (row["text"], int(row["version"])) for row in rows}
    made = []
    for key, held in sorted(publish.applied(workspace.engine).items()):
        text, version = last.get(key, (None, 0))
        if text == held.text:
            continue
        said = definitions.approval_of(workspace, key, held.text)
        yes = said is not None and said.decision == approvals.APPROVED
        made.append(
            {
                "tag": key,
                "version": version + 1,
                "fingerprint": held.fingerprint,
                "text": held.text,
                "by": writing.author_of(workspace, "tags", key, held.text) or caller.name,
                "approved": said.decided_by.name if yes and said and said.decided_by else "",
                "at": micros(workspace.clock()),
                "as_of": micros(held.as_of),
                "run": held.run,
            }
        )
    with workspace.records.begin() as connection:
        for row in made:
            connection.execute(
                sql(
                    "INSERT INTO tag_versions (tag, version, fingerprint, text, by, approved_by, at, as_of, run)"
                    " VALUES (:tag, :version, :fingerprint, :text, :by, :approved, :at, :as_of, :run)"
                ),
                row,
            )


def tag_versions(workspace: Workspace, key: str) -> Json:
    """Every text of a tag that was applied, the latest first: who wrote it, who approved it, from which run on."""
    held = publish.applied(workspace.engine).get(key)
    rows = _versions(workspace, key)
    text = writing.read_text(writing.path_of(workspace, "tags", key))
    if not rows and text is None:
        raise NotFoundError(f"there is no tag '{key}'", hint="limner tag list")
    newest = rows[0]["version"] if rows else 0
    return {
        "key": key,
        "versions": [
            {
                "version": int(row["version"]),
                "fingerprint": row["fingerprint"],
                "text": row["text"],
                "by": row["by"],
                "approved_by": row["approved_by"] or None,
                "at": instant(row["at"]).isoformat(),
                "as_of": instant(row["as_of"]).isoformat(),
                "run": row["run"],
                "current": held is not None and row["version"] == newest,
                "in_file": row["text"] == text,
            }
            for row in rows
        ],
    }


def version_of(workspace: Workspace, key: str, fingerprint: str) -> int | None:
    """The number of the newest applied version with this fingerprint; None when none was applied."""
    return next(
        (int(row["version"]) for row in _versions(workspace, key) if row["fingerprint"] == fingerprint), None
    )


def tag_rollback(workspace: Workspace, key: str, version: int, caller: Caller = LOCAL) -> Json:
    """Writes the text of a version back into the tag's file, where undo takes it back; the next run applies it."""
    rows = {int(row["version"]): row for row in _versions(workspace, key)}
    if version not in rows:
        known = ", ".join(str(number) for number in sorted(rows)) or "none"
        raise NotFoundError(f"'{key}' has no version {version}", hint=f"versions: {known}")
    text = str(rows[version]["text"])
    now = writing.read_text(writing.path_of(workspace, "tags", key))
    if now == text:
        raise ConflictError(f"the file holds version {version} already", code="same")
    wrong = writing.problems_of(workspace, "tags", key, text)
    if wrong:
        raise ConflictError(
            f"version {version} no longer fits: {wrong[0]['message']}", code="unfit", hint=wrong[0]["hint"]
        )
    base = writing.NEW if now is None else writing.etag_of(now)
    edit = writing.replace(workspace, "tags", key, text, base=base, caller=caller, action="rollback")
    return {"key": key, "version": version, "etag": writing.etag_of(text), "edit": edit}


def _versions(workspace: Workspace, key: str) -> list[Mapping[str, Any]]:
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql("SELECT * FROM tag_versions WHERE tag = :tag ORDER BY version DESC"), {"tag": key}
        ).mappings()
        return [dict(row) for row in rows]
