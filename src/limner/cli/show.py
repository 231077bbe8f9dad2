"""Answers drawn for people: tables and short sentences. Machines ask for --json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from limner.cli.ask import out
from limner.types import Json


def clean(value: Any) -> str:
    """A value as one safe line: control and bidirectional characters are shown, not obeyed."""
    if value is None:
        return "–"
    text = str(value)
    return escape("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text))


def conflicts(columns: Sequence[str]) -> Callable[[Json], None]:
    """Draws a page of conflicts, of a group or of a tag, with these columns."""

    def drawn(answer: Json) -> None:
        what = answer["group"] if "group" in answer else answer["tag"]
        table(
            f"{what}: {answer['standing']} of {answer['total']} conflicts stand",
            columns,
            ([row[c] for c in columns] for row in answer["conflicts"]),
        )

    return drawn


def table(title: str, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """A table, or one sentence when it is empty."""
    drawn = Table(title=clean(title) if title else None, title_justify="left", header_style="bold")
    for name in columns:
        drawn.add_column(name)
    n = 0
    for line in lines:
        drawn.add_row(*(clean(cell) for cell in line))
        n += 1
    if n:
        out.print(drawn)
    else:
        out.print(f"{clean(title)}: none yet")


def pairs(title: str, answer: Json) -> None:
    """Names and values, one a line."""
    table(title, ("", ""), ((key, _short(value)) for key, value in answer.items()))


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return f"{len(value)} entries" if value and isinstance(value[0], dict) else ", ".join(map(str, value))
    return value


WHY = {
    "new": "new",
    "changed": "changed",
    "refers": "refers to",
    "removed": "removed",
    "read": "is referred to",
}


def plan(answer: Json) -> None:
    """A plan: the tags and why, the audiences, what uses them (campaigns, journeys, templates), and what is wrong."""
    columns = ("tag", "why", "before", "after", "people", "moved", "other number")
    lines = [
        (row["key"], reason(row), f"{row['before']:,}", f"{row['after']:,}", came_and_went(row),
         f"{row['moved']:,}", f"{row['revalued']:,}")
        for row in [*answer["tags"], *answer["read"]]
    ]  # fmt: skip
    if lines:
        table(f"Plan as of {answer['as_of']}", columns, lines)
    elif not answer["problems"]:
        out.print("nothing would change")
    if answer["audiences"]:
        table(
            "Audiences",
            ("audience", "before", "after", "people"),
            (
                (
                    row["name"],
                    None if row["before"] is None else f"{row['before']:,}",
                    f"{row['after']:,}",
                    came_and_went(row),
                )
                for row in answer["audiences"]
            ),
        )
    if answer["campaigns"]:
        table(
            "Campaigns",
            ("campaign", "status", "next", "uses"),
            (
                (row["name"], row["status"], row["next_at"], ", ".join([*row["tags"], *row["how"]]))
                for row in answer["campaigns"]
            ),
        )
    if answer["journeys"]:
        table(
            "Journeys",
            ("journey", "status", "in it", "uses"),
            (
                (row["name"], row["status"], f"{row['inside']:,}", ", ".join([*row["tags"], *row["how"]]))
                for row in answer["journeys"]
            ),
        )
    if answer["templates"]:
        table(
            "Templates",
            ("template", "uses"),
            ((row["name"], ", ".join(row["tags"])) for row in answer["templates"]),
        )
    if answer["problems"]:
        problems(answer["problems"])
    if answer["plan"] is not None and answer["changes"]:
        out.print(f"plan {clean(answer['plan'])}")


def problems(listed: Iterable[Json]) -> None:
    """What is wrong in definitions, and where."""
    table(
        "What is wrong",
        ("where", "problem", "hint"),
        ((row["where"], row["message"], row["hint"]) for row in listed),
    )


def reason(row: Json) -> str:
    """Why a tag is in a plan: changed, refers to spent_90d."""
    through = ", ".join(item.partition(":")[2] for item in row["through"])
    why = WHY[row["why"]]
    if row["why"] == "refers":
        return f"{why} {through}"
    return f"{why}, refers to {through}" if through else why


def came_and_went(row: Json) -> str | None:
    """+1,204 −310; nothing when it is not known."""
    return None if row["entered"] is None else f"+{row['entered']:,} −{row['left']:,}"


def titled(titles: Json, otherwise: str) -> str:
    """A title in English, else in any language, else what it is called otherwise."""
    return str(titles.get("en") or next((title for title in titles.values() if title), otherwise))


def clean_lines(text: str) -> str:
    """Several lines, each made safe."""
    return "\n".join(clean(line) for line in text.splitlines())


def changed(report: Json) -> list[tuple[str, str]]:
    """What was changed as lines: more or fewer, how many and how much, and who bought in each arm."""
    lines = [("what it changed", str(report["message"]))]
    made, money = report.get("incremental"), report.get("money")
    if made and made.get("conversions") is not None:
        lines.append(
            (
                "incremental buyers",
                f"{made['conversions']:+,.0f} (95 %: {made['low']:+,.0f} to {made['high']:+,.0f})",
            )
        )
        lines.append(
            (
                "per person",
                f"{made['per_person']:+.2%} (95 %: {made['per_person_low']:+.2%} to {made['per_person_high']:+.2%})",
            )
        )
    if money and money.get("total") is not None:
        lines.append(
            (
                "incremental money",
                f"{money['total']:+,.0f} {money['currency']} (95 %: {money['low']:+,.0f} to {money['high']:+,.0f})",
            )
        )
    for arm in ("treated", "held_out"):
        share = (report.get("converted") or {}).get(arm)
        if share:
            rate = (
                ""
                if share["rate"] is None
                else f": {share['rate']:.2%} ({share['low']:.2%} to {share['high']:.2%})"
            )
            lines.append((f"bought, {arm.replace('_', ' ')}", f"{share['k']:,} of {share['n']:,}{rate}"))
    return lines


def returned(answer: Json) -> list[tuple[str, str]]:
    """What was spent and what each unit of it brought back, as lines; nothing where nothing was spent."""
    if not answer["cost"]:
        return []
    lines = [("spent", f"{answer['cost']:,.2f}")]
    if answer["per_unit"] is None:
        return [*lines, ("brought back", f"not known: {answer['why_not'].replace('_', ' ')}")]
    bounds = f"(95 %: {answer['low']:+,.2f} to {answer['high']:+,.2f})"
    return [*lines, ("brought back by each unit spent", f"{answer['per_unit']:+,.2f} {bounds}")]


def effect(report: Json) -> list[tuple[str, str]]:
    """A campaign's report as lines: what it changed first, then where everybody is, then the rates."""
    lines = changed(report)
    lines += returned(report["returned"])
    where = ", ".join(
        f"{report[key]:,} {key.replace('_', ' ')}" for key in ("held_out", "waiting", "failed", "in_doubt")
    )
    suppressed = "; ".join(f"{reason} {n:,}" for reason, n in report["suppressed"].items()) or "nobody"
    lines.append(
        ("audience", f"{report['audience']:,} = {report['sent']:,} sent, {where}, suppressed: {suppressed}")
    )
    rates = ", ".join(f"{report[key]:,} {key}" for key in ("accepted", "opened", "clicked", "unsubscribed"))
    lines.append(("messages", rates))
    lines.append(("counted until", str(report["until"])))
    return lines


