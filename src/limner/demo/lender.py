"""A seeded lender of 180 days that wants to finance cars and does not know who has one.

Everything is columns of numpy; the same seed gives the same lender. No file tells who owns a car: `Lender.owner` is the
truth that only the demo knows. What owners do leaves traces in payments, in the app and on the official account; people
who rent, who drive somebody else's car or who only like cars leave some of the same traces.

What a message changes is planted too: `answers` knows who signs because of it, who would have signed anyway, and that
a message at the person's own hour, by the person's own channel, about the product that the person needs changes more.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from limner.demo.shop import CITIES, GIVEN, SURNAMES
from limner.types import Json

DAYS = 180
AFTER_DAYS = 14
"""The journey starts this many days before the end."""

PRODUCTS = ("replacement loan", "loan on the car", "insurance in instalments", "service in instalments")
TITLES = ("置换贷款", "车抵贷", "车险分期", "保养分期")
"""What the library calls them."""
CHANNELS = ("email", "sms", "wechat")
OWNERS, RENTERS, BORROWERS, ENTHUSIASTS = 0.28, 0.08, 0.12, 0.1
"""Shares: who has a car; of those who have none: who rents now and then, drives the family's car, likes cars."""

MERCHANTS = (
    "groceries", "restaurant", "transit", "taxi", "clothes", "pharmacy",
    "fuel", "charging", "parking", "toll", "motor insurance", "car repair", "car rental",
)  # fmt: skip
FUEL, CHARGING, PARKING, TOLL, INSURANCE, REPAIR, RENTAL = range(6, 13)
EVERYDAY = (3.0, 2.0, 2.5, 0.6, 0.4, 0.3)
"""Payments a month of the first six kinds, whoever pays."""

DRIVING: dict[int, tuple[float, float, float, float]] = {
    FUEL: (2.2, 0.6, 0.9, 0.08),
    CHARGING: (3.2, 0.1, 0.2, 0.02),
    PARKING: (3.2, 0.5, 1.2, 0.35),
    TOLL: (1.4, 0.5, 0.5, 0.08),
    INSURANCE: (0.09, 0.0, 0.015, 0.006),
    REPAIR: (0.2, 0.0, 0.05, 0.015),
    RENTAL: (0.02, 0.6, 0.05, 0.02),
}
"""Payments a month of those with a car, who rent, who drive that of the family, and of everybody else."""

APP = ("Screen Viewed", "Article Read", "Fine Looked Up", "Car Valued", "Calculator Used")
TOPICS = ("cars", "homes", "saving", "travel")
MENUS = ("my loans", "annual inspection", "offers", "contact us")

NEWSLETTERS = 8
"""So many messages of the time before went to everybody by each channel to which they agreed."""

ANSWERS, ANSWERS_ELSEWHERE = 0.35, 0.06
"""The share of messages whose link somebody follows: by their own channel, and by the others."""

SIGNS_ANYWAY = 0.04
"""Of those with a car: the share that signs in those days whatever is sent."""

PERSUADED = 0.16
"""Of those with a car who get a message that fits in all three: the share that signs because of it."""

WRONG_PRODUCT, WRONG_CHANNEL, WRONG_HOUR = 0.3, 0.5, 0.6
"""What is left of it when one of the three does not fit."""


@dataclass(frozen=True)
class Lender:
    """One generated lender: `people` customers, all with an account. `start` is midnight UTC of day 0.

    `owner` is the truth. `kind`: 0 has a car, 1 rents, 2 drives that of the family, 3 likes cars, 4 none of these.
    `electric`: the car needs no fuel. `seen`: the share of somebody's payments made with this lender's card. `hour`:
    of the day, in China's zone, around which somebody uses the app. `channel`, `need`: into CHANNELS and PRODUCTS.
    `agreed`: a row for each person, which says of each channel whether marketing may come by it.
    """

    people: int
    seed: int
    start: datetime
    kind: np.ndarray
    electric: np.ndarray
    seen: np.ndarray
    activity: np.ndarray
    hour: np.ndarray
    channel: np.ndarray
    need: np.ndarray
    follower: np.ndarray
    agreed: np.ndarray

    @property
    def owner(self) -> np.ndarray:
        """Who has a car: the truth that no file tells."""
        return cast(np.ndarray, self.kind == 0)

    @property
    def end(self) -> datetime:
        """The last instant of the history."""
        return self.start + timedelta(days=DAYS)

    @property
    def launch(self) -> datetime:
        """When the journey starts: eight in the morning, in China's zone."""
        return self.end - timedelta(days=AFTER_DAYS)

    def user_id(self, person: int) -> str:
        """The account of a customer."""
        return f"c{person:06d}"

    def email(self, person: int) -> str:
        """The address that a customer gave."""
        return f"{self.user_id(person)}@example.test"

    def phone(self, person: int) -> str:
        """The number that a customer gave."""
        return f"+86139{person:08d}"

    def openid(self, person: int) -> str:
        """What the official account calls a follower."""
        return f"o{person:06d}"


