"""The pages' files as the server sends them: under a policy that refuses what is not ours, and nothing else."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from limner.api import ui
from limner.errors import LimnerError

INDEX = (
    '<html lang="en" data-theme="system"><meta property="csp-nonce" nonce="LIMNER-NONCE">'
    '<script type="module" src="/assets/index-1a.js" nonce="LIMNER-NONCE"></script>'
)
SCRIPT = b"console.log('portrait');" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder with a built UI, and a secret beside it."""
    folder = tmp_path / "ui"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "HASH").write_text("a hash")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-1a.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "index-1a.js.br").write_bytes(b"as if it were brotli")
    (folder / "assets" / "plain-2b.css").write_text("p{}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def ask(
    folder: Path, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> httpx2.Response:
    """The answer of an application that has one route of its own, and the UI behind it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/health")
    async def health() -> str:
        return "well"

    @app.exception_handler(LimnerError)
    async def refused(_: Request, error: LimnerError) -> Response:
        return JSONResponse({"code": error.code}, status_code=error.status)

    ui.serve(app, folder)

    async def send() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://limner.test") as client:
            sent = {"accept-encoding": "identity", **(headers or {})}
            return await client.send(client.build_request(method, path, headers=sent))

    return asyncio.run(send())


@pytest.mark.parametrize(
    "path", ["/", "/people", "/people/ann@example.com", "/marketing/campaigns/spring", "/setup"]
)
def test_every_page_address_is_answered_with_the_page(built: Path, path: str) -> None:
    answer = ask(built, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"


def test_the_page_carries_the_nonce_that_its_policy_names_and_every_page_another(built: Path) -> None:
    answers = [ask(built, "/"), ask(built, "/")]
    nonces = [set(re.findall(r'nonce="([^"]+)"', answer.text)) for answer in answers]
    for answer, found in zip(answers, nonces, strict=True):
        (nonce,) = found
        assert len(nonce) >= 20
        assert f"style-src 'self' 'nonce-{nonce}';" in answer.headers["content-security-policy"]
        assert ui.NONCE not in answer.text
    assert nonces[0] != nonces[1]


def test_the_policy_lets_nothing_run_that_is_not_ours(built: Path) -> None:
    headers = ask(built, "/").headers
    policy = headers["content-security-policy"]
    for rule in ("script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"):
        assert rule in policy.split("; ")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api",
        "/v1/nothing",
        "/robots.txt",
        "/.env",
        "/assets",
        "/assets/",
        "/assets/gone.js",
    ],
)
def test_what_is_no_page_stays_unknown(built: Path, path: str) -> None:
    assert ask(built, path).status_code == 404


def test_only_reading_methods_get_a_page(built: Path) -> None:
    assert ask(built, "/people", method="POST").status_code == 404
    assert ask(built, "/people", method="HEAD").status_code == 200


def test_other_routes_come_first(built: Path) -> None:
    assert ask(built, "/health").json() == "well"


@pytest.mark.parametrize(
    "name",
    [
        "../HASH",
        "..%2fHASH",
        "%2e%2e/HASH",
        "../../secret.txt",
        "..%2f..%2fsecret.txt",
        "..%5c..%5csecret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "index-1a.js%00.css",
        ".hidden",
        ".",
        "..",
    ],
)
def test_no_name_leads_out_of_the_folder(built: Path, name: str) -> None:
    answer = ask(built, f"/assets/{name}")
    assert answer.status_code in (200, 404)
    assert "secret" not in answer.text
    assert "a hash" not in answer.text
    assert "root:" not in answer.text


def test_an_asset_is_kept_for_ever(built: Path) -> None:
    answer = ask(built, "/assets/index-1a.js")
    assert answer.content == SCRIPT
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
        ("", None),
    ],
)
def test_an_asset_comes_packed_as_the_browser_takes_it(
    built: Path, accepted: str, coding: str | None
) -> None:
    answer = ui.asset(built / "assets", "index-1a.js", {"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"].startswith("text/javascript")


def test_what_was_not_packed_comes_as_it_is(built: Path) -> None:
    answer = ask(built, "/assets/plain-2b.css", headers={"accept-encoding": "gzip, br"})
    assert (answer.text, answer.headers["content-type"]) == ("p{}", "text/css; charset=utf-8")
    assert "content-encoding" not in answer.headers


def test_the_mark_is_served(built: Path) -> None:
    assert ask(built, "/favicon.svg").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("blue", "system"), ("", "system")]
)
def test_the_first_byte_has_the_chosen_ground(built: Path, cookie: str, theme: str) -> None:
    answer = ask(built, "/", headers={"cookie": f"limner_theme={cookie}"})
    assert f'data-theme="{theme}"' in answer.text


def test_a_server_without_the_pages_says_what_to_do(tmp_path: Path) -> None:
    answer = ask(tmp_path, "/")
    assert answer.status_code == 503
    assert "make ui" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert ask(tmp_path, "/api/v1/nothing").status_code == 404
