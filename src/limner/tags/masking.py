"""Masking: personal values for those who may not read them. Knows no role: callers say whether to mask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from limner.tags.model import Observed, Sensitivity, Tag

SENSITIVE = "$sensitive"
"""Among the names that are hidden: tags whose own file says that they are personal or sensitive."""


def masked(value: Any) -> Any:
    """The value with all but its first character hidden; an address keeps its domain, a phone its last four digits.

    >>> masked("wei.zhang@example.com"), masked("张伟"), masked("+86 138 0013 8000")
    ('w***@example.com', '张***', '***8000')
    """
    if value is None:
        return None
    text = str(value)
    name, at, domain = text.partition("@")
    if at and name and "." in domain:
        return f"{name[0]}***@{domain}"
    digits = text.lstrip("+").replace(" ", "").replace("-", "")
    if digits.isdigit() and len(digits) >= 7:
        return f"***{digits[-4:]}"
    return f"{text[:1]}***"


def is_personal(name: str, personal: Collection[str]) -> bool:
    """Whether an attribute or kind of identifier is personal: itself, or its first part before a dot."""
    return name in personal or name.split(".")[0] in personal


def hiding(personal: Collection[str], *, mask: bool) -> tuple[str, ...]:
    """What is hidden from somebody: nothing, or the personal names and whatever tags say that they are."""
    return (*personal, SENSITIVE) if mask else ()


def hides(tag: Tag, hidden: Collection[str]) -> bool:
    """Whether the tag's values are hidden: it is made of a personal attribute, or its file says that it is personal."""
    if SENSITIVE in hidden and tag.sensitivity in (Sensitivity.PERSONAL, Sensitivity.SENSITIVE):
        return True
    return isinstance(tag.definition, Observed) and is_personal(tag.definition.attribute, hidden)
