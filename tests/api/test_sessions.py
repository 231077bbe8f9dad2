"""Signing in over HTTP: the cookie, the CSRF word, the first admin, users, keys and the audit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
from argon2 import PasswordHasher

from limner import __version__
from limner.accounts import passwords
from limner.api.routes.route import Problem
from limner.types import Json
from limner.workspace import accounting
from tests.api.served import Served, route_of, serving

GOOD = "cedar quartz 71 lantern"
OTHER = "harbour tulip 44 violin"

_names = (f"user{number}" for number in itertools.count())


_open: list[httpx2.Client] = []


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords are hashed fast; what browsers opened is closed."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=16, parallelism=1))
    yield
    while _open:
        _open.pop().close()


class Browser:
    """A browser: it keeps cookies and sends the CSRF word."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.client = httpx2.Client(base_url=str(served.client.base_url), timeout=60)
        _open.append(self.client)
        self.csrf = ""

    def send(
        self, method: str, path: str, body: Json | None = None, *, headers: Json | None = None
    ) -> httpx2.Response:
        """The response; its body fits the route's shape, or is a Problem."""
        answer = self.client.request(
            method, path, json=body, headers={"x-csrf-token": self.csrf} if headers is None else headers
        )
        if answer.status_code >= 400:
            Problem.model_validate(answer.json())
        else:
            route_of(method, path.partition("?")[0]).answers.model_validate(answer.json())
        return answer

    def good(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer of a request that must work."""
        answer = self.send(method, path, body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        self.csrf = found.get("csrf", self.csrf)
        return found

    def sign_in(self, login: str, password: str = GOOD) -> Json:
        return self.good("POST", "/api/v1/session", {"login": login, "password": password})


@pytest.fixture
def browser(served: Served) -> Browser:
    return Browser(served)


@pytest.fixture
def other(served: Served) -> Browser:
    return Browser(served)


def user(served: Served, role: str = "viewer") -> str:
    """The login of a new user with a password; what others failed before is long ago."""
    served.world.now += timedelta(minutes=16)
    login = next(_names)
    made = served.post("/api/v1/users", {"login": login, "role": role})
    secret = made["link"].partition("#")[2]
    answer = served.client.post("/api/v1/setup", json={"token": secret, "password": GOOD})
    assert answer.status_code == 200, answer.text
    served.client.cookies.clear()
    return login


def test_the_first_admin_sets_up_and_is_signed_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("first") / "shop") as served:
        browser = Browser(served)
        assert browser.good("GET", "/api/v1/session") == {
            "user": None, "key": None, "role": None, "csrf": "", "setup": True, "language": "",
            "workspace": {
                "title": served.world.workspace.config.name, "zone": "UTC", "currency": "CNY", "version": __version__,
            },
        }  # fmt: skip
        path = accounting.first_admin(served.world.workspace)
        assert path is not None
        page, _, secret = path.partition("#")
        assert page == "/setup"
        assert browser.good("POST", "/api/v1/setup/link", {"token": secret})["purpose"] == "first"
        weak = browser.send("POST", "/api/v1/setup", {"token": secret, "login": "ada", "password": "short"})
        assert (weak.status_code, weak.json()["code"]) == (422, "weak_password")
        made = browser.good(
            "POST", "/api/v1/setup", {"token": secret, "login": "Ada", "name": "Ada L.", "password": GOOD}
        )
        assert (made["user"]["login"], made["user"]["role"]) == ("ada", "admin")
        assert browser.good("GET", "/api/v1/users")["users"] == [made["user"]]
        assert accounting.first_admin(served.world.workspace) is None
        again = Browser(served).send(
            "POST", "/api/v1/setup", {"token": secret, "login": "eve", "password": GOOD}
        )
        assert (again.status_code, again.json()["code"]) == (404, "unknown_link")
        assert Browser(served).good("GET", "/api/v1/session")["setup"] is False


def test_the_cookie_is_for_this_site_and_no_script(served: Served, browser: Browser) -> None:
    login = user(served)
    answer = browser.send("POST", "/api/v1/session", {"login": login, "password": GOOD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("limner_session=ls_")
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=604800"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    token = browser.client.cookies["limner_session"]
    assert token not in answer.text


def test_the_cookie_is_secure_where_browsers_come_by_https(
    served: Served, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = user(served)
    monkeypatch.setattr(served.world.workspace, "public_url", "https://limner.example")
    answer = browser.send("POST", "/api/v1/session", {"login": login, "password": GOOD})
    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_a_session_says_who_calls_and_does_what_its_role_may(served: Served, browser: Browser) -> None:
    login = user(served, "viewer")
    signed = browser.sign_in(login)
    shown = browser.good("GET", "/api/v1/session")
    assert (shown["user"], shown["role"], shown["csrf"]) == (signed["user"], "viewer", signed["csrf"])
    assert browser.send("GET", "/api/v1/jobs").status_code == 200
    refused = browser.send("GET", "/api/v1/users")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_a_key_says_who_calls_too(served: Served) -> None:
    made = served.post("/api/v1/keys", {"role": "operator", "note": "etl", "scopes": ["jobs:read"]})
    shown = served.send("GET", "/api/v1/session", role=made["key"]).json()
    assert (shown["user"], shown["role"], shown["csrf"]) == (None, "operator", "")
    assert shown["key"] == {"id": made["id"], "name": "etl", "scopes": ["jobs:read"]}
    assert served.send("GET", "/api/v1/session", role="lk_unknown").status_code == 401


def test_wrong_login_wrong_password_and_disabled_are_refused_alike(served: Served) -> None:
    known, disabled = user(served), user(served)
    served.post(f"/api/v1/users/{disabled}/disable")
    invited = next(_names)
    served.post("/api/v1/users", {"login": invited, "role": "viewer"})

    def refusals(login: str, password: str) -> list[tuple[int, str, str]]:
        served.world.now += timedelta(minutes=16)
        browser = Browser(served)
        seen = []
        for _ in range(7):
            answer = browser.send("POST", "/api/v1/session", {"login": login, "password": password})
            seen.append((answer.status_code, answer.json()["code"], answer.json()["message"]))
        return seen

    first = refusals(known, OTHER)
    assert [status for status, _, _ in first] == [401] * 5 + [429] * 2
    assert refusals("nobody@nowhere", OTHER) == first
    assert refusals(disabled, GOOD) == first
    assert refusals(invited, GOOD) == first


def test_after_five_failures_the_right_password_must_wait_too(served: Served, browser: Browser) -> None:
    login = user(served)
    for _ in range(5):
        browser.send("POST", "/api/v1/session", {"login": login, "password": OTHER})
    refused = browser.send("POST", "/api/v1/session", {"login": login, "password": GOOD})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == "2"
    served.world.now += timedelta(seconds=2)
    browser.sign_in(login)


def test_one_time_links_cannot_be_guessed_fast(served: Served, browser: Browser) -> None:
    served.world.now += timedelta(minutes=16)
    tried = [
        browser.send("POST", "/api/v1/setup", {"token": f"lt_{n}", "password": GOOD}).status_code
        for n in range(7)
    ]
    assert tried == [404] * 5 + [429] * 2


def test_a_change_without_the_csrf_word_is_refused(served: Served, browser: Browser, other: Browser) -> None:
    login = user(served, "admin")
    browser.sign_in(login)
    foreign = other.sign_in(login)["csrf"]
    for sent in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "x" * 64}, {"x-csrf-token": foreign}):
        answer = browser.send("PATCH", "/api/v1/session", {"language": "zh"}, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
        assert browser.send("DELETE", "/api/v1/session", headers=sent).status_code == 403
    assert browser.good("PATCH", "/api/v1/session", {"language": "zh"})["language"] == "zh"
    assert browser.good("GET", "/api/v1/session")["language"] == "zh"


@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_another_site_sends_is_refused(served: Served, browser: Browser, sent: Json) -> None:
    login = user(served)
    body = {"login": login, "password": GOOD}
    answer = browser.send("POST", "/api/v1/session", body, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert "set-cookie" not in answer.headers
    browser.sign_in(login)
    own = {**sent, "x-csrf-token": browser.csrf}
    assert browser.send("PATCH", "/api/v1/session", {}, headers=own).json()["code"] == "foreign_origin"


def test_our_own_pages_are_let_in(served: Served, browser: Browser) -> None:
    login = user(served)
    origin = str(served.client.base_url).rstrip("/")
    sent = {"origin": origin, "sec-fetch-site": "same-origin"}
    body = {"login": login, "password": GOOD}
    assert browser.send("POST", "/api/v1/session", body, headers=sent).status_code == 200


def test_signing_out_ends_the_session_and_the_cookie(served: Served, browser: Browser) -> None:
    browser.sign_in(user(served))
    token = browser.client.cookies["limner_session"]
    assert browser.good("DELETE", "/api/v1/session")["user"] is None
    assert "limner_session" not in browser.client.cookies
    stolen = httpx2.get(
        f"{str(served.client.base_url).rstrip('/')}/api/v1/jobs",
        headers={"cookie": f"limner_session={token}"},
    )
    assert stolen.status_code == 401
    assert browser.good("DELETE", "/api/v1/session")["user"] is None


def test_each_sign_in_is_a_new_session_and_ends_the_browsers_old_one(
    served: Served, browser: Browser
) -> None:
    login = user(served)
    browser.sign_in(login)
    first = browser.client.cookies["limner_session"]
    browser.sign_in(login)
    assert browser.client.cookies["limner_session"] != first
    listed = browser.good("GET", "/api/v1/sessions")["sessions"]
    assert sorted(row["current"] for row in listed) == [False, True]  # the other one set the password
    gone = httpx2.get(
        f"{str(served.client.base_url).rstrip('/')}/api/v1/jobs",
        headers={"cookie": f"limner_session={first}"},
    )
    assert gone.status_code == 401


def test_a_planted_cookie_is_no_session_after_the_sign_in(served: Served, browser: Browser) -> None:
    login = user(served)
    browser.client.cookies.set("limner_session", "ls_planted", domain="127.0.0.1", path="/")
    answer = browser.send("POST", "/api/v1/session", {"login": login, "password": GOOD})
    assert "ls_planted" not in answer.headers["set-cookie"]


def test_one_sees_and_ends_ones_own_sessions_only(served: Served, browser: Browser, other: Browser) -> None:
    login = user(served)
    browser.sign_in(login)
    other.sign_in(login)
    listed = browser.good("GET", "/api/v1/sessions")["sessions"]
    assert sorted(row["current"] for row in listed)[-2:] == [False, True]
    mine = next(row["id"] for row in other.good("GET", "/api/v1/sessions")["sessions"] if row["current"])
    stranger = Browser(served)
    stranger.sign_in(user(served))
    assert stranger.send("DELETE", f"/api/v1/sessions/{mine}").status_code == 404
    assert stranger.send("GET", f"/api/v1/sessions?user={login}").status_code == 403
    browser.good("DELETE", f"/api/v1/sessions/{mine}")
    assert other.send("GET", "/api/v1/sessions").status_code == 401
    assert served.get("/api/v1/sessions", user=login)["sessions"]


def test_a_new_password_needs_the_old_and_ends_the_other_sessions(
    served: Served, browser: Browser, other: Browser
) -> None:
    login = user(served)
    browser.sign_in(login)
    other.sign_in(login)
    wrong = browser.send("POST", "/api/v1/password", {"current": OTHER, "new": OTHER})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_credentials")
    same = browser.send("POST", "/api/v1/password", {"current": GOOD, "new": GOOD})
    assert (same.status_code, same.json()["code"]) == (422, "weak_password")
    assert browser.good("POST", "/api/v1/password", {"current": GOOD, "new": OTHER})["ended"] >= 1
    assert browser.send("GET", "/api/v1/jobs").status_code == 200
    assert other.send("GET", "/api/v1/jobs").status_code == 401
    assert other.send("POST", "/api/v1/session", {"login": login, "password": GOOD}).status_code == 401
    other.sign_in(login, OTHER)


def test_a_stolen_session_cannot_guess_the_password(served: Served, browser: Browser) -> None:
    browser.sign_in(user(served))
    tried = [
        browser.send("POST", "/api/v1/password", {"current": f"{OTHER}{n}", "new": OTHER}).status_code
        for n in range(6)
    ]
    assert tried == [403] * 5 + [429]


def test_disabling_and_demoting_take_effect_at_once(served: Served, browser: Browser) -> None:
    login = user(served, "admin")
    browser.sign_in(login)
    assert browser.send("GET", "/api/v1/users").status_code == 200
    served.send("PATCH", f"/api/v1/users/{login}", {"role": "viewer"})
    assert browser.send("GET", "/api/v1/users").status_code == 401
    browser.sign_in(login)
    assert browser.send("GET", "/api/v1/users").status_code == 403
    served.post(f"/api/v1/users/{login}/disable")
    assert browser.send("GET", "/api/v1/jobs").status_code == 401


def test_a_session_that_is_over_is_asked_to_sign_in_again(served: Served, browser: Browser) -> None:
    browser.sign_in(user(served))
    served.world.now += timedelta(hours=12)
    assert browser.send("GET", "/api/v1/jobs").status_code == 401
    assert browser.good("GET", "/api/v1/session")["user"] is None


def test_users_are_made_changed_and_removed(served: Served) -> None:
    login = next(_names)
    made = served.post("/api/v1/users", {"login": login.upper(), "role": "operator", "name": "Bo"})
    assert (made["login"], made["name"], made["invited"], made["seen_at"]) == (login, "Bo", True, None)
    assert made["link"].startswith(f"{served.world.workspace.public_url}/setup#lt_")
    twice = served.send("POST", "/api/v1/users", {"login": login, "role": "operator"})
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")
    changed = served.send("PATCH", f"/api/v1/users/{made['id']}", {"name": "Bo B."}).json()
    assert (changed["name"], changed["role"]) == ("Bo B.", "operator")
    assert served.post(f"/api/v1/users/{made['id']}/reset")["link"] != made["link"]
    assert served.send("DELETE", f"/api/v1/users/{made['id']}").json()["removed"] == made["id"]
    assert served.send("DELETE", f"/api/v1/users/{made['id']}").status_code == 404


def test_users_come_in_pages(served: Served) -> None:
    for _ in range(3):
        user(served)
    seen, cursor = [], ""
    while cursor is not None:
        page = served.get("/api/v1/users", limit=2, cursor=cursor)
        seen += [row["login"] for row in page["users"]]
        cursor = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) >= 3


def test_a_key_gives_no_more_than_its_maker_has(served: Served) -> None:
    narrow = served.post("/api/v1/keys", {"role": "admin", "scopes": ["keys:write", "jobs:read"]})["key"]

    def status(scopes: list[str], role: str = "admin") -> int:
        return served.send("POST", "/api/v1/keys", {"role": role, "scopes": scopes}, role=narrow).status_code

    assert (status([]), status(["*:read"]), status(["jobs:write"])) == (403, 403, 403)
    assert (status(["jobs:read"]), status(["keys:read"], "viewer")) == (200, 200)
    assert served.send("GET", "/api/v1/users", role=narrow).json()["code"] == "out_of_scope"
    assert served.send("GET", "/api/v1/jobs", role=narrow).status_code == 200
    assert served.send("POST", "/api/v1/keys", {"role": "viewer", "scopes": ["jobs"]}).status_code == 422


def test_a_key_with_scopes_lets_nobody_in(served: Served) -> None:
    login = user(served, "admin")
    narrow = served.post("/api/v1/keys", {"role": "admin", "scopes": ["users:write"]})["key"]
    for method, path, body in (
        ("POST", "/api/v1/users", {"login": next(_names), "role": "admin"}),
        ("PATCH", f"/api/v1/users/{login}", {"role": "admin"}),
        ("POST", f"/api/v1/users/{login}/reset", None),
        ("POST", f"/api/v1/users/{login}/enable", None),
    ):
        answer = served.send(method, path, body, role=narrow)
        assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope"), path
    assert served.send("POST", f"/api/v1/users/{login}/disable", role=narrow).status_code == 200


def test_a_removed_key_stops_at_once_and_its_use_is_shown(served: Served) -> None:
    made = served.post("/api/v1/keys", {"role": "viewer", "note": "gone soon"})
    assert served.send("GET", "/api/v1/jobs", role=made["key"]).status_code == 200
    shown = next(row for row in served.get("/api/v1/keys", limit=200)["keys"] if row["id"] == made["id"])
    assert shown["last_used_at"] is not None
    assert made["key"] not in str(shown)
    served.send("DELETE", f"/api/v1/keys/{made['id']}")
    assert served.send("GET", "/api/v1/jobs", role=made["key"]).status_code == 401


def test_keys_have_no_sessions_and_no_password(served: Served) -> None:
    for method, path, body in (
        ("GET", "/api/v1/sessions", None),
        ("PATCH", "/api/v1/session", {"name": "x"}),
        ("POST", "/api/v1/password", {"current": GOOD, "new": OTHER}),
    ):
        answer = served.send(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "needs_user")


def test_who_did_what_stands_in_the_audit_without_secrets(served: Served, browser: Browser) -> None:
    login = user(served, "admin")
    me = browser.sign_in(login)["user"]
    invited = browser.good("POST", "/api/v1/users", {"login": next(_names), "role": "viewer"})
    key = browser.good("POST", "/api/v1/keys", {"role": "viewer"})
    browser.good("DELETE", "/api/v1/session")
    other = Browser(served)
    other.send("POST", "/api/v1/session", {"login": login, "password": OTHER})
    rows = served.get("/api/v1/audit", limit=200)["audit"]
    mine = [(row["action"], row["subject"]) for row in reversed(rows) if row["caller"]["id"] == me["id"]]
    assert mine == [
        ("set up (invite)", me["id"]),
        ("sign in", me["id"]),
        ("user add", invited["id"]),
        ("key add", key["id"]),
        ("sign out", me["id"]),
    ]
    assert (rows[0]["action"], rows[0]["kind"], rows[0]["subject"]) == ("sign in", "refused", "")
    for secret in (GOOD, OTHER, key["key"], invited["link"].partition("#")[2]):
        assert secret not in str(rows)
    assert login not in str(rows[0])
    narrowed = served.get("/api/v1/audit", who=me["id"], action="key add")["audit"]
    assert [row["subject"] for row in narrowed] == [key["id"]]
    assert served.get("/api/v1/audit/verify")["ok"] is True


def test_the_audit_comes_in_pages(served: Served) -> None:
    for _ in range(3):
        served.send("DELETE", f"/api/v1/keys/{served.post('/api/v1/keys', {'role': 'viewer'})['id']}")
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        page = served.get("/api/v1/audit", limit=2, cursor=cursor, action="key remove")
        seen += [row["seq"] for row in page["audit"]]
        cursor = page["next"]
    assert len(seen) >= 3
    assert seen == sorted(set(seen), reverse=True)
    wrong = served.send("GET", "/api/v1/audit", cursor="zzz")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_cursor")
