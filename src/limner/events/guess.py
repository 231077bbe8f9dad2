"""A first mapping for a file of people: which column names the person; everything else is an attribute.

Answers a mapping's text, to be read, changed and kept. What could be read in two ways is asked, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from limner.errors import MappingError
from limner.events.conversions import texts
from limner.events.mapping import Mapping, parse, written

USER = (
    "userid", "user", "uid", "customerid", "customer", "memberid", "memberno", "member", "accountid", "id",
    "用户id", "会员id", "会员号", "会员编号", "客户编号", "客户号", "客户id",
)  # fmt: skip
DEVICE = ("deviceid", "anonymousid", "设备id", "设备号")
KEYS = {
    "email": ("email", "mail", "emailaddress", "邮箱", "电子邮件"),
    "phone": ("phone", "mobile", "phonenumber", "tel", "手机", "手机号", "手机号码", "电话"),
    "openid": ("openid", "微信openid"),
    "unionid": ("unionid",),
}
"""Declared keys → the column names that suggest them, without case, spaces, hyphens and underscores."""

SAMPLE = 10_000
_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$"
_CODE = re.compile(r"(id|no|code|zip|post(al)?(code)?|number|号|编号|邮编|码)$", re.IGNORECASE)
_DATES = {
    "year-month-day": r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?$",
    "year/month/day": r"^[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2}( .*)?$",
    "年月日": r"^[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日.*$",
    "day/month or month/day": r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})( .*)?$",
}


def guess(columns: Sequence[str], rows: pa.Table | None, *, strong_keys: Collection[str]) -> Mapping:
    """The mapping that the columns' names and the first rows suggest.

    Raises MappingError: no_identifier when no column names a person, ambiguous_date when a column holds dates
    that can be read in several ways.
    """
    plain = {re.sub(r"[\s_\-]", "", name).lower(): name for name in reversed(columns)}
    person: dict[str, str] = {}
    for kind, words in (("user_id", USER), ("device_id", DEVICE)):
        for word in words:
            if word in plain and plain[word] not in person.values():
                person[kind] = plain[word]
                break
    for key in strong_keys:
        for word in (key.lower().replace("_", ""), *KEYS.get(key, ())):
            if word in plain and plain[word] not in person.values():
                person[key] = plain[word]
                break
    if not person:
        raise MappingError(
            "no column names a person",
            code="no_identifier",
            hint="write a mapping with person: {user_id: COLUMN}, or call the column user_id",
        )
    names = {person.get("user_id"), person.get("device_id")}
    attributes: dict[str, Any] = {}
    for column in columns:
        if column not in names:
            attributes[column] = _field(column, rows, key=column in person.values())
    given: dict[str, Any] = {"person": person, "event": "none"}
    if attributes:
        given["attributes"] = attributes
    else:
        raise MappingError(
            "the file says nothing about its people but who they are",
            code="no_attributes",
            hint="write a mapping that names the event and its time",
        )
    return parse(written(given), name="guessed mapping")


def _field(column: str, rows: pa.Table | None, *, key: bool) -> Any:
    if rows is None or column not in rows.column_names or not pa.types.is_string(rows[column].type):
        return column
    values = texts(pc.utf8_trim_whitespace(rows[column].slice(0, SAMPLE).combine_chunks())).drop_null()
    if not len(values) or key or _CODE.search(column):
        return column
    found = {name: pc.sum(pc.match_substring_regex(values, form)).as_py() for name, form in _DATES.items()}
    kinds = [name for name, n in found.items() if n]
    total = sum(found.values())
    if 2 * total >= len(values):
        odd = kinds == ["day/month or month/day"] or len(kinds) > 1 or total < len(values)
        if odd:
            readings = ", ".join(kinds) + (" and others" if total < len(values) else "")
            raise MappingError(
                f"column '{column}' holds dates that can be read in several ways ({readings}): "
                "choose a format",
                code="ambiguous_date",
                where=column,
                hint=f"write a mapping with attributes: {{{column}: {{column: {column}, type: instant, "
                f'format: "%d/%m/%Y"}}}}, or type: text to keep it as it is',
            )
        return column
    if pc.all(pc.match_substring_regex(values, _NUMBER)).as_py():
        return {"column": column, "type": "number", "otherwise": "text"}
    return column
