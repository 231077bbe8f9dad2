"""Text that others chose runs no script: hostile names and values go in at every door, and every page is looked at."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from playwright.sync_api import Page

from tests.web.harness import Site, Visits, hop, make_empty, open_site, settle
from tests.web.pages import registered, samples_of

RUN = "window.__ran=(window.__ran||0)+1;alert(1)"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"\"><img src=x onerror='{RUN}'>",
    f"<svg/onload='{RUN}'>",
    f"</title></script><script>{RUN}</script>",
    f"javascript:{RUN}//",
    f"'-({RUN})-'",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f'<a href="javascript:{RUN}">click</a>',
    f"<style>*{{background:url(javascript:{RUN})}}</style>",
    '<math><mtext></p><style><!--</style><img title="--></style><img src=x onerror=alert(1)>">',
    "\u2028</script\t><script>alert(1)</script>\u202e",
)
FIRST, IMAGE, VECTOR = HOSTILE[:3]
PREVIEW = (422,)
"""A template with a program in it is not shown: its preview is refused."""

_LOOKS_HOSTILE = re.compile(r"<script|onerror\s*=|onload\s*=|javascript:", re.IGNORECASE)


def of_the_cases(value: Any) -> list[str]:
    """The texts of a catalogue of bad inputs that would run if a page took them for its own."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in of_the_cases(item)]
    if isinstance(value, list):
        return [found for item in value for found in of_the_cases(item)]
    return [value] if isinstance(value, str) and _LOOKS_HOSTILE.search(value) else []


def poison(site: Site, texts: list[str]) -> None:
    """Puts the texts wherever a person or a program can put a text."""
    key = site.verb("source add", name=f"web {IMAGE}")["write_key"]
    site.verb("key add", role="viewer", note=IMAGE)
    site.verb("user add", login="hostile@tea.example.test", role="viewer", name=VECTOR[:100])
    with httpx2.Client(base_url=site.url, auth=(key, ""), timeout=30) as client:
        now = datetime.now(UTC)
        calls: list[Any] = []
        for number, text in enumerate(texts):
            who = {"userId": f"u{number} {text}"[:200]}
            at = {"timestamp": (now - timedelta(hours=number % 24)).isoformat()}
            traits = {"name": text, "email": f"{number}@x.test", "city": text, text[:90]: text}
            calls += [
                {**who, **at, "type": "identify", "traits": traits},
                {
                    **who,
                    **at,
                    "type": "track",
                    "event": text[:190],
                    "properties": {"category": text, text[:90]: text},
                },
                {
                    **who,
                    **at,
                    "type": "track",
                    "event": "Order Paid",
                    "properties": {"amount": 9.5, "store": text},
                },
                {**who, **at, "type": "page", "name": text, "properties": {"title": text, "url": text}},
                {**at, "type": "track", "event": text[:190]},
            ]
        client.post("/v1/batch", json={"batch": calls}).raise_for_status()
    title = json.dumps({"en": IMAGE, "zh": FIRST}, ensure_ascii=False)
    quoted = json.dumps(IMAGE)
    for tag, rest in {
        "hostile_city": "type: text\nattribute: city\nmethod: observed\nnature: fact\n",
        "value_tier": "type: text\nmethod: rule\nnature: model\nvalidity: 2 days\n"
        f'cases:\n  - when: did "Order Paid"\n    then: {quoted}\n',
    }.items():
        owner = f"category: {json.dumps(FIRST.replace('/', ''))}\nowner: {quoted}\nwhy: {quoted}\n"
        site.write(f"tags/{tag}.yml", f"title: {title}\n{rest}{owner}")
    city = FIRST.replace("'", "''")
    condition = json.dumps(f"person.city = '{city}' or did \"Order Paid\"")
    site.write(
        "audiences/recent_buyers.yml",
        f"title: {title}\nexpression: {condition}\nowner: {quoted}\nwhy: {quoted}\n",
    )
    site.write(
        "campaigns/spring_harvest.yml",
        f"title: {title}\naudience: recent_buyers\nholdout: 0.1\nchannel: email\nclass: service\nsubject: {quoted}\n"
        f"template: spring_harvest.html\nowner: {quoted}\nwhy: {quoted}\n",
    )
    site.write(
        "journeys/waiting_basket.yml",
        f"title: {title}\nstart: {{event: Order Paid}}\nonly: {condition}\nowner: {quoted}\nwhy: {quoted}\nsteps:\n"
        f"  call: {{task: {quoted}}}\n  write:\n    message:\n      template: spring_harvest.html\n"
        f"      subject: {quoted}\n      class: service\n",
    )
    site.write(
        "scenes/spring_tea.yml",
        f"title: {title}\naudience: recent_buyers\ntheme: {{line: {quoted}}}\nowner: {quoted}\nwhy: {quoted}\n",
    )
    site.write(
        "content/gift_guide.yml",
        f"title: {title}\nlanguages:\n  en: {{text: {quoted}, link: 'https://x.test/a'}}\nabout: [{quoted}]\n"
        f"owner: {quoted}\n",
    )
    site.write(
        "forms/tasting.yml",
        f"title: {title}\nintro: {title}\nthanks: {title}\nlabel: {quoted}\n"
        f"fields:\n  - {{name: town, kind: text, label: {title}, to: person.city}}\n",
    )
    site.write(
        "referrals/friends.yml",
        f"title: {title}\nto: https://x.test/welcome\nsuccess: {{event: Order Paid, within: 30 days}}\n"
        "same: [device]\n",
    )
    site.write("templates/spring_harvest.html", "<h1>Hello {{ person.name }}</h1>" + "".join(texts[:3]))
    people = site.workspace.paths.folder / "<img src=x onerror=alert(1)>.csv"
    with people.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "city", FIRST, "email"])
        rows.writerows(
            [f"i{number} {text}"[:200], text, text, f"{text}@x.test"] for number, text in enumerate(texts)
        )
    site.verb("import", file=str(people), map="auto")
    site.verb("tag run")
    site.verb("audience snapshot", name="recent_buyers")
    site.verb("journey start", name="waiting_basket")


