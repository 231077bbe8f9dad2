"""Scenes on an open workspace: whom they reach and when, whom they leave out, themes, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.campaigns.arms import held_out
from limner.demo.mail_server import MailServer
from limner.errors import ConflictError, LimnerError, NotFoundError, TemplateError, UsageError
from limner.types import Json
from limner.workspace.tick import Ticker
from tests.workspace.test_policing import Shop

PEOPLE = 40
SPRING = """\
title: {en: Spring tea, zh: 春茶季}
goal: {event: Order Paid, money: amount, target: +20%, within: 3 days}
products: product.seasonal
audience: rich
channels: [email]
from: 2026-06-05
until: 2026-06-14
holdout: 0.25
theme: {line: The first leaves are here, code: 7}
"""
HARVEST = """\
title: {en: Harvest}
scene: spring
holdout: 0
class: service
subject: "{{ theme.line }}"
template: harvest.html
"""
CART = """\
scene: spring
start: {event: Product Added}
holdout: 0
again: true
steps:
  remind:
    message:
      class: service
      variants:
        - {name: top, when: person.points >= 30, template: top.html, subject: Top}
        - {name: others, template: harvest.html, subject: Others}
"""
ORDERS = """\
source: till
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
properties: {sku: sku, amount: {column: amount, type: money}}
"""


class Stage(Shop):
    """Forty members with 0, 10, 20, 30 points in turn; who has ten or more is rich; two products, one in season."""

    def paid(self, *orders: tuple[int, str, int], at: datetime | None = None) -> None:
        """Orders: who, which product, how much."""
        self.n += 1
        when = (at or self.now).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = "".join(f"m{who:02d},{when},Order Paid,{sku},{amount}\n" for who, sku, amount in orders)
        file = self.write(f"orders{self.n}.csv", "user_id,at,event,sku,amount\n" + rows)
        self.verb("import", file=str(file), map=str(self.write("orders.map.yml", ORDERS)))

    def ids(self) -> list[str]:
        found = self.workspace.engine.read(
            "SELECT i.value, p.person_id FROM persons AS p JOIN identifiers AS i ON i.ix = p.ix WHERE i.kind = 'user'"
        )
        known = dict(zip(found.column(0).to_pylist(), found.column(1).to_pylist(), strict=True))
        return [known[f"m{n:02d}"] for n in range(len(known))]

    def at(self, day: int, hour: int = 0) -> None:
        self.now = datetime(2026, 6, day, hour, tzinfo=UTC)
        self.ticker.tick()
        self.ticker.send_once("email")

    def found(self) -> dict[str, str]:
        """The subject that each member got last."""
        return {message.to: str(message.parsed["subject"]) for message in self.mail.messages()}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with MailServer() as mail:
        made = Stage(
            tmp_path / "shop",
            toml='public_url = "http://127.0.0.1:1"\ncurrency = "CNY"\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        made.mail = mail
        made.write("audiences/rich.yml", "expression: person.points >= 10\n")
        made.write("audiences/everybody.yml", "expression: person.points >= 0\n")
        made.write("objects/product.yml", "property: sku\ntags: {seasonal: {when: season = 'spring'}}\n")
        made.write("objects/product.csv", "id,season\nT-1,spring\nT-2,autumn\n")
        made.write("templates/harvest.html", "<p>{{ person.name }}: {{ theme.line }} {{ theme.code }}</p>\n")
        made.write("templates/top.html", "<p>For you: {{ theme.line }}</p>\n")
        made.points(*[(n % 4) * 10 for n in range(PEOPLE)])
        made.ticker = Ticker(made.workspace)
        yield made
        made.close()


def rich() -> list[int]:
    return [n for n in range(PEOPLE) if n % 4]


@pytest.mark.proves("S1")
@pytest.mark.proves("S7")
@pytest.mark.proves("A7")
def test_a_scene_bounds_whom_its_campaigns_and_journeys_reach_and_when(stage: Stage) -> None:
    stage.write("scenes/spring.yml", SPRING)
    stage.write("campaigns/harvest.yml", HARVEST)
    stage.write("campaigns/wide.yml", HARVEST.replace("scene:", "audience: everybody\nscene:"))
    stage.write("campaigns/weekly.yml", HARVEST + 'schedule: "0 9 * * *"\n')
    stage.write("journeys/cart.yml", CART)
    assert stage.verb("check")["problems"] == []
    stage.verb("journey start", name="cart")
    with pytest.raises(ConflictError) as early:
        stage.verb("campaign send", name="harvest")
    assert early.value.code == "outside_scene"
    assert "begins on 2026-06-05" in early.value.message
    planned = stage.verb("campaign send", name="harvest", dry_run=True)
    ids = stage.ids()
    out = held_out(ids, seed="scene:spring", share=0.25)
    gets = [n for n in rich() if not out[n]]
    apart = [n for n in rich() if out[n]]
    assert 0 < len(apart) < 25
    assert (planned["audience"], planned["waiting"]) == (30, len(gets))
    assert planned["suppressed"] == {"held out of scene spring": len(apart)}
    stage.did(1)  # before the scene's dates
    stage.at(4, 12)
    assert stage.sent == 0
    assert stage.held() == [], "a recurring schedule has no times outside the dates"
    # On its first day: the weekly one goes to the scene's audience.
    stage.at(5, 10)
    assert sorted(stage.found()) == [f"m{n:02d}@example.test" for n in gets]
    assert set(stage.found().values()) == {"The first leaves are here"}
    wide = stage.verb("campaign send", name="wide")
    assert wide["suppressed"] == {
        "held out of scene spring": len(apart),
        "outside the audience of scene spring": 10,
    }
    assert wide["sent"] == len(gets)
    # A journey: only members enter, and who is held out of the scene walks and gets nothing.
    stage.now += timedelta(minutes=1)
    stage.did(*range(PEOPLE))
    stage.at(5, 11)
    shown = stage.verb("journey show", name="cart")
    assert (shown["entered"], shown["held_out"]) == (30, len(apart))
    assert shown["steps"][0]["messages"]["sent"] == len(gets)
    by = {row["variant"]: (row["people"], row["sent"]) for row in shown["steps"][0]["variants"]}
    top = [n for n in gets if n % 4 == 3]
    assert by == {"top": (len(top),) * 2, "others": (len(gets) - len(top),) * 2}
    assert stage.found()[f"m{top[0]:02d}@example.test"] == "Top"
    trial = stage.verb("journey try", name="cart", person="m00")
    assert trial["may_code"] == "scene_audience"
    # The last day is within; after it nothing goes, and what waits is not sent for that reason.
    stage.at(14, 9)
    before = stage.sent
    with stage.workspace.records.begin() as connection:
        connection.execute(text("UPDATE touches SET status = 'waiting' WHERE campaign = 'cart'"))
        connection.execute(text("UPDATE campaign_entries SET status = 'running' WHERE campaign = 'cart'"))
    stage.at(15)
    assert stage.sent == before
    reasons = stage.verb("campaign suppressions", name="cart")["reasons"]
    assert reasons == {"after the dates of scene spring": len(gets)}
    stage.did(*rich())
    stage.at(15, 10)
    assert stage.verb("journey show", name="cart")["entered"] == 30
    with pytest.raises(ConflictError, match="ended with 2026-06-14"):
        stage.verb("campaign send", name="harvest")
    # Erasing somebody leaves nothing that names them.
    stage.verb("person erase", id="m01")
    with stage.workspace.records.read() as connection:
        left = connection.execute(
            text("SELECT COUNT(*) FROM scene_people WHERE person = :who"), {"who": ids[1]}
        ).scalar()
    assert left == 0


def test_a_moment_outside_the_dates_is_held_and_a_scene_that_is_gone_lets_nothing_go(stage: Stage) -> None:
    stage.write("scenes/spring.yml", SPRING)
    stage.write("campaigns/harvest.yml", HARVEST + 'schedule: "2026-06-06 09:00"\n')
    assert stage.verb("check")["problems"] == []
    stage.write("scenes/spring.yml", SPRING.replace("2026-06-05", "2026-06-08"))
    (problem,) = stage.verb("check")["problems"]
    assert (problem["where"], problem["code"]) == ("campaigns/harvest.yml:7:11", "outside_scene")
    stage.at(6, 8)
    stage.at(6, 10)
    (held,) = stage.held()
    assert held["reason"] == "it is before the dates of scene spring, which begins on 2026-06-08"
    with pytest.raises(ConflictError):
        stage.verb("hold release", name="harvest", why="now")
    stage.at(8, 10)
    stage.write("policy.yml", "holidays: [2026-06-08]\nquiet_for: [service]\n")
    stage.verb("hold release", name="harvest", why="its time has come")
    stage.ticker.send_once("email")
    assert stage.sent == 0, "they wait for the holiday's end"
    (stage.folder / "scenes/spring.yml").unlink()
    stage.at(9, 1)
    assert stage.sent == 0
    report = stage.verb("campaign report", name="harvest")
    assert (report["status"], report["reason"]) == ("paused", "scene spring: there is no scene 'spring'")


def test_what_is_wrong_is_named_where_it_stands_and_what_is_needed_cannot_go(stage: Stage) -> None:
    stage.write("scenes/spring.yml", SPRING)
    stage.write("campaigns/harvest.yml", HARVEST.replace("scene: spring", "scene: sprig"))
    stage.write("campaigns/points.yml", "scene: spring\nchannel: sms\ntemplate: a.yml\n")
    stage.write("journeys/cart.yml", CART.replace("      class", "      channel: push\n      class"))
    wrong = {one["where"]: (one["message"], one["hint"]) for one in stage.verb("check")["problems"]}
    assert wrong == {
        "campaigns/harvest.yml:2:8": ("there is no scene 'sprig'", "did you mean spring?"),
        "campaigns/points.yml:2:10": ("scene 'spring' has no channel 'sms'", "its channels: email"),
        "journeys/cart.yml:8:16": ("scene 'spring' has no channel 'push'", "its channels: email"),
    }
    stage.write("campaigns/harvest.yml", HARVEST)
    (stage.folder / "campaigns/points.yml").unlink()
    stage.write("journeys/cart.yml", CART)
    for kind, name in (("scenes", "spring"), ("audiences", "rich")):
        etag = stage.verb("definition show", kind=kind, name=name)["etag"]
        with pytest.raises(ConflictError) as needed:
            stage.verb("definition delete", kind=kind, name=name, base=etag)
        assert needed.value.code == "in_use", kind
    shown = stage.verb("audience show", name="rich")
    assert [(one["kind"], one["name"]) for one in shown["used_by"]] == [
        ("campaign", "harvest"),
        ("scene", "spring"),
    ]
    edges = {(one["from"], one["to"]) for one in stage.verb("tag lineage", focus="scene:spring")["edges"]}
    assert edges >= {
        ("audience:rich", "scene:spring"), ("object:product.seasonal", "scene:spring"),
        ("event:Order Paid", "scene:spring"), ("scene:spring", "campaign:harvest"), ("scene:spring", "journey:cart"),
    }  # fmt: skip
    for change, message in (
        ({"products": "product.sesonal"}, "a product has no"),
        ({"audience": "rch"}, "there is no audience 'rch'"),
        ({"until": "2026-06-01"}, "the scene ends before it begins"),
        ({"channels": ["mail"]}, "'channels' are some of"),
        ({"goal": {"metric": "orders"}}, "there is no metric 'orders'"),
        ({"goal": {"event": "A", "metric": "b"}}, "by a metric, or by an event"),
        ({"goal": {"event": "A", "target": "more"}}, "'target' is a number"),
        ({"holdout": 0.95}, "'holdout' is a share"),
        ({"theme": {"a b": "x"}}, "is no name of a value"),
    ):  # fmt: skip
        asked = stage.verb("scene text", name="spring", text=SPRING, fields=change)
        assert any(message in one["message"] for one in asked["problems"]), (change, asked["problems"])
    kept = stage.verb("scene text", name="spring", text="# ours\n" + SPRING, fields={"until": "2026-06-20"})
    assert kept["text"] == "# ours\n" + SPRING.replace("2026-06-14", "2026-06-20")
    assert kept["problems"] == []
    stage.write("templates/harvest.html", "{{ theme.lin }}\n")
    with pytest.raises(TemplateError, match="theme"):
        stage.verb("campaign send", name="harvest", dry_run=True)
    with pytest.raises(NotFoundError):
        stage.verb("scene show", name="sping")


@pytest.mark.proves("F3")
def test_a_scene_is_measured_against_its_baseline_its_holdout_and_its_cost(tmp_path: Path) -> None:
    with MailServer() as mail:
        stage = Stage(
            tmp_path / "shop",
            toml='public_url = "http://127.0.0.1:1"\ncurrency = "CNY"\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        stage.mail = mail
        stage.ticker = Ticker(stage.workspace)
        try:
            _measured(stage)
        finally:
            stage.close()


def _measured(stage: Stage) -> None:
    many = 400
    stage.write("audiences/rich.yml", "expression: person.points >= 10\n")
    stage.write("objects/product.yml", "property: sku\ntags: {seasonal: {when: season = 'spring'}}\n")
    stage.write("objects/product.csv", "id,season\nT-1,spring\nT-2,autumn\n")
    stage.write("templates/harvest.html", "<p>{{ theme.line }}</p>\n")
    stage.write("policy.yml", "costs: {email: 0.5}\n")
    stage.points(*[10] * many)
    stage.write("scenes/spring.yml", SPRING)
    stage.write(
        "campaigns/harvest.yml",
        HARVEST.replace("holdout: 0", "holdout: 0.2\ngoal: {event: Order Paid, money: amount}")
        + "variants:\n  - {name: even, when: person.name != 'Name 1', template: harvest.html}\n",
    )
    with pytest.raises(NotFoundError):
        stage.verb("campaign report", name="harvest")
    ahead = stage.verb("scene report", name="spring")
    assert (ahead["state"], ahead["judged"], ahead["effect"]["why_not"]) == ("ahead", "ahead", "not_begun")
    assert ahead["baseline"]["why_not"] == "short_history"
    # The ten days before: 100 orders of 10 of what is in season, and some that are not.
    stage.paid(*((n, "T-1", 10) for n in range(100)), at=datetime(2026, 5, 27, tzinfo=UTC))
    stage.paid(*((n, "T-2", 1000) for n in range(30)), at=datetime(2026, 5, 28, tzinfo=UTC))
    stage.at(5, 8)
    short = stage.verb("scene report", name="spring")["baseline"]
    assert (short["value"], short["why_not"]) == (None, "short_history"), "events do not reach back to 26 May"
    stage.paid((399, "T-1", 200), at=datetime(2026, 5, 25, 23, tzinfo=UTC))
    sent = stage.verb("campaign send", name="harvest")
    out = held_out(stage.ids(), seed="scene:spring", share=0.25)
    gets, apart = [n for n in range(many) if not out[n]], [n for n in range(many) if out[n]]
    assert sent["suppressed"] == {"held out of scene spring": len(apart)}
    assert sent["sent"] + sent["held_out"] == len(gets)
    stage.at(7)
    buys = [*gets[: len(gets) // 2], *apart[: len(apart) // 5]]
    stage.paid(*((n, "T-1", 20) for n in buys), *((n, "T-2", 500) for n in apart))
    stage.at(10)
    half = stage.verb("scene report", name="spring")
    assert half["judged"] == "running"
    assert half["baseline"]["value"] == 1000
    assert half["before"] == {"value": 1000, "until": "2026-05-31T00:00:00+00:00"}
    assert half["target"] == pytest.approx(1200)
    assert half["so_far"]["value"] == 20 * len(buys)
    assert half["progress"] == pytest.approx(20 * len(buys) / 1200)
    effect = half["effect"]
    assert {arm: (rate["k"], rate["n"]) for arm, rate in effect["converted"].items()} == {
        "treated": (len(gets) // 2, len(gets)),
        "held_out": (len(apart) // 5, len(apart)),
    }
    assert effect["incremental"]["per_person_low"] > 0
    assert not effect["everybody"]
    (row,) = half["members"]
    assert (row["kind"], row["sent"], row["cost"]) == ("campaign", sent["sent"], sent["sent"] * 0.5)
    assert row["people"] == many
    assert half["total"]["suppressed"] == {"held out of scene spring": len(apart)}
    returned = half["returned"]
    assert returned["cost"] == sent["sent"] * 0.5
    assert returned["per_unit"] == pytest.approx(effect["money"]["total"] / returned["cost"])
    assert returned["low"] < returned["per_unit"] < returned["high"]
    # The campaign's own report: by variant, and its own return.
    report = stage.verb("campaign report", name="harvest")
    assert report["returned"]["cost"] == returned["cost"]
    variants = {one["variant"]: one for one in report["variants"]}
    assert list(variants) == ["even", ""]
    assert sum(one["sent"] for one in report["variants"]) == sent["sent"]
    for arm in ("treated", "held_out"):
        assert sum(one["converted"][arm]["n"] for one in report["variants"]) == report["converted"][arm]["n"]
    assert variants["even"]["incremental"] is not None
    assert variants[""]["why_not"] == "nobody_held_out" or variants[""]["why_not"] == "nobody_treated"
    stage.at(20)
    over = stage.verb("scene report", name="spring")
    assert (over["state"], over["judged"]) == ("over", "met")
    assert over["before"] is None
    assert stage.verb("scene show", name="spring")["objects"] == 1
    # Another share than at the beginning: who got nothing then and now are not the same people.
    stage.write("scenes/spring.yml", SPRING.replace("0.25", "0.5"))
    changed = stage.verb("scene report", name="spring")
    assert changed["effect"]["why_not"] == changed["returned"]["why_not"] == "holdout_changed"
    stage.write("scenes/spring.yml", SPRING.replace("holdout: 0.25\n", "").replace("+20%", "5000"))
    none = stage.verb("scene report", name="spring")
    assert (none["judged"], none["effect"]["why_not"], none["target"]) == ("not_met", "no_holdout", 5000)


def test_the_calendar_tells_every_send_with_scenes_and_quiet_days(stage: Stage) -> None:
    stage.write("scenes/spring.yml", SPRING)
    stage.write("campaigns/weekly.yml", HARVEST + 'schedule: "0 9 * * 5"\n')
    stage.write("campaigns/hourly.yml", HARVEST + 'schedule: "0 * 6 6 *"\n')
    stage.write(
        "campaigns/past.yml",
        HARVEST.replace("scene: spring", "audience: rich")
        .replace("{{ theme.line }}", "x")
        .replace("harvest.html", "plain.html")
        + 'schedule: "2026-06-02 09:00"\n',
    )
    stage.write("templates/plain.html", "<p>x</p>\n")
    stage.write(
        "journeys/monday.yml",
        CART.replace("start: {event: Product Added}", 'start: {schedule: "0 8 * * 1", audience: rich}'),
    )
    stage.write("policy.yml", 'holidays: [2026-06-07 to 2026-06-09]\nquiet_hours: ["21:00", "09:00"]\n')
    found = stage.verb("calendar", start="2026-06-01", days=14)
    told = {(one["day"], one["name"]): (one["state"], one["times"], one["n"]) for one in found["sends"]}
    assert told == {
        ("2026-06-01", "monday"): ("outside", ["08:00"], 1),
        ("2026-06-02", "past"): ("scheduled", ["09:00"], 1),
        ("2026-06-05", "weekly"): ("scheduled", ["09:00"], 1),
        ("2026-06-06", "hourly"): ("scheduled", ["00:00", "01:00", "02:00", "03:00"], 24),
        ("2026-06-08", "monday"): ("idle", ["08:00"], 1),
        ("2026-06-12", "weekly"): ("scheduled", ["09:00"], 1),
    }
    assert found["scenes"] == [
        {
            "name": "spring",
            "titles": {"en": "Spring tea", "zh": "春茶季"},
            "from": "2026-06-05",
            "until": "2026-06-14",
        }
    ]
    assert found["holidays"] == [{"from": "2026-06-07", "until": "2026-06-09"}]
    assert found["quiet_hours"] == ["21:00", "09:00"]
    stage.at(2, 8)
    stage.at(2, 10)
    stage.verb("journey start", name="monday")
    later: Json = stage.verb("calendar", start="2026-06-01", days=9)
    states = {(one["day"], one["name"]): one["state"] for one in later["sends"]}
    assert states[("2026-06-02", "past")] == "sent"
    assert states[("2026-06-08", "monday")] == "scheduled"
    with pytest.raises(UsageError):
        stage.verb("calendar", start="tomorrow")
    with pytest.raises(LimnerError):
        stage.verb("calendar", days=94)
