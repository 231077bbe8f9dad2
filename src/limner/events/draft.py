"""A first mapping for a file as people have it: who, when, which event, which amounts; to be looked at and changed.

Where `guess` refuses what could be read in two ways, a draft takes the likelier way and says what to look at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from ruamel.yaml.comments import CommentedMap

from limner.events import conversions as read
from limner.events.guess import DEVICE, KEYS, USER
from limner.events.mapping import written
from limner.events.roles import flow
from limner.types import Json

SAMPLE = 2_000
ENOUGH = 0.9
"""A column is what nine of ten of its values are."""

MOST = 0.5
"""A column whose heading says that it is a time is one when half of its values are."""

PAID, REFUNDED, CANCELLED = "Order Paid", "Order Refunded", "Order Cancelled"

_TIMES = (
    "paidat paytime paymenttime 付款时间 支付时间 orderedat ordertime orderdate 下单时间 下单日期 订单创建时间 订单日期"
    " 订单时间 purchasedate purchasedat invoicedate createdat 创建时间 交易时间 成交时间 occurredat eventtime timestamp"
    " datetime ts time date soldat at 时间 日期 销售日期 消费时间 消费日期"
)
_EVENTS = "event eventname eventtype 事件 事件名 事件名称 行为 行为类型 action"
_PROPERTIES = {
    "amount": "amount paid paidamount 实付金额 实付 实付款 实收金额 支付金额 付款金额 成交金额 订单金额 消费金额"
    " totalamount ordertotal total totalprice sales revenue 金额 总金额 应付金额",
    "price": "price unitprice 单价 商品单价 售价 商品价格",
    "quantity": "quantity qty 数量 件数 商品数量 购买数量 销售数量",
    "discount": "discount 优惠 优惠金额 折扣",
    "shipping": "shipping freight 运费 邮费",
    "order": "order orderid orderno ordernumber 订单 订单号 订单编号 invoice invoiceno receipt 小票号 流水号"
    " 单号 交易号",
    "product": "product productname item itemname description 商品 商品名 商品名称 宝贝标题 品名 商品标题",
    "sku": "sku skuid stockcode 商品编码 货号 商品编号",
    "category": "category 类目 品类 分类 商品类目 商品分类",
    "store": "store shop 门店 店铺 门店名称 店铺名称",
    "channel": "channel 渠道 购买渠道 订单来源",
    "status": "status orderstatus 状态 订单状态 交易状态",
    "coupon": "coupon 优惠券 优惠码",
}
_ATTRIBUTES = {
    "name": "name fullname customername buyername 姓名 收货人 收货人姓名 客户姓名 会员姓名 真实姓名 买家姓名 收件人",
    "nickname": "nickname 昵称 买家昵称 会员昵称 微信昵称 会员名 买家会员名",
    "gender": "gender sex 性别",
    "birthday": "birthday birthdate dateofbirth 生日 出生日期",
    "age": "age 年龄",
    "city": "city 城市 收货城市 所在城市 市",
    "province": "province state 省 省份 收货省份 所在省份",
    "country": "country 国家",
    "address": "address 地址 收货地址 详细地址",
    "tier": "tier level memberlevel membership 会员等级 会员级别 等级",
    "points": "points 积分 会员积分",
    "registered_at": "registeredat registeredon registered joined joinedat signupdate 注册时间 注册日期"
    " 入会时间 入会日期",
    "came_from": "camefrom source 来源 注册来源 注册渠道 会员来源",
}
_MORE_KEYS = {
    "email": "buyeremail customeremail 邮件 电子邮箱 邮箱地址",
    "phone": "buyerphone mobilephone cellphone 联系电话 联系手机 收货人手机 收货人手机号 买家手机 买家手机号 会员手机号"
    " 手机号码 收件人电话",
    "openid": "wxopenid",
    "unionid": "wxunionid",
}
_MONEY = ("amount", "price", "discount", "shipping")
_REFUND, _CANCEL = ("退款", "退货", "refund", "return"), ("取消", "关闭", "cancel", "closed", "void")
_SYMBOLS = "¥￥$€£元"
_AMOUNT = re.compile(r"^[¥￥$€£]?\s*[+-]?\s*[¥￥$€£]?\s*([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s*元?$")
_COMMA = re.compile(r"^[¥￥$€£]?\s*-?[0-9.]*[0-9],[0-9]{1,2}\s*[€元]?$")
_CODE = re.compile(r"(id|no|code|zip|post(al)?(code)?|number|号|编号|邮编|码)$", re.IGNORECASE)
_FLAGS = frozenset({"true", "false", "yes", "no", "是", "否"})
_DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y%m%d",
)
FORMATS = ("iso", *(day + clock for day in _DAYS for clock in ("", " %H:%M", " %H:%M:%S")), "%Y%m%d%H%M%S")
"""The formats of time that a draft tries, the likelier ones first."""

_TWINS = (("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"))


@dataclass
class Draft:
    """A mapping's text, what to look at in it, and what each column holds."""

    text: str
    problems: list[Json] = field(default_factory=list)
    columns: list[Json] = field(default_factory=list)


