"""Countries: what a file of a country means where it does not say so itself. Knows no file and no person.

`country: DE` in a mapping stands for the zone of its local times, the currency of its money, the language of its
people, and the code that goes before a phone number that is written without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Country:
    """`calling`: the code of its phone numbers; `trunk`: a pattern of what goes before a number inside the country."""

    code: str
    zone: str
    currency: str
    language: str
    calling: str
    trunk: str


PHONES = frozenset({"phone", "mobile", "tel", "phone_number"})
"""The declared keys that are phone numbers."""

COUNTRIES: Mapping[str, Country] = MappingProxyType(
    {
        item.code: item
        for item in (
            Country("CN", "Asia/Shanghai", "CNY", "zh", "86", ""),
            Country("DE", "Europe/Berlin", "EUR", "de", "49", "0"),
            Country("GB", "Europe/London", "GBP", "en", "44", "0"),
            Country("JP", "Asia/Tokyo", "JPY", "ja", "81", "0"),
            Country("US", "America/New_York", "USD", "en", "1", "1"),
        )
    }
)
"""The countries of which the policy is declared. Where one has several zones, a file of another one names its own."""


def international(values: pa.Array, country: Country) -> pa.Array:
    """Phone numbers with + and the country's code before those that have none: 0171 234567 in DE is +49171234567.

    Spaces, dashes, dots and brackets are left out; 00 before a code is +. What is empty stays so.
    """
    bare = pc.replace_substring_regex(values, r"[\s\-().]+", "")
    abroad = pc.replace_substring_regex(bare, r"^00", "+")
    inside = pc.replace_substring_regex(bare, rf"^{country.trunk}", "") if country.trunk else bare
    told = pc.binary_join_element_wise(pa.scalar(f"+{country.calling}"), inside, "")
    digits = pc.match_substring_regex(inside, r"^[0-9]{4,15}$")
    return pc.if_else(pc.starts_with(abroad, "+"), abroad, pc.if_else(digits, told, bare))
