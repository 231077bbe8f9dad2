"""A seeded tea shop of 180 days: who its people are, what they did, and what a message truly changes.

Everything is columns of numpy; the same seed gives the same shop. The effect of the message is planted:
`Shop.orders_after` knows who would have bought anyway and who buys only because of the message.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from limner.types import Json

DAYS = 180
AFTER_DAYS = 14
"""The campaign goes out this many days before the end."""

EXTRA_BUYERS = 0.06
"""The planted effect: this share of those who get the message buy because of it."""

CATEGORIES = ("green tea", "black tea", "oolong", "teaware", "snacks", "gifts")
CITIES = ("上海", "北京", "杭州", "成都", "广州", "深圳", "武汉", "西安")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰萍鹏"
SEARCHES = ("龙井", "gift box", "普洱", "teapot", "bamboo tray", "茶具", "sampler")
REGISTERED = ("web", "store", "official account", "friend", "advert")
MENUS = ("new teas", "member day", "stores", "contact us")
PRODUCTS_EACH = 8


@dataclass(frozen=True)
class Shop:
    """One generated shop.

    `people` humans, of whom the first `members` have an account; the others never log in. `start` is
    midnight UTC of day 0; the history ends at `end`, the campaign goes out at `launch`.
    """

    people: int
    members: int
    seed: int
    start: datetime
    activity: np.ndarray
    taste: np.ndarray
    device: np.ndarray
    second_device: np.ndarray
    openid: np.ndarray
    price: np.ndarray

    @property
    def end(self) -> datetime:
        """The last instant of the history."""
        return self.start + timedelta(days=DAYS)

    @property
    def launch(self) -> datetime:
        """When the campaign goes out: ten in the morning, Shanghai time."""
        return self.end - timedelta(days=AFTER_DAYS) + timedelta(hours=2)

    def user_id(self, person: int) -> str:
        """The account id of a member."""
        return f"m{person:06d}"

    def email(self, person: int) -> str:
        """The address a member gave."""
        return f"{self.user_id(person)}@example.test"


def shop(*, people: int, seed: int, start: datetime) -> Shop:
    """The shop of that size and seed: seven of ten people are members."""
    random = np.random.default_rng([seed, 1])
    members = people * 7 // 10
    device = np.arange(people)
    household = random.permutation(members)[: members // 20 * 2]
    device[household[1::2]] = device[household[::2]]
    second = np.where(random.random(people) < 0.25, np.arange(people) + people, -1)
    second[members:] = -1
    return Shop(
        people=people,
        members=members,
        seed=seed,
        start=start,
        activity=random.lognormal(0.0, 0.9, people),
        taste=random.integers(0, len(CATEGORIES), people),
        device=device,
        second_device=second,
        openid=np.where(random.random(people) < 0.35, np.arange(people), -1),
        price=np.round(random.lognormal(3.6, 0.7, (len(CATEGORIES), PRODUCTS_EACH)), 2),
    )


def _moments(random: np.random.Generator, n: int, first_day: float, last_day: float) -> np.ndarray:
    """`n` seconds since the start between two days, with a day's rhythm in China's zone."""
    day = first_day + random.random(n) * (last_day - first_day)
    hours = np.array([1, 1, 0, 0, 0, 0, 1, 2, 4, 5, 6, 6, 7, 6, 5, 5, 5, 6, 7, 8, 10, 10, 7, 3], dtype=float)
    hour = random.choice(24, n, p=hours / hours.sum())
    seconds = np.floor(day) * 86_400 + ((hour - 8) % 24) * 3_600 + random.random(n) * 3_600
    clipped: np.ndarray = np.clip(seconds, first_day * 86_400, last_day * 86_400 - 1)
    return clipped


@dataclass(frozen=True)
class Browsing:
    """Web events as columns: person, seconds since the start, what, category, product, quantity, named."""

    person: np.ndarray
    seconds: np.ndarray
    what: np.ndarray
    category: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    named: np.ndarray
    device: np.ndarray

    def part(self, chosen: np.ndarray) -> Browsing:
        """Only the chosen events."""
        return Browsing(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.person)


WHAT = ("$page", "Product Viewed", "Product Added", "Searched", "Order Paid")
WHAT_SHARES = (0.46, 0.37, 0.08, 0.06, 0.03)


def browsing(made: Shop, *, events: int) -> Browsing:
    """What people do on the web, in order of time. Only members order; a third browse without logging in."""
    random = np.random.default_rng([made.seed, 2])
    weight = made.activity / made.activity.sum()
    person = random.choice(made.people, events, p=weight)
    seconds = _moments(random, events, 0, DAYS)
    what = random.choice(len(WHAT), events, p=WHAT_SHARES)
    what[(what == 4) & (person >= made.members)] = 1
    own_taste = random.random(events) < 0.6
    category = np.where(own_taste, made.taste[person], random.integers(0, len(CATEGORIES), events))
    named = (person < made.members) & ((random.random(events) < 0.65) | (what == 4))
    second = made.second_device[person]
    device = np.where((second >= 0) & (random.random(events) < 0.4), second, made.device[person])
    order = np.argsort(seconds, kind="stable")
    return Browsing(
        person=person,
        seconds=seconds,
        what=what,
        category=category,
        product=random.integers(0, PRODUCTS_EACH, events),
        quantity=random.integers(1, 4, events),
        named=named,
        device=device,
    ).part(order)


def _stamps(made: Shop, seconds: np.ndarray) -> pa.Array:
    base = int(made.start.timestamp() * 1_000_000)
    return pa.array((base + np.round(seconds * 1e6)).astype("int64"), type=pa.timestamp("us"))


def _amount(made: Shop, part: Browsing) -> np.ndarray:
    """The order's amount in 1/100 of the currency unit."""
    amount: np.ndarray = (
        np.round(made.price[part.category, part.product] * 100).astype("int64") * part.quantity
    )
    return amount


