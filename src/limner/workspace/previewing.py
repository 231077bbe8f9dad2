"""Verbs of previewing: a message as people would get it, and what would become of each. Nothing is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from limner.accounts.keys import instant
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.campaigns import arms
from limner.campaigns import text as campaign_text
from limner.campaigns.model import EMAIL, Campaign, by_channel
from limner.campaigns.policy import quiet_until, zone_of
from limner.channels.kinds import KINDS
from limner.channels.sms import length
from limner.consents.model import MARKETING
from limner.errors import NotFoundError, UsageError, did_you_mean
from limner.tags.masking import is_personal, masked
from limner.touches import drawing, letter
from limner.touches.advice import advice
from limner.touches.letter import Composer
from limner.touches.links import Inert
from limner.touches.model import Recipient
from limner.touches.values import Missing
from limner.types import Json
from limner.workspace import definitions, knowing, policing, reaching, recipients, scenes, shelving
from limner.workspace.workspace import Workspace

DEFAULT_PREVIEW = 5
MOST_PREVIEW = 20
EVERY = "*"
"""Whichever variant somebody gets."""


def campaign_preview(
    workspace: Workspace,
    text: str,
    name: str = "preview",
    person: str = "",
    n: int = DEFAULT_PREVIEW,
    skip: int = 0,
    templates: dict[str, str] = {},  # noqa: B006 - never changed
    variant: str = EVERY,
    caller: Caller = LOCAL,
) -> Json:
    """A campaign's message as people of its audience would get it now, and what would become of each.

    `templates`: texts that stand for files of templates/. `variant`: only those who get that one ('': whom no variant
    is for). Links lead nowhere that counts; nothing is kept.
    """
    workspace.load()
    if not 1 <= n <= MOST_PREVIEW or skip < 0:
        raise UsageError(f"'n' is 1 to {MOST_PREVIEW}", where="n", code="out_of_range")
    item = definitions.in_scene(workspace, campaign_text.read(text, name))
    now = workspace.clock()
    composers = {
        channel: inert(workspace, by_channel(item, channel), templates)
        for channel in reaching.channels_of(item)
    }
    table = reaching.audience_table(workspace, item, now)
    everybody: list[str] = table.column("person").to_pylist()
    if variant != EVERY:
        texts = table.column("variant").to_pylist() if item.variants else [letter.BASE] * len(everybody)
        everybody = [who for who, text_of in zip(everybody, texts, strict=True) if text_of == variant]
    drawn = {
        row["person"]: row
        for row in drawing.drawn(
            workspace.records,
            campaign=item,
            people=table,
            seed=arms.seed_of(item),
            secret=workspace.secret,
            now=now,
            policy=policing.policy(workspace),
            scene=scenes.rules_of(workspace, item),
            zone=workspace.config.tz,
        )
    }
    wanted = [_person_id(workspace, person)] if person else everybody[skip : skip + n]
    by = {who: drawn[who]["channel"] if who in drawn else item.channel for who in wanted}
    known = {
        who: recipient
        for channel, composer in composers.items()
        for who, recipient in reaching.recipients_of(
            workspace, composer, [who for who in wanted if by[who] == channel]
        ).items()
    }
    names = names_of(workspace, wanted, caller)
    return {
        "name": name,
        "audience": len(everybody),
        "skip": skip,
        "as_of": now.isoformat(),
        "warnings": sorted(
            {
                word
                for composer in composers.values()
                for made in composer.letters.values()
                for part in made.parts
                for word in part.warnings
            }
        ),
        "people": [
            {
                **names.get(who, {"person": who, "name": None, "id": None}),
                **composed(workspace, composers[by[who]], known.get(who), drawn.get(who), caller),
                **chosen_of(drawn.get(who)),
                **_fate(workspace, item, known.get(who), drawn.get(who), now),
            }
            for who in wanted
        ],
    }


def template_preview(
    workspace: Workspace,
    body: str,
    channel: str = EMAIL,
    message_class: str = MARKETING,
    kind: str = "",
    subject: str = "",
    person: str = "",
    language: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """A template as one person would see it; without a person it is only checked.

    `language`: as if that were the person's attribute `language`.

    `channel` '': the one that the template's own keys are of.

    Raises TemplateError as the campaign would.
    """
    channel = channel or letter.channel_of(body, file="template")
    if channel not in KINDS:
        raise UsageError(f"unknown channel '{channel}'", where="channel", hint=did_you_mean(channel, KINDS))
    if channel != EMAIL:
        source = letter.structured(body, channel, file="template")
    else:
        source = source_of(body, kind=kind, subject=subject)
    asks = shelving.asks_of(workspace)
    names = replace(reaching.template_names(workspace), picks=frozenset(asks))
    made = letter.letter(source, names, channel=channel, message_class=message_class)
    item = Campaign("preview", {"": "preview"}, "", channel, "", message_class=message_class, picks=asks)
    composer = Composer(item, {letter.BASE: made}, Inert(), workspace.secret, workspace.config.email.sender)
    answer: Json = {
        "channel": channel,
        "names": sorted({name for part in made.parts for name in part.names}),
        "links": [link for part in made.parts for link in part.links],
        "warnings": sorted({word for part in made.parts for word in part.warnings}),
        "advice": [],
        "person": None,
        "name": None,
        "subject": None,
        "html": None,
        "text": None,
        "template_id": None,
        "data": None,
        "url": None,
        "segments": None,
        "cost": None,
        "missing": None,
    }
    who = person_of(workspace, person)
    if who is None:
        return answer
    recipient = speaking(reaching.recipients_of(workspace, composer, [who]).get(who), language)
    shown = composed(workspace, composer, recipient, None, caller)
    called = names_of(workspace, [who], caller).get(who, {"name": None})
    kept = ("subject", "html", "text", "template_id", "data", "url", "segments", "cost", "missing")
    if shown["html"] and made.html is not None:
        answer["advice"] = [asdict(one) for one in advice(shown["html"], unsubscribes=made.html.unsubscribes)]
    return {**answer, "person": who, "name": called["name"], **{key: shown[key] for key in kept}}


def source_of(body: str, *, kind: str, subject: str) -> letter.Source:
    """The texts of a mail that is written as text, html or mjml."""
    if kind == "text":
        return letter.Source(subject=subject, text=body)
    return letter.mail_source(f"template.{kind}", subject, body)


def person_of(workspace: Workspace, person: str) -> str | None:
    """The id of the person who is named; of somebody where nobody is; None while there is nobody."""
    return _person_id(workspace, person) if person else _anybody(workspace)


def speaking(recipient: Recipient | None, language: str) -> Recipient | None:
    """The person as if that were their language, where one is named."""
    if recipient is None or not language:
        return recipient
    return replace(recipient, person={**recipient.person, "language": language})


def _anybody(workspace: Workspace) -> str | None:
    """Somebody whose data can fill a text: the first person with a name, else the first person."""
    found = workspace.engine.read(
        "SELECT p.person_id FROM persons AS p LEFT JOIN (SELECT DISTINCT ix FROM attributes WHERE name = 'name') AS a"
        " ON a.ix = p.ix WHERE p.merged_into IS NULL AND NOT p.erased ORDER BY a.ix IS NULL, p.ix LIMIT 1"
    ).column("person_id")
    return str(found[0].as_py()) if len(found) else None


def inert(workspace: Workspace, item: Campaign, templates: Mapping[str, str] = {}) -> Composer:
    """The campaign's real composer, with links that count nothing."""

    def load(file: str) -> str:
        return templates[file] if file in templates else reaching.template_text(workspace, file)

    texts = letter.sources(item, load, scenes.theme_of(workspace, item))
    made = letter.letters(item, texts, reaching.template_names(workspace))
    return Composer(item, made, Inert(), workspace.secret, workspace.config.email.sender)