@pytest.fixture(scope="module")
def hostile(ui: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("hostile") / "shop"
    make_empty(folder)
    with open_site(folder) as site:
        poison(site, list(HOSTILE))
        yield site


def ran(page: Page) -> bool:
    """Whether any of the hostile texts ran."""
    return bool(page.evaluate("() => window.__ran !== undefined"))


def look_everywhere(page: Page, site: Site, *, samples: dict[str, str]) -> list[str]:
    """The pages on which a hostile text ran."""
    found = []
    for one in registered():
        hop(page, one.address(samples))
        if ran(page):
            found.append(one.pattern)
    return found


def samples(site: Site) -> dict[str, str]:
    """The things whose pages are looked at: those with hostile names."""
    found = site.workspace.engine.read("SELECT person_id FROM persons ORDER BY ix LIMIT 1")
    source = site.verb("source list")["sources"][0]["name"]
    return {**samples_of(site), "people": found.column(0)[0].as_py(), "data/sources": quote(source, safe="")}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_runs_a_text_that_somebody_sent(visit: Visits, hostile: Site, language: Any) -> None:
    page = visit(site=hostile, language=language, refusals=PREVIEW)
    assert look_everywhere(page, hostile, samples=samples(hostile)) == []


def test_the_jump_finds_hostile_names_and_runs_none(visit: Visits, hostile: Site) -> None:
    page = visit("/", site=hostile)
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill("u1")
    settle(page)
    assert not ran(page)


@pytest.mark.datasets
def test_the_bad_inputs_of_the_catalogue_run_nowhere(visit: Visits, fresh: Site, datasets: Path) -> None:
    texts = [
        text
        for file in sorted((datasets / "cases").glob("*.json"))
        for text in of_the_cases(json.loads(file.read_text(encoding="utf-8")))
        if len(text) < 1_000
    ]
    assert texts
    poison(fresh, [*texts, FIRST])
    page = visit(site=fresh, refusals=PREVIEW)
    assert look_everywhere(page, fresh, samples=samples(fresh)) == []
