"""The library on an open workspace: who is shown what and why, and what of it leaves with a message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.demo.mail_server import MailServer
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError
from limner.types import Json
from limner.workspace.tick import Ticker
from tests.workspace.test_applying import collect
from tests.workspace.worlds import World

MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email, tier: tier, language: language}
"""
INTEREST = (
    "title: {en: Interests, zh: 兴趣}\nnature: fact\nmethod: statistic\ntype: text\nstatistic: "
    'interest(category of "Product Viewed" * 1, "Order Paid" * 8 half life 14 days)\nvalidity: 30 days\n'
)
PRODUCT = "title: Product\nproperty: sku\ntags:\n  cheap: {when: price < 50}\n"
ROWS = """\
id,name,price,category,link
G1,Longjing,40,green tea,https://shop.example/g1
G2,Biluochun,60,green tea,javascript:alert(1)
T1,Cup,20,teaware,
T2,Pot,90,teaware,https://shop.example/t2
"""
TEMPLATE = """\
<p>{{ person.name | default('friend') }}:{% for item in picks.articles %}
[{{ loop.index }} {{ item.name }} | {{ item.title }} | {{ item.because | default('-') }} | {{ item.reason }}]
<a href="{{ item.link | default('#') }}">read</a>
{% else %}nothing today{% endfor %}</p>{{ unsubscribe_url }}
"""
CAMPAIGN = """\
audience: everybody
holdout: 0
class: service
subject: For you
template: picks.html
picks: {articles: {only: [article], count: 2}}
"""


def item(
    about: str, words: str = "article", more: str = "", languages: str = "en zh", name: str = "x"
) -> str:
    said = "\n".join(
        f'  {one}: {{text: {one} {name}, link: "https://shop.example/{one}/{name}"}}'
        for one in languages.split()
    )
    return (
        f"title: {{en: About {name}, zh: 关于{name}}}\nlanguages:\n{said}\n"
        f"about: [{about}]\nwords: [{words}]\n{more}"
    )


ITEMS = {
    "green": item("green tea", name="green"),
    "ware": item("teaware", name="ware"),
    "gold_only": item("green tea", more="audience: person.tier = 'gold'\n", name="gold"),
    "late": item("green tea", more='from: "2026-06-03"\n', name="late"),
    "over": item("green tea", more='until: "2026-05-31"\n', name="over"),
    "english": item("teaware", languages="en", name="english"),
    "deal": item("green tea", words="offer", name="deal"),
}
PEOPLE = [  # user, tier, language
    ("ann", "gold", "en-GB"), ("bob", "basic", "zh_CN"), ("cai", "basic", ""), ("dan", "basic", "fr"),
]  # fmt: skip


