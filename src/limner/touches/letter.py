"""A campaign's texts → checked letters → one Message for one person. Knows no table and no channel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from email.utils import parseaddr
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from limner.campaigns.model import EMAIL, Campaign, by_channel
from limner.channels.seam import Message
from limner.consents.model import MARKETING, address_hash
from limner.errors import ConfigError, TemplateError
from limner.touches import mjml
from limner.touches.links import Links
from limner.touches.model import Recipient
from limner.touches.plain import plain
from limner.touches.render import LIMIT, Names, Template, Values, compile_template
from limner.touches.values import Missing

BASE = ""
"""The variant of whoever no other variant is for."""


@dataclass(frozen=True)
class Source:
    """The texts of one variant as their author wrote them; which of them there are is up to the channel.

    E-mail: subject, html or mjml, text. WeChat and mini-programs: template_id, url (the page), data. SMS: sign,
    template_id, text as it was approved, data. Push: subject (the title), text, url. Apprise: subject,
    text.
    `theme`: the values of the scene that the texts may name.
    """

    subject: str = ""
    html: str = ""
    text: str = ""
    template_id: str = ""
    url: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    sign: str = ""
    theme: Mapping[str, str] = field(default_factory=dict)
    mjml: str = ""


@dataclass(frozen=True)
class Letter:
    """The checked texts of one variant."""

    subject: Template
    html: Template | None
    text: Template | None
    template_id: str
    url: Template
    data: Mapping[str, Template]
    sign: str = ""
    theme: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Template, ...]:
        """Every template of the letter."""
        optional = [part for part in (self.html, self.text) if part is not None]
        return (self.subject, *optional, self.url, *self.data.values())

    @property
    def lists(self) -> frozenset[str]:
        """The lists of picks that it shows."""
        read = {name for part in self.parts for name in part.names if name.startswith("picks.")}
        return frozenset(name.partition(".")[2].partition(".")[0] for name in read)


def sources(
    campaign: Campaign, load: Callable[[str], str], theme: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Source]:
    """The texts of each variant; of several channels each under CHANNEL/VARIANT. Raises TemplateError.

    `load`: the text of a file under templates/; `theme`: the values of its scene.
    """
    if campaign.channels:
        return {
            f"{channel}/{variant}": source
            for channel in campaign.channels
            for variant, source in sources(by_channel(campaign, channel), load, theme).items()
        }
    found = {BASE: _source(campaign.channel, campaign.template, campaign.text, campaign.subject, load)}
    for variant in campaign.variants:
        found[variant.name] = _source(
            campaign.channel, variant.template, variant.text, variant.subject or campaign.subject, load
        )
    return {name: replace(source, theme=dict(theme)) for name, source in found.items()}


def of_channel(campaign: Campaign, texts: Mapping[str, Source], channel: str) -> dict[str, Source]:
    """The texts of the variants as they go by one channel of the campaign."""
    if not campaign.channels:
        return dict(texts)
    start = f"{channel}/"
    return {name.removeprefix(start): source for name, source in texts.items() if name.startswith(start)}


def _source(channel: str, template: str, text: str, subject: str, load: Callable[[str], str]) -> Source:
    body = load(template)
    if channel == "email":
        if template.endswith(".txt"):
            return Source(subject=subject, text=body)
        return mail_source(template, subject, body, load(text) if text else "")
    return structured(body, channel, file=template)


def mail_source(file: str, subject: str, body: str, text: str = "") -> Source:
    """The texts of a mail whose HTML, or MJML, stands in a file of that name."""
    if file.endswith(mjml.ENDING):
        return Source(subject=subject, mjml=body, text=text)
    return Source(subject=subject, html=body, text=text)


_PARAMETER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A parameter in the text of an approved SMS template."""
_LEAVES = re.compile(r"退订|拒收|unsubscribe|\bstop\b", re.IGNORECASE)
"""What an advertising text message says of how to get no more."""


@dataclass(frozen=True)
class _Shape:
    """What a template of keys holds: texts that it must and may have, and the mapping of its parameters."""

    must: tuple[str, ...]
    may: tuple[str, ...]
    mapping: str
    hint: str


