"""Every management route by its noun. Each module: the shapes of one noun, and its routes."""

from __future__ import annotations

from limner.api.routes import (
    accounts,
    audiences,
    campaigns,
    categories,
    content,
    data,
    definitions,
    expressions,
    giving,
    groups,
    industries,
    jobs,
    journeys,
    lineage,
    mappings,
    memberships,
    metrics,
    objects,
    overview,
    people,
    policy,
    start,
    tag_life,
    tags,
)
from limner.api.routes.route import Route

ROUTES: tuple[Route, ...] = (
    *accounts.ROUTES,
    *audiences.ROUTES,
    *campaigns.ROUTES,
    *categories.ROUTES,
    *content.ROUTES,
    *data.ROUTES,
    *definitions.ROUTES,
    *expressions.ROUTES,
    *giving.ROUTES,
    *groups.ROUTES,
    *industries.ROUTES,
    *jobs.ROUTES,
    *journeys.ROUTES,
    *lineage.ROUTES,
    *mappings.ROUTES,
    *metrics.ROUTES,
    *objects.ROUTES,
    *overview.ROUTES,
    *people.ROUTES,
    *policy.ROUTES,
    *start.ROUTES,
    *tag_life.ROUTES,
    *memberships.ROUTES,
    *tags.ROUTES,
)
"""All of them."""
