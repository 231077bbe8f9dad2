"""Masking: personal values for those who may not read them. Knows no role: callers say whether to mask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def masked(value: Any) -> Any:
    """The value with all but its first character hidden; of an address its domain stays. None stays None.

    >>> masked("wei.zhang@example.com"), masked("张伟"), masked(13800138000)
    ('w***@example.com', '张***', '1***')
    """
    if value is None:
        return None
    text = str(value)
    name, at, domain = text.partition("@")
    if at and name and "." in domain:
        return f"{name[0]}***@{domain}"
    return f"{text[:1]}***"


def is_personal(name: str, personal: Collection[str]) -> bool:
    """Whether an attribute or kind of identifier is personal: itself, or its first part before a dot."""
    return name in personal or name.split(".")[0] in personal
