"""Verbs of trials: a real message to oneself with somebody's values, marked as a trial and counted nowhere."""

from __future__ import annotations

from dataclasses import replace

from limner.accounts.model import LOCAL, Caller
from limner.accounts.users import find
from limner.campaigns.model import EMAIL, Campaign
from limner.channels.kinds import KINDS
from limner.consents.model import MARKETING
from limner.errors import NotFoundError, UsageError, did_you_mean
from limner.touches import letter
from limner.touches.letter import Composer
from limner.types import Json
from limner.workspace import oneself, previewing, reaching, shelving
from limner.workspace.workspace import Workspace


def template_send(
    workspace: Workspace,
    name: str = "",
    body: str = "",
    channel: str = "",
    message_class: str = MARKETING,
    kind: str = "",
    subject: str = "",
    person: str = "",
    language: str = "",
    to: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """One message of a template with somebody's values, to `to`: an address of the template's channel.

    `name`: a file of templates/; `body`: a text that is not saved yet, of that `kind`. `channel` '': the one that the
    template is of. Of a mail, `to` '' is the address that the caller signs in with. Counted nowhere. `confirmed` false:
    it leaves when a member of staff lets it go.
    """
    workspace.load()
    if not name and not body:
        raise UsageError("which template?", where="name", code="missing")
    text = body or reaching.template_text(workspace, name)
    channel, source = _written(text, name, channel, kind, subject)
    address = to.strip() or _own_address(workspace, channel, caller)
    asks = shelving.asks_of(workspace)
    names = replace(reaching.template_names(workspace), picks=frozenset(asks))
    made = letter.letter(source, names, channel=channel, message_class=message_class)
    item = Campaign("trial", {"": "trial"}, "", channel, "", message_class=message_class, picks=asks)
    composer = Composer(
        item, {letter.BASE: made}, reaching.links(workspace), workspace.secret, workspace.config.email.sender
    )
    who = previewing.person_of(workspace, person)
    known = {} if who is None else reaching.recipients_of(workspace, composer, [who])
    recipient = previewing.speaking(known.get(who or ""), language)
    if recipient is None:
        raise NotFoundError("there is nobody yet whose data could fill it")
    return oneself.sent(workspace, composer, name, address, recipient)


def _written(text: str, name: str, channel: str, kind: str, subject: str) -> tuple[str, letter.Source]:
    """The channel that a template's text is of, and its texts. Raises UsageError and TemplateError."""
    kind = kind or (name.rpartition(".")[2] if name else "html" if channel == EMAIL else "yml")
    mail = kind in ("html", "mjml", "txt", "text")
    channel = channel or (EMAIL if mail else letter.channel_of(text, file=name or "template"))
    if channel not in KINDS:
        raise UsageError(f"unknown channel '{channel}'", where="channel", hint=did_you_mean(channel, KINDS))
    if mail != (channel == EMAIL):
        raise UsageError(
            f"{name or 'this'} is no template of {channel}", where="channel", code="not_of_channel"
        )
    if mail:
        return channel, previewing.source_of(text, kind="text" if kind == "txt" else kind, subject=subject)
    return channel, letter.structured(text, channel, file=name or "template")


def _own_address(workspace: Workspace, channel: str, caller: Caller) -> str:
    """The address of a mail that the caller signs in with. Raises UsageError where that is none."""
    user = find(workspace.records, caller.id) if caller.kind == "user" and channel == EMAIL else None
    if user is None or "@" not in user.login:
        raise UsageError(
            "to which address?",
            where="to",
            code="no_address",
            hint="of a mail, whoever signs in with an e-mail address may leave it out",
        )
    return user.login
