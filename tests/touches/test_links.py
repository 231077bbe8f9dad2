from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.campaigns.model import Campaign
from limner.errors import TemplateError
from limner.touches.letter import BASE, Source, freeze, letters, sources, structured, thaw
from limner.touches.links import Clicked, Leaving, Links, is_safe_target
from limner.touches.render import Names

LINKS = Links(b"secret", "https://shop.example/")
TARGET = "https://shop.example/sale?a=1&b=春"
CLICK = LINKS.click_url("m1", TARGET).removeprefix("https://shop.example/c/")
LEAVE = LINKS.unsubscribe_url("m1", "email", "ab" * 32).removeprefix("https://shop.example/u/")
OPEN = LINKS.open_url("m1").removeprefix("https://shop.example/o/")


def test_tokens_say_what_they_were_made_for() -> None:
    assert LINKS.clicked(CLICK) == Clicked("m1", TARGET)
    assert LINKS.leaving(LEAVE) == Leaving("m1", "email", "ab" * 32)
    assert LINKS.opened(OPEN) == "m1"


def test_a_token_of_one_kind_is_none_of_another_and_of_no_other_workspace() -> None:
    assert LINKS.clicked(LEAVE) is LINKS.clicked(OPEN) is None
    assert LINKS.leaving(CLICK) is LINKS.opened(CLICK) is LINKS.opened(LEAVE) is None
    assert Links(b"other", "https://shop.example").clicked(CLICK) is None


@settings(max_examples=300)
@given(st.integers(0, len(CLICK) - 1), st.sampled_from("ABab01-_=+/ \n.é"))
def test_a_changed_token_is_nothing(place: int, letter: str) -> None:
    changed = CLICK[:place] + letter + CLICK[place + 1 :]
    assert changed == CLICK or LINKS.clicked(changed) is None


@given(st.text(max_size=200))
def test_any_other_text_is_nothing(token: str) -> None:
    assert LINKS.clicked(token) is LINKS.opened(token) is LINKS.leaving(token) is None


@pytest.mark.parametrize(
    "token", ["", "1", CLICK[:-1], CLICK + "A", CLICK + "=", "x" * 10_000, CLICK.lower()]
)
def test_cut_and_guessed_tokens_are_nothing(token: str) -> None:
    assert LINKS.clicked(token) is None


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.b/c?d=e#f", True), ("http://a.b", True), ("https://例子.测试/春", True),
        ("https://a.b:8443/", True), ("javascript:alert(1)", False), ("data:text/html,x", False),
        ("//evil.example", False), ("/path", False), ("https://", False), ("https://a/\r\nX: y", False),
        ("https://a b", False), ("https://a\\@b", False), ("https://user@evil.example", False),
        ("https://a.b:99999/", False), ("https://[::1", False), ("https://a.b/" + "x" * 2000, False),
        ("", False), ("ftp://a.b", False),
    ],
)  # fmt: skip
def test_only_web_addresses_may_be_targets(url: str, safe: bool) -> None:
    assert is_safe_target(url) is safe


NAMES = Names(person=frozenset({"name"}))
MAIL = Campaign("spring", {"": "Spring"}, "all", "email", "spring.html", subject="Hi {{ person.name }}")


def test_advertising_by_mail_must_offer_to_unsubscribe() -> None:
    for texts in (Source(subject="a", html="Hello"), Source("a", "{{ unsubscribe_url }}", "no link here")):
        with pytest.raises(TemplateError) as caught:
            letters(MAIL, {BASE: texts}, NAMES)
        assert caught.value.code == "missing_unsubscribe"
    service = Campaign("s", {}, "all", "email", "s.html", subject="a", message_class="service")
    assert letters(service, {BASE: Source(subject="a", html="Hello")}, NAMES)


def test_sources_are_read_once_and_kept_with_the_entry() -> None:
    files = {"spring.html": "<p>{{ unsubscribe_url }}</p>", "plain.txt": "{{ unsubscribe_url }}"}
    texts = sources(MAIL, files.__getitem__)
    assert texts == {BASE: Source(subject=MAIL.subject, html=files["spring.html"])}
    assert thaw(freeze(texts)) == texts
    only_text = Campaign("s", {}, "all", "email", "plain.txt", subject="a")
    assert sources(only_text, files.__getitem__)[BASE].text == files["plain.txt"]


def test_a_wechat_template_names_its_fields() -> None:
    text = 'template_id: T1\nurl: https://a.b\ndata: {thing1: "{{ person.name }}"}'
    assert structured(text, "wechat", file="w.yml") == Source(
        template_id="T1", url="https://a.b", data={"thing1": "{{ person.name }}"}
    )
    for wrong in (
        "",
        "a",
        "template_id: T1",
        "template_id: 1\ndata: {}",
        "[",
        "template_id: T\ndata: {a: 1}",
    ):
        with pytest.raises(TemplateError):
            structured(wrong, "wechat", file="w.yml")
