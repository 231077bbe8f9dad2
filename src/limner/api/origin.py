"""Whether a request that changes something comes from our own pages. Knows no session."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from limner.errors import DeniedError


def ours(request: Request, public_url: str) -> bool:
    """Whether the request's Origin, where the browser names one, is this server as the browser knows it."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    if origin == "null":
        return False
    named = urlsplit(origin)
    known = {request.headers.get("host", "")}
    if public_url:
        known.add(urlsplit(public_url).netloc)
    return named.scheme in ("http", "https") and named.netloc in known


def require_ours(request: Request, public_url: str) -> None:
    """Raises DeniedError for a request that another site's page sent."""
    if not ours(request, public_url):
        raise DeniedError(
            "another site sent this request",
            code="foreign_origin",
            hint="behind a proxy: set public_url to the address that browsers use",
        )


def by_https(request: Request, public_url: str) -> bool:
    """Whether the browser reaches this server by https."""
    return request.url.scheme == "https" or urlsplit(public_url).scheme == "https"
