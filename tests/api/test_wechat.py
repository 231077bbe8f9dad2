"""The official account's door: who may call, events counted once, replies by keyword, codes as sources and tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from limner.channels.wechat_crypto import decrypted, encrypted, signature
from limner.cli.serve import running
from limner.events import wechat
from limner.workspace import definitions
from tests.builders import rule
from tests.workspace.worlds import World

APP, TOKEN, KEY = "wx0123456789abcdef", "token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
AT = 1_780_000_000
RULE = "nature: fact\nmethod: statistic\ntype: text\nstatistic: 'last(scene of *)'\nvalidity: 2 days\n"


class Account(World):
    """A served workspace with an official account."""

    client: httpx2.Client

    def called(self, fields: str, *, sealed: bool = False, token: str = TOKEN) -> httpx2.Response:
        """The answer to a callback of the platform."""
        xml = f"<xml><ToUserName>gh_1</ToUserName>{fields}</xml>"
        query = {"timestamp": str(AT), "nonce": "n1"}
        if sealed:
            inner = encrypted(xml, key=KEY, app_id=APP, noise=bytes(16))
            xml = f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{inner}</Encrypt></xml>"
            query |= {"encrypt_type": "aes", "msg_signature": signature([token, str(AT), "n1", inner])}
        query["signature"] = signature([token, str(AT), "n1"])
        return self.client.post("/wechat/callback", params=query, content=xml.encode())

    def events(self, name: str) -> list[dict[str, object]]:
        """The events of that name, with properties."""
        self.workspace.load()
        rows = self.workspace.engine.read("SELECT name, col FROM properties").to_pylist()
        chosen = ", ".join(["events.ts", *(f"{row['col']} AS {row['name']}" for row in rows)])
        sql = (
            f"SELECT {chosen} FROM events JOIN names ON names.name_i = events.name_i WHERE names.name = $name"
            " ORDER BY ts"
        )
        return self.workspace.engine.read(sql, {"name": name}).to_pylist()


def event(openid: str, kind: str, key: str = "", at: int = AT) -> str:
    return (
        f"<FromUserName>{openid}</FromUserName><CreateTime>{at}</CreateTime><MsgType>event</MsgType>"
        f"<Event>{kind}</Event><EventKey>{key}</EventKey>"
    )


def said(openid: str, text: str, number: int) -> str:
    return (
        f"<FromUserName>{openid}</FromUserName><CreateTime>{AT + number}</CreateTime><MsgType>text</MsgType>"
        f"<Content>{text}</Content><MsgId>{number}</MsgId>"
    )


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    monkeypatch.setenv("TEST_KEY", KEY)
    made = Account(
        tmp_path / "shop",
        toml=f'[wechat]\napp_id = "{APP}"\ntoken_env = "TEST_TOKEN"\naes_key_env = "TEST_KEY"\n',
    )
    for name, text in {
        "followed": "reply: Welcome\n",
        "tea": "keywords: [茶, tea]\nreply: We have tea\n",
        "green_tea": "match: contains\nkeywords: [green tea]\nreply: We have green tea\n",
        "teas": "match: contains\nkeywords: [tea]\nreply: Which one?\n",
        "order": "match: regex\nkeywords: ['order +[0-9]+']\nreply: We look it up\n",
    }.items():
        made.write(f"replies/{name}.yml", text)
    with running(made.workspace) as url, httpx2.Client(base_url=url, timeout=60) as client:
        made.client = client
        yield made
    made.close()


def test_the_platform_is_told_that_this_is_the_accounts_server(account: Account) -> None:
    signed = {"timestamp": "1", "nonce": "2", "echostr": "hello", "signature": signature([TOKEN, "1", "2"])}
    assert account.client.get("/wechat/callback", params=signed).text == "hello"
    wrong = account.client.get("/wechat/callback", params={**signed, "nonce": "3"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "not_signed")
    assert account.called(event("o1", "subscribe"), token="other").status_code == 403
    assert account.events("Followed") == []


@pytest.mark.proves("C9")
@pytest.mark.parametrize("sealed", [False, True])
def test_a_callback_is_one_event_even_when_it_is_delivered_three_times(
    account: Account, sealed: bool
) -> None:
    for _ in range(3):
        answer = account.called(event("o1", "CLICK", "menu_tea"), sealed=sealed)
        assert answer.text == "success"
    assert [row["menu"] for row in account.events("Menu Clicked")] == ["menu_tea"]


@pytest.mark.proves("C9")
def test_an_articles_original_and_a_form_come_from_their_page_and_count_once(account: Account) -> None:
    account.called(event("o1", "subscribe", "qrscene_store7"))
    key = account.verb("source add", name="article")["write_key"]
    openid = {"id": "o1", "type": "openid", "collection": "users", "encoding": "none"}
    for name, properties in (("Article Read", {"article": "spring"}), ("Form Submitted", {"form": "trial"})):
        call = {
            "anonymousId": "phone-1",
            "event": name,
            "messageId": f"m-{name}",
            "properties": properties,
            "context": {"externalIds": [openid]},
        }
        for _ in range(3):
            assert account.client.post("/v1/track", json=call, auth=(key, "")).status_code == 200
    assert [row["article"] for row in account.events("Article Read")] == ["spring"]
    assert [row["form"] for row in account.events("Form Submitted")] == ["trial"]
    account.now = account.now.replace(minute=5)
    assert account.verb("person list")["total"] == 1, "the follower read it, and filled the form in"


@pytest.mark.proves("P6")
@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("茶", "We have tea"),
        (" TEA ", "We have tea"),  # the whole text before a part of it
        ("some green tea please", "We have green tea"),  # the longest part
        ("tea or coffee", "Which one?"),
        ("my order  77", "We look it up"),
        ("tea, order 77", "Which one?"),  # a part before a pattern
        ("coffee", None),
    ],
)
def test_a_keyword_is_answered_in_one_order_and_stands_in_the_event(
    account: Account, text: str, reply: str | None
) -> None:
    answer = account.called(said("o1", text, 1))
    if reply is None:
        assert answer.text == "success"
    else:
        read = wechat.fields(answer.text)
        assert (read["ToUserName"], read["FromUserName"], read["Content"]) == ("o1", "gh_1", reply)
    (event_row,) = account.events("Message Received")
    assert (event_row.get("keyword") is None) is (reply is None)


def test_an_encrypted_callback_is_answered_encrypted(account: Account) -> None:
    answer = account.called(said("o1", "tea", 1), sealed=True)
    read = wechat.fields(answer.text)
    assert read["MsgSignature"] == signature([TOKEN, read["TimeStamp"], read["Nonce"], read["Encrypt"]])
    inner = wechat.fields(decrypted(read["Encrypt"], key=KEY, app_id=APP))
    assert inner["Content"] == "We have tea"


@pytest.mark.proves("P3")
def test_a_channel_code_is_a_source_for_new_and_for_known_followers(account: Account) -> None:
    account.write("tags/came_by.yml", RULE)
    welcome = account.called(event("o1", "subscribe", "qrscene_store7"))
    assert wechat.fields(welcome.text)["Content"] == "Welcome"
    account.called(event("o2", "subscribe"))
    account.called(event("o2", "SCAN", "store9", at=AT + 60))
    account.workspace.load()
    assert [row["scene"] for row in account.events("Followed")] == ["store7", None]
    account.now = account.now.replace(year=2027)
    account.verb("tag run")
    assert len(account.verb("tag members", key="came_by", value="store7")["people"]) == 1
    assert len(account.verb("tag members", key="came_by", value="store9")["people"]) == 1


@pytest.mark.proves("P5")
def test_a_click_on_a_menu_key_sets_the_tag_of_that_key_alone(account: Account) -> None:
    for key in ("tea", "pots"):
        clicked = f"did \"Menu Clicked\" where menu = 'menu_{key}'"
        account.write(f"tags/menu_{key}.yml", rule({"true": clicked}, kind="flag"))
    account.called(event("o1", "CLICK", "menu_tea"))
    account.called(event("o2", "VIEW", "menu_tea"))  # a link that was opened is no click on a key
    account.called(event("o3", "CLICK", "menu_pots"))
    account.workspace.load()
    account.now = account.now.replace(year=2027)
    account.verb("tag run")
    people = {
        key: account.verb("tag members", key=f"menu_{key}", value="true")["people"] for key in ("tea", "pots")
    }
    assert [len(found) for found in people.values()] == [1, 1]
    assert people["tea"] != people["pots"]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<xml>", b"x" * 70_000, json.dumps({"a": 1}).encode()])
def test_nonsense_is_refused_with_a_reason(account: Account, body: bytes) -> None:
    query = {"timestamp": "1", "nonce": "2", "signature": signature([TOKEN, "1", "2"])}
    answer = account.client.post("/wechat/callback", params=query, content=body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["message"]


def test_a_pattern_that_cannot_be_read_is_told_and_answers_nobody(account: Account) -> None:
    account.write("replies/bad.yml", "match: regex\nkeywords: ['[a']\nreply: Never\n")
    found = definitions.problems(account.workspace)
    assert [(problem["where"], problem["code"]) for problem in found] == [("replies/bad.yml", "pattern")]
    assert account.called(said("o1", "[a", 1)).text == "success"
