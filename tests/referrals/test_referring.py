"""Referrals on an open workspace: codes, invitations, rewards once, and a world full of people who invite themselves."""

# ruff: noqa: E501  (one line for each thing that happens)

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from limner.accounts import keys
from limner.accounts.model import Caller, Role
from limner.cli.serve import running
from limner.errors import ConflictError, DefinitionError
from limner.events.frames import Record
from limner.referrals import codes, rewards
from limner.referrals.text import read
from limner.types import Json
from limner.workspace import referring
from limner.workspace.tick import Ticker
from tests.workspace.worlds import NOW, World

FRIENDS = """
title: {en: Bring a friend, zh: 好友有礼}
to: https://shop.example/welcome?x=1#top
success: {event: Order Paid, where: amount >= 50, within: 30 days}
same: [device, person.card_hash, person.address]
depth: 2
limits: {people: 3, per: 30 days}
reward:
  referrer: {tag: invited_somebody}
  new: {tag: was_invited, value: welcome}
  upline: {webhook: https://hooks.example/up}
"""
TAGS = {
    "invited_somebody": "nature: fact\nmethod: manual\ntype: flag\n",
    "was_invited": "nature: fact\nmethod: manual\ntype: text\nvalues: [welcome]\n",
}
BROWSER = {"user-agent": "Mozilla/5.0 (Macintosh) Chrome/130"}
DAY = timedelta(days=1)


class Shop(World):
    """A workspace with a referral; calls go straight into the log."""

    made = 0

    def tell(self, *calls: Json) -> None:
        source = keys.ensure_source(self.workspace.records, "shop", kind="segment", now=self.now)
        self.workspace.log.append_now(
            Record(
                batch=self.workspace.new_id(),
                source_i=source.source_i,
                received_at=keys.micros(self.now),
                n=len(calls),
                body=json.dumps({"batch": list(calls)}).encode(),
            )
        )

    def call(self, kind: str, days: float = 0, **fields: Any) -> Json:
        Shop.made += 1
        at = (NOW + timedelta(days=days)).isoformat()
        return {
            "type": kind,
            "messageId": f"c{Shop.made}",
            "timestamp": at,
            "sentAt": self.now.isoformat(),
            **fields,
        }

    def comes(self, user: str, code: str, days: float, device: str = "") -> Json:
        return self.call(
            "track", days, event="Signed Up", userId=user, properties={"referral_code": code},
            **({"anonymousId": device} if device else {}),
        )  # fmt: skip

    def pays(self, user: str, days: float, amount: float = 60) -> Json:
        return self.call("track", days, event="Order Paid", userId=user, properties={"amount": amount})

    def code(self, user: str) -> str:
        return str(self.verb("referral code", name="friends", person=user)["code"])

    def rewarded(self) -> list[tuple[str, int, str]]:
        """Every reward as (friend, depth, person), by user ids."""
        named = self.workspace.engine.read(
            "SELECT p.person_id, MIN(i.value) AS id FROM persons AS p JOIN identifiers AS i ON i.ix = p.ix"
            " WHERE i.kind = 'user' GROUP BY 1"
        ).to_pylist()
        ids = {row["person_id"]: row["id"] for row in named}
        found = rewards.of(self.workspace.records, "friends")
        return sorted((ids.get(one.friend, "?"), one.depth, ids.get(one.person, "?")) for one in found)

    def events(self, name: str) -> int:
        self.workspace.load()
        sql = "SELECT COUNT(*) AS n FROM events JOIN names USING (name_i) WHERE names.name = $name"
        return int(self.workspace.engine.read(sql, {"name": name})["n"][0].as_py())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(
        tmp_path / "shop",
        toml='redirect_hosts = ["shop.example"]\npublic_url = "https://l.example"\n',
        now=NOW + 60 * DAY,
    )
    made.write("referrals/friends.yml", FRIENDS)
    for key, text in TAGS.items():
        made.write(f"tags/{key}.yml", text)
    yield made
    made.close()