def _person_id(workspace: Workspace, person: str) -> str:
    ix = knowing.person_ix(workspace, person)
    found = recipients.person_ids(workspace.engine, [ix])
    if not found:
        raise NotFoundError(f"there is no person '{person}'")
    return found[0]


def names_of(workspace: Workspace, person_ids: Sequence[str], caller: Caller) -> dict[str, Json]:
    """The name and first identifier of people by person id, masked for those who may not see them."""
    shown = sees_personal(caller.role)
    found = recipients.recipients(
        workspace.engine,
        person_ids,
        address=EMAIL,
        keys=workspace.config.strong_keys,
        attributes=["name"],
        tags=[],
        columns=None,
        now=workspace.clock(),
    )
    made = {}
    for who, item in found.items():
        name = item.person.get("name")
        hide = is_personal(item.identifier_kind, workspace.config.personal) and not shown
        value = masked(item.identifier_value) if hide else item.identifier_value
        made[who] = {
            "person": who,
            "name": (str(name) if shown else masked(name)) if name is not None else None,
            "id": value or None,
        }
    return made


def composed(
    workspace: Workspace,
    composer: Composer,
    recipient: Recipient | None,
    drawn: Mapping[str, Any] | None,
    caller: Caller,
) -> Json:
    """The message itself; `missing` says what is missing for this person."""
    nothing: Json = {
        "to": None, "subject": None, "html": None, "text": None, "template_id": None, "data": None, "url": None,
        "segments": None, "cost": None, "missing": None, "variant": "", "when": None,
    }  # fmt: skip
    item = composer.campaign
    variant = drawn["variant"] if drawn else letter.BASE
    when = next((other.when for other in item.variants if other.name == variant), None)
    nothing |= {"variant": variant, "when": when}
    if recipient is None:
        return nothing
    if not sees_personal(caller.role):
        recipient = _hidden(recipient, workspace.config.personal)
    try:
        made = composer.message("preview", variant, recipient)
    except Missing as missing:
        return {**nothing, "to": recipient.address or None, "missing": missing.reason}
    return {
        **nothing,
        "to": recipient.address or None,
        "subject": made.subject or None,
        "html": made.html or None,
        "text": made.text or None,
        "template_id": made.template_id or None,
        "data": dict(made.data) or None,
        "url": made.url or None,
        **(_costs(workspace, made.text) if item.channel == "sms" else {}),
    }


