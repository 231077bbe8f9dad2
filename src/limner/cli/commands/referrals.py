"""Commands about referrals."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.cli.commands.forms import problems
from limner.types import Json

referral = noun("Referrals: who brought whom, what does not count, and what was given for it.")


@referral.command("list")
def referral_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All referrals: how many may invite, came by a code, count, and did what counts."""
    columns = ("name", "members", "came", "brought", "succeeded")
    ask(
        "referral list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Referrals", columns, ([row[column] for column in columns] for row in answer["referrals"])
        ),
    )


@referral.command("show")
def referral_show(
    name: str,
    weeks: int = typer.Option(12, help="K of so many weeks."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """One referral: K by week with its interval, claims refused by reason, and who brought most."""

    def told(answer: Json) -> None:
        columns = ("week", "members", "invited", "converted", "k")
        rows = [*answer["weeks"], {"week": "all", **answer["k"]}]
        show.table(
            f"{name}: K",
            columns,
            ([row["week"], row["members"], row["invited"], row["converted"], _k(row)] for row in rows),
        )
        for why, n in answer["refused"].items():
            out.print(f"does not count, {why}: {n:,}")
        for role, n in answer["rewarded"].items():
            out.print(f"rewarded, {role}: {n:,}")
        told_of = ("called", "person", "brought", "succeeded")
        show.table("Who brought most", told_of, ([row[c] for c in told_of] for row in answer["top"]))

    ask("referral show", {"name": name, "weeks": weeks}, workspace=workspace, as_json=as_json, show=told)


def _k(row: Json) -> str:
    return (
        "not enough data" if row["k"] is None else f"{row['k']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
    )


@referral.command("check")
def referral_check(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What is wrong with a referral's file; nothing when it can be used."""
    ask("referral check", {"name": name}, workspace=workspace, as_json=as_json, show=problems)


@referral.command("code")
def referral_code(name: str, person: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The code of a person and the address that they send on."""
    ask(
        "referral code",
        {"name": name, "person": person},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(show.clean(answer["url"])),
    )


@referral.command("run")
def referral_run(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Gives what is due now; while the server runs this happens by itself."""
    ask(
        "referral run",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['written']:,} rewards"),
    )
