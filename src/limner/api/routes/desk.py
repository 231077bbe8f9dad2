"""Routes of an operator's desk: addresses written to no more, what people said, channels' checks, and webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.contacts import CodeProblem
from limner.api.routes.route import Cursor, Limit, Name, Route, Shape
from limner.channels.kinds import ChannelKind

Stopped = Literal["unsubscribed", "complained", "bounced", "refused", "blocked"]
Why = Annotated[str, Field(min_length=1, max_length=300, description="Why; it stands in the audit.")]
Address = Annotated[str, Field(min_length=1, max_length=300, description="An address, or its keyed hash.")]


class SuppressedAddress(Shape):
    """An address that is written to no more: its keyed hash, why, since when, and whose it is where that is known."""

    channel: ChannelKind
    hash: str
    reason: Stopped
    at: str
    person: str | None
    name: str | None
    id: str | None


class SuppressedCount(Shape):
    """So many addresses of a channel are written to no more for one reason."""

    channel: ChannelKind
    reason: Stopped
    addresses: int


class SuppressedAddresses(Shape):
    """A page of them, the latest first, and the counts of all that were asked for."""

    suppressed: list[SuppressedAddress]
    counts: list[SuppressedCount]
    total: int
    next: str | None
    masked: bool


class SuppressedAsked(Shape):
    """Which addresses; `q`: an address, or a person by id or kind:value."""

    channel: Literal[""] | ChannelKind = ""
    reason: Literal[""] | Stopped = ""
    q: Annotated[str, Field(max_length=300)] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class SuppressAsked(Shape):
    """An address, why it is written to no more, and what that ends: advertising, or everything."""

    channel: ChannelKind
    address: Annotated[str, Field(min_length=1, max_length=300)]
    why: Why
    reason: Literal["unsubscribed", "blocked"] = "unsubscribed"


class SuppressedNow(Shape):
    """Why the address is written to no more now; `added`: it was not on the list before."""

    channel: ChannelKind
    hash: str
    reason: Stopped
    added: bool
    why: str


class UnsuppressAsked(Shape):
    """An address, and why it may be written to again."""

    channel: ChannelKind
    address: Address
    why: Why


class Unsuppressed(Shape):
    """Why the address was on the list; `still`: why it gets no advertising all the same, if so."""

    channel: ChannelKind
    hash: str
    reason: Stopped
    why: str
    still: str


class Dealt(Shape):
    """Who has dealt with what was said, when, and what is to be remembered."""

    by: str
    at: str
    note: str


class Said(Shape):
    """What a person said. `left`: it ended advertising; `answered`: the answer it got by a keyword, by its file's name.

    `campaign`: the message that it follows, where that is known.
    """

    id: str
    at: str
    channel: Literal["sms", "wechat"]
    kind: str
    text: str
    person: str | None
    name: str | None
    called: str | None
    campaign: str
    left: bool
    answered: str
    handled: Dealt | None


class SaidByMail(Shape):
    """A mail that somebody may have written; `kept`: it can be read whole. `left`: it ended advertising."""

    id: str
    at: str
    kind: Literal["unclear", "unknown", "leaves"]
    sender: str
    subject: str
    kept: bool
    left: bool
    handled: Dealt | None


class Inbox(Shape):
    """What people said, the latest first, and mails of which nobody knows the writer."""

    said: list[Said]
    mails: list[SaidByMail]
    next: str | None
    masked: bool


class InboxAsked(Shape):
    """What of it: by channel, by person, and whether only what nobody has dealt with."""

    channel: Literal["", "sms", "wechat", "email"] = ""
    open: bool = True
    person: Annotated[str, Field(max_length=300)] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class HandleAsked(Shape):
    """That it is dealt with (or is not after all), and what is to be remembered of it."""

    handled: bool = True
    note: Annotated[str, Field(max_length=2_000)] = ""


class HandledNow(Shape):
    """Whether it is dealt with now."""

    id: str
    handled: bool
    note: str


class ChannelCheckAsked(Shape):
    """`offline`: only the settings are looked at; nobody is asked."""

    offline: bool = False


class CheckPoint(Shape):
    """One thing that a channel needs: without it nothing leaves (`must`), or less works (`should`).

    `place`: where `fix` belongs; `message`: what the other side said; `about`: what a setting means.
    """

    what: Literal["setting", "secret", "public_url", "login", "address", "hook", "SPF", "DKIM", "DMARC"]
    name: str
    need: Literal["must", "should"]
    state: Literal["ok", "missing", "wrong", "unknown"]
    message: str
    place: Literal["", "settings", "environment", "dns", "platform"]
    fix: str
    about: str


class ChannelChecked(Shape):
    """What a channel needs, point by point; `toml` and `environment`: the lines that are missing.

    `ready`: nothing that it cannot do without is amiss.
    """

    kind: ChannelKind | Literal["webhooks"]
    offline: bool
    ready: bool
    points: list[CheckPoint]
    toml: str
    environment: str


class HookRow(Shape):
    """A hook, or a step of a journey that posts: to where, of what, and how many posts there are."""

    name: str
    url: str
    of: list[str]
    waiting: int
    sent: int
    failed: int
    reason: str


class Hooks(Shape):
    """All of them, and what is wrong with files."""

    webhooks: list[HookRow]
    problems: list[CodeProblem]


class PostsAsked(Shape):
    """Which posts: of one hook or step, and of one status."""

    name: Annotated[str, Field(max_length=200)] = ""
    status: Literal["", "waiting", "sent", "failed"] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class PostRow(Shape):
    """A post: of what it is made, how often it was tried, and why it is not sent; `due_at`: when it is tried next."""

    id: str
    name: str
    url: str
    of: str
    status: Literal["waiting", "sent", "failed"]
    reason: str
    tries: int
    at: str
    due_at: str | None


class Posts(Shape):
    """A page of posts, the latest first."""

    posts: list[PostRow]
    next: str | None


class PostsAgainAsked(Shape):
    """Of which hook or step what failed is posted again."""

    name: Name


class PostsAgain(Shape):
    """How many posts are tried again, by the ids that they had."""

    name: str
    again: int


_CAMPAIGNS, _CHANNELS = "campaigns", "channels"

ROUTES = (
    Route(
        "GET", "/api/v1/suppressed", "suppression list",
        Role.VIEWER, SuppressedAddresses, _CAMPAIGNS, asks=SuppressedAsked,
    ),
    Route(
        "POST", "/api/v1/suppressed/add", "suppression add", Role.OPERATOR, SuppressedNow, _CAMPAIGNS,
        takes=SuppressAsked, effect=True,
        example={"body": {"channel": "email", "address": "ann@shop.example", "why": "asked us by phone"}},
    ),
    Route(
        "POST", "/api/v1/suppressed/remove", "suppression remove", Role.OPERATOR, Unsuppressed, _CAMPAIGNS,
        takes=UnsuppressAsked, effect=True,
        example={"body": {"channel": "email", "address": "ann@shop.example", "why": "the mailbox works again"}},
    ),
    Route("GET", "/api/v1/inbox", "inbox list", Role.VIEWER, Inbox, "people", asks=InboxAsked),
    Route(
        "POST", "/api/v1/inbox/{id}/handle", "inbox handle", Role.OPERATOR, HandledNow, "people",
        takes=HandleAsked, effect=True, example={"body": {"note": "called back"}},
    ),
    Route(
        "GET", "/api/v1/channels/{kind}/needs", "channel check",
        Role.VIEWER, ChannelChecked, _CHANNELS, fixed={"offline": True},
    ),
    Route(
        "POST", "/api/v1/channels/{kind}/check", "channel check",
        Role.OPERATOR, ChannelChecked, _CHANNELS, takes=ChannelCheckAsked, reads=True,
    ),
    Route("GET", "/api/v1/webhooks", "webhook list", Role.VIEWER, Hooks, _CHANNELS),
    Route("GET", "/api/v1/webhooks/posts", "webhook posts", Role.VIEWER, Posts, _CHANNELS, asks=PostsAsked),
    Route(
        "POST", "/api/v1/webhooks/replay", "webhook replay", Role.OPERATOR, PostsAgain, _CHANNELS,
        takes=PostsAgainAsked, effect=True, example={"body": {"name": "crm"}},
    ),
)  # fmt: skip
