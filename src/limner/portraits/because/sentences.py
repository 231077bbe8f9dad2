"""Sentences: what was worked out, in English and Chinese.

Each has a code and numbers, so that others can say it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from limner.expressions.tree import UNIT_SECONDS
from limner.types import Json, utc

LANGUAGES = ("en", "zh")

SENTENCES: Mapping[str, tuple[str, str]] = {
    # what is missing
    "events": (
        "{n} more {what}: {have} of {need}{until}",
        "还差 {n} 次{what}（已有 {have}，需要 {need}）{until}",
    ),
    "last": (
        "the latest {what} must be another: 1 more as asked{until}",
        "最近一次{what}不符合，需要再有 1 次符合的{until}",
    ),
    "value": (
        "{n} more {what} with {property} = {value}{until}",
        "还差 {n} 次{property} = {value} 的{what}{until}",
    ),
    "value_any": (
        "{n} more {what} with a known {property}{until}",
        "还差 {n} 次带有 {property} 的{what}{until}",
    ),
    "amount": (
        "{property} of {what}: {have} of {need}, {more} more{until}",
        "{what}的{property}：已有 {have}，需要 {need}，还差 {more}{until}",
    ),
    "matching": (
        "{n} more {what} with {condition}{until}",
        "还差 {n} 次{what}，且 {condition}{until}",
    ),
    "points": (
        "{have} points, {need} asked: {signed} by {texts}",
        "已有 {have} 分，需要 {need} 分：{signed} 分，{texts}",
    ),
    "points_fewer": (
        "{have} points, fewer than {need} asked: {signed} by {texts}",
        "已有 {have} 分，须少于 {need} 分：{signed} 分，{texts}",
    ),
    "points_more": ("{have} points: {signed} by {texts}", "已有 {have} 分：{signed} 分，{texts}"),
    "chance": (
        "a chance of {have}, {need} asked: {texts}{until}",
        "概率为 {have}，要求 {need}：{texts}{until}",
    ),
    "chance_less": (
        "a chance of {have}, less than {need} asked: {texts}{until}",
        "概率为 {have}，要求低于 {need}：{texts}{until}",
    ),
    "no_single": (
        "a chance of {have}, {need} asked: no single thing that they could do changes it",
        "概率为 {have}，要求 {need}：本人做任何单独一件事都不会改变结果",
    ),
    "no_single_less": (
        "a chance of {have}, less than {need} asked: no single thing that they could do changes it",
        "概率为 {have}，要求低于 {need}：本人做任何单独一件事都不会改变结果",
    ),
    "no_chance": (
        "there is no chance without {names}: no single thing that they could do changes it",
        "缺少 {names}，因此没有概率：本人做任何单独一件事都不会改变结果",
    ),
    # the cut points on both sides of a value
    "above": (
        "{more} more {of} would be {tier}, which begins at {cut}{moving}",
        "{of}再多 {more} 即为“{tier}”（自 {cut} 起）{moving}",
    ),
    "below": (
        "{more} less {of} is still {now}, which begins at {cut}; any less is {tier}{moving}",
        "{of}再少 {more} 仍为“{now}”（自 {cut} 起），更少即为“{tier}”{moving}",
    ),
    "below_at": (
        "any less {of} would be {tier}: {now} begins at {cut}{moving}",
        "{of}再少即为“{tier}”：“{now}”自 {cut} 起{moving}",
    ),
    "mark_above": (
        "{more} more reaches {cut}, from which on {of} is another{moving}",
        "再高 {more} 即达到 {cut}，“{of}”从此不同{moving}",
    ),
    "mark_below": (
        "{more} above {cut}, beneath which {of} is another{moving}",
        "比 {cut} 高 {more}，低于它时“{of}”不同{moving}",
    ),
    "never_points": (
        "cannot become so: the conditions bring at most {reach} points",
        "不可能满足：各条件最多带来 {reach} 分",
    ),
    "more": ("{n} more {what}{until}", "再有 {n} 次{what}{until}"),
    "in_a_row": (
        "{n} more {what}, one each {unit}{until}",
        "再有 {n} 次{what}，每{unit_zh}一次{until}",
    ),
    "at_hour": (
        "{n} more {what} at {usual}:00{until}",
        "再有 {n} 次{what}，在 {usual} 点{until}",
    ),
    "on_weekday": (
        "{n} more {what} on weekday {usual} of 7, from Monday on{until}",
        "再有 {n} 次{what}，在每周第 {usual} 天（周一为第 1 天）{until}",
    ),
    "weight": (
        "{label} weighs {have}, {need} asked: {n} more {what}{until}",
        "“{label}”的权重为 {have}，要求 {need}：再有 {n} 次{what}{until}",
    ),
    "weight_falls": (
        "{label} weighs {have}, {need} asked: falls so far by itself on {at}",
        "“{label}”的权重为 {have}，要求 {need}：到 {at} 会自行降到",
    ),
    "different": (
        "{n} more different {property} of {what}: {have} of {need}{until}",
        "{what}还差 {n} 个不同的 {property}（已有 {have}，需要 {need}）{until}",
    ),
    "periods": (
        "{what} {times} times in {n} more periods of {each} {unit}: {have} of {need}{until}",
        "{what}还差 {n} 个周期（每 {each} {unit_zh}至少 {times} 次；已有 {have}，需要 {need}）{until}",
    ),
    "step": (
        "no {what} yet after {after} of {since}: step {step} of {need}{until}",
        "在 {since} 的{after}之后还没有{what}：第 {step} 步，共 {need} 步{until}",
    ),
    "steps": (
        "the sequence has not begun: {need} steps, first {what}{until}",
        "序列尚未开始：共 {need} 步，首先是{what}{until}",
    ),
    "attribute": ("{attribute} is not as asked: {condition}", "{attribute} 不符合：{condition}"),
    "not_attribute": (
        "{attribute} must be another: not ({condition})",
        "{attribute} 须为其他值：not ({condition})",
    ),
    "known": ("{attribute} is missing", "缺少 {attribute}"),
    "too_many": (
        "{n} too many {what}: {have} where {need} may be; falls by itself on {at}",
        "{what}多了 {n} 次（有 {have}，最多 {need}）；到 {at} 会自行减少",
    ),
    "days": (
        "{have} days since the last {what}, {need} asked; by itself on {at}",
        "距上次{what} {have} 天，要求 {need} 天；到 {at} 自行满足",
    ),
    "alone": ("becomes so by itself on {at}", "到 {at} 会自行满足"),
    "over": (
        "cannot become so any more: the time for {what} ended on {end}",
        "已不可能满足：{what}的期限已于 {end} 结束",
    ),
    "done": (
        "cannot become so any more: what happened of {what} stays",
        "已不可能满足：已发生的{what}不会改变",
    ),
    "sure": ("is never so", "永远不成立"),
    "part_never": ("one part can never be so", "其中一部分永远不可能成立"),
    "no_way": ("no case gives this", "没有任何情形会给出这个值"),
    "parts": ("{texts}", "{texts}"),
    "either": ("nearest: {texts}", "最接近的：{texts}"),
    # what decides
    "decided": (
        "rests on {some_events} and {some_attributes}: without them it would be another",
        "取决于 {events} 个事件和 {attributes} 个属性：没有它们结果就会不同",
    ),
    "decided_events": (
        "rests on {some_events}: without them it would be another",
        "取决于 {events} 个事件：没有它们结果就会不同",
    ),
    "decided_attributes": ("rests on what was said: {names}", "取决于属性：{names}"),
    "decided_mixed": (
        "rests on {some_events}, {some_attributes} and the place on lists kept by hand: {lists}",
        "取决于 {events} 个事件、{attributes} 个属性和人工名单：{lists}",
    ),
    "absent": ("rests on what did not happen or was not said", "取决于没有发生或没有告知的事"),
    "outside": ("rests on a list kept by hand or on a drawn sample", "取决于人工名单或抽样结果"),
    # what somebody gave
    "given": ("{who} gave it by hand on {at}", "{who} 于 {at} 手动赋值"),
    "imported": ("{who} imported it on {at}", "{who} 于 {at} 导入"),
    "not_given": ("nobody gave a value, or it was taken back or has ended", "尚无人赋值，或已收回、到期"),
    # when it ends
    "ends": ("if nothing new happens, this changes on {at}", "若无新事件，从 {at} 起会改变"),
    "stays": ("if nothing new happens, this stays so", "若无新事件，会一直如此"),
    # drawn samples and lists kept by hand
    "sample": (
        "cannot become so: {drawn} was drawn, once and for ever, and {rate} decides",
        "不可能满足：抽样结果固定为 {drawn}，界限为 {rate}",
    ),
    "drawn": (
        "rests on a drawn sample: {drawn} was drawn, once and for ever, and {rate} decides",
        "取决于抽样：抽样结果固定为 {drawn}，界限为 {rate}",
    ),
    "list": (
        "is not on the list '{audience}', which is kept by hand",
        "不在人工名单“{audience}”中",
    ),
    "off_list": (
        "is on the list '{audience}', which is kept by hand",
        "在人工名单“{audience}”中",
    ),
    "decided_lists": (
        "rests on the place on lists kept by hand: {lists}",
        "取决于人工名单：{lists}",
    ),
    # why something is not said
    "pattern": (
        "not said: no text was found in which the pattern is found",
        "不作说明：没有找到能匹配该文本模式的内容",
    ),
    "moment": ("not said: it asks for the time of the event itself", "不作说明：条件涉及事件本身的时间"),
    "moving": ("not said: which events it means moves with the time", "不作说明：所指的事件随时间变化"),
    "weighs": (
        "not said: the weights were not computed from events here",
        "不作说明：权重不是由这里的事件算出的",
    ),
    "both_move": ("not said: both sides move with the time", "不作说明：比较的两边都随时间变化"),
    "not_sequence": (
        "not said: it asks that a sequence has not happened",
        "不作说明：条件要求某个序列没有发生",
    ),
    "past_window": ("not said: what happens now counts only later", "不作说明：现在发生的事要以后才计入"),
    "together": ("not said: what helps one part harms another", "不作说明：满足一部分会破坏另一部分"),
    "too_large": ("not said: the condition has too many parts", "不作说明：条件的组成部分太多"),
    "too_many_events": ("not said: it looks at too many events", "不作说明：涉及的事件太多"),
    "too_many_instants": ("not said: too many instants to look at", "不作说明：需要查看的时刻太多"),
    "disagrees": (
        "not said: it could not be worked out as the tag was",
        "不作说明：推算结果与标签的计算不一致",
    ),
    "unproved": ("not said: it could not be proved", "不作说明：无法得到证实"),
    "personal": (
        "not said: its values are personal, and so is what decided them",
        "不作说明：其值属于个人信息，依据也是",
    ),
    "of_tags": (
        "not said: it is worked out of tags, none of which decides alone",
        "不作说明：由多个标签共同算出，没有单独决定的一个",
    ),
    "unreadable": (
        "not said: the definition that computed it can no longer be read: {message}",
        "不作说明：当时的定义已无法读取：{message}",
    ),
    "nobody_cut": (
        "there are no cut points: nobody has a value of {of}",
        "没有分界点：没有人有 {of} 的值",
    ),
    "unsaid": (
        "not said: no small change was found that would make it so",
        "不作说明：没有找到能使其成立的小改变",
    ),
    "error": ("not said: {message}", "不作说明：{message}"),
}
"""Code → the sentence in English and in Chinese."""

_UNTIL = {
    ("en", True): ", before {}",
    ("zh", True): "，须在 {} 之前",
    ("en", False): ", which helps at least before {}",
    ("zh", False): "，至少在 {} 之前有效",
}
_MOVING = {"en": "; cut points move with every run", "zh": "；分界点随每次运行变动"}
_NOW = {"en": ", if it happens now", "zh": "，须现在发生"}
_UNITS_ZH = {
    "second": "秒",
    "minute": "分钟",
    "hour": "小时",
    "day": "天",
    "week": "周",
    "month": "月",
    "year": "年",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(at: datetime, language: str, zone: str) -> str:
    """The instant as people read it: the day, and the time of day unless it is midnight."""
    local = utc(at).astimezone(ZoneInfo(zone))
    clock = f" {local:%H:%M}" if (local.hour, local.minute) != (0, 0) else ""
    if language == "zh":
        return f"{local.year}年{local.month}月{local.day}日{clock}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}{clock}"


def happening(event: str | None, where: str, language: str) -> str:
    """An event as a word of the sentence."""
    if event is None:
        return "event" if language == "en" else "事件"
    if event == "*":
        named = "event of any kind" if language == "en" else "任意事件"
    else:
        named = f"“{event}”"
    return f"{named}{where and ' (' + where + ')'}"


def waiting(wait: timedelta, language: str) -> str:
    """That it counts only after so long."""
    n, unit = next(
        (wait // timedelta(seconds=length), unit)
        for unit, length in reversed(UNIT_SECONDS.items())
        if not wait % timedelta(seconds=length) and unit != "week"
    )
    if language == "zh":
        return f"，{n} {_UNITS_ZH[unit]}后算数"
    return f", and counts {n} {unit}{'' if n == 1 else 's'} later"


def say(
    code: str,
    numbers: Mapping[str, Any],
    *,
    zone: str,
    until: datetime | None = None,
    exact: bool = True,
    where: str = "",
) -> Json:
    """{code, numbers, en, zh}: the sentence of the code with its numbers; instants in them as ISO texts."""
    said: Json = {"code": code, "numbers": {name: _plain(value) for name, value in numbers.items()}}
    template = "value_any" if code == "value" and numbers.get("value") is None else code
    for n, language in enumerate(LANGUAGES):
        words = {
            name: day(value, language, zone) if isinstance(value, datetime) else _word(value, language)
            for name, value in numbers.items()
        }
        words["what"] = happening(numbers.get("event"), where, language)
        words["after"] = happening(numbers.get("after"), "", language)
        words["until"] = ""
        if until is not None:
            shown = day(until, language, zone)
            words["until"] = _UNTIL[language, exact].format(shown)
        for noun in ("event", "attribute"):
            counted = numbers.get(f"{noun}s")
            words[f"some_{noun}s"] = f"{counted} {noun}{'' if counted == 1 else 's'}"
        if numbers.get("now"):
            words["until"] = _NOW[language]
        if "wait" in numbers:
            words["until"] += waiting(numbers["wait"], language)
        if "unit" in numbers:
            words["unit"] = numbers["unit"] + ("" if numbers.get("each", 1) == 1 else "s")
            words["unit_zh"] = _UNITS_ZH[numbers["unit"]]
        if isinstance(numbers.get("more"), int | float):
            words["signed"] = f"{numbers['more']:+g}"
        words["moving"] = _MOVING[language] if numbers.get("moving") else ""
        words["texts"] = "; ".join(item[language] for item in numbers.get("texts", ()))
        said[language] = SENTENCES[template][n].format_map(words)
    return said


def _word(value: Any, language: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, Mapping):  # a title
        return str(value[language])
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
