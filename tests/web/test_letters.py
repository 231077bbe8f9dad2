"""A mail of MJML in the browser: shown on two screens, what to mend, and sent to oneself."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.harness import Site, Visits, look

SOURCE = """\
<mjml lang="zh">
  <mj-body>
    <mj-section><mj-column>
      <mj-text>{{ person.name | default('您') }}，春茶上市了，欢迎来店里品尝今年的新茶。</mj-text>
      <mj-image src="https://shop.example/tea.png" />
      <mj-button href="{{ link('https://shop.example/sale') }}">去看看</mj-button>
      <mj-text><a href="{{ unsubscribe_url }}">退订</a></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""


def test_a_mail_of_mjml_is_shown_on_two_screens_and_sent_to_oneself(shop: Site, visit: Visits) -> None:
    shop.write("templates/letters.mjml", SOURCE)
    before = len(shop.mail.messages())
    page = visit("/content/templates/letters.mjml", role="operator")
    phone = page.get_by_role("group", name="Phone, 390 px")
    expect(phone).to_be_visible()
    expect(phone.frame_locator("iframe").get_by_text("春茶上市了")).to_be_visible()
    expect(page.get_by_text("1 picture has no text (alt).")).to_be_visible()
    page.get_by_role("checkbox", name="On a dark screen").check()
    look(page, "letters")
    page.get_by_role("textbox", name="Your e-mail address").fill("me@shop.example")
    page.get_by_role("button", name="Send it to me").click()
    expect(page.get_by_text("Sent to me@shop.example")).to_be_visible()
    (mail,) = shop.mail.messages()[before:]
    assert (mail.to, "[测试 Test]" in str(mail.parsed["Subject"])) == ("me@shop.example", True)
