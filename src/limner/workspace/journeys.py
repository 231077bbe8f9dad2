"""The journeys as their files say them: read, checked, and what each step would send."""

from __future__ import annotations

from datetime import timedelta

from limner.campaigns import journey_text
from limner.campaigns import text as campaign_text
from limner.campaigns.journey import (
    Branch,
    Give,
    Happening,
    Journey,
    Send,
    Split,
    Step,
    Task,
    Until,
    Wait,
    WaitFor,
    Webhook,
    WhenDated,
    WhenDone,
    WhenDue,
    WhenMember,
)
from limner.campaigns.model import Campaign, best_of
from limner.campaigns.policy import spoken
from limner.errors import LimnerError, UsageError
from limner.expressions import check, parse, parse_value
from limner.expressions.compile import values as values_of
from limner.touches import letter
from limner.types import Json
from limner.workspace import (
    definitions,
    posting,
    reaching,
)
from limner.workspace.catalog import known
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace


def saved(workspace: Workspace, name: str) -> Journey:
    """The journey as its file says it. Raises NotFoundError with the nearest name."""
    paths = {path.stem: path for path in (workspace.paths.folder / "journeys").glob("*.yml")}
    return journey_text.read_file(paths[known(sorted(paths), name, "journey")])


def problems(workspace: Workspace, journey: Journey) -> list[Json]:
    """What is wrong with a journey here: names that nobody knows, texts that cannot be sent."""
    found: list[LimnerError] = []
    names = definitions.catalog(workspace)
    audiences = definitions.saved_audiences(workspace)
    tags = definitions.tags(workspace)

    def tried(what: str, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except LimnerError as error:
            error.where = f"journeys/{journey.name}.yml: {what}"
            found.append(error)

    def condition(what: str, source: str) -> None:
        tried(what, lambda: check(definitions.meaning(workspace, parse(source)), names, kind="person"))

    def happening(what: str, asked: Happening) -> None:
        if asked.where:
            tried(what, lambda: check(parse(asked.where, scope="event"), names, kind="event"))

    if journey.goal is not None and journey.goal.metric:
        aim = journey.goal
        tried("goal", lambda: definitions.goal_said(workspace, aim))
    match journey.start:
        case WhenDone(asked):
            happening("start", asked)
        case WhenMember(audience, _) | WhenDue(_, audience):
            tried("start", lambda: known(audiences, audience, "audience"))
        case WhenDated(value=value):
            tried("start", lambda: values_of(parse_value(value), names, workspace.clock()))
    if journey.only:
        condition("only", journey.only)
    for leave in journey.leaves:
        if leave.happening is None:
            condition(f"leave {leave.name}", leave.when)
        else:
            happening(f"leave {leave.name}", leave.happening)
    if journey.name in definitions.campaign_files(workspace):
        found.append(
            UsageError(
                f"a campaign is called '{journey.name}', too", where=f"journeys/{journey.name}.yml",
                hint="messages are counted by this name: give one of them another",
            )
        )  # fmt: skip
    found += definitions.scene_problems(workspace, journey)
    for name, step in journey.steps.items():
        for case in getattr(step, "cases", ()):
            condition(f"steps.{name}", case.when)
        if isinstance(getattr(step, "happening", None), Happening):
            happening(f"steps.{name}", step.happening)  # type: ignore[union-attr]
        if isinstance(step, Give):
            tried(f"steps.{name}", lambda step=step: known(tags, step.tag, "tag"))
        if isinstance(step, Send):
            tried(f"steps.{name}", lambda step=step: content_of(workspace, journey, step))
            for number, variant in enumerate(step.variants):
                if variant.when:
                    condition(f"steps.{name}.message.variants.{number}", variant.when)
            found += definitions.problems_of_picks(
                workspace, step.picks, f"journeys/{journey.name}.yml", within=f"steps.{name}.message."
            )
        if isinstance(step, Webhook):
            tried(f"steps.{name}", lambda step=step: posting.parts_of(workspace, step))
    return [said(error) for error in found]


def campaign_of(journey: Journey, step: Send) -> Campaign:
    """The message of a step, as a campaign that goes to whoever comes there."""
    made = Campaign(
        name=journey.name,
        title=journey.title,
        audience=f"journey {journey.name}",
        channel=step.channel,
        template=step.template,
        subject=step.subject,
        text=step.text,
        subject_prefix=step.subject_prefix,
        message_class=step.message_class,
        holdout=0.0,
        cap=step.cap,
        quiet=step.quiet,
        sender=step.sender,
        variants=step.variants,
        scene=journey.scene,
        picks=step.picks,
        channels=step.channels,
        templates=step.templates,
        best_hour=step.best_hour,
        response_value=step.response_value,
    )
    text_of = campaign_text.written("", campaign_text.fields_of(made), name=journey.name)
    return campaign_text.read(text_of, journey.name)


def content_of(workspace: Workspace, journey: Journey, step: Send) -> tuple[Campaign, str]:
    """The step's message, and its checked texts frozen. Raises TemplateError and ConfigError."""
    item = campaign_of(journey, step)
    texts = reaching.texts_of(workspace, item)
    reaching.composers_of(workspace, item, texts)
    return item, letter.freeze(texts)


def said_of(step: Step) -> str:
    """What the step says, in few words of its own text."""
    match step:
        case Wait():
            return spoken(step.length)
        case Until():
            return step.at.strftime("%H:%M")
        case WaitFor():
            return f"{step.happening.event} ({spoken(step.at_most)})"
        case Branch():
            return " · ".join(case.when for case in step.cases)
        case Split():
            return " · ".join(f"{share.name} {share.percent:g} %" for share in step.shares)
        case Send():
            by = best_of(step.channels) if step.channels else step.channel
            return f"{by}: {step.subject or step.template or next(iter(step.templates.values()))}"
        case Give():
            return f"{step.tag} = {step.value}"
        case Task():
            return step.text
        case Webhook():
            return step.url


def start_of(journey: Journey) -> str:
    """Who enters, in few words of the journey's own text."""
    match journey.start:
        case WhenDone(happening):
            return happening.event
        case WhenMember(audience, entering):
            return f"{'→' if entering else '←'} {audience}"
        case WhenDated(value=value, before=before):
            return f"{value} {'−' if before >= timedelta(0) else '+'} {spoken(abs(before))}"
        case WhenDue(schedule, audience):
            return f"{schedule}: {audience}"


def seed_of(journey: Journey) -> str:
    """What lots and the holdout are drawn by."""
    return journey.seed or f"journey:{journey.name}"