class Shop(World):
    """Four members, their looks and orders, a library, products, a mail server."""

    mail: MailServer
    ticker: Ticker

    def did(self, user: str, event: str, days: float, **properties: object) -> Json:
        at = (self.now - timedelta(days=days)).isoformat()
        return {"type": "track", "event": event, "userId": user, "timestamp": at, "properties": properties}

    def first(self, user: str, source: str = "content", count: int = 3, **more: object) -> list[str]:
        found = self.verb("content pick", id=user, source=source, count=count, **more)
        return [pick["name"] for pick in found["picks"]]

    def mails(self) -> dict[str, str]:
        """What each got, by address; the latest."""
        return {mail.to.partition("@")[0]: mail.html for mail in self.mail.messages()}

    def places(self) -> dict[str, list[str]]:
        """The names of what was in the latest mail to each."""
        return {who: re.findall(r"\[\d+ (\w+) \|", body) for who, body in self.mails().items()}

    def send(self, name: str = "tea", entry: str = "") -> Json:
        answer = self.verb("campaign send", name=name, **({"entry": entry} if entry else {}))
        self.ticker.send_once("email")
        return answer


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with MailServer() as mail:
        made = Shop(
            tmp_path / "shop",
            toml='public_url = "http://shop.example"\napproval_people = -1\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        made.mail = mail
        rows = "\n".join(
            f"{user},{user.title()},{user}@example.test,{tier},{language},2026-05-01"
            for user, tier, language in PEOPLE
        )
        members = made.write("members.csv", f"user_id,name,email,tier,language,since\n{rows}\n")
        made.verb("import", file=str(members), map=str(made.write("members.map.yml", MEMBERS)))
        made.write("tags/interest.yml", INTEREST)
        made.write("objects/product.yml", PRODUCT)
        made.write("objects/product.csv", ROWS)
        made.write("audiences/everybody.yml", "expression: known(person.email)\n")
        made.write("templates/picks.html", TEMPLATE)
        made.write("campaigns/tea.yml", CAMPAIGN)
        for name, body in ITEMS.items():
            made.write(f"content/{name}.yml", body)
        looked = [
            *(made.did("ann", "Order Paid", 1, category="green tea", sku="G1") for _ in range(3)),
            made.did("ann", "Product Viewed", 1, category="teaware", sku="T2"),
            made.did("bob", "Order Paid", 2, category="teaware", sku="T1"),
            made.did("cai", "Product Viewed", 3, sku="T2"),
            # What people opened, and what only a machine did.
            made.did("bob", "Link Clicked", 4, url="https://shop.example/zh/ware"),
            made.did("cai", "Link Clicked", 5, url="https://shop.example/en/ware"),
            *(
                made.did(f"bot{n}", "Link Clicked", 5, url="https://shop.example/en/green", machine=True)
                for n in range(5)
            ),
        ]  # fmt: skip
        collect(made, looked, made.verb("source add", name="web"))
        made.verb("tag run")
        made.ticker = Ticker(made.workspace)
        yield made
        made.close()


@pytest.mark.proves(
    "S10",
    partly="1.5 times popularity holds where tastes differ (demo shop, Online Retail), not on groceries and page views",
)
def test_each_is_shown_what_they_care_for_in_a_language_that_they_read(shop: Shop) -> None:
    """By hand: ann's green tea weighs 0.7, her teaware 0.05; two people clicked 'ware', one is its whole popularity."""
    found = shop.verb("content pick", id="ann", count=6)
    picks = {pick["name"]: pick for pick in found["picks"]}
    assert list(picks) == ["deal", "gold_only", "green", "ware", "english"]  # equal scores go by name
    green = picks["green"]
    assert (green["kind"], green["tag"], green["label"]) == ("interest", "interest", "green tea")
    assert green["reason"] == f"because of interest in green tea: {green['weight']:.2f}"
    assert green["weight"] == pytest.approx(3 * 8 * 2 ** (-1 / 14) / (3 * 8 * 2 ** (-1 / 14) + 10), abs=1e-3)
    assert green["score"] == green["weight"]
    assert picks["ware"]["score"] == pytest.approx(picks["ware"]["weight"] + 0.3)
    assert picks["ware"]["people"] == 2
    assert green["link"] == "https://shop.example/en/green"
    # bob reads Chinese: nothing in English alone; he cares for teaware, and is no gold member.
    assert shop.first("bob", count=6) == ["ware", "deal", "green"]
    # of cai no interest is known: what is popular comes first, and that is said.
    cai = shop.verb("content pick", id="cai", count=2)["picks"]
    assert [(pick["name"], pick["kind"]) for pick in cai] == [("ware", "popular"), ("deal", "any")]
    assert cai[0]["reason"] == "no interest in it is known; 2 people took it up in 30 days"
    assert shop.first("dan") == []  # nothing is in French
    assert shop.first("ann", only=["article"], count=2) == ["gold_only", "green"]
    with pytest.raises(NotFoundError, match="no person"):
        shop.first("zoe")
    with pytest.raises(NotFoundError, match="no kind of objects 'produkt'"):
        shop.first("ann", source="produkt")
    with pytest.raises(UsageError, match="'count'"):
        shop.first("ann", count=21)


@pytest.mark.proves("S5")
def test_products_are_ranked_in_the_same_way_within_a_condition(shop: Shop) -> None:
    assert shop.first("ann", source="product", count=4) == ["G1", "G2", "T2", "T1"]
    assert shop.first("bob", source="product", count=2) == ["T2", "T1"]  # two looked at T2
    shop.write(
        "campaigns/tea.yml",
        CAMPAIGN.replace(
            "{only: [article], count: 2}",
            "{from: product, where: cheap or name = 'Pot', leave_out: [Order Paid], count: 3}",
        ),
    )
    shop.send()
    assert shop.places() == {
        "ann": ["T2", "T1"],
        "bob": ["T2", "G1"],
        "cai": ["T2", "G1", "T1"],
        "dan": ["T2", "G1", "T1"],
    }
    assert "javascript" not in "".join(shop.mails().values())


@pytest.mark.proves("S5")
@pytest.mark.parametrize(
    ("products", "places"),
    [
        ("product.cheap", ["G1", "T1"]),
        ("product.price < 70 and amount > 3", ["G1", "G2", "T1"]),
        ("category = 'teaware' or product.name = 'Longjing'", ["G1", "T2", "T1"]),
        ("not product.cheap", ["G2", "T2"]),
        ("amount > 3", ["G1", "G2", "T2", "T1"]),
    ],
)
def test_products_of_a_scenes_message_are_ranked_within_the_scene(
    shop: Shop, products: str, places: list[str]
) -> None:
    shop.write("scenes/spring.yml", f'products: "{products}"\n')
    picks = "picks: {articles: {from: product, count: 4, least: 1}}\nscene: spring\n"
    shop.write("campaigns/tea.yml", CAMPAIGN.partition("picks:")[0] + picks)
    shop.send()
    assert shop.places()["ann"] == places


def test_a_message_carries_its_picks_with_links_that_count_and_keeps_why(shop: Shop) -> None:
    preview = shop.verb("campaign preview", text=CAMPAIGN, name="tea", person="ann")["people"][0]
    assert "[1 gold_only | About gold | green tea | because of interest in green tea: 0.7" in preview["html"]
    shop.send()
    assert shop.places() == {
        "ann": ["gold_only", "green"],
        "bob": ["ware", "green"],
        "cai": ["ware", "english"],
    }
    assert re.search(r'<a href="http://shop\.example/c/[^"]+">read', shop.mails()["bob"])
    assert "关于ware" in shop.mails()["bob"]
    assert "About ware" in shop.mails()["cai"]
    report = shop.verb("campaign report", name="tea")
    assert report["suppressed"] == {"no content: articles": 1}  # dan, who reads French
    with shop.workspace.records.read() as connection:
        rows = connection.execute(
            text("SELECT identifier_value, picks FROM touches WHERE status = 'sent'")
        ).all()
    kept = {user: json.loads(said)["articles"] for user, said in rows}
    assert [one["name"] for one in kept["ann"]] == ["gold_only", "green"]
    assert kept["ann"][0] | {"weight": 0} == {
        "from": "content", "name": "gold_only", "kind": "interest", "tag": "interest", "label": "green tea",
        "weight": 0, "people": 0,
    }  # fmt: skip
    # What was sent before is left out where that is asked; after a merge under either id.
    shop.write("campaigns/tea.yml", CAMPAIGN.replace("count: 2", "count: 2, leave_out: [sent]"))
    collect(
        shop,
        [{"type": "alias", "userId": "annette", "previousId": "ann", "timestamp": shop.now.isoformat()}],
        shop.verb("source add", name="merged"),
    )
    shop.now += timedelta(seconds=1)
    shop.send(entry="again")
    assert shop.places()["ann"] == ["ware", "english"]
    again = shop.verb("campaign report", name="tea", entry="again")
    assert again["suppressed"] == {"no content: articles": 2}  # dan; and bob, who had both that he can read
    # Erased, nobody can tell what was picked for her.
    shop.verb("person erase", id="bob")
    with shop.workspace.records.read() as connection:
        left = (
            connection.execute(text("SELECT picks FROM touches WHERE identifier_value = '' ")).scalars().all()
        )
    assert len(left) > 0
    assert set(left) == {""}


@pytest.mark.proves(
    "S10",
    partly="1.5 times popularity holds where tastes differ (demo shop, Online Retail), not on groceries and page views",
)
def test_content_that_ends_while_a_message_waits_is_not_sent(shop: Shop) -> None:
    """One mail a second, and the first pick of all ends after two of them: the third gets the next valid pick."""
    shop.write(
        "content/ware.yml", item("teaware", more='until: "2026-06-01T00:00:01.5"\nweight: 1\n', name="ware")
    )
    shop.write("campaigns/tea.yml", CAMPAIGN.replace("count: 2", "count: 1"))
    asked = []

    def taken(_mail: object) -> None:
        shop.now += timedelta(seconds=1)
        asked.append(shop.now)

    shop.mail.on_mail = taken
    shop.send()
    assert len(asked) == 3
    others = {who: names for who, names in shop.places().items() if names != ["ware"]}
    assert len(others) == 1
    assert others.items() <= {"ann": ["gold_only"], "bob": ["green"], "cai": ["english"]}.items()
    # And nothing at all, with the reason, when the file was taken away meanwhile.

    def taken_away(_mail: object) -> None:
        shop.now += timedelta(seconds=1)
        for path in (shop.folder / "content").glob("*.yml"):
            path.unlink()

    shop.mail.on_mail = taken_away
    shop.send(entry="once_more")
    report = shop.verb("campaign report", name="tea", entry="once_more")
    assert (report["sent"], report["suppressed"]) == (1, {"no content: articles": 3})


def test_a_message_may_go_without_content_and_a_journeys_message_has_picks(shop: Shop) -> None:
    shop.write("campaigns/tea.yml", CAMPAIGN.replace("count: 2", "count: 1, least: 0"))
    shop.send()
    assert "nothing today" in shop.mails()["dan"]
    shop.write(
        "journeys/hello.yml",
        "start: {event: Asked}\nholdout: 0\nsteps:\n  hello: {message: {template: picks.html, subject: Hello,"
        " class: service, picks: {articles: {only: [offer], count: 1}}}}\n",
    )
    shop.verb("journey start", name="hello")
    shop.now += timedelta(seconds=2)
    collect(shop, [shop.did("ann", "Asked", 0)], shop.verb("source add", name="asking"))
    shop.now += timedelta(seconds=2)
    shop.ticker.tick()
    shop.ticker.send_once("email")
    assert shop.places()["ann"] == ["deal"]


def test_what_is_wrong_is_said_before_anything_is_sent(shop: Shop) -> None:
    def problems() -> list[str]:
        return [f"{one['where']}: {one['message']}" for one in shop.verb("check")["problems"]]

    assert problems() == []
    shop.write(
        "campaigns/tea.yml",
        CAMPAIGN.replace(
            "{only: [article], count: 2}", "{from: product, where: colour = 'red', by: [intrest]}"
        ),
    )
    assert problems() == [
        "campaigns/tea.yml: picks.articles: there is no tag that gives weights 'intrest'",
        "campaigns/tea.yml: picks.articles: a product has no 'colour'",
    ]
    with pytest.raises(LimnerError, match="no tag that gives weights 'intrest'"):
        shop.verb("campaign send", name="tea")
    shop.write("campaigns/tea.yml", CAMPAIGN.replace("[article]", "[artikel]"))
    assert problems() == ["campaigns/tea.yml: picks.articles: there is no word or item 'artikel'"]
    shop.write("campaigns/tea.yml", CAMPAIGN.replace("articles:", "offers:"))
    with pytest.raises(LimnerError, match=r"unknown variable 'picks\.articles'"):
        shop.verb("campaign preview", text=CAMPAIGN.replace("articles:", "offers:"), name="tea")
    shop.write("content/green.yml", ITEMS["green"] + "audience: nobody_knows = 1\n")
    assert any(said.startswith("content/green.yml:7:11") for said in problems())
    # In a journey's message it is said at the same place.
    wrong = (
        "start: {event: Asked}\nsteps:\n  hi:\n    message: {template: picks.html, subject: S, class: service,\n"
        "      picks: {offers: {count: 1}, articles: {by: [intrest]}}}\n"
    )
    told = shop.verb("journey form", name="hello", text=wrong)["problems"]
    assert ["steps", "hi", "message", "picks", "articles"] in [one["path"] for one in told]
    # An item that a message names cannot be taken away under it.
    shop.write("content/green.yml", ITEMS["green"])
    shop.write("campaigns/tea.yml", CAMPAIGN.replace("[article]", "[green]"))
    shown = shop.verb("definition show", kind="content", name="green")
    with pytest.raises(ConflictError, match=r"campaigns/tea\.yml"):
        shop.verb("definition delete", kind="content", name="green", base=shown["etag"])


def test_the_list_the_reach_and_the_trial(shop: Shop) -> None:
    listed = {row["name"]: row for row in shop.verb("content list")["items"]}
    assert {name: row["state"] for name, row in listed.items()} == {
        **dict.fromkeys(("green", "ware", "gold_only", "english", "deal"), "valid"),
        "late": "not yet", "over": "expired",
    }  # fmt: skip
    assert listed["green"]["used_by"] == [{"kind": "campaign", "name": "tea"}]
    assert listed["deal"]["used_by"] == []
    ware = shop.verb("content reach", name="ware")
    everybody = [shop.first(user) for user in ("ann", "bob", "cai", "dan", *(f"bot{n}" for n in range(5)))]
    assert ware["everybody"] == len(everybody)
    assert ware["first"] == sum(found[:1] == ["ware"] for found in everybody)
    assert ware["among"] == sum("ware" in found for found in everybody)
    assert ware["because"] == 1
    assert shop.verb("content reach", name="over")["first"] == 0
    trial = shop.verb("content evaluate", source="product", event="Order Paid", days=3)
    assert (trial["enough_data"], trial["ratio"]) == (False, None)
    assert trial["message"].startswith("not enough data")


CONTENT_TAG = """\
nature: model
method: rule
type: text
cases:
  - when: >
      did "Content Read" where content.about contains 'green tea'
      and did "Form Submitted" where content.about contains 'green tea'
    then: green tea
  - when: >
      did "Content Read" where content.about contains 'teaware'
      and did "Form Submitted" where content.about contains 'teaware'
    then: teaware
validity: 90 days
owner: editors
why: What somebody wants to hear more of.
"""


@pytest.mark.proves("P4")
def test_who_reads_gets_no_tag_and_who_reads_and_submits_the_form_gets_that_of_the_content(
    shop: Shop,
) -> None:
    shop.write("tags/content_interest.yml", CONTENT_TAG)
    shop.verb("tag run")
    calls = [
        shop.did("ann", "Content Read", 2, content="green"),
        shop.did("bob", "Content Read", 2, content="ware"),
        shop.did("bob", "Form Submitted", 1, content="ware", email="bob@example.test"),
        shop.did("cai", "Form Submitted", 1, content="green"),
        shop.did("dan", "Content Read", 2, content="green"),
        shop.did("dan", "Form Submitted", 1, content="ware"),
    ]
    collect(shop, calls, shop.verb("source add", name="reading"))
    shop.verb("tag run")
    found = shop.workspace.engine.read(
        "SELECT i.value AS user, t.value FROM tag_content_interest AS t JOIN identifiers AS i ON i.ix = t.ix"
        " WHERE i.kind = 'user'"
    ).to_pylist()
    assert found == [{"user": "bob", "value": "teaware"}]
    assert shop.verb("check")["problems"] == []
    # Now ann submits it, too; and what bob read, and dan's form stood under, is about something else.
    collect(
        shop, [shop.did("ann", "Form Submitted", 0.5, content="green")], shop.verb("source add", name="form")
    )
    shop.write("content/ware.yml", ITEMS["ware"].replace("teaware", "green tea"))
    shop.verb("tag run")
    values = shop.workspace.engine.read("SELECT value FROM tag_content_interest").column(0).to_pylist()
    assert values == ["green tea"] * 3
