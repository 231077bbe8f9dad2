"""Personal messages by the way that a sending takes: people → values → text. Shared by a test and a benchmark."""

from __future__ import annotations

import csv
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import escape

from limner.touches import letter
from limner.touches.model import Recipient
from limner.touches.values import Missing
from limner.types import Json
from limner.workspace import definitions, reaching
from limner.workspace.workspace import Workspace

HOSTILE = (
    "{{ 7 * 7 }}", "{% for x in y %}", "<script>alert(1)</script>", "O'Neill \"Bob\" & Söhne", "None", "undefined",
    "${name}", "\u202eevil", "王小明", "x" * 500, "{#", "%7B%7B", "  spaced  ", "=1+1", "Ünï\tcode",
)  # fmt: skip
TIERS = ("basic", "silver", "gold")
MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email, tier: tier, city: city, points: {column: points, type: number}}
"""
CAMPAIGN = """\
title: Points
audience: everybody
holdout: 0
class: service
subject: "{{ person.name | default('Friend') }}, {{ person.points | default('no') }} points"
template: base.html
variants:
  - {name: gold, when: "person.tier = 'gold'", template: gold.html}
  - {name: silver, when: "person.tier = 'silver'", template: silver.html}
"""
TEMPLATES = {
    "base.html": "<p>Dear {{ person.name | default('friend') }}{% if person.city %} of {{ person.city }}{% endif %}:"
    " {{ person.points | default('no') }} points.</p>",
    "silver.html": "<p>{{ person.name | default('friend') | upper }}, {{ person.city | default('your town') }}:"
    " {{ person.points | default('no') }}.</p>",
    # Who is gold and of whom no city is known gets no message: nothing stands for it.
    "gold.html": "<h1>{{ person.name | default('Sir or Madam') }}</h1>"
    "<p>Our table in {{ person.city }} waits for you.</p>",
}


@dataclass
class Rendered:
    """What came of it: messages by variant, people without one by reason, what differs from what it should be."""

    people: int = 0
    variants: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def member(n: int) -> Json:
    """Member number n: every eleventh without a name, every seventh without a city, every fifth hostile."""
    name = "" if n % 11 == 0 else HOSTILE[n // 5 % len(HOSTILE)] if n % 5 == 0 else f"Name {n}"
    city = "" if n % 7 == 0 else HOSTILE[n % len(HOSTILE)] if n % 13 == 0 else f"City {n % 97}"
    points = "" if n % 17 == 0 else str(n % 1000)
    return {"name": name, "city": city, "points": points, "tier": TIERS[n % 3]}


def expected(n: int) -> tuple[str, str] | str:
    """(subject, HTML) that member n must get, or why none; made without any template."""
    one = member(n)
    points = one["points"] or "no"
    name, city = one["name"], one["city"]
    subject = f"{name or 'Friend'}, {points} points".strip()
    if one["tier"] == "gold":
        if not city:
            return "missing person.city"
        return (
            subject,
            f"<h1>{escape(name or 'Sir or Madam')}</h1><p>Our table in {escape(city)} waits for you.</p>",
        )
    if one["tier"] == "silver":
        return (
            subject,
            f"<p>{escape((name or 'friend').upper())}, {escape(city or 'your town')}: {points}.</p>",
        )
    of = f" of {escape(city)}" if city else ""
    return subject, f"<p>Dear {escape(name or 'friend')}{of}: {points} points.</p>"


def fill(folder: Path, people: int) -> tuple[Path, Path]:
    """The members' file and its mapping, and the campaign's files."""
    file = folder / "members.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["user_id", "email", "since", "name", "city", "points", "tier"])
        for n in range(people):
            one = member(n)
            row = [
                f"m{n}",
                f"m{n}@example.test",
                "2026-05-01",
                one["name"],
                one["city"],
                one["points"],
                one["tier"],
            ]
            writer.writerow(row)
    mapping = folder / "members.map.yml"
    mapping.write_text(MEMBERS, encoding="utf-8")
    (folder / "audiences" / "everybody.yml").write_text("expression: known(person.email)\n", encoding="utf-8")
    (folder / "campaigns" / "points.yml").write_text(CAMPAIGN, encoding="utf-8")
    for name, text in TEMPLATES.items():
        (folder / "templates" / name).write_text(text + "\n", encoding="utf-8")
    return file, mapping


def rendered(workspace: Workspace, *, page: int = 200) -> Rendered:
    """Everybody's message, a page at a time as the outbox asks for them, each held against what it must be."""
    found = Rendered()
    item = definitions.campaign(workspace, "points")
    texts = letter.sources(item, lambda name: reaching.template_text(workspace, name))
    composer = reaching.composer_of(workspace, item, texts)
    began = time.perf_counter()
    table = reaching.audience_table(workspace, item, workspace.clock())
    found.people = table.num_rows
    variants = dict(zip(table.column("person").to_pylist(), table.column("variant").to_pylist(), strict=True))
    everybody = list(variants)
    spent = time.perf_counter() - began
    for start in range(0, len(everybody), page):
        began = time.perf_counter()
        known = reaching.recipients_of(workspace, composer, everybody[start : start + page])
        made: list[tuple[str, Recipient, tuple[str, str] | str]] = []
        for who, recipient in known.items():
            try:
                message = composer.message(who, variants[who], recipient)
                made.append((who, recipient, (message.subject, message.html)))
            except Missing as missing:
                made.append((who, recipient, missing.reason))
        spent += time.perf_counter() - began
        for who, recipient, got in made:
            wanted = expected(int(recipient.identifier_value[1:]))
            if isinstance(got, str):
                found.without[got] += 1
            else:
                found.variants[variants[who]] += 1
                got = (got[0], re.sub(r'<img src="[^"]*" width="1" height="1" alt="">', "", got[1]).strip())
            if got != wanted and len(found.wrong) < 20:
                found.wrong.append(f"{recipient.identifier_value}: {got!r}, not {wanted!r}")
    found.seconds = spent
    return found