@dataclass
class _Column:
    """One column of the file, and what its first rows hold."""

    name: str
    plain: str
    values: pa.Array
    native: str
    filled: int
    total: int
    taken: bool = False

    @property
    def texts(self) -> list[str]:
        return [str(value) for value in self.values.to_pylist()]


def draft(
    columns: Sequence[str],
    rows: pa.Table | None,
    *,
    strong_keys: Collection[str],
    zone: str,
    currency: str,
    source: str,
    file: Json | None = None,
) -> Draft:
    """The mapping that the columns' names and first rows suggest; it never refuses a file that has columns."""
    read_columns = [_column(name, rows) for name in columns]
    made = Draft("")
    tree = CommentedMap()
    if source:
        tree["source"] = source
    person, attributes = _person(read_columns, strong_keys)
    named = {column.name: known for column, known in _named(read_columns)}
    time = _time(read_columns, named, made)
    event_column = _first(read_columns, _EVENTS.split()) if time is not None else None
    if event_column is not None:
        event_column.taken = True
    if not person:
        made.problems.append({"code": "no_identifier", "column": "", "choices": []})
    if person:
        tree["person"] = flow(person)
    properties = CommentedMap()
    if time is not None:
        tree["time"] = flow({"column": time[0].name, "format": time[1], "zone": zone})
        tree["event"] = _event(event_column, read_columns, named)
    else:
        tree["event"] = "none"
    money = False
    for column in read_columns:
        if column.taken or not column.filled:
            continue
        known = named.get(column.name)
        section = attributes if time is None or (known and known[0] == "attribute") else properties
        if time is not None and section is attributes and not person:
            section = properties
        name = known[1] if known and known[1] not in section else column.name[:100]
        kind, node = _kind(column, name, made)
        money = money or kind == "money"
        section[name] = node
    if {"price", "quantity"} <= properties.keys() and "amount" not in properties:
        properties["amount"] = _product(properties["price"], properties["quantity"])
        money = True
    if properties:
        tree["properties"] = properties
    if attributes and person:
        tree["attributes"] = attributes
    if money and currency and time is not None:
        tree["currency"] = currency
    if file:
        tree["file"] = flow(file)
    made.text = written(tree)
    made.columns = [
        {
            "column": column.name,
            "type": column.native,
            "filled": column.filled,
            "rows": column.total,
            "examples": list(dict.fromkeys(value[:80] for value in column.texts[:200]))[:3],
        }
        for column in read_columns
    ]
    return made


def _column(name: str, rows: pa.Table | None) -> _Column:
    plain = re.sub(r"[\s_\-:：]", "", re.sub(r"[(（\[【].*?[)）\]】]", "", name)).lower()
    if rows is None or name not in rows.column_names:
        return _Column(name, plain, pa.array([], pa.string()), "text", 0, 0)
    chunk = rows[name].slice(0, SAMPLE).combine_chunks()
    chunk = chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk
    kind = chunk.type
    native = "text"
    if pa.types.is_boolean(kind):
        native = "flag"
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        native = "number"
    elif pa.types.is_timestamp(kind):
        native = "instant"
    values = read.texts(pc.utf8_trim_whitespace(read.texts(chunk))).drop_null()
    return _Column(name, plain, values, native, len(values), len(chunk))


def _first(columns: Sequence[_Column], words: Sequence[str]) -> _Column | None:
    """The free, filled column that the earliest of the words names."""
    for word in words:
        for column in columns:
            if column.plain == word and not column.taken and column.filled:
                return column
    return None


def _person(columns: Sequence[_Column], strong_keys: Collection[str]) -> tuple[Json, CommentedMap]:
    """Which columns name the person; declared keys are attributes too, since messages need them."""
    person: Json = {}
    attributes = CommentedMap()
    for kind, known in (("user_id", USER), ("device_id", DEVICE)):
        found = _first(columns, known)
        if found is not None:
            found.taken = True
            person[kind] = found.name
    for key in strong_keys:
        words = (key.lower().replace("_", ""), *KEYS.get(key, ()), *_MORE_KEYS.get(key, "").split())
        found = _first(columns, words)
        if found is not None:
            found.taken = True
            person[key] = found.name
            attributes[key] = found.name
    return person, attributes


def _named(columns: Sequence[_Column]) -> list[tuple[_Column, tuple[str, str]]]:
    """What well-known headings mean: (property or attribute, its usual name)."""
    found: list[tuple[_Column, tuple[str, str]]] = []
    held: set[str] = set()
    for role, known in (("property", _PROPERTIES), ("attribute", _ATTRIBUTES)):
        for name, words in known.items():
            column = _first([item for item in columns if item.name not in held], words.split())
            if column is not None:
                held.add(column.name)
                found.append((column, (role, name)))
    return found


