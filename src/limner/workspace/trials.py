"""Verbs of trials: a real message to oneself with somebody's values, marked as a trial and counted nowhere."""

from __future__ import annotations

from dataclasses import replace

from limner.accounts.model import LOCAL, Caller
from limner.accounts.users import find
from limner.campaigns.model import EMAIL, Campaign
from limner.consents.model import MARKETING
from limner.errors import NotFoundError, UsageError
from limner.touches import letter, outbox
from limner.touches.letter import Composer
from limner.touches.values import Missing
from limner.types import Json
from limner.workspace import previewing, reaching, shelving
from limner.workspace.workspace import Workspace


def template_send(
    workspace: Workspace,
    name: str = "",
    body: str = "",
    channel: str = EMAIL,
    message_class: str = MARKETING,
    kind: str = "",
    subject: str = "",
    person: str = "",
    language: str = "",
    to: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """One mail of a template with somebody's values, to `to` or else to the address that the caller signs in with.

    `name`: a file of templates/; `body`: a text that is not saved yet, of that `kind`. Counted nowhere.
    """
    workspace.load()
    if not name and not body:
        raise UsageError("which template?", where="name", code="missing")
    kind = kind or name.rpartition(".")[2]
    if channel not in ("", EMAIL) or kind not in ("html", "mjml", "txt", "text"):
        raise UsageError(
            "only templates of e-mail are sent to oneself here", where="name", hint=".html, .mjml or .txt"
        )
    address = to or own_address(workspace, caller)
    text = body or reaching.template_text(workspace, name)
    source = previewing.source_of(text, kind="text" if kind == "txt" else kind, subject=subject)
    asks = shelving.asks_of(workspace)
    names = replace(reaching.template_names(workspace), picks=frozenset(asks))
    made = letter.letter(source, names, channel=EMAIL, message_class=message_class)
    item = Campaign("trial", {"": "trial"}, "", EMAIL, "", message_class=message_class, picks=asks)
    composer = Composer(
        item, {letter.BASE: made}, reaching.links(workspace), workspace.secret, workspace.config.email.sender
    )
    who = previewing.person_of(workspace, person)
    known = {} if who is None else reaching.recipients_of(workspace, composer, [who])
    recipient = previewing.speaking(known.get(who or ""), language)
    if recipient is None:
        raise NotFoundError("there is nobody yet whose data could fill it")
    try:
        with workspace.sending.channel(EMAIL) as opened:
            receipt = outbox.send_to_me(
                opened, composer, address=address, recipient=recipient, nonce=workspace.new_id()
            )
    except Missing as missing:
        raise UsageError(
            f"no message for this person: {missing.reason}", where="person", code="missing_value"
        ) from missing
    return {"name": name, "to": address, "outcome": str(receipt.outcome), "reason": receipt.reason}


def own_address(workspace: Workspace, caller: Caller) -> str:
    """The address that the caller signs in with. Raises UsageError where that is none."""
    user = find(workspace.records, caller.id) if caller.kind == "user" else None
    if user is None or "@" not in user.login:
        raise UsageError(
            "to which address?",
            where="to",
            code="no_address",
            hint="whoever signs in with an e-mail address may leave it out",
        )
    return user.login
