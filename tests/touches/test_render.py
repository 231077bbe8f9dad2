from __future__ import annotations

import json
import time
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import TemplateError
from limner.touches.plain import plain
from limner.touches.render import Names, Template, Values, compile_template
from limner.touches.values import Missing

NAMES = Names(
    person=frozenset({"name", "city", "orders", "address", "born", "spent"}),
    tag=frozenset({"paid_30d", "tier"}),
    content=frozenset({"title"}),
)
ANN = Values(
    person={
        "name": "Ann",
        "orders": [{"sku": "A", "n": 2}, {"sku": "B"}],
        "address": {"city": "Hangzhou"},
        "born": "1990-05-06",
        "spent": 1234.5,
        "city": "  ",
    },
    tag={"paid_30d": 3, "tier": "gold"},
    content={"title": "Tea"},
    campaign_name="Spring",
    unsubscribe_url="https://shop.example/u/1?a=1&b=2",
    link=lambda target: f"https://shop.example/c/{len(target)}",
)


def made(source: str, *, html: bool = True) -> Template:
    return compile_template(source, names=NAMES, html=html)


def shown(source: str, values: Values = ANN, *, html: bool = True) -> str:
    return made(source, html=html).render(values)


def refused(source: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        made(source)
    return caught.value


@pytest.mark.proves("S8")
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ person.name }}!", "Hi Ann!"),
        ("{{ user.name }} {{ person['name'] }}", "Ann Ann"),
        ("{{ person.city | default('friend') }}", "friend"),
        ("{{ person.name | upper }}{{ person.name | lower }}", "ANNann"),
        ("{{ tag.tier | title }} {{ tag.paid_30d }}", "Gold 3"),
        ("{{ person.spent | money('CNY') }}", "¥1,234.50"),
        ("{{ person.spent | money('SEK') }}", "SEK 1,234.50"),
        ("{{ person.spent | number }} {{ person.spent | number(1) }}", "1,235 1,234.5"),
        ("{{ person.born | date('%d.%m.%Y') }}", "06.05.1990"),
        ("{{ person.name | truncate(2) }}", "A…"),
        ("{{ person.address.city }}", "Hangzhou"),
        ("{{ campaign.name }} {{ content.title }}", "Spring Tea"),
        ("{{ 'a' ~ person.name }}", "aAnn"),
        ("{% if person.city %}x{% else %}y{% endif %}", "y"),
        ("{% if person.city == 'x' %}x{% elif tag.paid_30d >= 3 %}y{% endif %}", "y"),
        ("{% if person.city != 'x' or person.city < 5 %}x{% else %}y{% endif %}", "y"),
        ("{% if tag.tier in ['gold', 'silver'] and not person.city %}x{% endif %}", "x"),
        ("{{ 'vip' if tag.tier == 'gold' else 'you' }}", "vip"),
        (
            "{% for o in person.orders %}{{ loop.index }}{{ o.sku }}{{ o.n | default(1) }} {% endfor %}",
            "1A2 2B1 ",
        ),
        ("{% for o in person.city %}x{% else %}none{% endfor %}", "none"),
        ("{# a note #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ link('https://shop.example/sale') }}", "https://shop.example/c/25"),
    ],
)
def test_a_template_reads_and_chooses(source: str, text: str) -> None:
    assert shown(source) == text


@pytest.mark.proves("S8")
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ person.city }}", "missing person.city"),
        ("{{ person.city | upper }}", "missing person.city"),
        ("{{ person.city | money }}", "missing person.city"),
        ("{{ person.address.street }}", "missing person.address.street"),
        ("{{ person.orders[0].sku }}", "missing person.orders.0.sku"),
        ("{% for o in person.orders %}{{ o.n }}{% endfor %}", "missing item.n"),
        ("{{ person.name | number }}", "'Ann' is no number"),
        ("{{ person.name | date }}", "'Ann' is no date"),
        ("{{ person.address }}", "a value is no text"),
        ("{% for o in person.spent %}{% endfor %}", "a value is no list"),
        ("{{ 'x' < 5 }}", "the template cannot show a value"),
    ],
)
def test_what_is_missing_makes_no_text(source: str, reason: str) -> None:
    with pytest.raises(Missing) as caught:
        shown(source)
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (3, "3"), (3.0, "3"), (2.5, "2.5"), (datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04"),  # noqa: DTZ001
        (date(2026, 1, 2), "2026-01-02"), (["a", 1], "a, 1"),
    ],
)  # fmt: skip
def test_values_are_shown_as_people_write_them(value: Any, text: str) -> None:
    assert shown("{{ person.name }}", Values(person={"name": value})) == text