def write_web(made: Shop, part: Browsing, path: Path) -> None:
    """The events as a Parquet file such as a data warehouse exports."""
    orders = part.what == 4
    product = np.array([f"p{c}{n}" for c in range(len(CATEGORIES)) for n in range(PRODUCTS_EACH)])
    shows = np.isin(part.what, (1, 2, 4))
    searched = part.what == 3
    amount = _amount(made, part)
    pq.write_table(
        pa.table(
            {
                "event": pa.array(np.array(WHAT)[part.what]),
                "ts": _stamps(made, part.seconds),
                "user": pa.array(
                    [made.user_id(p) if n else None for p, n in zip(part.person, part.named, strict=True)]
                ),
                "device": pa.array([f"d{d:06d}" for d in part.device]),
                "category": pa.array(np.array(CATEGORIES)[part.category], mask=~shows),
                "product": pa.array(product[part.category * PRODUCTS_EACH + part.product], mask=~shows),
                "quantity": pa.array(part.quantity, mask=~orders),
                "amount": pa.array([f"{a / 100:.2f}" for a in amount], mask=~orders),
                "query": pa.array(np.array(SEARCHES)[part.product % len(SEARCHES)], mask=~searched),
            }
        ),
        path,
    )


def calls(made: Shop, part: Browsing) -> Iterator[Json]:
    """The events as the calls that a browser's SDK would post; a member's first named event also identifies."""
    identified: set[tuple[int, int]] = set()
    amount = _amount(made, part)
    for i in range(len(part)):
        person, device = int(part.person[i]), f"d{int(part.device[i]):06d}"
        at = made.start + timedelta(seconds=float(part.seconds[i]))
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        category = int(part.category[i])
        common: Json = {
            "anonymousId": device,
            "timestamp": stamp,
            "messageId": f"web-{made.seed}-{i}-{stamp}",
        }
        if part.named[i]:
            common["userId"] = made.user_id(person)
            if (person, int(part.device[i])) not in identified:
                identified.add((person, int(part.device[i])))
                yield {**common, "type": "identify", "messageId": common["messageId"] + "-i", "traits": {}}
        what = WHAT[part.what[i]]
        product = {"category": CATEGORIES[category], "product": f"p{category}{int(part.product[i])}"}
        if what == "$page":
            yield {**common, "type": "page", "name": "Shop", "properties": {}}
        elif what == "Searched":
            query = SEARCHES[int(part.product[i]) % len(SEARCHES)]
            yield {**common, "type": "track", "event": what, "properties": {"query": query}}
        elif what == "Order Paid":
            properties = {**product, "quantity": int(part.quantity[i]), "amount": amount[i] / 100}
            yield {**common, "type": "track", "event": what, "properties": properties}
        else:
            yield {**common, "type": "track", "event": what, "properties": product}


def write_members(made: Shop, path: Path) -> None:
    """The members as the shop's own CSV: static attributes, openid, how they registered."""
    random = np.random.default_rng([made.seed, 3])
    n = made.members
    gender = random.choice(["female", "male", ""], n, p=[0.52, 0.42, 0.06])
    city = random.choice(len(CITIES), n)
    born = random.integers(1955, 2007, n)
    tier = random.choice(["basic", "silver", "gold"], n, p=[0.7, 0.22, 0.08])
    names = random.integers(0, len(SURNAMES), n), random.integers(0, len(GIVEN), n)
    since = random.integers(0, 1500, n)
    came = random.choice(len(REGISTERED), n, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "user_id",
                "name",
                "gender",
                "city",
                "birth_year",
                "tier",
                "email",
                "openid",
                "came_from",
                "registered_on",
            ]
        )
        for i in range(n):
            writer.writerow(
                [
                    made.user_id(i),
                    SURNAMES[names[0][i]] + GIVEN[names[1][i]],
                    gender[i],
                    CITIES[city[i]],
                    born[i],
                    tier[i],
                    made.email(i),
                    f"o{made.openid[i]:06d}" if made.openid[i] >= 0 else "",
                    REGISTERED[came[i]],
                    (made.start.date() - timedelta(days=int(since[i]))).isoformat(),
                ]
            )


