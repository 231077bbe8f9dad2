"""Who wants nothing chosen by their data gets advertising as somebody of whom nothing is known; others as before."""

# ruff: noqa: E501  (one line for each definition)

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from limner.campaigns import journey_text
from limner.consents import preferences
from limner.consents.preferences import Preference
from limner.demo.mail_server import MailServer
from limner.demo.sms_server import ACCESS_KEY, SECRET, SmsServer
from limner.types import Json
from limner.workspace import unprofiled
from limner.workspace.tick import Ticker
from tests.workspace.test_applying import collect
from tests.workspace.test_picking import INTEREST, MEMBERS, Shop, item

ANN, BOB = "ann", "bob"
"""Both keen on green tea at eight in the evening, both gold, both read Chinese; ann asks for nothing by her data."""

OTHERS = ("cai", "dan", "eve")
"""They look at teaware at nine in the morning."""

MAIL = "{who}: keen {{{{ tag.lively | default('?') }}}}, {{{{ tag.tier | default('?') }}}}:{{% for item in picks.two %}}\n"
MAIL += "[{{{{ loop.index }}}} {{{{ item.name }}}} | {{{{ item.reason }}}}]{{% endfor %}} {{{{ unsubscribe_url }}}}\n"
TEA = """\
audience: everybody
holdout: 0
channel: email
subject: Tea
template: base.html
picks: {two: {only: [article], count: 2}}
variants:
  - {name: keen, when: keen, template: keen.html}
  - {name: chinese, when: person.language = 'zh', template: chinese.html}
"""
BEST = """\
audience: everybody
holdout: 0
channel: best of [email, sms]
subject: Tea
templates: {email: short.html, sms: short.yml}
when: best hour
within: 24 hours
"""
PLAIN = (
    "audience: {audience}\nholdout: 0\nchannel: email\nclass: {kind}\nsubject: Tea\ntemplate: short.html\n"
)
TAGS = {
    "interest": INTEREST,
    "lively": 'nature: fact\nmethod: statistic\ntype: number\nstatistic: count("Product Viewed")\nvalidity: 30 days\n',
    "keen": "nature: model\nmethod: rule\ntype: flag\ncases: [{when: lively >= 5, then: true}]\nvalidity: 30 days\n",
    "tier": "nature: fact\nmethod: observed\ntype: text\nattribute: tier\n",
    "golden": "nature: model\nmethod: rule\ntype: flag\ncases: [{when: tier = 'gold', then: true}]\nvalidity: 30 days\n",
    "last_order": "nature: fact\nmethod: statistic\ntype: instant\nstatistic: 'last_time(\"Order Paid\")'\nvalidity: 30 days\n",
    "liked": "nature: fact\nmethod: manual\ntype: flag\n",
}
AUDIENCES = {
    "everybody": "known(person.email)",
    "keen": "keen",
    "golden": "golden and not liked",
    "within": 'in audience "keen" or golden',
    "lookers": 'did "Product Viewed"',
}
SMS = 'signature: 示例商店\ntemplate_code: SMS_1\ntext: "新茶上市，退订回复R"\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    patch = pytest.MonkeyPatch()
    patch.setenv("SMS_SECRET", SECRET)
    with MailServer() as mail, SmsServer() as sms:
        made = Shop(
            tmp_path_factory.mktemp("unprofiled") / "shop",
            toml='public_url = "http://shop.example"\napproval_people = -1\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n'
            f'[sms]\napi = "{sms.url}"\naccess_key = "{ACCESS_KEY}"\nsecret_env = "SMS_SECRET"\n',
        )
        made.mail = mail
        rows = [f"{who},{who},{who}@example.test,gold,zh,2026-05-01" for who in (ANN, BOB)]
        rows += [f"{who},{who},{who}@example.test,basic,en,2026-05-01" for who in OTHERS]
        numbers = {who: f"1390000000{n}" for n, who in enumerate((ANN, BOB, *OTHERS))}
        lines = "".join(f"{row},{numbers[row[:3]]}\n" for row in rows)
        members = made.write("members.csv", f"user_id,name,email,tier,language,since,phone\n{lines}")
        mapping = MEMBERS.replace("language: language}", "language: language, phone: phone}")
        made.verb("import", file=str(members), map=str(made.write("members.map.yml", mapping)))
        for name, body in TAGS.items():
            made.write(f"tags/{name}.yml", body)
        for name, body in AUDIENCES.items():
            made.write(f"audiences/{name}.yml", f"expression: {json.dumps(body)}\n")
        for name in ("green", "ware"):
            made.write(
                f"content/{name}.yml", item({"green": "green tea", "ware": "teaware"}[name], name=name)
            )
        made.write("content/for_keen.yml", item("green tea", more="audience: keen\n", name="for_keen"))
        for name in ("base", "keen", "chinese"):
            made.write(f"templates/{name}.html", MAIL.format(who=name))
        made.write("templates/short.html", "<p>Tea {{ unsubscribe_url }}</p>\n")
        made.write("templates/short.yml", SMS)
        made.write("policy.yml", "hours: {events: [Product Viewed]}\n")
        looked = [
            {**made.did(who, "Product Viewed", 0, category=category),
             "timestamp": (made.now - timedelta(days=day, hours=ago)).isoformat()}
            for day in range(1, 13)
            for who, category, ago in (
                (ANN, "green tea", 4), (BOB, "green tea", 4), *((who, "teaware", 15) for who in OTHERS)
            )
        ]  # fmt: skip
        looked += [made.did(who, "Link Clicked", 3, url="https://shop.example/en/ware") for who in OTHERS]
        collect(made, looked, made.verb("source add", name="web"))
        consents = "".join(
            f"{who},{channel},{address},granted\n"
            for who, number in numbers.items()
            for channel, address in (("email", f"{who}@example.test"), ("sms", number))
        )
        file = made.write("consents.csv", f"user_id,channel,address,state\n{consents}")
        made.verb("consent import", file=str(file))
        made.verb("tag run")
        made.ticker = Ticker(made.workspace)
        asks(made, ANN, unprofiled=True)
        yield made
        made.close()
    patch.undo()


