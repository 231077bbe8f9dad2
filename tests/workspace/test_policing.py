"""The policy on an open workspace: sends that hold themselves, stop themselves, and what was not sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.campaigns.arms import held_out
from limner.demo.mail_server import MailServer
from limner.errors import DefinitionError, NotFoundError, UsageError
from limner.types import Json
from limner.workspace.tick import Ticker
from tests.touches.test_policy import PAGE, _rows
from tests.workspace.worlds import World

PEOPLE = 12
MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email, points: {column: points, type: number}}
"""
EVENTS = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
"""
RICH = """\
nature: model
method: rule
type: flag
cases:
  - when: person.points >= 10
    then: true
validity: 100 days
owner: crm
why: Words.
"""
HARVEST = """\
audience: everybody
holdout: 0
class: service
subject: Harvest
template: harvest.html
schedule: "0 10 * * *"
"""
CLUB = """\
start: {enters: everybody}
holdout: 0
steps:
  hello: {message: {template: harvest.html, subject: Welcome, class: service, cap: {messages: 5, per: 7 days}}}
"""
CART = """\
start: {event: Product Added}
only: rich
holdout: 0
again: 1 minute
steps:
  remind: {message: {template: harvest.html, subject: Cart, class: service}}
"""
ROWS = _rows(PAGE.read_text(encoding="utf-8"), "## Before a send begins")


class Shop(World):
    """Twelve members with ten points each, a tag for them, a mail server."""

    mail: MailServer
    ticker: Ticker
    n = 0

    def points(self, *points: int) -> None:
        """The members have so many points from now on."""
        self.n += 1
        day = (self.now - timedelta(days=1)).strftime("%Y-%m-%d")
        rows = [f"m{n:02d},Name {n},m{n:02d}@example.test,{day},{value}" for n, value in enumerate(points)]
        members = self.write(
            f"members{self.n}.csv", "user_id,name,email,since,points\n" + "\n".join(rows) + "\n"
        )
        self.verb("import", file=str(members), map=str(self.write("members.map.yml", MEMBERS)))

    def did(self, *who: int, event: str = "Product Added") -> None:
        self.n += 1
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        file = self.write(
            f"events{self.n}.csv", "user_id,at,event\n" + "".join(f"m{n:02d},{at},{event}\n" for n in who)
        )
        self.verb("import", file=str(file), map=str(self.write("events.map.yml", EVENTS)))

    def later(self, *, hours: float = 0, seconds: float = 0) -> None:
        """The clock moves on; then everything due is done."""
        self.now += timedelta(hours=hours, seconds=seconds)
        self.ticker.tick()
        self.ticker.send_once("email")

    def held(self) -> list[Json]:
        holds: list[Json] = self.verb("hold list")["holds"]
        return holds

    def alerts(self, what: str) -> list[str]:
        with self.workspace.records.read() as connection:
            return list(
                connection.execute(
                    text("SELECT detail FROM alerts WHERE what = :what"), {"what": what}
                ).scalars()
            )

    @property
    def sent(self) -> int:
        return len(self.mail.messages())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with MailServer() as mail:
        world = Shop(
            tmp_path / "shop",
            toml='public_url = "http://127.0.0.1:1"\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        world.mail = mail
        world.write("tags/rich.yml", RICH)
        world.write("audiences/everybody.yml", "expression: rich\n")
        world.write("templates/harvest.html", "<p>{{ person.name }}</p>{{ unsubscribe_url }}\n")
        world.points(*[10] * PEOPLE)
        world.ticker = Ticker(world.workspace)
        yield world
        world.close()


def _needs_computing(shop: Shop) -> None:
    shop.later(hours=10)


def _expired(shop: Shop) -> None:
    shop.write("tags/rich.yml", RICH.replace("100 days", "2 days"))
    shop.verb("tag run")
    shop.later(hours=58)


def _too_old(shop: Shop) -> None:
    shop.write("policy.yml", "hold: {older: 2 days}\n")
    shop.verb("tag run")
    shop.later(hours=58)


def _missed(shop: Shop) -> None:
    shop.write("tags/rich.yml", RICH + 'refresh: "0 0 * * *"\n')
    shop.verb("tag run")
    # The server was off over midnight, and computing fails since.
    shop.now += timedelta(hours=34)
    shop.ticker = Ticker(shop.workspace)
    shop.ticker._since = shop.now - timedelta(hours=1)
    shop.ticker.tick()


def _moved(shop: Shop) -> None:
    shop.write("policy.yml", "hold: {moved: 0.3}\n")
    shop.verb("tag run")
    shop.later(hours=24)
    shop.points(*[10] * 6, *[1] * 6)
    shop.verb("tag run")
    shop.later(hours=10)


def _harm(shop: Shop) -> None:
    shop.write("policy.yml", "harm: {unsubscribed: 0.02, least: 10}\n")
    shop.verb("tag run")
    shop.now += timedelta(seconds=2)
    shop.verb("campaign send", name="harvest")
    with shop.workspace.records.begin() as connection:
        connection.execute(
            text(
                "UPDATE touches SET unsubscribed_at = 1 WHERE message_id IN"
                " (SELECT message_id FROM touches ORDER BY 1 LIMIT 6)"
            )
        )
    shop.later(hours=10)


def _scene(shop: Shop) -> None:
    shop.write("scenes/tea.yml", "from: 2026-06-01\nuntil: 2026-06-30\n")
    shop.write("campaigns/harvest.yml", HARVEST.replace("0 10 * * *", "2026-06-01 10:00") + "scene: tea\n")
    shop.write("scenes/tea.yml", "from: 2026-06-03\nuntil: 2026-06-30\n")
    shop.later(hours=10)
    shop.write("scenes/tea.yml", "until: 2026-06-30\n")


FINDINGS = {
    "never computed": _needs_computing, "expired": _expired, "too old": _too_old, "refresh missed": _missed,
    "size moved": _moved, "scene's dates": _scene, "harm": _harm,
}  # fmt: skip


def test_the_page_names_every_reason_to_hold() -> None:
    assert list(ROWS) == list(FINDINGS)


@pytest.mark.proves("B16")
@pytest.mark.parametrize("check", FINDINGS)
def test_a_scheduled_campaign_holds_itself_and_goes_on_when_somebody_says_why(shop: Shop, check: str) -> None:
    if check != "never computed":
        shop.verb("tag run")
    shop.write("campaigns/harvest.yml", HARVEST)
    if check in ("expired", "too old"):
        # Only the last of its instants is looked at here.
        shop.write("campaigns/harvest.yml", HARVEST.replace("0 10 * * *", "2026-06-03 10:00"))
    if check == "size moved":
        shop.write("campaigns/harvest.yml", HARVEST.replace("0 10 * * *", "2026-06-02 10:00"))
    shop.later(seconds=1)
    shop.now -= timedelta(seconds=1)
    FINDINGS[check](shop)
    (held,) = shop.held()
    assert (held["kind"], held["name"]) == ("campaign", "harvest")
    assert held["reason"] == ROWS[check][1].strip("`")
    assert shop.sent == (PEOPLE if check == "harm" else 0)
    assert len(shop.alerts("a sending holds itself")) == 1
    shop.later(seconds=1)
    assert len(shop.alerts("a sending holds itself")) == 1, "told once"
    with pytest.raises(UsageError):
        shop.verb("hold release", name="harvest", why=" ")
    with pytest.raises(NotFoundError):
        shop.verb("hold release", name="another", why="fine")
    if check == "never computed":
        shop.verb("tag run")
    released = shop.verb("hold release", name="harvest", why="as planned")
    assert released["entry"] == held["entry"]
    assert shop.held() == []
    shop.ticker.send_once("email")
    assert shop.verb("campaign report", name="harvest")["entry"] == held["entry"]
    (entry,) = [one for one in shop.verb("audit list")["audit"] if one["action"] == "hold release"]
    assert entry["detail"]["why"] == "as planned"
    assert entry["detail"]["reason"] == held["reason"]


@pytest.mark.proves("B16")
def test_a_campaign_in_order_is_sent_and_one_may_have_bounds_of_its_own(shop: Shop) -> None:
    shop.write("policy.yml", "hold: {moved: 0.3, older: 2 days}\n")
    shop.write("campaigns/harvest.yml", HARVEST)
    shop.write("campaigns/brave.yml", HARVEST + "hold: {moved: 5}\n")
    shop.verb("tag run")
    shop.later(seconds=1)
    shop.later(hours=24)
    assert shop.held() == []
    assert shop.sent == 2 * PEOPLE
    shop.points(*[10] * 6, *[1] * 6)
    shop.verb("tag run")
    shop.later(hours=24)
    assert [one["name"] for one in shop.held()] == ["harvest"]
    assert shop.sent == 2 * PEOPLE + 6


@pytest.mark.proves("B16")
def test_a_journey_takes_nobody_while_it_holds_and_everybody_when_somebody_lets_it_go_on(shop: Shop) -> None:
    shop.write("policy.yml", "hold: {older: 2 days}\n")
    shop.write("journeys/cart.yml", CART)
    shop.verb("tag run")
    shop.now += timedelta(seconds=1)
    shop.verb("journey start", name="cart")
    shop.did(0)
    shop.later(hours=1)
    assert shop.sent == 1
    shop.later(hours=60)
    assert shop.held() == [], "nobody came"
    shop.did(1, 2)
    shop.later(seconds=5)
    (held,) = shop.held()
    assert (held["kind"], held["name"], held["entry"]) == ("journey", "cart", "")
    assert held["reason"].startswith("tag rich is of 2026-06-01 00:00, older than 2 days")
    assert shop.verb("journey show", name="cart")["reason"] == f"held: {held['reason']}"
    shop.later(seconds=5)
    assert shop.sent == 1
    assert len(shop.alerts("a sending holds itself")) == 1
    shop.verb("hold release", name="cart", why="the tag is fine")
    shop.later(seconds=5)
    assert shop.sent == 3, "they came while it was held"
    shop.did(3)
    shop.later(seconds=5)
    assert shop.sent == 4, "for the rest of the day"
    shop.later(hours=24)
    shop.did(4)
    shop.later(seconds=5)
    assert shop.sent == 4
    assert len(shop.held()) == 1, "the next day it holds itself again"
    shop.verb("tag run")
    shop.later(seconds=5)
    assert shop.sent == 5, "what was found is over"
    assert shop.held() == []


def test_a_wrong_policy_lets_nothing_go(shop: Shop) -> None:
    shop.verb("tag run")
    shop.write("campaigns/harvest.yml", HARVEST)
    shop.write("policy.yml", "caps: [{messages: 1}]\n")
    with pytest.raises(DefinitionError):
        shop.verb("campaign send", name="harvest")
    assert [one["where"] for one in shop.verb("check")["problems"]] == ["policy.yml:1:8"]
    assert shop.sent == 0
    shop.write("policy.yml", "caps: [{messages: 1, per: 1 day}]\n")
    assert shop.verb("campaign send", name="harvest")["sent"] == PEOPLE


@pytest.mark.proves("S9")
def test_every_suppression_is_counted_by_reason_class_channel_campaign_and_day(shop: Shop) -> None:
    shop.verb("tag run")
    shop.write("policy.yml", "caps: [{messages: 1, per: 1 day}]\n")
    shop.write("campaigns/harvest.yml", HARVEST)
    shop.write("campaigns/again.yml", HARVEST.replace("service", "marketing"))
    shop.write("journeys/cart.yml", CART)
    assert shop.verb("campaign suppressions")["rows"] == []
    shop.verb("journey start", name="cart")
    shop.verb("campaign send", name="harvest")
    shop.verb("campaign send", name="again")
    shop.now += timedelta(hours=1)
    shop.did(0, 1, 2)
    shop.later(seconds=5)
    found = shop.verb("campaign suppressions")
    assert found["total"] == 15
    assert found["reasons"] == {"no consent": 12, "cap reached: 1 in 1 day": 3}
    assert found["rows"] == [
        {
            "reason": "no consent", "class": "marketing", "channel": "email", "kind": "campaign", "name": "again",
            "day": "2026-06-01", "count": 12,
        },
        {
            "reason": "cap reached: 1 in 1 day", "class": "service", "channel": "email", "kind": "journey",
            "name": "cart", "day": "2026-06-01", "count": 3,
        },
    ]  # fmt: skip
    assert shop.verb("campaign suppressions", name="cart")["total"] == 3
    shop.now += timedelta(days=2)
    assert shop.verb("campaign suppressions", days=1)["rows"] == []
    with pytest.raises(NotFoundError):
        shop.verb("campaign suppressions", name="nobody")


@pytest.mark.proves("S9")
def test_a_journey_stops_itself_as_a_whole_when_too_many_leave(shop: Shop) -> None:
    shop.verb("tag run")
    shop.write("policy.yml", "harm: {unsubscribed: 0.02, least: 3}\n")
    shop.write("journeys/cart.yml", CART)
    shop.verb("journey start", name="cart")
    shop.now += timedelta(minutes=1)
    shop.did(0, 1, 2, 3)
    shop.later(seconds=5)
    assert shop.sent == 4
    with shop.workspace.records.begin() as connection:
        connection.execute(text("UPDATE touches SET unsubscribed_at = 1"))
    shop.did(5)
    shop.later(seconds=5)
    assert shop.sent == 4
    shown = shop.verb("journey show", name="cart")
    assert shown["status"] == "paused"
    assert shown["reason"].startswith(
        "harm: 4 of 4 unsubscribed, surely more than 51.01%; at most 2.00% is allowed"
    )
    assert len(shop.alerts("a sending halted itself")) == 1
    shop.verb("journey start", name="cart")


@pytest.mark.proves("U10")
def test_a_journeys_message_that_is_too_late_is_dropped_with_that_reason(shop: Shop) -> None:
    shop.verb("tag run")
    shop.write("policy.yml", 'quiet_hours: ["22:00", "09:00"]\nquiet_for: [service]\n')
    shop.write("journeys/cart.yml", CART.replace("class: service", "class: service, useful: 2 hours"))
    shop.verb("journey start", name="cart")
    shop.now += timedelta(minutes=1)
    shop.did(0)
    shop.later(seconds=5)
    shop.later(hours=10)
    assert shop.sent == 0
    assert shop.verb("campaign suppressions", name="cart")["reasons"] == {"too late to be of use": 1}


@pytest.mark.proves("S9")
@pytest.mark.parametrize("what", ["campaign", "journey"])
def test_what_surely_loses_conversions_is_paused_within_the_hour(shop: Shop, what: str) -> None:
    """Nobody written to buys any more, and everybody held out does."""
    many = 300
    shop.points(*[10] * many)
    shop.verb("tag run")
    goal = "goal: {event: Order Paid, within: 30 days}\nholdout: 0.5\n"
    if what == "campaign":
        shop.write(
            "campaigns/harvest.yml", HARVEST.replace("holdout: 0\n", goal).replace("schedule:", "why:")
        )
        shop.write("policy.yml", "harm: {effect: 0}\nholidays: [2026-06-01]\nquiet_for: [service]\n")
        shop.verb("campaign send", name="harvest")
        table = "arms"
    else:
        shop.write("journeys/cart.yml", CART.replace("holdout: 0\n", goal))
        shop.write("policy.yml", "harm: {effect: 0}\n")
        shop.verb("journey start", name="cart")
        shop.now += timedelta(minutes=1)
        shop.did(*range(many))
        shop.later(seconds=5)
        table = "positions"
    with shop.workspace.records.read() as connection:
        out = set(connection.execute(text(f"SELECT person FROM {table} WHERE arm = 'held_out'")).scalars())
    assert 100 < len(out) < 200
    people = shop.ids(*(f"m{n:02d}" for n in range(many)))
    shop.later(hours=1)
    shop.did(*[n for n, person in enumerate(people) if person in out], event="Order Paid")
    shop.later(seconds=5)
    assert shop.alerts("a sending halted itself") == [], "asked once an hour"
    shop.later(hours=1)
    (told,) = shop.alerts("a sending halted itself")
    assert f"harm: 0 of {many - len(out)} treated converted, {len(out)} of {len(out)} held out" in told
    if what == "campaign":
        report = shop.verb("campaign report", name="harvest")
        assert (report["status"], report["sent"]) == ("paused", 0)
        assert report["reason"].endswith("the bound is +0.00%")
    else:
        assert shop.verb("journey show", name="cart")["status"] == "paused"


@pytest.mark.proves("B3")
def test_all_marketing_together_is_measured_against_the_global_holdout(shop: Shop) -> None:
    """Of those who may be written to every second one buys, of those held out every fifth."""
    many = 400
    shop.points(*[10] * many)
    with pytest.raises(UsageError) as none:
        shop.verb("effect overall", event="Order Paid")
    assert none.value.code == "no_holdout"
    since = shop.now.date()
    shop.write("policy.yml", f"holdout: {{share: 0.3, since: {since.isoformat()}, seed: all}}\n")
    people = shop.ids(*(f"m{n:02d}" for n in range(many)))
    out = held_out(people, seed="all", share=0.3)
    inside, others = [n for n in range(many) if out[n]], [n for n in range(many) if not out[n]]
    shop.now -= timedelta(days=2)
    shop.did(*others, event="Order Paid")  # before it began
    shop.now += timedelta(days=2, hours=1)
    shop.did(*others[::2], *inside[::5], event="Order Paid")
    shop.now += timedelta(hours=1)
    found = shop.verb("effect overall", event="Order Paid")
    assert {arm: (rate["k"], rate["n"]) for arm, rate in found["converted"].items()} == {
        "treated": (len(others[::2]), len(others)),
        "held_out": (len(inside[::5]), len(inside)),
    }
    rise = len(others[::2]) / len(others) - len(inside[::5]) / len(inside)
    assert found["incremental"]["per_person"] == pytest.approx(rise)
    assert found["incremental"]["per_person_low"] > 0
    assert found["since"] == f"{since.isoformat()}T00:00:00+00:00"
    assert shop.verb("effect overall", event="Nobody did this")["enough_data"] is False
