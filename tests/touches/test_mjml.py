"""MJML: what people get is HTML with their own values escaped; every mistake is said with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from limner.errors import TemplateError
from limner.touches import mjml
from limner.touches.advice import Advice, advice
from limner.touches.letter import BASE, Composer, freeze, letters, sources, thaw
from limner.touches.model import Recipient
from limner.touches.render import Names
from tests.touches.sending import LINKS, SECRET, SPRING

NAMES = Names(person=frozenset({"name", "city", "cart"}))
SOURCE = """<mjml lang="zh">
  <mj-head><mj-title>T</mj-title><mj-style>.a { color: red }</mj-style></mj-head>
  <mj-body>
    <mj-raw>{% if person.city == 'Beijing' and 1 < 2 %}</mj-raw>
    <mj-section><mj-column>
      <mj-text>Hi {{ person.name | default('a & b') }}<br>&nbsp;you & yours</mj-text>
      <mj-image alt="{{ person.name }}" src="https://shop.example/tea.png?a=1&b=2" />
    </mj-column></mj-section>
    <mj-raw>{% endif %}</mj-raw>
    <mj-section><mj-column>
      <mj-text>{% for item in person.cart %}<p>{{ item.name }}</p>{% endfor %}</mj-text>
      <mj-button href="{{ link('https://shop.example/sale?b=1&c=2') }}">Go</mj-button>
      <mj-text><a href="{{ unsubscribe_url }}">No more</a></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""


def composer(tmp_path: Path, source: str = SOURCE) -> Composer:
    (tmp_path / "spring.mjml").write_text(source, encoding="utf-8")
    item = replace(SPRING, template="spring.mjml")
    texts = sources(item, lambda name: (tmp_path / name).read_text(encoding="utf-8"))
    return Composer(item, letters(item, thaw(freeze(texts)), NAMES), LINKS, SECRET, "shop@example.com")


@pytest.mark.proves("H10")
def test_a_mail_of_mjml_holds_each_persons_values_escaped(tmp_path: Path) -> None:
    made = composer(tmp_path)
    evil = '<script>{{ person.city }}</script>" onerror="x'
    ann = Recipient(
        address="ann@example.com", identifier_kind="user", identifier_value="ann",
        person={"name": evil, "city": "Beijing", "cart": [{"name": "<b>tea</b>"}]},
    )  # fmt: skip
    message = made.message("m1", BASE, ann)
    assert "<mj-" not in message.html
    assert 'lang="zh"' in message.html
    assert "&lt;script&gt;{{ person.city }}&lt;/script&gt;" in message.html
    assert "<script" not in message.html
    assert 'onerror="x' not in message.html
    assert "&lt;b&gt;tea&lt;/b&gt;" in message.html
    assert "a=1&amp;b=2" in message.html
    assert "fonts.googleapis" not in message.html
    (link,) = {part for part in message.html.split('"') if "/c/" in part}
    clicked = LINKS.clicked(link.rpartition("/")[2])
    assert clicked is not None
    assert clicked.target == "https://shop.example/sale?b=1&c=2"
    assert "Hi <script>" in message.text
    assert "No more ( https://shop.example/u/" in message.text
    bob = Recipient("bob@example.com", "user", "bob", person={"name": "Bob", "city": "Xi'an", "cart": []})
    other = made.message("m2", BASE, bob)
    assert "you &amp; yours" in message.html
    assert "you &amp; yours" not in other.html, "the condition holds for whole sections"
    mjml.html_of.cache_clear()
    assert mjml.html_of(SOURCE) is mjml.html_of(SOURCE), "a text is compiled once"


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        (7, "      <mj-imag src='x' />", "line 7: there is no <mj-imag>"),
        (7, "      <mj-include path='/etc/passwd' />", "line 7: <mj-include> is not read"),
        (7, '      <mj-image width="{{ person.name }}" />', "line 7: .*attribute width"),
        (7, "      <mj-text {{ person.name }}>x</mj-text>", "line 7: .*no attribute of <mj-text>"),
        (7, "      <mj-text>\n5 < 7</mj-text>", "line 8: a '<' that begins no tag"),
        (7, "      <mj-text><b>x</mj-text>", "line 7: </mj-text> closes nothing: <b> of line 7 is open"),
        (7, "      {{ person.name }}", "line 7: .*stand within <mj-text>"),
        (7, "      <!-- {{ person.name }} -->", "line 7: .*comment"),
        (7, "      <mj-text>{{ person.naem }}</mj-text>", "line 7: unknown variable 'person.naem'"),
        (7, "      <mj-text>{{ person.name.upper() }}</mj-text>", "line 7: a template may not use the call"),
        (2, "  <mj-head><mj-style>.a{color:{{ person.name }}}</mj-style></mj-head>", "line 2: .*style"),
        (15, "", "line 3: <mj-body> is not closed|line 16: </mjml> closes nothing: <mj-body> of line 3"),
        (9, "    <mj-raw></mj-raw>", "Unexpected end of template"),
    ],
)
def test_each_mistake_is_said_with_its_line(tmp_path: Path, line: int, instead: str, says: str) -> None:
    lines = SOURCE.splitlines()
    lines[line - 1] = instead
    with pytest.raises(TemplateError, match=says) as caught:
        composer(tmp_path, "\n".join(lines))
    assert caught.value.code in ("template_syntax", "unknown_variable", "template_forbidden")


@pytest.mark.parametrize(
    "source",
    ["nonsense", "<mjml></mjml><mjml>", "<mjml>" * 200, "<p>{{ unsubscribe_url }}</p>", '<a "' * 50_000],
)
def test_what_is_no_mjml_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(TemplateError):
        composer(tmp_path, source)


def test_the_author_is_told_what_to_mend() -> None:
    fine = "<p>The spring harvest is here, come and see.</p><img src='https://x/y.png' alt=''>"
    assert advice(fine, unsubscribes=True) == []
    bad = "<img src='http://x/y.png'><img src='https://x/z.png'>" + "<i></i>" * 15_000
    assert advice(bad, unsubscribes=False) == [
        Advice("no_unsubscribe"), Advice("clipped", 105), Advice("no_alt", 2), Advice("little_text", 0),
        Advice("insecure", 1),
    ]  # fmt: skip