@pytest.mark.proves("U7")
def test_each_new_person_is_rewarded_once_along_the_tree_whatever_is_repeated_or_merged(shop: Shop) -> None:
    shop.tell(
        *(shop.call("identify", -1, userId=user, traits={"name": user}) for user in ("ann", "old")),
        shop.pays("old", 1),
    )
    a = shop.code("ann")
    shop.tell(
        shop.comes("bo", a, 2),
        shop.pays("bo", 3, amount=10),
        shop.pays("bo", 5),
        shop.comes("old", a, 6),
        shop.comes("ann", a, 7),
    )
    b = shop.code("bo")
    shop.tell(
        shop.comes("cy", b, 8),
        shop.pays("cy", 9),
        shop.comes("ann", b, 10),
        shop.pays("ann", 11),
        shop.comes("late", b, 11),
        shop.pays("late", 45),
    )
    ticker = Ticker(shop.workspace)
    shop.workspace.load()
    ticker.tick()
    once = [("bo", 0, "bo"), ("bo", 1, "ann"), ("cy", 0, "cy"), ("cy", 1, "bo"), ("cy", 2, "ann")]
    assert shop.rewarded() == once
    shown = shop.verb("referral show", name="friends")
    assert shown["refused"] == {"cycle": 1, "existing_customer": 1, "lapsed": 1, "self_referral": 1}
    assert shown["depths"] == [{"depth": 1, "people": 1}, {"depth": 2, "people": 1}]
    assert shown["rewarded"] == {"new": 2, "referrer": 2, "upline": 1}
    assert (shown["brought"], shown["succeeded"]) == (2, 2)
    assert shop.events("Referral Rewarded") == 5
    webhooks = {row["name"]: row for row in shop.verb("webhook list")["webhooks"]}
    assert webhooks["referral friends"]["waiting"] == 1
    shop.now += timedelta(seconds=1)
    tags = {
        tag["key"]: tag["value"] for part in shop.verb("person show", id="cy")["tags"] for tag in part["tags"]
    }
    assert tags == {"was_invited": "welcome"}
    # Repeated events, a second account that turns out to be the same person, a run that died before it was noted.
    shop.tell(shop.pays("bo", 20), shop.comes("bo2", b, 12), shop.pays("bo2", 13))
    shop.verb("referral run")
    assert len(shop.rewarded()) == 7 + 1
    shop.tell(shop.call("alias", 50, userId="bo", previousId="cy"), shop.pays("bo", 52))
    with shop.workspace.records.begin() as connection:
        connection.exec_driver_sql("UPDATE referral_rewards SET done_at = NULL")
    shop.workspace.load()
    ticker.tick()
    shop.verb("referral run")
    assert len(rewards.of(shop.workspace.records, "friends")) == 8
    assert shop.events("Referral Rewarded") == 8
    # Who is erased is named nowhere, and the count stays.
    person = shop.verb("person show", id="ann")["person"]
    shop.verb("person erase", id="ann")
    assert codes.find(shop.workspace.records, a) is None
    kept = rewards.of(shop.workspace.records, "friends")
    assert len(kept) == 8
    assert person not in {name for one in kept for name in (one.friend, one.person)}


