"""The command `limner`: noun, verb, options. Exit 0 done, 1 could not, 2 wrong usage; no traceback without --debug."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

import typer
from typer.exceptions import TyperException

from limner import __version__
from limner.cli import show
from limner.cli.ask import AsJson, Workspace, errors, out
from limner.cli.commands import (
    accounts,
    audiences,
    campaigns,
    categories,
    contacts,
    content,
    desk,
    forms,
    groups,
    journeys,
    keeping,
    mail,
    mappings,
    metrics,
    objects,
    people,
    referrals,
    scenes,
    sources,
    tags,
    templates,
    webhooks,
)
from limner.errors import LimnerError
from limner.workspace.files import init as make_workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Limner (绘客): tags, portraits, audiences, messages, effects.",
)


def _version(asked: bool) -> None:
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    _asked: bool = typer.Option(
        False, "--version", is_eager=True, callback=_version, help="Print this version and end."
    ),
) -> None:
    """Options for every command."""
    if debug:
        _state["debug"] = True


_state: dict[str, bool] = {"debug": False}


@app.command()
def init(
    folder: Path, demo_files: bool = typer.Option(False, "--example", help="With the demo's definitions.")
) -> None:
    """Make a workspace in a new or empty folder."""
    made = make_workspace(folder, example=demo_files)
    out.print(
        f"made {show.clean(made)}: limner.toml, tags/, metrics/, objects/, groups/, audiences/, scenes/,"
        " campaigns/, journeys/, templates/, content/"
    )
    out.print("next: limner source add web, then limner serve")


class Demo(StrEnum):
    """What can be shown."""

    SHOP = "shop"
    LENDER = "lender"


@app.command()
def demo(
    what: Demo = typer.Argument(
        Demo.SHOP, help="A tea shop's campaign, or a lender that looks for car owners."
    ),
    people: int = typer.Option(20_000, min=500, help="How many people it has."),
    folder: Path = typer.Option(
        Path("limner-demo"), "--to", help="Where the demo's workspace is made (replaced)."
    ),
    seed: int = typer.Option(3, help="The same seed gives the same people, what they do, and arms."),
    no_serve: bool = typer.Option(False, "--no-serve", help="End with the summary."),
    port: int = typer.Option(0, help="The server's port; 0 takes a free one."),
    as_json: bool = AsJson,
) -> None:
    """A generated shop from raw events to a measured campaign, or a lender's car owners, in under three minutes."""
    if what is Demo.LENDER:
        from limner.cli.lender_demo import demo as run_demo  # the web framework is needed here only
    else:
        from limner.cli.demo import demo as run_demo

    run_demo(folder, people=people, seed=seed, serve=not no_serve, port=port, as_json=as_json)


@app.command()
def serve(
    workspace: Path = Workspace,
    port: int = typer.Option(8800, help="0 takes a free port."),
    host: str = typer.Option("127.0.0.1"),
) -> None:
    """Collect events, run schedules and campaigns, answer the API; prints `listening on URL`."""
    from limner.cli.serve import serve as run_server  # the web framework is needed here only

    run_server(workspace, host=host, port=port)


app.command("import")(sources.import_file)
app.command()(keeping.backup)
app.command()(keeping.restore)
app.command()(keeping.rebuild)

for name, commands in {
    "source": sources.source,
    "user": accounts.user,
    "key": accounts.key,
    "audit": accounts.audit,
    "event": sources.event,
    "tag": tags.tag,
    "group": groups.group,
    "scene": scenes.scene,
    "journey": journeys.journey,
    "form": forms.form,
    "referral": referrals.referral,
    "webhook": webhooks.webhook,
    "contact": contacts.contact,
    "staff": contacts.staff,
    "code": contacts.code,
    "menu": contacts.menu,
    "sync": contacts.sync,
    "channel": mail.channel,
    "mail": mail.mail,
    "metric": metrics.metric,
    "object": objects.objects,
    "category": categories.category,
    "mapping": mappings.mapping,
    "template": templates.template,
    "audience": audiences.audience,
    "person": people.person,
    "content": content.content,
    "campaign": campaigns.campaign,
    "consent": campaigns.consent,
    "hold": campaigns.hold,
    "suppression": desk.suppression,
    "inbox": desk.inbox,
    "run": keeping.run,
}.items():
    app.add_typer(commands, name=name)


def main() -> None:
    """The entry point."""
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        errors.print("stopped")
        sys.exit(1)
    except TyperException as error:  # the words of the command line are wrong
        said = getattr(error, "show", None)
        if callable(said):
            said()
        else:
            errors.print(f"[red]error:[/red] {show.clean_lines(str(error))}")
        sys.exit(getattr(error, "exit_code", 2))
    except LimnerError as error:
        if _state["debug"]:
            raise
        errors.print(f"[red]error:[/red] {show.clean_lines(str(error))}")
        sys.exit(error.exit_code)
    except Exception as error:  # whatever it is, nobody but a developer wants the traceback
        if _state["debug"]:
            raise
        errors.print(f"[red]error:[/red] {show.clean(type(error).__name__)}: {show.clean_lines(str(error))}")
        errors.print("  hint: this is a fault of Limner; limner --debug … shows where")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