@pytest.mark.proves("S8")
def test_values_are_escaped_and_never_compiled() -> None:
    hostile = "<b>{{ 7*7 }}</b>\"'&"
    values = Values(person={"name": hostile})
    assert shown("{{ person.name }}", values) == "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;&#34;&#39;&amp;"
    assert shown("{{ person.name }}", values, html=False) == hostile
    assert shown("{{ person.name | escape | upper }}", values).count("<") == 0
    assert "a=1&amp;b=2" in shown('<a href="{{ unsubscribe_url }}">')


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("Hi {{ user.name ", "template_syntax", "line 1"),
        ("a\nb {% if %}", "template_syntax", "line 2"),
        ("{{ " + "9" * 5000 + " }}", "template_syntax", "number"),
        ("Hi {{ user.nme }}", "unknown_variable", "did you mean user.name"),
        ("Hi {{ name }}", "unknown_variable", "'name'"),
        ("{{ tag.tiers }}", "unknown_variable", "did you mean tag.tier"),
        ("{{ person }}", "unknown_variable", "'person'"),
        ("{{ ''.__class__.__mro__ }}", "template_forbidden", "attribute"),
        ("{{ person.__class__ }}", "template_forbidden", "__class__"),
        ("{{ lipsum.__globals__ }}", "template_forbidden", "__globals__"),
        ("{{ lipsum }}", "template_forbidden", "lipsum"),
        ("{{ ('a'*400000000)|length }}", "template_forbidden", "operator *"),
        ("{{ 9**9 }}", "template_forbidden", "operator **"),
        ("{{ '%s' % person.name }}", "template_forbidden", "operator %"),
        ("{{ 1 + 1 }}", "template_forbidden", "operator +"),
        ("{% for a in range(9999) %}{% endfor %}", "template_forbidden", "for over range"),
        ("{% for a in 'abc' %}{% endfor %}", "template_forbidden", "list of a person"),
        ("{% for a in user.orders %}{% for b in a %}{% endfor %}{% endfor %}", "template_forbidden", "loop"),
        ("{% for a in person.orders recursive %}{% endfor %}", "template_forbidden", "loop"),
        ("{% for person in person.orders %}{% endfor %}", "template_forbidden", "person"),
        ("{{ 'x'.center(400000000) }}", "template_forbidden", "center"),
        ("{{ person.name.upper() }}", "template_forbidden", "upper()"),
        ("{{ person.name | safe }}", "template_forbidden", "safe"),
        ("{{ person.name | attr('x') }}", "template_forbidden", "attr"),
        ("{{ person.name | truncate(400000000) }}", "template_forbidden", "number"),
        ("{{ person.name | default(person.city) }}", "template_forbidden", "fixed values"),
        ("{{ person.name[1:2] }}", "template_forbidden", "attribute"),
        ("{% set x = 1 %}", "template_forbidden", "assign"),
        ("{% include 'x' %}", "template_forbidden", "include"),
        ("{% import 'x' as y %}", "template_forbidden", "import"),
        ("{% extends 'x' %}", "template_forbidden", "extends"),
        ("{% macro x() %}{% endmacro %}", "template_forbidden", "macro"),
        ("{% block x %}{% endblock %}", "template_forbidden", "block"),
        ("{% filter upper %}a{% endfilter %}", "template_forbidden", "filter"),
        ("{% with a = 1 %}{% endwith %}", "template_forbidden", "with"),
        ("{% call x() %}{% endcall %}", "template_forbidden", "call"),
        ("{% autoescape false %}{% endautoescape %}", "template_forbidden", ""),
        ("{{ {'a': 1} }}", "template_forbidden", "dict"),
        ("{{ person.name is divisibleby 3 }}", "template_", ""),
        ("{{ link(person.name) }}", "template_forbidden", "link()"),
        ("{{ link('javascript:alert(1)') }}", "bad_link", "link"),
        ("{{ link('https://a/\\r\\nSet-Cookie: x') }}", "bad_link", "link"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "template_too_complex", ""),
        ("{{ " + "not " * 5000 + "1 }}", "template_too_complex", ""),
        ("{{ person.name" + "|upper" * 3000 + " }}", "template_too_complex", ""),
        ("{% if 1 %}" * 500 + "{% endif %}" * 500, "template_too_complex", ""),
        ("{{ person" + ".a" * 5000 + " }}", "template_too_complex", ""),
        ("x" * 1_000_001, "too_long", "limit 1 MB"),
    ],
)  # fmt: skip
def test_what_a_template_may_not_do_is_named(source: str, code: str, says: str) -> None:
    began = time.monotonic()
    error = refused(source)
    assert error.code.startswith(code)
    assert says in error.message
    assert error.status == (413 if code == "too_long" else 422)
    assert time.monotonic() - began < 1


