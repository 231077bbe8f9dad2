"""A mapping's text: what it may say, and that every mistake is named with its place."""

from __future__ import annotations

import pytest

from limner.errors import MappingError
from limner.events.mapping import Case, Either, EventColumn, Field, Not, Test, Time, parse
from limner.types import ValueType

WHOLE = """
# every key
source: shop
person: {user_id: Customer, openid: WeChat}
time: {column: At, format: "%d/%m/%Y %H:%M", zone: Europe/London}
event:
  - when: {column: Invoice, starts with: C}
    name: Cancelled
  - when: {any: [{column: Kind, in: [A, 7]}, {not: {column: Kind, is empty: true}}]}
    name: Odd
  - name: Purchased
properties:
  invoice: Invoice
  price: {column: Price, type: money}
  amount: {multiply: [Price, 0.01], type: money}
  shop: {value: London}
attributes:
  country: {column: Country, once: true}
currency: GBP
file: {delimiter: tab, encoding: gb18030}
"""


def test_every_key_is_read() -> None:
    found = parse(WHOLE)
    assert (found.source, found.user_id, found.keys) == ("shop", "Customer", (("openid", "WeChat"),))
    assert found.time == Time("At", "%d/%m/%Y %H:%M", "Europe/London")
    assert found.event == (
        Case("Cancelled", Test("Invoice", "starts with", "C")),
        Case("Odd", Either((Test("Kind", "in", ("A", "7")), Not(Test("Kind", "is empty", True))))),
        Case("Purchased"),
    )
    assert found.properties[2] == Field("amount", factors=("Price", 0.01), type=ValueType.MONEY)
    assert found.attributes == (Field("country", "Country", once=True),)
    assert (found.form.delimiter, found.form.encoding, found.currency) == ("\t", "gb18030", "GBP")


def test_short_forms_say_the_same() -> None:
    short = parse("person: id\ntime: at\nevent: {column: kind}\nproperties: [a, b]\n", zone="Asia/Shanghai")
    assert (short.user_id, short.event) == ("id", EventColumn("kind"))
    assert short.time == Time("at", "iso", "Asia/Shanghai")
    assert [item.name for item in short.properties] == ["a", "b"]


def test_comments_and_layout_do_not_change_the_fingerprint() -> None:
    once = parse("person: id\nattributes: [a]\n")
    assert (
        once.fingerprint == parse("# why\nattributes:\n  a: a\nperson: {user_id: id}\n", name="y").fingerprint
    )
    assert once.fingerprint != parse("person: id\nattributes: [b]\n").fingerprint


BASE = "person: {user_id: id}\ntime: {column: at}\nevent: Bought\n"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("persn: {user_id: id}\n", "m:1:1", "did you mean person?"),
        (BASE + "properties:\n  a: {colum: A}\n", "m:5:7", "did you mean column?"),
        (BASE + "properties:\n  a: {column: A, type: mony}\n", "m:5:24", "did you mean money?"),
        (BASE + "properties:\n  a: {type: text}\n", "m:5:6", "column, multiply, value"),
        (BASE + "properties:\n  a: {multiply: [A], type: money}\n", "m:5:17", "takes two"),
        (BASE + "properties:\n  a: {multiply: [A, B]}\n", "m:5:6", "money or number"),
        (BASE + "properties:\n  a: {column: A, once: true}\n", "m:5:3", "for attributes"),
        ("person: id\ntime: {column: at, zone: Mars}\nevent: B\n", "m:2:26", "unknown time zone 'Mars'"),
        ("person: id\ntime: {column: at, format: isso}\nevent: B\n", "m:2:28", "did you mean iso?"),
        ("person: id\nevent: Bought\n", "m:2:8", "events need a time"),
        ("person: id\nproperties: [a]\n", "m:2:13", "properties belong to an event"),
        ("person: id\n", "m:1:1", "nothing would be imported"),
        ("attributes: [a]\n", "m:1:1", "attributes need a person"),
        (BASE.replace("Bought", "$identify"), "m:3:8", "kept for Limner"),
        (BASE.replace("Bought", "[{name: A}, {name: B}]"), "m:3:20", "no row gets here"),
        (BASE.replace("Bought", "[{when: {column: A}, name: B}]"), "m:3:16", "tests nothing"),
        (
            BASE.replace("Bought", "[{when: {column: A, more than: x}, name: B}]"),
            "m:3:39",
            "compares with a number",
        ),
        (BASE + "currency: pounds\n", "m:4:11", "three capital letters"),
        (BASE + "file: {delimiter: ab}\n", "m:4:19", "one ASCII character"),
        ("person: {user_id: id\n", "m:2:1", ""),
        ("- a\n", "m:1:1", "key: value"),
        ("person: id\nperson: id2\n", "m:2:1", "duplicate"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, where: str, says: str) -> None:
    with pytest.raises(MappingError) as error:
        parse(text, name="m")
    assert error.value.where == where
    assert says in str(error.value)


def test_a_column_that_the_file_has_not_is_named_with_the_nearest() -> None:
    mapping = parse(BASE + "properties: {a: Prise}\n", name="shop.yml")
    with pytest.raises(MappingError) as error:
        mapping.fit(["id", "at", "Price"])
    assert str(error.value) == ("shop.yml:4:17: the file has no column 'Prise'\n  hint: did you mean Price?")
    assert error.value.code == "unknown_column"


def test_a_key_that_the_workspace_does_not_declare_is_refused() -> None:
    with pytest.raises(MappingError, match="did you mean openid") as error:
        parse("person: {open_id: x}\nattributes: [a]\n").allow(("email", "openid"))
    assert error.value.code == "unknown_key"


def test_a_mapping_is_bounded() -> None:
    with pytest.raises(MappingError) as error:
        parse("#" * 200_000)
    assert error.value.code == "too_long"
    bomb = "a0: &a0 {column: x, equals: y}\n"
    bomb += "".join(f"a{n}: &a{n} {{any: [*a{n - 1}, *a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 15))
    with pytest.raises(MappingError):
        parse(bomb)
    cases = "event:\n  - name: A\n    when: &w0 {column: x, equals: y}\n"
    cases += "".join(
        f"  - name: A{n}\n    when: &w{n} {{any: [{', '.join([f'*w{n - 1}'] * 9)}]}}\n" for n in range(1, 9)
    )
    with pytest.raises(MappingError) as error:
        parse("person: id\ntime: at\n" + cases)
    assert error.value.code == "too_complex"
