"""`when: best hour` and `channel: best of [...]` in the files of campaigns and journeys: read, written, refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from limner.campaigns import journey_text
from limner.campaigns.journey import Send
from limner.campaigns.model import by_channel, files_of
from limner.campaigns.text import fields_of, read, written
from limner.errors import DefinitionError

BEST = """\
# kept
audience: all
channel: best of [email, sms]
subject: Hi
templates: {email: a.html, sms: a.yml}
when: best hour
within: 36 hours
response_value: 2.5
variants:
  - {name: vip, when: city = 'x', templates: {sms: b.yml}}
"""


def test_a_file_of_several_channels_is_read_and_written() -> None:
    item = read(BEST, "spring")
    assert (item.channels, item.channel, item.template) == (("email", "sms"), "email", "")
    assert (item.best_hour, item.response_value) == (timedelta(hours=36), 25_000)
    sms = by_channel(item, "sms")
    assert (sms.channel, sms.template, sms.subject, sms.channels) == ("sms", "a.yml", "", ())
    assert [one.template for one in sms.variants] == ["b.yml"]
    assert [one.template for one in by_channel(item, "email").variants] == ["a.html"]
    assert files_of(item.template, item.templates, item.variants) == {"a.html", "a.yml", "b.yml"}
    assert read(written("", fields_of(item), name="spring"), "spring") == item
    one = written(
        BEST,
        {"channel": "sms", "templates": {}, "template": "a.yml", "variants": [], "when": "", "within": ""},
        name="spring",
    )
    assert one.startswith("# kept")
    assert read(one, "spring").channels == ()
    assert read(one, "spring").best_hour is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("best of [email, sms]", "best of [email]", "two or more"),
        ("best of [email, sms]", "best of [email, email]", "two or more"),
        ("best of [email, sms]", "best of [email, pigeon]", "not 'pigeon'"),
        ("best of [email, sms]", "email", "'template' is missing"),
        (", sms: a.yml}", "}", "no template for sms"),
        ("templates: {email: a.html, sms: a.yml}\n", "template: a.html\n", "several channels have 'templates'"),
        ("subject: Hi\n", "", "needs a subject"),
        ("best hour", "teatime", "one of at once, best hour"),
        ("when: best hour\n", "", "'within' is how long"),
        ("36 hours", "30 days", "1 hour to 7 days"),
        ("36 hours", "1 minute", "1 hour to 7 days"),
        ("2.5", "-1", "amount of money"),
        ("2.5", "much", "amount of money"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(before: str, after: str, said: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read(BEST.replace(before, after, 1), "spring")
    assert said in error.value.message
    assert str(error.value.where).startswith("campaigns/spring.yml:")


def test_a_journeys_message_may_say_both() -> None:
    journey = journey_text.read(
        'start: {event: A}\nsteps: {hi: {message: {channel: "best of [sms, push]", templates:'
        " {sms: a.yml, push: b.yml},"
        " when: best hour, response_value: 1}}}",
        "hello",
    )
    step = journey.steps["hi"]
    assert isinstance(step, Send)
    assert (step.channels, step.best_hour, step.response_value) == (
        ("sms", "push"),
        timedelta(hours=24),
        10_000,
    )
    with pytest.raises(DefinitionError) as error:
        journey_text.read(
            "start: {event: A}\nsteps: {hi: {message: {template: a.html, subject: x, within: 3 hours}}}",
            "hello",
        )
    assert str(error.value.where).startswith("journeys/hello.yml:2:")
