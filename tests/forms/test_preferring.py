"""The preference centre behind the link of a message: looked at, changed, and held to by the next message."""

# ruff: noqa: E501  (one line for each thing that is said)

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx2
import pytest

from limner.channels.kinds import KINDS
from limner.cli.serve import running
from limner.demo.mail_server import MailServer
from limner.forms.words import WORDS
from tests.workspace.worlds import World

CAMPAIGN = """\
title: {title}
audience: everybody
holdout: 0
channel: email
subject: {title}
template: news.html
"""
HTML = (
    '<p>{{ person.name }}</p><a href="{{ preferences_url }}">less</a> <a href="{{ form.wishes }}">wish</a>'
    ' <a href="{{ unsubscribe_url }}">no more</a>\n'
)
MAP = "source: crm\nperson: {user_id: user_id}\nevent: none\nattributes: {name: name, email: email, phone: phone}\n"
TAGS = {
    "city": "title: {en: City, zh: 城市}\nnature: fact\nmethod: observed\ntype: text\nattribute: city\nvisible: true\n",
    "diet": "title: Diet\nnature: fact\nmethod: manual\ntype: text\nvalues: [meat, plants]\nvisible: true\n",
    "score": "nature: fact\nmethod: manual\ntype: text\n",
}


class Reach(World):
    """Two members, a mail server and a served workspace."""

    mail: MailServer
    client: httpx2.Client

    def send(self, name: str) -> dict[str, object]:
        self.write(f"campaigns/{name}.yml", CAMPAIGN.format(title=name))
        self.now += timedelta(minutes=5)
        return dict(self.verb("campaign send", name=name))

    def link(self, what: str) -> str:
        """The path of the last mail's link to the preference centre (p), a form (f) or out (u)."""
        found = re.findall(rf'href="https://l\.example(/{what}/[^"]+)"', self.mail.messages()[-1].html)
        return unescape(found[0])


@pytest.fixture
def reach(tmp_path: Path) -> Iterator[Reach]:
    with MailServer() as mail:
        made = Reach(
            tmp_path / "shop",
            toml=f'name = "Tea shop"\npublic_url = "https://l.example"\n[email]\nport = {mail.port}\nsender = "Shop <a@b.example>"\n',
        )
        made.mail = mail
        made.write("templates/news.html", HTML)
        made.write("forms/wishes.yml", "fields:\n  - {name: city, kind: text, to: person.city}\n")
        made.write(
            "policy.yml", "topics:\n  news: {title: {en: What is new, zh: 新品}, of: [spring, summer]}\n"
        )
        made.write("audiences/everybody.yml", "expression: known(person.email)\n")
        for key, text in TAGS.items():
            made.write(f"tags/{key}.yml", text)
        made.write("m.csv", "user_id,name,email,phone,city\nann,Ann,ann@x.example,13912345678,Hangzhou\n")
        made.write("m.yml", MAP.replace("phone: phone}", "phone: phone, city: city}"))
        made.verb("import", file=str(made.folder / "m.csv"), map=str(made.folder / "m.yml"))
        made.write(
            "c.csv",
            "user_id,channel,address,state,at,source\nann,email,ann@x.example,granted,2026-01-01T00:00:00Z,f\n",
        )
        made.now += timedelta(minutes=1)
        made.verb("consent import", file=str(made.folder / "c.csv"))
        made.verb("tag run")
        made.verb("tag give", key="diet", value="meat", person="ann")
        made.verb("tag give", key="score", value="secret", person="ann")
        with running(made.workspace) as url, httpx2.Client(base_url=url, timeout=60) as client:
            made.client = client
            yield made
        made.close()