@dataclass(frozen=True)
class Traces:
    """Columns of events: who, seconds since the start, what (into a tuple of names), and one more into another."""

    person: np.ndarray
    seconds: np.ndarray
    what: np.ndarray
    about: np.ndarray

    def part(self, chosen: np.ndarray) -> Traces:
        """Only the chosen ones."""
        return Traces(self.person[chosen], self.seconds[chosen], self.what[chosen], self.about[chosen])

    def __len__(self) -> int:
        return len(self.person)


def lender(*, people: int, seed: int, start: datetime) -> Lender:
    """The lender of that size and seed."""
    random = np.random.default_rng([seed, 1])
    owner = random.random(people) < OWNERS
    rest = 1 - RENTERS - BORROWERS - ENTHUSIASTS
    other = random.choice([1, 2, 3, 4], people, p=[RENTERS, BORROWERS, ENTHUSIASTS, rest])
    said = np.random.default_rng([seed, 7]).random((people, len(CHANNELS))) < (0.85, 0.75, 0.95)
    made = Lender(
        people=people,
        seed=seed,
        start=start,
        kind=np.where(owner, 0, other),
        electric=random.random(people) < 0.3,
        seen=random.beta(2, 1.5, people),
        activity=random.lognormal(0.0, 0.6, people),
        hour=random.choice([8, 12, 13, 18, 20, 21, 22], people, p=[0.15, 0.15, 0.05, 0.15, 0.25, 0.15, 0.1]),
        channel=random.choice(len(CHANNELS), people, p=[0.35, 0.3, 0.35]),
        need=random.choice(len(PRODUCTS), people, p=[0.3, 0.25, 0.3, 0.15]),
        follower=random.random(people) < 0.6,
        agreed=said,
    )
    made.agreed[~made.follower, CHANNELS.index("wechat")] = False
    return made


def first_day(today: datetime) -> datetime:
    """Midnight UTC so many days ago that the history ends today: the demo's tags are fresh when it ends."""
    return today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)


def payments(made: Lender) -> Traces:
    """What was paid with the lender's card: `what` is into MERCHANTS, `about` the amount in hundredths."""
    random = np.random.default_rng([made.seed, 2])
    months = DAYS / 30
    everyone = np.arange(made.people)
    person, what = [], []
    for merchant, monthly in enumerate(EVERYDAY):
        person.append(np.repeat(everyone, random.poisson(monthly * months * made.seen * made.activity)))
        what.append(np.full(len(person[-1]), merchant))
    other_fuel = {FUEL: made.owner & made.electric, CHARGING: made.owner & ~made.electric}
    for merchant, of_kinds in DRIVING.items():
        rate = np.array([*of_kinds, of_kinds[3]])[made.kind]
        rate[other_fuel.get(merchant, [])] = 0
        person.append(np.repeat(everyone, random.poisson(rate * months * made.seen)))
        what.append(np.full(len(person[-1]), merchant))
    who, kind = np.concatenate(person), np.concatenate(what)
    cents = np.array([9000, 12000, 600, 3500, 26000, 6000, 32000, 4000, 1500, 2800, 380000, 90000, 45000])
    amount = np.round(cents[kind] * random.lognormal(0, 0.35, len(who))).astype("int64")
    seconds = np.floor(random.random(len(who)) * DAYS) * 86_400 + random.integers(0, 15 * 3_600, len(who))
    return Traces(who, seconds, kind, amount).part(np.argsort(seconds, kind="stable"))


