from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from limner.campaigns.model import Hold, Quiet
from limner.campaigns.policy_text import read, read_folder
from limner.campaigns.rules import NO_POLICY, Budget, Days, Harm, Hours, Limit, Response
from limner.errors import DefinitionError

WHOLE = """\
caps:
  - {class: marketing, messages: 3, per: 7 days}
  - {channel: email, messages: 1, per: 1 day}
  - {of: cart, messages: 1, per: 12 hours}
  - {apart: true, messages: 2, per: 30 days}
quiet_hours: ["21:00", "09:00"]
holidays: [2026-05-01, 2026-10-01 to 2026-10-07]
quiet_for: [marketing, service]
costs: {email: 0.01, wechat: {marketing: 0.05}}
budgets:
  - {most: 5000, per: month}
  - {most: 200.5, of: spring}
  - {most: 1, of: cart, per: month}
priority: [receipts, cart]
hold: {older: 2 days, moved: 0.3}
harm: {unsubscribed: 0.02, complained: 0.001, least: 200, effect: -0.01}
"""


def test_a_policy_is_read_from_its_file(tmp_path: Path) -> None:
    policy = read(WHOLE)
    day = timedelta(days=1)
    assert policy.caps == (
        Limit(3, 7 * day, message_class="marketing"),
        Limit(1, day, channel="email"),
        Limit(1, day / 2, of="cart"),
        Limit(2, 30 * day, apart=True),
    )
    assert policy.quiet == Quiet(time(21), time(9))
    assert policy.holidays == (
        Days(date(2026, 5, 1), date(2026, 5, 1)),
        Days(date(2026, 10, 1), date(2026, 10, 7)),
    )
    assert policy.quiet_for == ("marketing", "service")
    assert [policy.cost(*one) for one in (("email", "service"), ("wechat", "marketing"), ("wechat", "service"))] == [
        100, 500, 0,
    ]  # fmt: skip
    assert policy.budgets == (
        Budget(50_000_000, monthly=True),
        Budget(2_005_000, of="spring"),
        Budget(10_000, of="cart", monthly=True),
    )
    assert policy.above("cart") == ("receipts",)
    assert policy.above("spring") == ("receipts", "cart")
    assert policy.hold == Hold(2 * day, 0.3)
    assert policy.harm == Harm(0.02, 0.001, 200, -0.01)
    assert read_folder(tmp_path) is NO_POLICY
    (tmp_path / "policy.yml").write_text("", encoding="utf-8")
    assert read_folder(tmp_path) is NO_POLICY


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("cap: 3\n", "1:1", "unknown key 'cap'"),
        ("caps: 3\n", "1:7", "'caps' is a list"),
        ("caps: [{messages: 1}]\n", "1:8", "'per' is missing"),
        ("caps: [{messages: 0, per: 1 day}]\n", "1:19", "'messages' is a whole number from 1 to 1000"),
        (
            "caps: [{messages: 1, per: 1 day, class: ads}]\n",
            "1:41",
            "'class' is one of marketing, service, not 'ads'",
        ),
        ("caps: [{messages: 1, per: 1 day, of: A-B}]\n", "1:38", "'A-B' is no name of a campaign or journey"),
        ("caps: [{messages: 1, per: 1 day, of: a, apart: true}]\n", "1:48", "is apart already"),
        ("holidays: [May 1]\n", "1:12", "is no day and no range of days"),
        ("holidays: [2026-10-07 to 2026-10-01]\n", "1:12", "end before they begin"),
        ("quiet_for: [ads]\n", "1:13", "is one of marketing, service"),
        ("costs: {pigeon: 1}\n", "1:9", "unknown key 'pigeon'"),
        ("costs: {email: -1}\n", "1:16", "an amount of money, 0 or more"),
        ("costs: {email: 0.00001}\n", "1:16", "at most four places"),
        ("budgets: [{per: month}]\n", "1:11", "'most' is missing"),
        ("budgets: [{most: 5}]\n", "1:11", "of one campaign or journey, or per month"),
        ("priority: [a, b, a]\n", "1:18", "'a' stands here twice"),
        ("hold: {moved: -1}\n", "1:15", "'moved' is a share from 0 to 100"),
        ("harm: {effect: 0.1}\n", "1:16", "'effect' is a share from -1 to 0"),
        ("holdout: {since: 2026-06-01}\n", "1:10", "'share' is missing, or 0"),
        ("holdout: {share: 0, since: 2026-06-01}\n", "1:10", "'share' is missing, or 0"),
        ("holdout: {share: 0.95, since: 2026-06-01}\n", "1:18", "'share' is a share from 0 to 0.9"),
        ("holdout: {share: 0.1}\n", "1:10", "'since' is missing"),
        ("holdout: {share: 0.1, since: June}\n", "1:30", "is no day and no range of days"),
        ("harm: {least: 0}\n", "1:15", "'least' is a whole number, 1 or more"),
    ],
)
def test_each_mistake_is_named_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text)
    assert caught.value.where == f"policy.yml:{place}"
    assert message in caught.value.message


def test_quotas_hours_and_responses_are_read() -> None:
    policy = read(
        "quotas: {wechat: 100000 per day, sms: 5 per day}\n"
        'hours: {events: [$page, "Order*"], half_life: 30 days, least: 5, prior: 0, band: 3, segment: tier}\n'
        "response: {within: 12 hours, last: 90 days, goal: Order Paid, prior: 7}\n"
    )
    assert policy.quotas == {"wechat": 100_000, "sms": 5}
    assert policy.hours == Hours(("$page", "Order*"), timedelta(days=30), 5, 0, 3, "tier")
    assert policy.response == Response(timedelta(hours=12), timedelta(days=90), "Order Paid", 7)
    assert (read("caps: []").hours, read("caps: []").response) == (Hours(), Response())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("quotas: {wechat: 100}", "policy.yml:1:18"),
        ("quotas: {pigeon: 1 per day}", "policy.yml:1:10"),
        ("hours: {band: 13}", "policy.yml:1:15"),
        ("hours: {least: 0}", "policy.yml:1:16"),
        ("hours: {half_life: 1 minute}", "policy.yml:1:20"),
        ("hours: {events: visits}", "policy.yml:1:17"),
        ("hours: 3", "policy.yml:1:8"),
        ("response: {within: soon}", "policy.yml:1:20"),
        ("response: {prior: true}", "policy.yml:1:19"),
        ("response: {days: 3 days}", "policy.yml:1:12"),
    ],
)
def test_what_is_wrong_with_them_is_named_with_its_place(text: str, where: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read(text)
    assert error.value.where == where
