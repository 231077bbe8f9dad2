"""A message to whoever asks for it, at an address of their own: marked as a trial, no touch of anybody."""

from __future__ import annotations

from limner.channels.kinds import KINDS
from limner.channels.seam import Outcome, Receipt
from limner.consents import permissions
from limner.consents.model import address_hash
from limner.errors import UsageError
from limner.touches import outbox
from limner.touches.letter import BASE, Composer
from limner.touches.model import Recipient
from limner.touches.values import Missing
from limner.types import Json
from limner.workspace.workspace import Workspace


def sent(
    workspace: Workspace,
    composer: Composer,
    name: str,
    address: str,
    recipient: Recipient,
    variant: str = BASE,
) -> Json:
    """What to say of a message to oneself, and that it goes. Raises UsageError and Unavailable."""
    channel = composer.campaign.channel
    try:
        receipt = hand_over(workspace, composer, address, recipient, variant)
    except Missing as missing:
        raise UsageError(
            f"no message for this person: {missing.reason}", where="person", code="missing_value"
        ) from missing
    return {
        "name": name,
        "channel": channel,
        "to": KINDS[channel].spelling(address.strip()),
        "outcome": str(receipt.outcome),
        "reason": receipt.reason,
        "confirmed": not KINDS[channel].confirmed,
    }


def hand_over(
    workspace: Workspace, composer: Composer, address: str, recipient: Recipient, variant: str = BASE
) -> Receipt:
    """What became of a person's message at another address. Raises Missing and Unavailable.

    A permission that is known here is used up by it, as it is at the platform.
    """
    channel = composer.campaign.channel
    address = KINDS[channel].spelling(address.strip())
    written = composer.letters.get(variant) or composer.letters[BASE]
    permission = [(address_hash(workspace.secret, channel, address), written.template_id)]
    used = there = False
    if KINDS[channel].permits:
        with workspace.records.begin() as connection:
            (used,) = permissions.use(connection, channel, permission)
    try:
        with workspace.sending.channel(channel) as opened:
            receipt = outbox.send_to_me(
                opened,
                composer,
                address=address,
                recipient=recipient,
                variant=variant,
                nonce=workspace.new_id(),
            )
        there = receipt.outcome in (Outcome.ACCEPTED, Outcome.IN_DOUBT)
    finally:
        if used and not there:
            with workspace.records.begin() as connection:
                permissions.give_back(connection, channel, permission)
    return receipt