@pytest.mark.datasets
def test_the_catalogue_of_bad_templates_gets_its_answers(datasets: Path) -> None:
    entries = json.loads((datasets / "cases" / "bad_inputs.json").read_text(encoding="utf-8"))["entries"]
    checked = 0
    for entry in entries:
        body = entry["input"].get("json", {}).get("body")
        if (
            entry["surface"] != "template"
            or body is None
            or entry["expected"]["code"] == "missing_unsubscribe"
        ):
            continue
        error = refused("x" * 5_000_000 if body.startswith("<") else body)
        assert error.code == entry["expected"]["code"], entry["id"]
        assert error.status == entry["expected"]["status"], entry["id"]
        assert entry["expected"]["message_must_say"] in error.message, entry["id"]
        checked += 1
    assert checked >= 9


def test_a_refused_bomb_takes_no_memory() -> None:
    tracemalloc.start()
    refused("{{ ('a'*400000000)|length }}")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_long_list_or_message_is_no_message() -> None:
    source = "{% for o in person.orders %}{{ o }}{% endfor %}"
    with pytest.raises(Missing, match="200 items"):
        shown(source, Values(person={"orders": ["x"] * 201}))
    with pytest.raises(Missing, match="1 MB"):
        shown(source + source, Values(person={"orders": ["x" * 9_000] * 200}))


def test_a_template_tells_what_it_reads_and_warns_of_clipping() -> None:
    template = made("{{ person.name }}{{ user.city | d('x') }}{{ tag.tier }}{{ link('https://a.b/c') }}")
    assert template.names == {"person.name", "person.city", "tag.tier"}
    assert template.links == ("https://a.b/c",)
    assert not template.unsubscribes
    assert made("{{ unsubscribe_url }}").unsubscribes
    assert "102 KB" in made("x" * 103_000).warnings[0]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}%#()[]|.~'\"ab _<>=!nr\n", max_size=60))
def test_any_text_is_compiled_or_refused_and_renders_or_is_missing(source: str) -> None:
    try:
        template = made("{{" + source + "}}")
    except TemplateError:
        return
    try:
        template.render(ANN)
    except Missing:
        return


def test_html_becomes_readable_text() -> None:
    html = (
        "<html><head><title>t</title><style>p{}</style></head><body><h1>Hi &amp; hello</h1>"
        '<p>Go <a href="https://a.b/c">here</a>\n  now<br>please</p><script>x()</script></body></html>'
    )
    assert plain(html) == "Hi & hello\n\nGo here ( https://a.b/c ) now\nplease\n"