_SHAPES: Mapping[str, _Shape] = {
    "wechat": _Shape(("template_id",), ("url",), "data", 'template_id: abc, data: {thing1: "{{ person.name }}"}'),
    "miniprogram": _Shape(
        ("template_id", "page"), (), "data", 'template_id: abc, page: pages/index, data: {thing1: "{{ person.name }}"}'
    ),
    "sms": _Shape(
        ("signature", "template_code", "text"), (), "parameters",
        'signature: 示例商店, template_code: SMS_1, text: "亲爱的${name}…", parameters: {name: "{{ person.name }}"}',
    ),
    "push": _Shape(("title", "body"), ("url",), "", 'title: "…", body: "{{ person.name }} …", url: https://…'),
    "wecom": _Shape(
        ("text", "to"), (), "attachments", "text: …, to: customer, group or moment, attachments: {Title: https://…}"
    ),
    "apprise": _Shape(("text",), ("title",), "", 'text: "{{ person.name }}, …", title: "…"'),
}  # fmt: skip
"""The keys of the templates that are YAML, by channel."""
_BARE = ("sms", "wecom")
"""The channels whose templates need no mapping."""
_SORTS = ("customer", "group", "moment")
_MOST_ATTACHMENTS = 9


def channel_of(text: str, *, file: str) -> str:
    """The channel that a template of keys is of, as its keys say. Raises TemplateError."""
    given = _mapping(text, file)
    fitting = [channel for channel, shape in _SHAPES.items() if all(key in given for key in shape.must)]
    if not fitting:
        raise TemplateError(
            "no channel has templates with these keys",
            where=file,
            hint="; ".join(s.hint for s in _SHAPES.values()),
        )
    return max(fitting, key=lambda channel: len(_SHAPES[channel].must))


def structured(text: str, channel: str, *, file: str) -> Source:
    """The texts of a template that is YAML, of a channel. Raises TemplateError."""
    given, shape = _mapping(text, file), _SHAPES[channel]
    data = given.get(shape.mapping, {} if channel in _BARE else None) if shape.mapping else {}
    texts = {key: given.get(key, "" if key in shape.may else None) for key in (*shape.must, *shape.may)}
    wrong = [key for key, value in texts.items() if not isinstance(value, str)]
    unknown = [key for key in given if key not in texts and key != shape.mapping]
    if wrong or unknown or not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        parts = ", ".join([*shape.must, *([shape.mapping] if shape.mapping else [])])
        perhaps = f" and perhaps {', '.join(shape.may)}" if shape.may else ""
        what = f": '{unknown[0]}' is unknown" if unknown else f": '{wrong[0]}' is no text" if wrong else ""
        raise TemplateError(
            f"a template of {channel} has {parts}{perhaps}{what}", where=file, hint=shape.hint
        )
    if channel == "wecom":
        return _for_staff(texts, data, file)
    return Source(
        subject=texts.get("title", ""),
        text=texts.get("text", texts.get("body", "")),
        template_id=texts.get("template_id", texts.get("template_code", "")),
        url=texts.get("url", texts.get("page", "")),
        data={str(key): value for key, value in data.items()},
        sign=texts.get("signature", ""),
    )


def _for_staff(texts: Mapping[str, str], attached: Mapping[str, str], file: str) -> Source:
    """The texts of a message that staff send: `as` says to whom, the other data are attachments."""
    if texts["to"] not in _SORTS:
        raise TemplateError(
            f"'to' is one of {', '.join(_SORTS)}, not '{texts['to']}'", where=file, hint="to: customer"
        )
    if len(attached) > _MOST_ATTACHMENTS or "as" in attached or not (texts["text"].strip() or attached):
        raise TemplateError(
            f"a message of staff has a text, or 1 to {_MOST_ATTACHMENTS} attachments, each with a title",
            where=file,
            hint=_SHAPES["wecom"].hint,
        )
    return Source(text=texts["text"], data={"as": texts["to"], **{str(k): v for k, v in attached.items()}})


