"""What a scene asks of everything that belongs to it: when, whom it may reach, whom it leaves out; and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import numpy as np
from sqlalchemy import text

from limner.accounts.keys import micros
from limner.bitmap import Bitmap
from limner.campaigns.model import Campaign
from limner.campaigns.policy import SceneRules, once_at
from limner.campaigns.scene import Scene
from limner.errors import ConflictError
from limner.touches.outbox import Members
from limner.workspace import definitions, knowing, recipients
from limner.workspace.workspace import Workspace


def of(workspace: Workspace, name: str) -> Scene | None:
    """The scene of that name; None for ''. Raises NotFoundError with the nearest name, DefinitionError."""
    return definitions.scene(workspace, name) if name else None


def theme_of(workspace: Workspace, item: Campaign) -> Mapping[str, str]:
    """The values that the texts of the message may name."""
    found = of(workspace, item.scene)
    return {} if found is None else found.theme


def rules(workspace: Workspace, item: Scene) -> SceneRules:
    """What is asked of every message of the scene."""
    zone = workspace.config.tz
    return SceneRules(item.name, item.begins(zone), item.ends(zone), item.draws_by, item.holdout)


def rules_of(workspace: Workspace, item: Campaign) -> SceneRules | None:
    """What its scene asks of every message of a campaign; None where it has none."""
    found = of(workspace, item.scene)
    return None if found is None else rules(workspace, found)


def outside(workspace: Workspace, item: Scene, at: datetime) -> str:
    """Why nothing of the scene begins at an instant: it lies before or after its dates; '' when it does not."""
    zone = workspace.config.tz
    begins, ends = item.begins(zone), item.ends(zone)
    if begins is not None and at < begins:
        return f"before the dates of scene {item.name}, which begins on {item.first}"
    if ends is not None and at >= ends:
        return f"after the dates of scene {item.name}, which ended with {item.last}"
    return ""


def passes_over(workspace: Workspace, name: str, at: datetime) -> bool:
    """Whether this time of a campaign's recurring schedule is none, because it lies outside its scene's dates."""
    item = definitions.campaign(workspace, name)
    found = of(workspace, item.scene)
    recurring = once_at(item.schedule, workspace.config.tz) is None
    return found is not None and recurring and bool(outside(workspace, found, at))


def require_open(workspace: Workspace, item: Campaign, now: datetime) -> None:
    """Raises ConflictError outside the dates of the campaign's scene."""
    found = of(workspace, item.scene)
    why = "" if found is None else outside(workspace, found, now)
    if why:
        raise ConflictError(
            f"it is {why}", where=f"campaigns/{item.name}.yml", code="outside_scene",
            hint=f"change from and until in scenes/{item.scene}.yml, or wait",
        )  # fmt: skip


def inside(workspace: Workspace, item: Scene, now: datetime) -> Bitmap | None:
    """Who may be reached by anything of the scene; None: everybody."""
    return knowing.members(workspace, item.audience, now) if item.audience else None


def members(workspace: Workspace, item: Scene, now: datetime) -> Members | None:
    """Tells of some people who of them may be reached by the scene; None: everybody. Its audience is asked once."""
    if not item.audience:
        return None

    @cache
    def allowed() -> Bitmap:
        return knowing.members(workspace, item.audience, now)

    def asked(people: Sequence[str]) -> set[str]:
        found = workspace.engine.read(
            "SELECT person_id, ix FROM persons WHERE merged_into IS NULL AND NOT erased"
            " AND person_id IN (SELECT UNNEST($ids))",
            {"ids": list(people)},
        )
        yes = np.isin(found.column("ix").to_numpy(), allowed().numpy())
        return {
            who for who, may in zip(found.column("person_id").to_pylist(), yes.tolist(), strict=True) if may
        }

    return asked


def begin(workspace: Workspace, item: Scene, now: datetime) -> None:
    """Writes down, once and before anything of the scene goes out, who is measured by its holdout.

    They are whoever is in its audience at that moment, before anybody got anything; without an audience everybody.
    """
    if not item.holdout or begun(workspace, item.name) is not None:
        return
    people = inside(workspace, item, now)
    known = [] if people is None else recipients.person_ids(workspace.engine, people.numpy().tolist())
    with workspace.records.begin() as connection:
        done = connection.execute(
            text(
                "INSERT INTO scenes (scene, began_at, seed, share, everybody)"
                " VALUES (:scene, :now, :seed, :share, :everybody) ON CONFLICT DO NOTHING"
            ),
            {
                "scene": item.name, "now": micros(now), "seed": item.draws_by, "share": item.holdout,
                "everybody": int(people is None),
            },
        )  # fmt: skip
        if done.rowcount and known:
            connection.execute(
                text("INSERT INTO scene_people (scene, person) VALUES (:scene, :person)"),
                [{"scene": item.name, "person": person} for person in known],
            )


def begun(workspace: Workspace, name: str) -> Mapping[str, object] | None:
    """When the scene's holdout began, by which seed and share, and of everybody or not; None when it has not."""
    with workspace.records.read() as connection:
        found = connection.execute(
            text("SELECT began_at, seed, share, everybody FROM scenes WHERE scene = :scene"), {"scene": name}
        ).mappings().first()  # fmt: skip
    return None if found is None else dict(found)


def people_of(workspace: Workspace, name: str) -> list[str]:
    """The ids of those whom the scene's holdout measures, as they were when it began."""
    with workspace.records.read() as connection:
        return list(
            connection.execute(
                text("SELECT person FROM scene_people WHERE scene = :scene ORDER BY person"), {"scene": name}
            ).scalars()
        )
