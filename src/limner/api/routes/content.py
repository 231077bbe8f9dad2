"""Routes of content and channels: the texts of messages, and the ways by which they leave."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.campaigns import Composed, Tested
from limner.api.routes.definitions import Text
from limner.api.routes.route import Limit, Nothing, Paged, Route, Shape
from limner.channels.kinds import ChannelKind


class TemplateUse(Shape):
    """What uses a template."""

    kind: Literal["campaign", "journey"]
    name: str


class TemplateRow(Shape):
    """A file of templates/."""

    name: str
    kind: Literal["html", "mjml", "text", "unknown"] | ChannelKind
    bytes: int
    changed_at: str
    used_by: list[TemplateUse]


class MissingTemplate(Shape):
    """A file that campaigns or journeys name and that is not there."""

    name: str
    used_by: list[TemplateUse]


class TemplatePage(Shape):
    """Templates by name, and those that are missing."""

    templates: list[TemplateRow]
    missing: list[MissingTemplate]
    next: str | None


class TemplatePreviewAsked(Shape):
    """A template's text, and for whom to compose it (default: somebody)."""

    body: Text
    channel: Literal[""] | ChannelKind = "email"
    message_class: Literal["marketing", "service"] = "marketing"
    kind: Literal["", "html", "mjml", "text"] = ""
    subject: Annotated[str, Field(max_length=10_000)] = ""
    person: Annotated[str, Field(max_length=300)] = ""
    language: Annotated[str, Field(max_length=20)] = ""


class Advice(Shape):
    """What should be mended in a mail, and a number that belongs to it: kB, pictures or characters."""

    code: Literal["no_unsubscribe", "clipped", "no_alt", "little_text", "insecure"]
    n: int


class TemplatePreview(Composed):
    """A template as one person would see it; what it reads, where it leads, and what its author should know."""

    channel: ChannelKind
    names: list[str]
    links: list[str]
    warnings: list[str]
    advice: list[Advice]
    person: str | None
    name: str | None


class TemplateSendAsked(TemplatePreviewAsked):
    """A template to send to oneself: the name of its file, or a text that is not saved yet; `to`: default your own."""

    body: Annotated[str, Field(max_length=2_000_000)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    channel: Literal[""] | ChannelKind = ""
    to: Annotated[str, Field(max_length=300)] = ""


class DnsCheck(Shape):
    """A DNS record of the sender's domain: what it says, and what to publish."""

    what: Literal["SPF", "DKIM", "DMARC"]
    name: str
    state: Literal["ok", "missing", "wrong", "unknown"]
    message: str
    found: str
    publish: str


class Dns(Shape):
    """What the sender's domain says of itself; `zone_line`: the DKIM record as a line of a zone file."""

    sender: str
    zone_line: str | None
    checks: list[DnsCheck]


class ReturnedMailsAsked(Shape):
    """Which mails that came back."""

    kind: Literal["", "hard", "soft", "complaint", "leaves", "noise", "unclear", "unknown"] = ""
    limit: Limit = 200


class ReturnedMail(Shape):
    """A mail that came back; `kept`: it can be looked at whole."""

    id: str
    at: str
    kind: str
    message_id: str
    status: str
    reason: str
    kept: bool


class ReturnedMails(Shape):
    """Mails that came back, the latest first, and how many of each kind since an instant."""

    mails: list[ReturnedMail]
    counts: dict[str, int]
    since: str


class MailRead(Shape):
    """How many mails the mailbox held, by kind."""

    read: int
    kinds: dict[str, int]


class WholeMail(Shape):
    """A mail that nobody could read, as it came."""

    id: str
    text: str


class MissingSetting(Shape):
    """A setting without which a channel cannot send."""

    key: str
    hint: str


class LastHour(Shape):
    """Messages that ended in the last hour."""

    sent: int
    failed: int
    in_doubt: int


class Channel(Shape):
    """A way by which messages leave. `per_second` 0: as fast as the other side takes them."""

    kind: ChannelKind
    configured: bool
    missing: list[MissingSetting]
    sender: str
    server: str
    secure: str
    per_second: float
    last_hour: LastHour


class Channels(Shape):
    """Every channel, counted since `since`."""

    channels: list[Channel]
    since: str


class PermissionGiven(Shape):
    """A permission to send `n` messages of a template to an address; `proof`: what makes it count once."""

    channel: ChannelKind
    address: Annotated[str, Field(min_length=1, max_length=300)]
    template: Annotated[str, Field(min_length=1, max_length=300)]
    proof: Annotated[str, Field(min_length=1, max_length=300)]
    n: Annotated[int, Field(ge=1, le=1_000)] = 1


class PermissionsAsked(Shape):
    """Permissions that people gave, at most 1,000."""

    permissions: Annotated[list[PermissionGiven], Field(min_length=1, max_length=1_000)]


class PermissionsAdded(Shape):
    """How many permissions were new; the others were known by their proofs."""

    received: int
    stored: int
    duplicate: int


class ChannelTested(Shape):
    """Whether the channel's server let us in; no message was sent."""

    kind: str
    ok: bool
    code: str
    message: str
    hint: str | None


ROUTES = (
    Route(
        "GET",
        "/api/v1/templates",
        "template list",
        Role.VIEWER,
        TemplatePage,
        "templates",
        asks=Paged,
        pages=("templates", "name"),
    ),
    Route(
        "POST",
        "/api/v1/templates/preview",
        "template preview",
        Role.VIEWER,
        TemplatePreview,
        "templates",
        takes=TemplatePreviewAsked,
        reads=True,
        example={"body": {"body": '<p>{{ person.name }}</p><a href="{{ unsubscribe_url }}">unsubscribe</a>'}},
    ),
    Route(
        "POST",
        "/api/v1/permissions",
        "permission add",
        Role.OPERATOR,
        PermissionsAdded,
        "channels",
        takes=PermissionsAsked,
        example={
            "body": {
                "permissions": [
                    {"channel": "miniprogram", "address": "oA1", "template": "T1", "proof": "order-17"}
                ]
            }
        },
    ),
    Route("GET", "/api/v1/channels", "channel list", Role.VIEWER, Channels, "channels"),
    Route(
        "POST",
        "/api/v1/templates/send",
        "template send",
        Role.OPERATOR,
        Tested,
        "templates",
        takes=TemplateSendAsked,
        effect=True,
        example={"body": {"name": "harvest.html", "to": "me@shop.example", "person": "m000001"}},
    ),
    Route("GET", "/api/v1/channels/email/dns", "channel dns", Role.OPERATOR, Dns, "channels"),
    Route(
        "GET",
        "/api/v1/channels/email/returned",
        "mail list",
        Role.VIEWER,
        ReturnedMails,
        "channels",
        asks=ReturnedMailsAsked,
    ),
    Route("GET", "/api/v1/channels/email/returned/{id}", "mail show", Role.OPERATOR, WholeMail, "channels"),
    Route(
        "POST",
        "/api/v1/channels/email/read",
        "mail read",
        Role.OPERATOR,
        MailRead,
        "channels",
        takes=Nothing,
        effect=True,
    ),
    Route(
        "POST",
        "/api/v1/channels/{kind}/test",
        "channel test",
        Role.OPERATOR,
        ChannelTested,
        "channels",
        takes=Nothing,
        effect=True,
    ),
)