def _costs(workspace: Workspace, text: str) -> Json:
    """How many segments a text message has, and what they cost; null where the settings do not say."""
    segments = length(text).segments
    price = Decimal(str(workspace.config.sms.price))
    return {"segments": segments, "cost": float(price * segments) if price else None}


def _hidden(recipient: Recipient, personal: Sequence[str]) -> Recipient:
    return replace(
        recipient,
        address=masked(recipient.address) if recipient.address else "",
        person={
            name: masked(value) if is_personal(name, personal) else value
            for name, value in recipient.person.items()
        },
    )


def chosen_of(drawn: Mapping[str, Any] | None) -> Json:
    """What was chosen for one person: the channel, when the message is due, and why; null where nothing was."""
    if drawn is None:
        return {"channel": None, "due_at": None, "why": None}
    return {
        "channel": drawn["channel"],
        "due_at": instant(drawn["due"]).isoformat() if drawn["due"] else None,
        "why": json.loads(drawn["choice"]) if drawn["choice"] else None,
    }


def _fate(
    workspace: Workspace,
    item: Campaign,
    recipient: Recipient | None,
    drawn: Mapping[str, Any] | None,
    now: datetime,
) -> Json:
    """What would become of the person: outcome, reason, and until when quiet hours would hold it back."""
    if drawn is None:
        return {"outcome": "not_in_audience", "reason": None, "later_at": None}
    zone = zone_of(recipient.zone if recipient else None, workspace.config.tz)
    later = quiet_until(now, item.quiet, zone) if drawn["arm"] == arms.TREATED else None
    return {
        "outcome": drawn["arm"],
        "reason": drawn["reason"] or None,
        "later_at": None if later is None else later.isoformat(),
    }
