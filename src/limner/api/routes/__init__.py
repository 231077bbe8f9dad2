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
    mappings,
    overview,
    people,
    start,
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
    *mappings.ROUTES,
    *overview.ROUTES,
    *people.ROUTES,
    *start.ROUTES,
    *tags.ROUTES,
)
"""All of them."""
