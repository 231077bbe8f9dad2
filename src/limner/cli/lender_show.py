"""The lender's summary as a person reads it: evidence, owners, offers, answers."""

from __future__ import annotations

from limner.cli import show
from limner.cli.ask import out
from limner.types import Json

KNOWN = {"email": "e-mail", "sms": "SMS", "wechat": "WeChat"}


def draw(answer: Json) -> None:
    """From what people left behind to what the offers changed."""
    finding, survey = answer["finding"], answer["survey"]
    out.print("\n[bold]Clearwater Credit 清水金融[/bold]: who has a car, and what each of them is offered\n")
    show.table(
        "Evidence that people left, and nobody asked for",
        ("kind", "people", "has a car, of these alone", "of the car owners found"),
        (
            (row["kind"], f"{row['people']:,}", f"{row['precision_alone']:.0%}", f"{row['of_found']:.0%}")
            for row in answer["evidence"]
        ),
    )
    show.pairs(
        "Car owners",
        {
            "found": f"{finding['found']:,} of {answer['people']:,} people, by at least two kinds of evidence each",
            "really have a car": f"{finding['owners_found']:,}: {finding['precision']:.1%} (planted truth)",
            "as many drawn by chance": f"{finding['chance']:.1%}: finding them is {finding['lift']:.1f} times better",
            "of all owners": f"{finding['recall']:.0%} were found",
            f"a survey of {survey['asked']:,} says": _surveyed(survey),
        },
    )
    show.table(
        "Hour, channel and product of the first offer",
        ("", "the person's own", "dealt out by lot"),
        (
            (name, f"{row['right']:.0%}" + _at_most(row), f"{row['by_lot']:.0%}")
            for name, row in answer["fitting"].items()
        ),
    )
    for one in answer["examples"]:
        out.print(f"  {show.clean(one['user'])}: {show.clean(because(one))}")
    show.table(
        "What each step is worth: contracts to be expected of as many offers (planted truth)",
        ("to whom and how", "people", "have a car", "contracts"),
        (
            (row["way"], f"{row['people']:,}", f"{row['owners']:.0%}", f"{row['contracts']:.0f}")
            for row in answer["ways"]
        ),
    )
    show.pairs("The report", _report(answer))


def because(message: Json) -> str:
    """Why somebody got a message then, by that channel and about that, in one line."""
    hour, channel = message["why"]["hour"], message["why"]["channel"]
    answers = ", ".join(
        f"{KNOWN[name]} {asked[0]} of {asked[1]}" for name, asked in channel["answers"].items()
    )
    there = f"there {hour['n']} of {hour['of']} times from {hour['best']}:00 on"
    offers = "; ".join(f"{one['titles'].get('en', one['name'])} ({_picked(one)})" for one in message["picks"])
    return f"{offers}; at {hour['hour']}:00 ({there}); by {KNOWN[message['channel']]} (answered: {answers})"


def _picked(one: Json) -> str:
    if one["kind"] == "interest":
        return f"{one['tag']} {one['weight']:.2f}"
    return "nothing is known of the need"


def _surveyed(survey: Json) -> str:
    share = survey["precision"]
    if share is None:
        return "not enough data"
    return (
        f"{share['share']:.1%} ({share['low']:.1%} to {share['high']:.1%}) of those found,"
        f" {survey['owners'] / survey['asked']:.1%} of all: {survey['lift']:.1f} times better"
    )


def _at_most(row: Json) -> str:
    return f" of {row['at_most']:.0%} that agreed to it" if row["at_most"] < 1 else ""


def _report(answer: Json) -> Json:
    journey, report, planted = answer["journey"], answer["report"], answer["planted"]
    total = report["total"]
    sent = ", ".join(f"{KNOWN[name]} {n:,}" for name, n in answer["received"].items())
    suppressed = "; ".join(f"{reason} {n:,}" for reason, n in total["suppressed"].items()) or "nobody"
    return {
        **dict(show.changed(report["effect"])),
        "planted": f"{planted['because']:,} of {planted['treated']:,} signed because of it:"
        f" +{planted['per_person']:.2%}",
        "journey": f"{journey['entered']:,} people: {journey['held_out']:,} held out; of the others"
        f" {total['sent']:,} messages sent, {total['failed']:,} failed, not sent: {suppressed}",
        "arrived": f"{sent}; {answer['twice']:,} twice",
        "contracts": f"{report['so_far']['value']:,.0f}, as many days before: {report['baseline']['value']:,.0f}",
        "cost": f"{total['cost']:,.2f} {report['currency']}",
        "seed": answer["seed"],
        "seconds": f"{answer['seconds']} ("
        + ", ".join(f"{name} {seconds}" for name, seconds in answer["steps"].items())
        + ")",
    }