def app(made: Lender) -> Traces:
    """What was done in the app: `what` is into APP, `about` into TOPICS (articles) or PRODUCTS (calculations)."""
    random = np.random.default_rng([made.seed, 3])
    months = DAYS / 30
    rates = np.array(
        [
            [6.0, 6.0, 6.0, 6.0, 6.0],
            [1.2, 0.9, 0.9, 1.4, 0.9],
            [0.22, 0.02, 0.08, 0.02, 0.015],
            [0.12, 0.0, 0.03, 0.06, 0.008],
            [0.7, 0.05, 0.1, 0.25, 0.03],
        ]
    )
    person, what = [], []
    for n, monthly in enumerate(rates):
        counted = random.poisson(monthly[made.kind] * months * made.activity)
        person.append(np.repeat(np.arange(made.people), counted))
        what.append(np.full(len(person[-1]), n))
    who, act = np.concatenate(person), np.concatenate(what)
    count = len(who)
    likes_cars = np.isin(made.kind[who], (0, 3)) & (random.random(count) < 0.5)
    topic = np.where(likes_cars, 0, random.integers(0, len(TOPICS), count))
    product = np.where(random.random(count) < 0.7, made.need[who], random.integers(0, len(PRODUCTS), count))
    about = np.where(act == 1, topic, np.where(act == 4, product, 0))
    seconds = _at(random, made.hour[who])
    return Traces(who, seconds, act, about).part(np.argsort(seconds, kind="stable"))


def account(made: Lender) -> Traces:
    """What followers tapped in the official account's menu: `what` is 0, `about` into MENUS."""
    random = np.random.default_rng([made.seed, 4])
    followers = np.flatnonzero(made.follower)
    who = np.repeat(followers, random.poisson(0.8 * DAYS / 30 * made.activity[followers]))
    n = len(who)
    inspects = random.random(n) < np.array([0.22, 0.01, 0.08, 0.05, 0.01])[made.kind[who]]
    about = np.where(inspects, 1, random.choice([0, 2, 3], n))
    seconds = _at(random, made.hour[who])
    what = np.zeros_like(about)
    return Traces(who, seconds, what, about).part(np.argsort(seconds, kind="stable"))


