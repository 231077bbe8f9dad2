"""What is wrong with forms and referrals here: names that nobody knows, places they must not lead to."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from limner.config import Config
from limner.errors import LimnerError, did_you_mean
from limner.forms.model import CHOICE, DATE, NUMBER, Field, Form
from limner.referrals.model import Referral
from limner.tags import giving
from limner.tags import text as tag_text
from limner.tags.document import Document
from limner.tags.document import Step as At
from limner.tags.model import Given, Method, Tag
from limner.types import ValueType

_TYPES: Mapping[str, tuple[ValueType, ...]] = {
    NUMBER: (ValueType.NUMBER, ValueType.MONEY),
    DATE: (ValueType.INSTANT, ValueType.TEXT),
}


def of_form(form: Form, tags: Mapping[str, Tag], config: Config) -> list[LimnerError]:
    """What is wrong with a form whose file can be read."""
    found: list[LimnerError] = []

    def wrong(message: str, *at: At, hint: str | None = None) -> None:
        document = Document(form.text, where=f"forms/{form.name}.yml")
        found.append(document.error(message, *at, hint=hint, code="does_not_fit"))

    if form.redirect and not may_lead(form.redirect, config):
        wrong(
            f"'{urlsplit(form.redirect).hostname}' is no host that forms may lead to", "redirect",
            hint=f'redirect_hosts = ["{urlsplit(form.redirect).hostname}"] in limner.toml',
        )  # fmt: skip
    for key, value in form.gives.items():
        unfit = _ungiven(key, tags)
        if unfit is None:
            unfit = _unallowed(tags[key], value)
        if unfit is not None:
            wrong(unfit, "gives", key, hint=did_you_mean(key, tags))
    for number, field in enumerate(form.fields):
        if field.tag:
            unfit = _ungiven(field.tag, tags) or _unfit(field, tags[field.tag])
            if unfit is not None:
                wrong(unfit, "fields", number, "to", hint=did_you_mean(field.tag, tags))
        if field.identifies and field.attribute not in config.strong_keys:
            wrong(
                f"'{field.attribute}' is no identifier here", "fields", number, "identifies",
                hint=f"identifiers: {', '.join(config.strong_keys)} (strong_keys in limner.toml)",
            )  # fmt: skip
    return found


def of_referral(
    referral: Referral, tags: Mapping[str, Tag], audiences: Mapping[str, object], config: Config
) -> list[LimnerError]:
    """What is wrong with a referral whose file can be read."""
    document = Document(referral.text, where=f"referrals/{referral.name}.yml")
    found: list[LimnerError] = []
    if referral.audience and referral.audience not in audiences:
        found.append(
            document.error(
                f"there is no audience '{referral.audience}'", "audience", code="not_found",
                hint=did_you_mean(referral.audience, audiences),
            )
        )  # fmt: skip
    if not may_lead(referral.to, config):
        found.append(
            document.error(
                f"'{urlsplit(referral.to).hostname}' is no host that invitations may lead to", "to",
                code="does_not_fit",
                hint=f'redirect_hosts = ["{urlsplit(referral.to).hostname}"] in limner.toml',
            )
        )  # fmt: skip
    for role, reward in referral.rewards.items():
        if reward.tag:
            unfit = _ungiven(reward.tag, tags) or _unallowed(tags[reward.tag], reward.value)
            if unfit is not None:
                found.append(document.error(unfit, "reward", role, "tag", code="does_not_fit"))
    return found


def may_lead(url: str, config: Config) -> bool:
    """Whether a hosted page may lead there: the workspace's own host, or one that the settings name."""
    host = urlsplit(url).hostname or ""
    own = urlsplit(config.public_url).hostname or ""
    return bool(host) and host in {own, *(one.lower() for one in config.redirect_hosts)}


def _ungiven(key: str, tags: Mapping[str, Tag]) -> str | None:
    if key not in tags:
        return f"there is no tag '{key}'"
    if tags[key].method is not Method.MANUAL:
        return f"'{key}' is of method {tags[key].method}: only tags of method manual are given by answers"
    return None


def _unallowed(tag: Tag, value: object) -> str | None:
    read = tag_text.value_in(tag.type, value)
    if read is None:
        return f"'{value}' is no {tag.type}"
    return None if giving.allows(tag, read) else f"'{tag.key}' has no value '{value}'"


def _unfit(field: Field, tag: Tag) -> str | None:
    allowed = _TYPES.get(field.kind, (ValueType.TEXT,))
    if tag.type not in allowed:
        return f"'{tag.key}' holds a {tag.type}, an answer of kind '{field.kind}' is none"
    values = tag.definition.values if isinstance(tag.definition, Given) else ()
    if values and field.kind != CHOICE:
        return f"'{tag.key}' has fixed values: ask for it by a field of kind 'choice'"
    missing = [option.value for option in field.options if values and option.value not in values]
    return f"'{tag.key}' has no value '{missing[0]}'" if missing else None