@pytest.mark.proves("V4")
@pytest.mark.proves("G16")
def test_what_somebody_asks_for_holds_from_the_next_message_on_and_a_look_changes_nothing(
    reach: Reach,
) -> None:
    assert reach.send("spring")["sent"] == 1
    place = reach.link("p")
    page = reach.client.get(place).text
    assert "<script" not in page
    assert 'name="channel" value="email" checked' in page
    assert re.search(r'name="channel" value="sms">', page), "nobody agreed to text messages"
    assert "Hangzhou" in page
    assert "secret" not in page, "what is not declared visible is not shown"
    assert "偏好设置" in reach.client.get(place + "?lang=zh").text
    for _ in range(3):
        reach.client.get(place)
        reach.client.get(place.replace("/p/", "/u/"))
    assert reach.send("winter")["sent"] == 1, "a look changed nothing"
    place = reach.link("p")
    said = {
        "save": "yes", "shown": ["email", "sms"], "channel": ["email", "sms"], "topic": [], "often": "7",
        "language": "zh", "was.city": "Hangzhou", "tag.city": "Suzhou", "was.diet": "meat", "tag.diet": "plants",
    }  # fmt: skip
    reach.now += timedelta(minutes=1)
    done = reach.client.post(place, data=said)
    assert done.status_code == 200
    assert "Saved." in done.text
    assert 'value="Suzhou"' in done.text
    assert '<option value="plants" selected>' in done.text
    assert reach.send("summer")["suppressed"] == {"wants nothing about news": 1}
    assert reach.send("autumn")["suppressed"] == {"cap reached: 1 in 7 days, as the person asked": 1}
    shown = reach.verb("person show", id="ann")
    assert {row["name"]: row["value"] for row in shown["attributes"]}["language"] == "zh"
    tags = {tag["key"]: tag for part in shown["tags"] for tag in part["tags"]}
    assert (tags["city"]["value"], tags["city"]["given"]["who"]) == ("Suzhou", "customer")
    assert "偏好设置" in reach.client.get(place).text, "their own language"
    reach.now += timedelta(days=8)
    assert reach.send("later")["sent"] == 1
    # A pause, then out of everything at once, by a POST; a wrong value changes nothing else.
    wrong = reach.client.post(
        place, data={**said, "topic": ["news"], "often": "any", "pause": "yes", "tag.diet": "stones"}
    )
    assert "此值无效" in wrong.text
    assert reach.send("paused")["suppressed"] == {"paused by the person": 1}
    reach.now += timedelta(days=31)
    assert reach.send("after")["sent"] == 1
    # Nothing chosen by what is computed of them: an audience of whoever was active is, one of a told address is not.
    alone = reach.client.post(place, data={**said, "topic": ["news"], "often": "any", "unprofiled": "yes"})
    assert 'name="unprofiled" value="yes" checked' in alone.text
    assert "不根据我的个人特征" in alone.text
    reach.write("audiences/everybody.yml", 'expression: count("*") >= 1\n')
    assert reach.send("active")["suppressed"] == {"wants nothing chosen by their data": 1}
    reach.write("audiences/everybody.yml", "expression: known(person.email)\n")
    assert reach.send("told")["sent"] == 1
    left = reach.client.post(place, data={"leave": "all"})
    assert "已全部退订" in left.text
    assert reach.send("never")["suppressed"] == {"unsubscribed": 1}
    assert 'name="channel" value="sms">' in left.text
    back = reach.client.post(place, data={**said, "topic": ["news"], "often": "any"})
    assert 'name="channel" value="email" checked' in back.text, "their own word lets messages come again"
    assert reach.send("again")["sent"] == 1
    mutated = place[:-1] + ("A" if place[-1] != "A" else "B")
    assert reach.client.get(mutated).status_code == 404
    assert reach.client.post(mutated, data={"leave": "all"}).status_code == 404
    # The link to a form knows them; after erasure the way out still works, and nothing is shown.
    assert "We know you" in reach.client.get(reach.link("f")).text
    assert reach.client.get(reach.link("u")).text.count("/p/") == 1
    reach.verb("person erase", id="ann")
    gone = reach.client.get(place)
    assert gone.status_code == 200
    assert "Suzhou" not in gone.text
    assert "no longer know" in gone.text
    with reach.workspace.records.read() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM preferences").scalar() == 0


def test_every_channel_has_a_name_for_the_people_who_get_its_messages() -> None:
    for kind in KINDS:
        assert all(WORDS[f"channel_{kind}"][language] for language in ("en", "zh")), kind
