"""Four eyes above a limit: a message to many people needs a second person's word.

The check stands in the verb that launches, so it holds at every door. Whoever owns the machine, which is the
command line in the workspace's own folder (`caller.kind` "local"), may send without it: they could change the
limit as well. What they send stands in the audit with `approval: owner`. A schedule sends by itself, so it needs
one approval of the definition as it stands, for every time at once.
"""

from __future__ import annotations

from limner.accounts import keys
from limner.accounts.model import Caller, Role
from limner.campaigns import approvals
from limner.campaigns.approvals import Approval, Person
from limner.campaigns.model import Campaign
from limner.campaigns.text import frozen
from limner.errors import ConflictError
from limner.expressions import parse
from limner.expressions.tree import audiences_of, names_of
from limner.tags.graph import build
from limner.workspace import definitions, scenes
from limner.workspace.workspace import Workspace

EVERY = "*"
"""The entry of an approval that holds for every scheduled time."""

SCHEDULE = Caller("schedule", "", "schedule", Role.OPERATOR)
"""Who launches what is due."""

OWNER = "owner"
"""How a launch was let through that only the machine's owner may do."""


def subject_of(name: str, entry: str) -> str:
    """What an approval is about."""
    return f"campaign {name} {entry}"


def person_of(workspace: Workspace, caller: Caller) -> Person:
    """Who calls, as a person: a key counts as whoever made it, a key from the command line as the command line."""
    if caller.kind == "user":
        return Person(caller.id, caller.name)
    if caller.kind == "key":
        made_by = next((key.created_by for key in keys.keys(workspace.records) if key.id == caller.id), "")
        return Person(made_by or "local", caller.name)
    return Person("local", caller.name)


def needs(workspace: Workspace, people: int) -> bool:
    """Whether a message to so many people needs an approval here."""
    limit = workspace.config.approval_people
    return 0 <= limit < people


def digest(workspace: Workspace, item: Campaign, content: str) -> str:
    """The digest of everything that says who gets what: definition, texts, audiences and the tags they name."""
    tags = definitions.tags(workspace)
    saved = definitions.saved_audiences(workspace)
    texts = {"definition": frozen(item), "content": content}
    named: set[str] = set()
    waiting = [item.audience]
    trees = [parse(variant.when) for variant in item.variants if variant.when]
    scene = scenes.of(workspace, item.scene)
    if scene is not None:
        texts[f"scenes/{scene.name}"] = scene.definition
        waiting += [scene.audience] if scene.audience else []
    while waiting or trees:
        if trees:
            tree = trees.pop()
            named |= names_of(tree)
            waiting.extend(audiences_of(tree))
            continue
        name = waiting.pop()
        found = saved.get(name)
        if found is None or f"audiences/{name}" in texts:
            continue
        texts[f"audiences/{name}"] = found.text
        if found.expression is not None:
            trees.append(parse(found.expression))
    graph = build(tags, definitions.catalog(workspace).audience)
    for key in graph.closure(named & tags.keys()):
        texts[f"tags/{key}"] = tags[key].text
        group = tags[key].group
        if group is not None:
            texts[f"groups/{group.key}"] = group.text
    return approvals.digest_of(texts)


def found(workspace: Workspace, name: str, entry: str, digest: str) -> Approval | None:
    """The last word on exactly these texts; None when nobody asked."""
    return approvals.latest(workspace.records, subject=subject_of(name, entry), digest=digest)


def require(workspace: Workspace, name: str, entry: str, digest: str, people: int, caller: Caller) -> str:
    """How the launch is let through: "" none is needed, an approval's id, or `OWNER`.

    Raises ConflictError (`needs_approval`), naming how many people and the limit.
    """
    if not needs(workspace, people):
        return ""
    given = found(workspace, name, entry, digest)
    if given is not None and given.decision == approvals.APPROVED:
        return given.id
    if caller.kind == "local":
        return OWNER
    limit = workspace.config.approval_people
    state = "was refused" if given is not None and given.decision else "is missing"
    raise ConflictError(
        f"this goes to {people:,} people, more than {limit:,}: the approval of a second person {state}",
        code="needs_approval",
        where=f"campaigns/{name}.yml",
        hint="ask for it, and let another operator or admin decide",
    )