@pytest.mark.proves("U7")
def test_of_ten_thousand_self_referrals_by_device_card_or_address_at_most_one_percent_is_rewarded(
    shop: Shop,
) -> None:
    """Twenty cheats make 10,000 accounts that share their device, their card or their address with them; 300 are honest."""
    shop.write("referrals/friends.yml", FRIENDS.replace("limits: {people: 3, per: 30 days}\n", ""))
    cheats, fakes, honest = 20, 10_000, 300
    calls: list[Json] = []
    for n in range(cheats):
        calls.append(shop.call("track", -5, event="Visited", userId=f"x{n}", anonymousId=f"dev{n}"))
        calls.append(
            shop.call(
                "identify",
                -5,
                userId=f"x{n}",
                traits={"card_hash": f"card{n}", "address": f"{n} Tea Street, Hangzhou"},
            )
        )
        calls.append(shop.call("track", -5, event="Visited", userId=f"r{n}"))
    shop.tell(*calls)
    owners = {user: shop.code(user) for n in range(cheats) for user in (f"x{n}", f"r{n}")}
    calls = []
    for n in range(fakes):
        cheat, how = n % cheats, (n // cheats) % 4
        fake = f"f{n}"
        calls.append(
            shop.comes(fake, owners[f"x{cheat}"], n / fakes, device=f"dev{cheat}" if how == 0 else "")
        )
        if how == 1:
            calls.append(shop.call("identify", 0, userId=fake, traits={"card_hash": f" CARD{cheat} "}))
        elif how == 2:
            calls.append(
                shop.call("identify", 0, userId=fake, traits={"address": f"{cheat} tea street  hangzhou"})
            )
        elif how == 3:  # a card of the fakes' own, which the cheat never used
            calls.append(shop.call("identify", 0, userId=fake, traits={"card_hash": f"mule{cheat}"}))
        calls.append(shop.pays(fake, 2))
    for n in range(honest):
        calls += [shop.comes(f"h{n}", owners[f"r{n % cheats}"], 1, device=f"own{n}"), shop.pays(f"h{n}", 2)]
        calls.append(
            shop.call(
                "identify", 0, userId=f"h{n}", traits={"card_hash": f"c{n}", "address": f"{n} Lake Road"}
            )
        )
    for start in range(0, len(calls), 5_000):
        shop.tell(*calls[start : start + 5_000])
    shop.verb("referral run")
    new = [friend for friend, depth, _ in shop.rewarded() if depth == 0]
    fakes_paid = [friend for friend in new if friend.startswith("f")]
    assert len(fakes_paid) == cheats, "one of each mule's card, the first"
    assert len(fakes_paid) <= 0.01 * fakes
    assert sum(friend.startswith("h") for friend in new) == honest
    shown = referring.referral_show(shop.workspace, "friends", caller=Caller("vi", "", "vi", Role.VIEWER))
    assert shown["refused"] == {"shared": 7_500, "same_as_another": 2_500 - cheats}
    assert shown["masked"]
    everything = shown["k"]
    assert everything["converted"] == honest + cheats
    assert everything["low"] <= everything["k"] <= everything["high"]
    assert shown["top"][0]["succeeded"] == honest // cheats
    weeks = {row["week"]: row for row in shown["weeks"]}
    assert weeks["2026-06-01"]["converted"] == honest + cheats
    assert not weeks["2026-06-01"]["open"]
    assert {row["k"] for week, row in weeks.items() if week != "2026-06-01"} == {None}


def test_an_invitation_leads_to_the_shop_sets_its_source_and_machines_leave_no_trace(shop: Shop) -> None:
    shop.tell(shop.call("identify", -1, userId="ann", traits={"name": "Ann"}))
    code = shop.code("ann")
    assert shop.code("ann") == code
    assert re.fullmatch("[a-z2-7]{10}", code)
    with (
        running(shop.workspace) as url,
        httpx2.Client(base_url=url, follow_redirects=False, timeout=60) as client,
    ):
        went = client.get(f"/i/{code}", headers=BROWSER)
        assert went.status_code == 302
        target = f"https://shop.example/welcome?x=1&ref={code}&utm_source=referral&utm_campaign=friends#top"
        assert went.headers["location"] == target
        kept = went.headers["set-cookie"].partition(";")[0]
        again = client.get(f"/i/{code.upper()}", headers={**BROWSER, "cookie": kept})
        assert again.headers["location"] == target
        assert shop.events("Referral Opened") == 1, "one for a browser"
        with httpx2.Client(base_url=url, timeout=60) as machine:
            assert machine.get(f"/i/{code}", headers={"user-agent": "curl/8"}).headers["location"] == target
        assert shop.events("Referral Opened") == 1
        assert client.get("/i/aaaaaaaaaa", headers=BROWSER).status_code == 404
        for _ in range(80):
            with httpx2.Client(base_url=url, timeout=60) as fresh:
                assert fresh.get(f"/i/{code}", headers=BROWSER).status_code == 302
        assert shop.events("Referral Opened") == 59, (
            "sixty looks of an address in an hour are noted, two were of one"
        )
    shop.write("audiences/fans.yml", 'expression: did "Loved"\n')
    shop.write("referrals/friends.yml", "audience: fans\n" + FRIENDS)
    with pytest.raises(ConflictError, match="may not invite"):
        shop.code("ann")
    shop.write(
        "referrals/friends.yml",
        FRIENDS.replace("shop.example", "evil.example").replace("tag: was_invited", "tag: nope"),
    )
    wrong = [one["message"] for one in shop.verb("referral check", name="friends")["problems"]]
    assert wrong == ["'evil.example' is no host that invitations may lead to", "there is no tag 'nope'"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("to: https://a.example\n", "referrals/r.yml:1:1"),
        ("to: ftp://a.example\nsuccess: {event: Paid}\n", "referrals/r.yml:1:5"),
        ("to: https://a.example\nsuccess: {event: Paid}\ndepth: 0\n", "referrals/r.yml:3:8"),
        ("to: https://a.example\nsuccess: {event: Paid}\nlimits: {people: 0}\n", "referrals/r.yml:3:9"),
        ("to: https://a.example\nsuccess: {event: Paid}\nsame: [a b]\n", "referrals/r.yml:3:8"),
        (
            "to: https://a.example\nsuccess: {event: Paid}\nreward: {friend: {tag: a}}\n",
            "referrals/r.yml:3:10",
        ),
        ("to: https://a.example\nsuccess: {event: Paid, where: 'amount >'}\n", "referrals/r.yml:2:40"),
    ],
)
def test_what_is_wrong_in_a_referrals_file_is_named_with_its_place(text: str, where: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text, "r")
    assert caught.value.where == where