def write_consents(made: Shop, path: Path) -> None:
    """Who agreed to marketing e-mail, who took it back: nine of ten members said yes."""
    random = np.random.default_rng([made.seed, 4])
    said = random.random(made.members)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "channel", "address", "state", "at", "source"])
        day = made.start.date().isoformat()
        for i in range(made.members):
            if said[i] < 0.9:
                state = "withdrawn" if said[i] < 0.03 else "granted"
                writer.writerow(
                    [made.user_id(i), "email", made.email(i), state, f"{day}T00:00:00Z", "sign-up form"]
                )


def write_till(made: Shop, path: Path, *, lines: int, first_day: float, last_day: float) -> None:
    """Order lines of the shop's tills as CSV in local time: some name a member's card, a few are returns."""
    random = np.random.default_rng([made.seed, 5, int(first_day)])
    person = random.choice(
        made.members, lines, p=made.activity[: made.members] / made.activity[: made.members].sum()
    )
    with_card = random.random(lines) < 0.7
    seconds = np.sort(_moments(random, lines, first_day, last_day))
    category = np.where(random.random(lines) < 0.6, made.taste[person], random.integers(0, 6, lines))
    product = random.integers(0, PRODUCTS_EACH, lines)
    quantity = random.integers(1, 5, lines)
    quantity[random.random(lines) < 0.02] *= -1
    store = random.integers(1, 9, lines)
    local = made.start.replace(tzinfo=None) + timedelta(hours=8)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["receipt", "card", "sold_at", "category", "item", "unit_price", "quantity", "store"])
        for i in range(lines):
            c, p = int(category[i]), int(product[i])
            writer.writerow(
                [
                    f"{'R' if quantity[i] < 0 else 'S'}{int(first_day):03d}{i:07d}",
                    made.user_id(int(person[i])) if with_card[i] else "",
                    (local + timedelta(seconds=float(seconds[i]))).strftime("%Y-%m-%d %H:%M:%S"),
                    CATEGORIES[c],
                    f"p{c}{p}",
                    f"{made.price[c, p]:.2f}",
                    int(quantity[i]),
                    f"store {int(store[i])}",
                ]
            )


def write_official_account(made: Shop, path: Path, *, events: int, last_day: float) -> None:
    """What followers did on the official account, as gzipped JSON lines keyed by openid."""
    random = np.random.default_rng([made.seed, 6])
    followers = made.openid[made.openid >= 0]
    who = random.choice(followers, events)
    seconds = np.sort(_moments(random, events, 0, last_day))
    what = random.choice(3, events, p=[0.15, 0.35, 0.5])
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=3) as file:
        for i in range(events):
            line: Json = {
                "openid": f"o{int(who[i]):06d}",
                "at": int((made.start + timedelta(seconds=float(seconds[i]))).timestamp()),
                "event": ("Followed", "Menu Clicked", "Article Read")[what[i]],
            }
            if what[i] == 1:
                line["menu"] = MENUS[int(random.integers(0, len(MENUS)))]
            elif what[i] == 2:
                line["topic"] = CATEGORIES[int(made.taste[int(who[i])])]
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class Effect:
    """What the message truly changed: of `recipients`, `anyway` would have bought, `because` bought for it."""

    recipients: int
    anyway: int
    because: int

    @property
    def per_person(self) -> float:
        """The planted effect: additional buyers per recipient."""
        return self.because / self.recipients if self.recipients else 0.0


def orders_after(
    made: Shop, *, recipients: np.ndarray, buyers_anyway: np.ndarray
) -> tuple[list[Json], Effect]:
    """The orders that happen only because of the message, as calls, and the effect that they plant.

    `recipients`: members who got the message; `buyers_anyway`: members who order in those days without it.
    """
    random = np.random.default_rng([made.seed, 7])
    persuaded = np.sort(recipients)[random.random(len(recipients)) < EXTRA_BUYERS]
    anyway = np.isin(recipients, buyers_anyway)
    because = persuaded[~np.isin(persuaded, buyers_anyway)]
    orders: list[Json] = []
    for person in because:
        at = made.launch + timedelta(hours=float(random.uniform(1, 24 * 10)))
        category = int(made.taste[person])
        product = int(random.integers(0, PRODUCTS_EACH))
        orders.append(
            {
                "type": "track",
                "event": "Order Paid",
                "userId": made.user_id(int(person)),
                "anonymousId": f"d{int(made.device[person]):06d}",
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "messageId": f"after-{made.seed}-{int(person)}",
                "properties": {
                    "category": CATEGORIES[category],
                    "product": f"p{category}{product}",
                    "quantity": 1,
                    "amount": float(made.price[category, product]),
                },
            }
        )
    orders.sort(key=lambda call: call["timestamp"])
    return orders, Effect(len(recipients), int(anyway.sum()), len(because))


def first_day(today: datetime) -> datetime:
    """Midnight UTC so many days ago that the history ends today: the demo's tags are fresh when it ends."""
    return today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
