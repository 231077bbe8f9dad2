"""Hosted forms as their visitors and as robots meet them: over HTTP, on a clock that the test turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from limner.cli.serve import running
from limner.consents import ledger
from limner.consents.model import State, address_hash
from limner.forms import guard
from limner.touches import links
from limner.workspace import asking, reaching
from limner.workspace.asking import Asked
from tests.workspace.worlds import World

FORM = """
title: {en: Tea tasting, zh: 品茶会}
intro: {en: Tell us <what> you like, zh: 告诉我们您喜欢什么}
thanks: {en: See you there!, zh: 到时见！}
label: tea
gives: {taster: true}
fields:
  - {name: name, kind: text, label: {en: Name, zh: 姓名}, to: person.name, required: true}
  - {name: mail, kind: email, label: {en: E-mail, zh: 邮箱}, to: person.email, required: true, identifies: true}
  - {name: kind, kind: choice, label: {en: Which tea?, zh: 哪种茶？}, to: tag.favourite, options: [green, black]}
  - {name: cups, kind: number, label: {en: Cups a day, zh: 每天几杯}}
  - name: news
    kind: consent
    channel: email
    address: mail
    label: {en: Write to me about tea, zh: 请给我发送茶讯}
"""
TAGS = {
    "taster": "nature: fact\nmethod: manual\ntype: flag\n",
    "favourite": "nature: fact\nmethod: manual\ntype: text\nvalues: [green, black]\n",
    "tea_lover": "nature: fact\nmethod: rule\ntype: flag\nrefresh: '0 3 * * *'\ncases:\n  - when: did \"Content Read\""
    " where label = 'tea' and did \"Form Submitted\" where label = 'tea'\n    then: true\n",
}  # fmt: skip
HIDDEN = re.compile(r'name="token" value="([^"]+)"')


class Site(World):
    """A served workspace with a form."""

    client: httpx2.Client
    url: str

    def page(self, query: str = "", client: httpx2.Client | None = None, headers: Any = None) -> str:
        answer = (client or self.client).get(f"/f/tasting{query}", headers=headers)
        assert answer.status_code == 200
        return answer.text

    def token(self, html: str) -> str:
        found = HIDDEN.search(html)
        assert found is not None
        return found[1]

    def wait(self, seconds: float = 10) -> None:
        self.now += timedelta(seconds=seconds)

    def answer(self, query: str = "", client: httpx2.Client | None = None, **fields: Any) -> httpx2.Response:
        return (client or self.client).post(f"/f/tasting{query}", data=fields)

    def people(self) -> int:
        self.workspace.load()
        sql = "SELECT COUNT(*) AS n FROM persons WHERE merged_into IS NULL AND NOT erased"
        return int(self.workspace.engine.read(sql)["n"][0].as_py())

    def submitted(self) -> list[dict[str, Any]]:
        self.workspace.load()
        found = self.workspace.engine.read(
            "SELECT e.*, names.name AS event FROM events AS e JOIN names USING (name_i)"
            " WHERE names.name = 'Form Submitted' ORDER BY ts, id"
        ).to_pylist()
        columns = self.workspace.engine.read("SELECT name, col FROM properties").to_pylist()
        return [
            {row["name"]: event[row["col"]] for row in columns if event[row["col"]] is not None}
            for event in found
        ]

    def tags_of(self, who: str) -> dict[str, Any]:
        shown = self.verb("person show", id=who)
        return {tag["key"]: tag["value"] for part in shown["tags"] for tag in part["tags"]}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "shop")
    made.write("forms/tasting.yml", FORM)
    for key, text in TAGS.items():
        made.write(f"tags/{key}.yml", text)
    with running(made.workspace) as url, httpx2.Client(base_url=url, timeout=60) as client:
        made.client, made.url = client, url
        yield made
    made.close()


ANN = {"name": "Ann", "mail": "ann@example.test", "kind": "green", "cups": "3"}


@pytest.mark.proves("U8")
def test_an_answer_becomes_attributes_tags_a_consent_and_one_event_and_is_not_asked_again(site: Site) -> None:
    first = site.page()
    assert "<script" not in first
    assert "Tell us &lt;what&gt; you like" in first
    assert "品茶会" in site.page("?lang=zh")
    assert "品茶会" in site.page(headers={"accept-language": "zh-CN,en;q=0.5"})
    headers = site.client.get("/f/tasting").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    site.wait()
    wrong = site.answer(token=site.token(first), name="Ann", mail="ann")
    assert wrong.status_code == 422
    assert "This is no e-mail address." in wrong.text
    assert 'value="Ann"' in wrong.text, "what was right is kept"
    assert site.people() == 0
    site.wait()
    done = site.answer(token=site.token(wrong.text), news="yes", **dict[str, Any](ANN))
    assert (done.status_code, "See you there!" in done.text) == (200, True)
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    # The same page sent again, also with other words, adds nothing.
    assert site.answer(token=site.token(wrong.text), name="Eve", mail="eve@example.test").status_code == 200
    assert site.people() == 1
    assert site.submitted() == [
        {
            "form": "tasting", "language": "en", "label": "tea", "answer_cups": 3.0,
            "consent_news": "Write to me about tea",
        }
    ]  # fmt: skip
    site.wait()
    shown = site.verb("person show", id="email:ann@example.test")
    assert {row["name"]: row["value"] for row in shown["attributes"]} == {
        "name": "Ann", "email": "ann@example.test",
    }  # fmt: skip
    assert site.tags_of("email:ann@example.test") == {"taster": True, "favourite": "green"}
    (consent,) = ledger.of_person(site.workspace.records, shown["person"])
    assert (consent.state, consent.source) == (State.GRANTED, "form tasting")
    assert consent.address_hash == address_hash(site.workspace.secret, "email", "ann@example.test")
    assert consent.proof.endswith(": Write to me about tea")
    again = site.page()
    for field in ("name", "mail", "kind", "news"):
        assert f'name="{field}"' not in again, "known: asked 0 times"
    assert 'name="cups"' in again
    stranger = site.page("?stranger=yes")
    assert 'name="mail"' in stranger
    site.wait()
    more = site.answer(token=site.token(again), cups="4")
    assert more.status_code == 200
    assert site.people() == 1
    assert [event.get("answer_cups") for event in site.submitted()] == [3.0, 4.0]
    listed = site.verb("form show", name="tasting", days=1)
    assert (listed["answers"], listed["recognized"], listed["problems"]) == (2, 1, [])
    assert site.verb("audience count", expression=listed["where"])["count"] == 1


def test_whoever_comes_by_a_link_of_a_message_is_known_and_a_mutated_link_knows_nobody(site: Site) -> None:
    site.write("members.csv", "user_id,name,email\nbob,Bob Miller,bob@example.test\n")
    site.write(
        "members.yml",
        "source: crm\nperson: {user_id: user_id}\nevent: none\nattributes: {name: name, email: email}\n",
    )
    site.verb("import", file=str(site.folder / "members.csv"), map=str(site.folder / "members.yml"))
    person = site.verb("person show", id="bob")["person"]
    with site.workspace.records.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO touches (campaign, entry, step, person, channel, message_id, class, address_hash,"
            " identifier_kind, identifier_value, variant, status) VALUES ('c', 'e', 's', ?, 'email', 'm1', 'marketing',"
            " 'h', 'user', 'bob', '', 'sent')",
            (person,),
        )
    site.wait()
    me = reaching.links(site.workspace).sealed(links.ME, "m1")
    html = site.page(f"?k={me}")
    assert "We know you, B***" in html
    assert "Miller" not in html, "whoever finds the link learns nothing"
    assert 'name="mail"' not in html
    site.wait()
    assert site.answer(f"?k={me}", token=site.token(html), kind="black").status_code == 200
    assert site.people() == 1
    assert site.tags_of("bob")["favourite"] == "black"
    mutated = ("A" if me[0] != "A" else "B") + me[1:]
    assert 'name="mail"' in site.page(f"?k={mutated}")
    # Another site's page cannot send a form in somebody's name.
    site.wait()
    foreign = site.client.post(
        "/f/tasting", data={"token": site.token(html), **ANN}, headers={"origin": "https://evil.example"}
    )
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    # Who is erased leaves no answer behind.
    site.verb("person erase", id="bob")
    with site.workspace.records.read() as connection:
        assert connection.exec_driver_sql("SELECT person FROM submissions").scalars().all() == [""]


@pytest.mark.proves("P4")
def test_reading_alone_gives_no_tag_reading_and_a_form_gives_the_contents(site: Site) -> None:
    key = site.verb("source add", name="web")["write_key"]

    def reads(device: str) -> None:
        sent = {
            "anonymousId": device,
            "event": "Content Read",
            "properties": {"label": "tea", "content": "green"},
        }
        site.client.post("/v1/track", json=sent, auth=(key, "")).raise_for_status()

    def fills(device: str, mail: str) -> None:
        """Answers as the browser whose visits are known as this device."""
        cookie = reaching.links(site.workspace).sealed(links.VISITOR, device)
        browser = httpx2.Client(base_url=site.url, cookies={asking.COOKIE: cookie}, timeout=60)
        with browser:
            html = site.page(client=browser)
            site.wait()
            assert site.answer(client=browser, token=site.token(html), name="N", mail=mail).status_code == 200

    reads("reader")
    reads("both")
    site.wait()
    fills("both", "both@example.test")
    fills("filler", "filler@example.test")
    site.wait()
    site.verb("tag run")
    assert site.tags_of("device:reader") == {}
    assert site.tags_of("email:filler@example.test") == {"taster": True}
    assert site.tags_of("email:both@example.test") == {"taster": True, "tea_lover": True}


@pytest.mark.proves("U8")
def test_ten_thousand_posts_of_robots_make_at_most_ten_people_and_people_behind_one_address_pass(
    site: Site,
) -> None:
    workspace = site.workspace
    here, there = "198.51.100.7", "198.51.100.8"

    def asked(address: str) -> Asked:
        return Asked("tasting", address=address)

    def fresh() -> str:
        """The token of a page as it is shown now; some are taken from the page itself below."""
        shown = guard.Page("tasting", site.now, workspace.new_id())
        return reaching.links(workspace).sealed(links.FORM, *guard.parts(shown))

    def posts(number: int, **fields: str) -> dict[str, list[str]]:
        known = {"name": f"Bot {number}", "mail": f"bot{number}@spam.example"}
        return {name: [text] for name, text in {**known, **fields}.items()}

    # 4,000 that never saw the page, with no token, another's, or bits turned in one that was good.
    good = fresh()
    for number in range(4_000):
        bad = ("", "x" * 60, good[:-1] + ("A" if good[-1] != "A" else "B"), good + "A")[number % 4]
        assert asking.answered(workspace, asked(here), posts(number, token=bad)).status == 422
    # 2,000 that fill faster than anybody reads, each from a page of its own.
    for number in range(2_000):
        assert asking.answered(workspace, asked(here), posts(number, token=fresh())).status == 422
    # 2,000 that fill every field there is, also the one that nobody sees, after a fair wait.
    pages = [fresh() for _ in range(500)]
    site.wait()
    for number in range(2_000):
        sent = posts(number, token=pages[number % 500], **{guard.TRAP: "http://spam.example"})
        assert asking.answered(workspace, asked(here), sent).status == 422
    # 1,500 that wait, and then send one page over and over with other words.
    for number in range(1_500):
        asking.answered(workspace, asked(there), posts(number, token=good))
    assert site.people() == 1
    # 500 that wait, take a page each and leave the trap alone; they answer no question.
    taken = [
        asking.answered(workspace, asked(here), posts(9_000 + n, token=pages[n])).status for n in range(500)
    ]
    assert taken.count(200) == 5
    assert set(taken) == {200, 422}
    assert site.people() <= 10
    away = site.verb("form show", name="tasting")["turned_away"]
    assert away == {"forged": 4_000, "too_soon": 2_000, "trapped": 2_000, "unanswered": 495}
    # Ten people in the same office, in the same hour: they answer the one question more, and pass.
    before = site.people()
    for number in range(10):
        html = asking.shown(workspace, asked(here)).html
        site.wait()
        sent = posts(number, token=site.token(html), mail=f"p{number}@office.example", name=f"P {number}")
        again = asking.answered(workspace, asked(here), sent)
        assert again.status == 422
        site.wait()
        token = site.token(again.html)
        parts = reaching.links(workspace).unsealed(links.FORM, token, 3)
        page = guard.read(parts, "tasting")
        assert page is not None
        a, b = guard.sum_of(page)
        words = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
        assert f"How much is {words[a - 2]} and {words[b - 2]}?" in again.html
        sent |= {"token": [token], guard.QUESTION: [str(a + b)]}
        assert asking.answered(workspace, asked(here), sent).status == 200
    assert site.people() == before + 10


def test_a_form_that_does_not_fit_is_closed_and_says_why_to_its_owner(site: Site) -> None:
    site.write(
        "forms/lost.yml",
        "redirect: https://other.example/\nfields:\n  - {name: a, kind: text, to: tag.nope}\n",
    )
    assert site.client.get("/f/lost").status_code == 503
    problems = site.verb("form check", name="lost")["problems"]
    assert [one["where"] for one in problems] == ["forms/lost.yml:1:11", "forms/lost.yml:3:31"]
    assert {one["where"] for one in site.verb("check")["problems"]} >= {one["where"] for one in problems}
    missing = site.client.get("/f/tastin")
    assert (missing.status_code, "tasting" in missing.json()["message"]) == (404, True)
    assert site.client.post("/f/tasting", content=b"\xff\xfe").status_code == 400
    assert site.client.post("/f/tasting", content="a=1&" * 2_000).status_code == 413
