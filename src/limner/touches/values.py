"""Values as a message shows them: what is missing, and the filters that templates may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

MAX_VALUE = 10_000
"""Characters of one value that are shown."""
MAX_ITEMS = 200
"""Items of one list that a loop may go over."""


class Missing(Exception):
    """A value without a fallback is missing for this person; `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Absent(Undefined):
    """A value that is not known: false in conditions, equal to nothing, never shown."""

    def __init__(self, hint: str | None = None, obj: Any = None, name: str | None = None, **_: Any) -> None:
        super().__init__(hint, obj, name)
        root = f"{obj.root}." if isinstance(obj, Known) else ""
        self.said = f"{root}{name}"

    def _missing(self, *_: Any) -> Any:
        raise Missing(f"missing {self.said}")

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__

    def _never(self, _other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]

    def __contains__(self, item: object) -> bool:
        return False

    __str__ = __html__ = _missing
    __int__ = __float__ = _missing


class Known(dict[str, Any]):
    """Values under person, tag or content; what is absent, null or blank is Absent."""

    def __init__(self, root: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.root = root

    def __getitem__(self, key: str) -> Any:
        value: Any = self.get(key)
        if value is None and "." in key:
            value = self
            for step in key.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
        if value is None or (isinstance(value, str) and not value.strip()):
            return Absent(name=key, obj=self)
        return value[:MAX_VALUE] if isinstance(value, str) else value


def shown(value: Any) -> Any:
    """What a value looks like in a message; a thing that is no text, number or date is missing."""
    match value:
        case Undefined():
            return str(value)
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case int() | Decimal():
            return str(value)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(str(shown(item)) for item in value[:MAX_ITEMS])
    raise Missing("a value is no text")


def _present(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)
    return value


def _default(value: Any, fallback: Any = "", _always: bool = False) -> Any:
    return fallback if value is None or isinstance(value, Undefined) else value


def _decimal(value: Any) -> Decimal:
    try:
        found = Decimal(str(_present(value)))
    except InvalidOperation:
        raise Missing(f"'{str(value)[:50]}' is no number") from None
    if not found.is_finite() or abs(found) >= Decimal(10) ** 18:
        raise Missing("a number is out of bounds")
    return found


def _number(value: Any, digits: int = 0) -> str:
    return f"{_decimal(value).quantize(Decimal(1).scaleb(-min(max(digits, 0), 9)), ROUND_HALF_UP):,f}"


def _money(value: Any, currency: str = "") -> str:
    amount = _number(value, 2)
    return f"{_SYMBOLS.get(currency, currency + ' ' if currency else '')}{amount}"


def _date(value: Any, form: str = "%Y-%m-%d") -> str:
    value = _present(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Missing(f"'{value[:50]}' is no date") from None
    if not isinstance(value, date):
        raise Missing("a value is no date")
    return value.strftime(form[:100])


def _truncate(value: Any, length: int = 60, end: str = "…") -> str:
    text = str(shown(_present(value)))
    return text if len(text) <= max(length, 1) else text[: max(length - len(end), 0)] + end


def _escape(value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup.escape(str(shown(_present(value))))


def items(value: Any) -> list[Any]:
    """The items of a list; nothing for what is missing. More than the bound cannot be meant for reading."""
    if isinstance(value, Undefined):
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple):
        raise Missing("a value is no list")
    if len(value) > MAX_ITEMS:
        raise Missing(f"a list has more than {MAX_ITEMS} items")
    return [Known("item", item) if isinstance(item, Mapping) else item for item in value]


def _upper(value: Any) -> str:
    return str(shown(_present(value))).upper()


def _lower(value: Any) -> str:
    return str(shown(_present(value))).lower()


def _title(value: Any) -> str:
    return str(shown(_present(value))).title()


_SYMBOLS = {"CNY": "¥", "JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}
FILTERS: dict[str, Callable[..., Any]] = {
    "default": _default,
    "d": _default,
    "upper": _upper,
    "lower": _lower,
    "title": _title,
    "number": _number,
    "money": _money,
    "date": _date,
    "truncate": _truncate,
    "escape": _escape,
    "e": _escape,
}
FILTERS_HINT = f"filters: {', '.join(FILTERS)}"