def asks(shop: Shop, who: str, **said: bool) -> None:
    person = shop.verb("person show", id=who)["person"]
    preferences.keep(shop.workspace.records, person, Preference(shop.now, **said))


def chosen(shop: Shop, campaign: str) -> dict[str, Json]:
    """By user, the message's channel, hour and the reasons of both."""
    everybody = (ANN, BOB, *OTHERS)
    people = dict(zip(shop.ids(*everybody), everybody, strict=True))
    with shop.workspace.records.read() as connection:
        rows = connection.execute(
            text("SELECT person, variant, choice FROM touches WHERE campaign = :name"), {"name": campaign}
        ).all()
    return {people[row.person]: {"variant": row.variant, **json.loads(row.choice or "{}")} for row in rows}


@pytest.mark.proves("S9", "V4")
def test_text_picks_and_values_are_those_of_somebody_unknown_and_language_stays(shop: Shop) -> None:
    shop.write("campaigns/tea.yml", TEA)
    assert shop.send()["sent"] == 5
    mails = shop.mails()
    assert mails[BOB].startswith("keen: keen 12, gold:")
    assert [name for name in ("for_keen", "green", "ware") if f" {name} |" in mails[BOB]] == [
        "for_keen",
        "green",
    ]
    assert "because of interest in green tea" in mails[BOB]
    # ann: the text in her language, no computed value, what most people take up, nothing for whom computing found
    assert mails[ANN].startswith("chinese: keen ?, gold:")
    assert "[1 ware | no interest in it is known; 3 people took it up" in mails[ANN]
    assert "for_keen" not in mails[ANN]
    assert "because of" not in mails[ANN]
    assert {mails[who][:4] for who in OTHERS} == {"keen"}, "for the others all is as it was"


@pytest.mark.proves("S9")
def test_the_hour_and_the_channel_are_everybodys(shop: Shop) -> None:
    shop.write("campaigns/first.yml", PLAIN.format(audience="everybody", kind="service"))
    shop.send("first")
    shop.now += timedelta(days=4)
    shop.write("campaigns/best.yml", BEST)
    shop.send("best")
    found = chosen(shop, "best")
    assert found[BOB]["hour"]["whose"] == "person"
    assert found[BOB]["hour"]["best"] in (19, 20), "bands of two hours that hold eight in the evening"
    assert found[ANN]["hour"]["whose"] == "everybody"
    assert found[ANN]["hour"]["best"] in (8, 9), "most people are there at nine"
    asked = {who: found[who]["channel"]["answers"]["email"][1] for who in found}
    assert asked[ANN] == 0
    assert all(asked[who] > 0 for who in (BOB, *OTHERS)), "what came by mail counts for the others"