def newsletters(made: Lender) -> Traces:
    """Messages of the time before the journey and who followed their link: `what` is 0 sent, 1 followed.

    `about`: the number of the message, of which the remainder by three is its channel.
    """
    random = np.random.default_rng([made.seed, 10])
    who, channel = (np.repeat(found, NEWSLETTERS) for found in np.nonzero(made.agreed))
    number = np.arange(len(who)) * len(CHANNELS) + channel
    issue = np.tile(np.arange(NEWSLETTERS), len(who) // NEWSLETTERS)
    days = DAYS - AFTER_DAYS - 5
    sent = (np.floor((issue + channel / len(CHANNELS)) * days / NEWSLETTERS) * 86_400 + 2 * 3_600).astype(
        float
    )
    likely = np.where(made.channel[who] == channel, ANSWERS, ANSWERS_ELSEWHERE)
    follows = random.random(len(who)) < likely
    later = sent + 86_400 * random.random(len(who)) * 2
    person, about = np.concatenate([who, who[follows]]), np.concatenate([number, number[follows]])
    what = np.repeat([0, 1], [len(who), int(follows.sum())])
    seconds = np.concatenate([sent, later[follows]])
    return Traces(person, seconds, what, about).part(np.argsort(seconds, kind="stable"))


def contracts(made: Lender) -> Traces:
    """Contracts of the time before the journey: `what` is into PRODUCTS, `about` the amount."""
    random = np.random.default_rng([made.seed, 11])
    days = DAYS - AFTER_DAYS
    signs = np.flatnonzero(made.owner & (random.random(made.people) < SIGNS_ANYWAY * days / AFTER_DAYS))
    seconds = np.floor(random.random(len(signs)) * days) * 86_400 + random.integers(0, 10 * 3_600, len(signs))
    found = Traces(signs, seconds, made.need[signs], _amount(signs))
    return found.part(np.argsort(seconds, kind="stable"))


def _amount(person: np.ndarray) -> np.ndarray:
    return 12_000 + 1_000 * (person % 40)


def _at(random: np.random.Generator, hour: np.ndarray) -> np.ndarray:
    """Seconds since the start, six of ten within the own hour and the next, the others from eight to midnight."""
    n = len(hour)
    own = random.random(n) < 0.6
    local = np.where(own, hour + 2 * random.random(n), 8 + 16 * random.random(n))
    found: np.ndarray = (np.floor(random.random(n) * (DAYS - 1)) + 1) * 86_400 + (local - 8) * 3_600
    return found


def chances(
    made: Lender, *, got: np.ndarray, channel: np.ndarray, product: np.ndarray, hour: np.ndarray
) -> np.ndarray:
    """How likely each of `got` signs because of a message by that channel, about that product, at that hour."""
    away = np.abs(hour - made.hour[got])
    chance = PERSUADED * (made.kind[got] == 0)
    chance = chance * np.where(product == made.need[got], 1, WRONG_PRODUCT)
    chance = chance * np.where(channel == made.channel[got], 1, WRONG_CHANNEL)
    fitting: np.ndarray = chance * np.where(np.minimum(away, 24 - away) <= 1, 1, WRONG_HOUR)
    return fitting


def answers(
    made: Lender, *, got: np.ndarray, channel: np.ndarray, product: np.ndarray, hour: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Who signs: of everybody without a message, and those of `got` who sign because of it.

    `got`: people who got a message; `channel`, `product`, `hour` (of the day, China's zone): of that message, as long
    as `got`. Whoever would have signed anyway is not among those who sign because of it. Whoever gets a second message
    signs because of the one that fits better.
    """
    random = np.random.default_rng([made.seed, 5])
    anyway, by = random.random(made.people), random.random(made.people)
    signs = np.flatnonzero((made.kind == 0) & (anyway < SIGNS_ANYWAY))
    chance = chances(made, got=got, channel=channel, product=product, hour=hour)
    return signs, np.setdiff1d(got[by[got] < chance], signs)


def signs_anyway(made: Lender) -> Traces:
    """Contracts after the journey's start of those who would have signed whatever was sent, as `contracts`."""
    random = np.random.default_rng([made.seed, 5])
    signs = np.flatnonzero((made.kind == 0) & (random.random(made.people) < SIGNS_ANYWAY))
    later = np.random.default_rng([made.seed, 15]).random(made.people)[signs] * AFTER_DAYS * 86_400
    return Traces(signs, (DAYS - AFTER_DAYS) * 86_400 + later, made.need[signs], _amount(signs))


def takes_to_sign(made: Lender, person: int) -> float:
    """Seconds from the message that persuades somebody to the contract: an hour to two days."""
    return 3_600 * (1 + 47 * float(np.random.default_rng([made.seed, 16, person]).random()))


def follows(made: Lender, *, got: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Which of `got` follow the link of a message by that channel, signing or not."""
    random = np.random.default_rng([made.seed, 12])
    looks = random.random(made.people)
    return np.unique(got[looks[got] < np.where(channel == made.channel[got], ANSWERS, ANSWERS_ELSEWHERE)])


def write_customers(made: Lender, path: Path) -> None:
    """The customers as the lender's own CSV. No column says who has a car."""
    random = np.random.default_rng([made.seed, 6])
    n = made.people
    gender = random.choice(["female", "male", ""], n, p=[0.46, 0.48, 0.06])
    born = random.integers(1962, 2004, n)
    city, surname, given = (random.integers(0, len(of), n) for of in (CITIES, SURNAMES, GIVEN))
    since = random.integers(0, 1800, n)
    columns = "user_id", "name", "gender", "city", "birth_year", "email", "phone", "openid", "registered_on"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for i in range(n):
            openid = made.openid(i) if made.follower[i] else ""
            name = SURNAMES[surname[i]] + GIVEN[given[i]]
            day = (made.start.date() - timedelta(days=int(since[i]))).isoformat()
            told = made.user_id(i), name, gender[i], CITIES[city[i]], born[i]
            writer.writerow([*told, made.email(i), made.phone(i), openid, day])


def write_consents(made: Lender, path: Path) -> None:
    """Who agreed to marketing by which channel."""
    day = made.start.date().isoformat()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "channel", "address", "state", "at", "source"])
        for i in range(made.people):
            for n, address in enumerate((made.email(i), made.phone(i), made.openid(i))):
                if made.agreed[i, n]:
                    writer.writerow(
                        [made.user_id(i), CHANNELS[n], address, "granted", f"{day}T00:00:00Z", "contract"]
                    )


def write_survey(made: Lender, path: Path, *, asked: int) -> None:
    """What so many customers, drawn by chance, said when they were asked for a car."""
    random = np.random.default_rng([made.seed, 8])
    who = np.sort(random.choice(made.people, min(asked, made.people), replace=False))
    said = made.owner[who]
    day = (made.start.date() + timedelta(days=DAYS - AFTER_DAYS - 7)).isoformat()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "asked_on", "has_car"])
        writer.writerows(
            (made.user_id(p), day, "yes" if yes else "no") for p, yes in zip(who, said, strict=True)
        )