def _mapping(text: str, file: str) -> Mapping[str, Any]:
    if len(text) > LIMIT:
        raise TemplateError("the template is longer than 1 MB", code="too_long", where=file, status=413)
    try:
        given = YAML(typ="safe").load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise TemplateError(f"not YAML: {str(error).splitlines()[0]}", where=file) from error
    return given if isinstance(given, dict) else {}


def _approved(source: Source, message_class: str) -> None:
    """Raises TemplateError unless the parameters are those of the approved text, and advertising can be left."""
    asked = set(_PARAMETER.findall(source.text))
    if asked != set(source.data):
        (one, *_) = sorted(asked ^ set(source.data))
        what = "has no value" if one in asked else "is not in the text"
        raise TemplateError(
            f"the parameter '{one}' {what}",
            code="template_parameters",
            hint="each ${name} of the text has a line under parameters, and the other way round",
        )
    if not source.sign.strip():
        raise TemplateError("a text message has a signature", code="missing", hint="signature: 示例商店")
    if message_class == MARKETING and not _LEAVES.search(source.text):
        raise TemplateError(
            "advertising by SMS must say how to get no more",
            code="missing_unsubscribe",
            hint="have the template approved with 拒收请回复R at its end, or class: service",
        )


def letters(campaign: Campaign, texts: Mapping[str, Source], names: Names) -> dict[str, Letter]:
    """The checked letters by variant.

    Raises TemplateError: what `compile_template` raises, and missing_unsubscribe for advertising by e-mail
    without its link.
    """
    names = replace(names, picks=frozenset(campaign.picks))
    return {
        variant: letter(source, names, channel=campaign.channel, message_class=campaign.message_class)
        for variant, source in texts.items()
    }


def letter(source: Source, names: Names, *, channel: str, message_class: str) -> Letter:
    """The checked letter of one variant. Raises TemplateError."""
    names = replace(names, theme=frozenset(source.theme))
    html = source.html
    if source.mjml:
        compile_template(
            source.mjml, names=names, html=True
        )  # its mistakes have the lines of what was written
        html = mjml.html_of(source.mjml)
    made = Letter(
        subject=compile_template(source.subject, names=names, html=False),
        html=compile_template(html, names=names, html=True) if html else None,
        text=compile_template(source.text, names=names, html=False) if source.text else None,
        template_id=source.template_id,
        url=compile_template(source.url, names=names, html=False),
        data={key: compile_template(text, names=names, html=False) for key, text in source.data.items()},
        sign=source.sign,
        theme=source.theme,
    )
    if channel == "sms":
        _approved(source, message_class)
    if channel == "wecom" and any(part.names or part.links for part in made.parts):
        raise TemplateError(
            "a message that staff send has the same words for everybody",
            code="personal",
            hint="use variants for some of the people; a link for each person cannot be made",
        )
    bodies = [part for part in (made.html, made.text) if part is not None]
    if channel == "email" and message_class == MARKETING and not all(part.unsubscribes for part in bodies):
        raise TemplateError(
            "advertising by e-mail must offer {{ unsubscribe_url }}",
            code="missing_unsubscribe",
            hint='<a href="{{ unsubscribe_url }}">unsubscribe</a>, or class: service',
        )
    return made


def freeze(texts: Mapping[str, Source]) -> str:
    """The texts as JSON, kept with the entry so that a send that was begun ends with the same words."""
    kept = {
        name: {key: value for key, value in asdict(source).items() if key != "theme" or value}
        for name, source in texts.items()
    }
    return json.dumps(kept, ensure_ascii=False)


def thaw(content: str) -> dict[str, Source]:
    """The texts that `freeze` kept."""
    return {name: Source(**source) for name, source in json.loads(content).items()}