def breakdown(answer: Json) -> None:
    """What a sending did, a line for each group; ↑ and ↓ where it surely differs from all others."""
    mark = {"more": " ↑", "fewer": " ↓", None: ""}

    def share(rate: Json) -> str:
        if rate["rate"] is None:
            return "–"
        return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%}){mark[rate.get('differs')]}"

    def name(row: Json) -> str:
        if row["kind"] == "bin":
            return f"{row['low']} and more" if row["high"] is None else f"{row['low']} to below {row['high']}"
        return (
            str(row["value"])
            if row["kind"] == "value"
            else {"rest": "others", "unknown": "unknown"}[row["kind"]]
        )

    def effect(row: Json) -> str:
        made = row["incremental"]
        if made is None:
            return str(row["why_not"]).replace("_", " ")
        return f"{made['per_person']:+.1%} ({made['low']:+.1%} to {made['high']:+.1%}) {row['state'].replace('_', ' ')}"

    table(
        f"{answer['name']} {answer['entry']} by {answer['by']}",
        ("", "people", "sent", "clicked", "unsubscribed", "complained", "effect per person"),
        (
            (
                name(row),
                f"{row['people']:,}",
                f"{row['sent']:,}",
                *(share(row[what]) for what in ("clicked", "unsubscribed", "complained")),
                effect(row),
            )
            for row in answer["groups"]
        ),
    )


def members(answer: Json) -> None:
    """How many people, and a page of their ids."""
    table(
        f"{answer['count']:,} people on {answer['on'][:19]}", ("person",), ([id] for id in answer["people"])
    )


def when(answer: Json) -> None:
    """When and by what messages would go: people by hour and by channel."""
    out.print(
        f"{answer['goes_to']:,} of {answer['looked_at']:,} people get it"
        + (
            f" (looked at {answer['looked_at']:,} of {answer['people']:,})"
            if answer["looked_at"] < answer["people"]
            else ""
        )
    )
    if answer["within"]:
        most = max([*answer["hours"], answer["at_once"], 1])
        lines: list[tuple[Any, ...]] = [
            (f"{hour:02d}:00", f"{n:,}", _bar(n, most)) for hour, n in enumerate(answer["hours"]) if n
        ]
        if answer["at_once"]:
            lines.append(("at once", f"{answer['at_once']:,}", _bar(answer["at_once"], most)))
        table(f"On the person's clock, within {answer['within']}", ("hour", "people", ""), lines)
        pairs("By whose habit", answer["whose"])
    pairs("By channel", answer["channels"])
    if answer["without"]:
        pairs("Not sent", answer["without"])


def habit(answer: Json) -> None:
    """When one person is there, and how they answer by channel."""
    out.print(clean(because(answer)))
    most = max([*answer["hours"], 1])
    lines = ((f"{hour:02d}:00", n, _bar(n, most)) for hour, n in enumerate(answer["hours"]) if n)
    table(
        f"{answer['observations']} observations on the clock of {answer['zone']}",
        ("hour", "times", ""),
        lines,
    )
    columns = ("channel", "answered", "of", "share", "everybody", "marketing")
    rows = (
        (
            row["channel"], row["answered"], row["asked"],
            f"{row['share']:.1%}" if row["everybody"]["asked"] else None,
            f"{row['everybody']['answered']} of {row['everybody']['asked']}", row["objection"] or "may go",
        )
        for row in answer["channels"]
    )  # fmt: skip
    table(f"Answers within {answer['response_within']}", columns, rows)


def because(answer: Json) -> str:
    """The best band of hours, and on what that rests."""
    if answer["best"] is None:
        return "not enough data: nobody was seen often enough"
    first, last = answer["best"], (answer["best"] + answer["band"]) % 24
    whose = {"person": "", "segment": f" of the segment {answer['segment']}", "everybody": " of everybody"}
    return (
        f"best between {first:02d}:00 and {last:02d}:00: {answer['n']:,} of {answer['of']:,} times"
        f"{whose[answer['whose']]} were in these hours"
    )


def _bar(n: int, most: int) -> str:
    return "▇" * max(round(n / most * 30), 1 if n else 0)