def write_payments(made: Lender, part: Traces, path: Path) -> None:
    """Payments as a Parquet file such as a card system exports."""
    columns = {
        "card": pa.array([made.user_id(p) for p in part.person]),
        "ts": _stamps(made, part.seconds),
        "merchant": pa.array(np.array(MERCHANTS)[part.what]),
        "amount": pa.array([f"{cents / 100:.2f}" for cents in part.about]),
    }
    pq.write_table(pa.table(columns), path)


def write_app(made: Lender, part: Traces, path: Path) -> None:
    """What was done in the app, as a Parquet file."""
    read, counted = part.what == 1, part.what == 4
    columns = {
        "event": pa.array(np.array(APP)[part.what]),
        "ts": _stamps(made, part.seconds),
        "user": pa.array([made.user_id(p) for p in part.person]),
        "topic": pa.array(np.array(TOPICS)[np.where(read, part.about, 0)], mask=~read),
        "product": pa.array(np.array(PRODUCTS)[np.where(counted, part.about, 0)], mask=~counted),
    }
    pq.write_table(pa.table(columns), path)


def write_account(made: Lender, part: Traces, path: Path) -> None:
    """What followers did on the official account, as CSV by openid."""
    base = int(made.start.timestamp())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["openid", "at", "event", "menu"])
        for person, seconds, about in zip(part.person, part.seconds, part.about, strict=True):
            writer.writerow([made.openid(person), base + int(seconds), "Menu Clicked", MENUS[about]])


def write_newsletters(made: Lender, part: Traces, path: Path) -> None:
    """Old messages and who followed their links, as a Parquet file such as the tool before Limner exports."""
    columns = {
        "event": pa.array(np.array(["Message Sent", "Link Clicked"])[part.what]),
        "ts": _stamps(made, part.seconds),
        "user": pa.array([made.user_id(p) for p in part.person]),
        "channel": pa.array(np.array(CHANNELS)[part.about % len(CHANNELS)]),
        "message_id": pa.array([f"old-{number}" for number in part.about]),
        "class": pa.array(["marketing"] * len(part)),
    }
    pq.write_table(pa.table(columns), path)


def write_contracts(made: Lender, part: Traces, path: Path) -> None:
    """Signed contracts as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "signed_at", "product", "amount"])
        for person, seconds, product, amount in zip(
            part.person, part.seconds, part.what, part.about, strict=True
        ):
            at = made.start + timedelta(seconds=float(seconds))
            writer.writerow(
                [made.user_id(person), at.strftime("%Y-%m-%dT%H:%M:%SZ"), PRODUCTS[product], amount]
            )


def contract(made: Lender, person: int, *, product: str, at: datetime, why: str) -> Json:
    """The call that tells of one signed contract."""
    return {
        "type": "track",
        "event": "Contract Signed",
        "userId": made.user_id(person),
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "messageId": f"{why}-{made.seed}-{person}",
        "properties": {"product": product, "amount": int(_amount(np.array([person]))[0])},
    }


def _stamps(made: Lender, seconds: np.ndarray) -> pa.Array:
    base = int(made.start.timestamp() * 1_000_000)
    return pa.array((base + np.round(seconds * 1e6)).astype("int64"), type=pa.timestamp("us"))