@dataclass(frozen=True)
class Composer:
    """Makes the messages of one campaign. `secret`: the workspace's; `sender`: whose mails they are."""

    campaign: Campaign
    letters: Mapping[str, Letter]
    links: Links
    secret: bytes
    sender: str = ""

    def __post_init__(self) -> None:
        advertising = self.campaign.channel == "email" and self.campaign.message_class == MARKETING
        tracked = any(
            letter.lists or any(part.links for part in letter.parts) for letter in self.letters.values()
        )
        tracked = tracked or bool(self._named("form") | self._named("referral"))
        if (advertising or tracked) and not self.links.public_url:
            raise ConfigError(
                "public_url is not set, so links in messages would lead nowhere",
                hint='public_url = "https://…" in limner.toml',
            )

    def message(self, message_id: str, variant: str, recipient: Recipient) -> Message:
        """The message to one person. Raises Missing, naming what is missing for that person."""
        letter = self.letters.get(variant) or self.letters[BASE]
        lacking = sorted(letter.lists.intersection(recipient.lacking))
        if lacking:
            raise Missing(f"no content: {lacking[0]}")
        hashed = address_hash(self.secret, self.campaign.channel, recipient.address)
        leave = self.links.unsubscribe_url(message_id, self.campaign.channel, hashed)
        values = Values(
            person=recipient.person,
            tag=recipient.tag,
            content=recipient.content,
            theme=letter.theme,
            picks={name: self._linked(message_id, recipient.picks.get(name, ())) for name in letter.lists},
            campaign_name=self.campaign.title.get("") or next(iter(self.campaign.title.values()), ""),
            unsubscribe_url=leave,
            preferences_url=self.links.preferences_url(message_id, self.campaign.channel, hashed),
            form={name: self.links.form_url(name, message_id) for name in self._named("form")},
            referral={name: self.links.referral_url(code) for name, code in recipient.codes.items()},
            link=lambda target: self.links.click_url(message_id, target),
        )
        if self.campaign.channel != EMAIL:
            return self._short(message_id, letter, values, recipient)
        html = letter.html.render(values) if letter.html else ""
        text = letter.text.render(values) if letter.text else plain(html)
        subject = f"{self.campaign.subject_prefix} {letter.subject.render(values)}".strip()
        return Message(
            message_id=message_id,
            to=recipient.address,
            subject=subject,
            text=text,
            html=self._with_pixel(html, message_id) if html else "",
            headers=self._headers(leave),
            message_class=self.campaign.message_class,
        )

    def _linked(self, message_id: str, listed: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """What was picked, with links whose clicks count."""
        return [
            {**one, "link": self.links.click_url(message_id, one["link"])} if one.get("link") else one
            for one in listed
        ]

    def _named(self, root: str) -> set[str]:
        """What the letters name under a root."""
        names = {name for letter in self.letters.values() for part in letter.parts for name in part.names}
        return {name.partition(".")[2] for name in names if name.startswith(f"{root}.")}

    def _short(self, message_id: str, letter: Letter, values: Values, recipient: Recipient) -> Message:
        """A message without HTML; of SMS, `text` is what the recipient reads, its signature in front."""
        data = {key: part.render(values) for key, part in letter.data.items()}
        text = letter.text.render(values) if letter.text else ""
        if letter.sign:
            text = f"【{letter.sign}】" + _PARAMETER.sub(lambda found: data[found[1]], text)
        return Message(
            message_id=message_id,
            to=recipient.address,
            subject=f"{self.campaign.subject_prefix} {letter.subject.render(values)}".strip(),
            text=text,
            template_id=letter.template_id,
            url=letter.url.render(values).strip(),
            data=data,
            sign=letter.sign,
            message_class=self.campaign.message_class,
        )

    def _headers(self, leave: str) -> dict[str, str]:
        """Who replies go to, and RFC 8058: the mail program itself offers to unsubscribe."""
        headers = {}
        reply_to = parseaddr(self.campaign.sender)[1]
        if reply_to:
            headers["Reply-To"] = reply_to
        if self.campaign.message_class == MARKETING:
            address = reply_to or parseaddr(self.sender)[1]
            mail = f", <mailto:{quote(address, safe='@')}?subject=unsubscribe>" if address else ""
            headers["List-Unsubscribe"] = f"<{leave}>{mail}"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return headers

    def _with_pixel(self, html: str, message_id: str) -> str:
        if not self.links.public_url:
            return html
        pixel = f'<img src="{self.links.open_url(message_id)}" width="1" height="1" alt="">'
        head, end, tail = html.rpartition("</body>")
        return f"{head}{pixel}{end}{tail}" if end else html + pixel