@pytest.mark.proves("S9", "V4")
def test_no_advertising_for_an_audience_that_is_computed_but_service_and_what_was_told(shop: Shop) -> None:
    against = {"wants nothing chosen by their data": 1}
    for audience, suppressed in (
        ("keen", against), ("lookers", against), ("within", against), ("golden", {}), ("everybody", {}),
    ):  # fmt: skip
        shop.write(f"campaigns/to_{audience}.yml", PLAIN.format(audience=audience, kind="marketing"))
        answer = shop.verb("campaign send", name=f"to_{audience}", dry_run=True)
        assert answer["suppressed"] == suppressed, audience
    answer = shop.send("to_keen")
    assert (answer["sent"], answer["suppressed"]) == (4, against)
    shop.write("campaigns/bill.yml", PLAIN.format(audience="keen", kind="service"))
    assert shop.send("bill")["sent"] == 5
    # A campaign in a scene whose audience is computed is chosen by it as well; the claim asks, too.
    shop.write(
        "scenes/autumn.yml",
        "audience: keen\nfrom: 2026-06-01\nuntil: 2026-07-01\ngoal: {event: Order Paid, within: 7 days}\n",
    )
    shop.write(
        "campaigns/scened.yml", PLAIN.format(audience="everybody", kind="marketing") + "scene: autumn\n"
    )
    assert shop.verb("campaign send", name="scened", dry_run=True)["suppressed"] == against
    shop.write("campaigns/late.yml", PLAIN.format(audience="keen", kind="marketing"))
    # Her latest word counts.
    shop.now += timedelta(minutes=1)
    asks(shop, ANN, unprofiled=False)
    assert shop.verb("campaign send", name="late", dry_run=True)["suppressed"] == {}
    asks(shop, ANN, unprofiled=True)


@pytest.mark.parametrize(
    ("start", "profiled"),
    [
        ("start: {event: Order Paid}", False),
        ("start: {event: Order Paid}\nonly: person.language = 'zh'", False),
        ("start: {event: Order Paid}\nonly: golden", False),
        ("start: {event: Order Paid}\nonly: keen", True),
        ("start: {enters: keen}", True),
        ("start: {enters: golden}", False),
        ("start: {enters: nobody_knows}", False),
        ('start: {date: person.expires, before: 7 days, at: "10:00"}', False),
        ('start: {date: last_order, before: 7 days, at: "10:00"}', True),
    ],
)
def test_a_journey_is_chosen_by_data_where_it_begins_with_what_is_computed(
    shop: Shop, start: str, profiled: bool
) -> None:
    steps = "steps:\n  hello: {message: {template: short.html, subject: Hello}}\n"
    journey = journey_text.read(f"{start}\nholdout: 0\n{steps}", "way")
    assert unprofiled.of_journey(shop.workspace, journey) is profiled


@pytest.mark.proves("V4")
def test_a_journeys_messages_are_kept_from_her_and_a_trial_says_so(shop: Shop) -> None:
    steps = "steps:\n  hello: {message: {template: short.html, subject: Hello}}\n"
    shop.write("journeys/club.yml", f"start: {{event: Order Paid}}\nonly: keen\nholdout: 0\n{steps}")
    shop.write("journeys/thanks.yml", f"start: {{event: Order Paid}}\nholdout: 0\n{steps}")
    for name in ("club", "thanks"):
        shop.verb("journey start", name=name)
    before = len(shop.mail.messages())
    shop.now += timedelta(minutes=5)
    source = shop.verb("source add", name="till")
    collect(shop, [shop.did(who, "Order Paid", 0) for who in (ANN, BOB)], source)
    for _ in range(2):
        shop.now += timedelta(minutes=5)
        shop.ticker.tick()
        shop.ticker.send_once("email")
    to = sorted(mail.to.partition("@")[0] for mail in shop.mail.messages()[before:])
    assert to == [ANN, BOB, BOB]
    trial = shop.verb("journey try", name="club", person=ANN)
    assert "wants nothing chosen by their data" in json.dumps(trial)
    assert "wants nothing chosen by their data" not in json.dumps(
        shop.verb("journey try", name="thanks", person=ANN)
    )


def test_what_was_asked_for_holds_for_whoever_the_person_is_found_to_be(shop: Shop) -> None:
    source = shop.verb("source add", name="app")
    visit = {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": "phone-7",
        "timestamp": shop.now.isoformat(),
    }
    collect(shop, [visit], source)
    with shop.workspace.records.read() as connection:
        assert len(preferences.unprofiled(connection)) == 1
    found = shop.workspace.engine.read("SELECT person_id FROM persons ORDER BY ix DESC LIMIT 1")
    visitor = found.column(0)[0].as_py()
    preferences.keep(shop.workspace.records, visitor, Preference(shop.now, unprofiled=True))
    assert len(unprofiled.asking(shop.workspace, "marketing").people) == 2
    login = {"type": "identify", "userId": "eve", "anonymousId": "phone-7", "timestamp": shop.now.isoformat()}
    collect(shop, [login], shop.verb("source add", name="login"))
    eve = shop.verb("person show", id="eve")["person"]
    assert eve in unprofiled.asking(shop.workspace, "marketing").people
    assert not unprofiled.asking(shop.workspace, "service").people
    asked = Preference(shop.now + timedelta(seconds=1))
    preferences.keep(shop.workspace.records, eve, replace(asked, unprofiled=False))
    assert eve not in unprofiled.asking(shop.workspace, "marketing").people
