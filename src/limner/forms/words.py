"""What the hosted pages say by themselves, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# ruff: noqa: E501  (one line for each text)

LANGUAGES = ("en", "zh")

WORDS: Mapping[str, Mapping[str, str]] = {
    "send": {"en": "Send", "zh": "提交"},
    "thanks": {"en": "Thank you. We have your answer.", "zh": "谢谢，我们已收到您的回答。"},
    "required": {"en": "required", "zh": "必填"},
    "choose": {"en": "Please choose", "zh": "请选择"},
    "mend": {"en": "Please look at what is marked.", "zh": "请检查标出的内容。"},
    "missing": {"en": "This is needed.", "zh": "此项必填。"},
    "no_email": {"en": "This is no e-mail address.", "zh": "这不是有效的邮箱地址。"},
    "no_phone": {"en": "This is no phone number.", "zh": "这不是有效的手机号码。"},
    "no_number": {"en": "This is no number.", "zh": "这不是数字。"},
    "no_date": {"en": "This is no date.", "zh": "这不是有效的日期。"},
    "no_option": {"en": "Please choose one of these.", "zh": "请从选项中选择。"},
    "too_long": {"en": "This is too long.", "zh": "内容过长。"},
    "too_soon": {"en": "That was very quick. Please look it over and send it again.", "zh": "提交过快，请核对后再次提交。"},
    "too_old": {"en": "The page was open for a long time. Please send it again.", "zh": "页面打开时间过长，请再次提交。"},
    "forged": {"en": "The page could not be read. Please send it again.", "zh": "页面已失效，请再次提交。"},
    "trapped": {"en": "The page could not be read. Please send it again.", "zh": "页面已失效，请再次提交。"},
    "too_many": {
        "en": "Too many answers came from your network in this hour. Please try again later.",
        "zh": "您所在的网络一小时内提交过多，请稍后再试。",
    },
    "unanswered": {
        "en": "Many answers came from your network. One small question shows that a person sends this one.",
        "zh": "您所在的网络提交较多，请回答一个小问题，以确认由真人提交。",
    },
    "sum": {"en": "How much is {a} and {b}?", "zh": "{a}加{b}等于几？"},
    "trap": {"en": "Leave this field empty", "zh": "请勿填写此项"},
    "known": {"en": "We know you, {name}, and ask only what we do not know yet.", "zh": "{name}，您好！我们只询问尚未知晓的内容。"},
    "known_nameless": {"en": "We know you already and ask only what we do not know yet.", "zh": "您好！我们只询问尚未知晓的内容。"},
    "not_me": {"en": "That is not me", "zh": "不是我"},
    "nothing_to_ask": {"en": "We know all that we would ask. One click is enough.", "zh": "所需信息均已知晓，点击提交即可。"},
    "other": {"en": "中文", "zh": "English"},
    "closed": {"en": "This form cannot be used at the moment.", "zh": "此表单暂时无法使用。"},
    # the preference centre
    "preferences": {"en": "Your preferences", "zh": "偏好设置"},
    "channels": {"en": "How may we write to you?", "zh": "您希望通过哪些方式收到营销消息？"},
    "channel_email": {"en": "By e-mail", "zh": "邮件"},
    "channel_sms": {"en": "By text message", "zh": "短信"},
    "channel_wechat": {"en": "In WeChat", "zh": "微信公众号"},
    "channel_push": {"en": "In the app", "zh": "App 推送"},
    "channel_wecom": {"en": "From our staff in WeCom", "zh": "企业微信"},
    "channel_apprise": {"en": "In a messenger", "zh": "其他消息应用"},
    "channel_miniprogram": {"en": "In the mini-program", "zh": "小程序"},
    "service_note": {"en": "What belongs to your orders still comes.", "zh": "与订单相关的服务消息仍会发送。"},
    "topics": {"en": "About what?", "zh": "您想了解哪些内容？"},
    "often": {"en": "How often at most?", "zh": "最多多久一次？"},
    "often_any": {"en": "As it comes", "zh": "不限"},
    "often_1": {"en": "At most once a day", "zh": "每天最多一次"},
    "often_7": {"en": "At most once a week", "zh": "每周最多一次"},
    "often_30": {"en": "At most once in 30 days", "zh": "每 30 天最多一次"},
    "pause": {"en": "Nothing for the next 30 days", "zh": "30 天内不再打扰"},
    "paused": {"en": "Paused until {until}", "zh": "已暂停至 {until}"},
    "language": {"en": "In which language?", "zh": "语言"},
    "language_en": {"en": "English", "zh": "英语"},
    "language_zh": {"en": "Chinese", "zh": "中文"},
    "language_any": {"en": "No wish", "zh": "不指定"},
    "chosen": {"en": "How do we choose what you get?", "zh": "我们如何为您选择内容？"},
    "unprofiled": {"en": "Choose nothing for me by my data", "zh": "不根据我的个人特征为我选择"},
    "unprofiled_note": {
        "en": "Advertising then comes as it comes to everybody: nothing that we worked out from what you did decides it.",
        "zh": "开启后，您收到的营销内容与所有人相同，不再依据我们从您的行为推算出的特征。",
    },
    "data": {"en": "What we believe about you", "zh": "我们对您的了解"},
    "data_note": {"en": "If something is wrong, please put it right.", "zh": "如有不符，欢迎更正。"},
    "no_data": {"en": "Nothing that is shown here.", "zh": "暂无可显示的内容。"},
    "unknown": {"en": "unknown", "zh": "未知"},
    "yes": {"en": "yes", "zh": "是"},
    "no": {"en": "no", "zh": "否"},
    "save": {"en": "Save", "zh": "保存"},
    "saved": {"en": "Saved. It holds from the next message on.", "zh": "已保存，从下一条消息起生效。"},
    "leave": {"en": "No more advertising at all", "zh": "全部退订"},
    "left": {"en": "Unsubscribed from everything. You will get no more advertising.", "zh": "已全部退订，您不会再收到营销消息。"},
    "bad_value": {"en": "This value is not possible.", "zh": "此值无效。"},
    "nobody": {
        "en": "We no longer know whose message this was. You can still unsubscribe.",
        "zh": "我们已无法识别此消息的收件人，您仍可退订。",
    },
}  # fmt: skip
"""Every text by its key and language."""

_NUMBERS = {
    "en": ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "zh": ("", "", "二", "三", "四", "五", "六", "七", "八", "九"),
}


def word(key: str, language: str, **given: str) -> str:
    """The text of a key in a language."""
    return WORDS[key][language].format(**given) if given else WORDS[key][language]


def number(n: int, language: str) -> str:
    """A number from 2 to 9 in words."""
    return _NUMBERS[language][n]


def language_of(asked: str, accepted: str, titles: Sequence[str] = ()) -> str:
    """The language of a page: what is asked for, else what the browser likes best, else the text's own."""
    if asked in LANGUAGES:
        return asked
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        base = tag.partition("-")[0].lower()
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if base in LANGUAGES and quality > 0:
            ranked.append((-quality, place, base))
    if ranked:
        return min(ranked)[2]
    return next((title for title in titles if title in LANGUAGES), LANGUAGES[0])