def _time(
    columns: Sequence[_Column], named: dict[str, tuple[str, str]], made: Draft
) -> tuple[_Column, str] | None:
    """(the column of the event's time, its format), when the file tells of events."""
    for word in _TIMES.split():
        for column in columns:
            if column.plain == word and not column.taken and (form := _format(column, made, enough=MOST)):
                column.taken = True
                return column, form
    if not any(role == "property" and name in ("amount", "order", "price") for role, name in named.values()):
        return None
    for column in columns:
        if column.name not in named and not column.taken and (form := _format(column, made)):
            column.taken = True
            return column, form
    return None


def _format(column: _Column, made: Draft, *, enough: float = ENOUGH) -> str:
    """The format of time in which so large a share of the column is read; '' when it holds no times."""
    if column.native == "instant":
        return "iso"
    if not column.filled:
        return ""
    if column.native == "number" or all(re.fullmatch(r"[0-9]{10}|[0-9]{13}", text) for text in column.texts):
        lengths = {len(text) for text in column.texts}
        return {frozenset({10}): "unix", frozenset({13}): "unix_ms"}.get(frozenset(lengths), "")
    shares: dict[str, float] = {}
    for form in FORMATS:
        good = read.instant(column.values, format=form, zone="UTC").values
        shares[form] = (len(good) - good.null_count) / len(good)
        if shares[form] == 1.0 and not any(form.startswith(twin) for pair in _TWINS for twin in pair):
            return form
    best = max(FORMATS, key=lambda form: shares[form])
    if shares[best] < enough:
        return ""
    for first, second in _TWINS:
        other = second + best.removeprefix(first)
        if best.startswith(first) and shares[other] == shares[best]:
            made.problems.append({"code": "ambiguous_date", "column": column.name, "choices": [best, other]})
    return best


def _event(column: _Column | None, columns: Sequence[_Column], named: dict[str, tuple[str, str]]) -> Any:
    """Which event a row is: as a column says, an order by its state, or one name for all."""
    if column is not None:
        return flow({"column": column.name})
    sold = any(role == "property" and name in ("amount", "order", "price") for role, name in named.values())
    if not sold:
        return "Imported"
    status = next((item for item in columns if named.get(item.name) == ("property", "status")), None)
    said = set(status.texts) if status is not None else set()
    cases = []
    for event, words in ((REFUNDED, _REFUND), (CANCELLED, _CANCEL)):
        met = sorted(value for value in said if any(word in value.lower() for word in words))
        if met and status is not None:
            cases.append({"when": flow({"column": status.name, "in": met}), "name": event})
    return [*cases, {"name": PAID}] if cases else PAID


def _kind(column: _Column, name: str, made: Draft) -> tuple[str, Any]:
    """(type, how the mapping says it) of a property or an attribute."""
    texts = column.texts
    money = name in _MONEY or any(symbol in text for text in texts[:200] for symbol in _SYMBOLS)
    if column.native == "number" and not money:
        return "number", column.name
    if column.native in ("flag", "instant"):
        return column.native, column.name
    amounts = sum(_AMOUNT.match(text) is not None for text in texts)
    code = _CODE.search(column.name) is not None and name not in _MONEY and name != "quantity"
    leading = any(re.match(r"0[0-9]", text) for text in texts)
    if amounts >= ENOUGH * len(texts) and not code and not leading and (money or name != "phone"):
        used = "".join(char for char in f"{_SYMBOLS}, " if any(char in text for text in texts))
        node: dict[str, Any] = {"column": column.name, "type": "money" if money else "number"}
        if used:
            node["without"] = used
        return str(node["type"]), flow(node)
    if money and sum(_COMMA.match(text) is not None for text in texts) >= ENOUGH * len(texts):
        made.problems.append({"code": "decimal_comma", "column": column.name, "choices": []})
    if {text.lower() for text in texts} <= _FLAGS:
        return "flag", flow({"column": column.name, "type": "flag"})
    if (
        not code
        and (form := _format(column, made))
        and any(re.search(r"[-/.年]", text) for text in texts[:20])
    ):
        node = {"column": column.name, "type": "instant"}
        return "instant", flow(node if form == "iso" else {**node, "format": form})
    return "text", column.name


def _product(price: Any, quantity: Any) -> CommentedMap:
    """The amount of an order line: price times quantity."""
    sides = [item["column"] if isinstance(item, dict) else item for item in (price, quantity)]
    dropped = "".join(
        dict.fromkeys(
            char for item in (price, quantity) if isinstance(item, dict) for char in item.get("without", "")
        )
    )
    return flow({"multiply": sides, "type": "money", **({"without": dropped} if dropped else {})})
