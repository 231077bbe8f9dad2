import type { Language } from "../../lib/preferences";

const HTML: Record<Language, string> = {
  en: `<!doctype html>
<html lang="en"><body style="margin:0;padding:24px;font-family:sans-serif;line-height:1.6;color:#222222">
<h2 style="margin:0 0 16px">Hello {{ person.name | default('there') }},</h2>
<p>say here what is new, and why it matters to the reader.</p>
<p><a href="{{ link('https://shop.example/') }}" style="display:inline-block;padding:10px 20px;border-radius:6px;background:#0f766e;color:#ffffff;text-decoration:none">Have a look</a></p>
<p style="margin-top:32px;font-size:12px;color:#76706a"><a href="{{ unsubscribe_url }}" style="color:#76706a">Unsubscribe</a></p>
</body></html>
`,
  zh: `<!doctype html>
<html lang="zh"><body style="margin:0;padding:24px;font-family:sans-serif;line-height:1.6;color:#222222">
<h2 style="margin:0 0 16px">{{ person.name | default('您') }}，您好</h2>
<p>在这里说明有什么新消息，以及它与读者有什么关系。</p>
<p><a href="{{ link('https://shop.example/') }}" style="display:inline-block;padding:10px 20px;border-radius:6px;background:#0f766e;color:#ffffff;text-decoration:none">去看看</a></p>
<p style="margin-top:32px;font-size:12px;color:#76706a"><a href="{{ unsubscribe_url }}" style="color:#76706a">退订</a></p>
</body></html>
`,
};

const MJML: Record<Language, string> = {
  en: mjmlOf("en", "Hello {{ person.name | default('there') }},", "say here what is new, and why it matters to the reader.", "Have a look", "Unsubscribe"),
  zh: mjmlOf("zh", "{{ person.name | default('您') }}，您好", "在这里说明有什么新消息，以及它与读者有什么关系。", "去看看", "退订"),
};

function mjmlOf(language: string, hello: string, body: string, look: string, leave: string): string {
  return `<mjml lang="${language}">
  <mj-head>
    <mj-attributes><mj-all font-family="sans-serif" /><mj-text font-size="15px" line-height="1.6" /></mj-attributes>
  </mj-head>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text font-size="20px">${hello}</mj-text>
        <mj-text>${body}</mj-text>
        <mj-button background-color="#0f766e" href="{{ link('https://shop.example/') }}">${look}</mj-button>
        <mj-text font-size="12px" color="#76706a"><a href="{{ unsubscribe_url }}">${leave}</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`;
}

const WECHAT = `template_id: the-platform-s-template-id
url: https://shop.example/
data:
  first: "{{ person.name | default('您') }}"
  remark: 点击查看
`;

const SMS = `signature: 示例商店
template_code: SMS_000000
text: 亲爱的\${name}，新品到店，欢迎光临。拒收请回复R
parameters:
  name: "{{ person.name | default('顾客') }}"
`;

const PUSH = `title: "{{ person.name | default('您') }}，有新消息"
body: 在这里说明有什么新消息。
url: https://shop.example/
`;

const MINIPROGRAM = `template_id: the-platform-s-template-id
page: pages/index/index
data:
  thing1: "{{ person.name | default('您') }}"
`;

const WECOM = "text: 春茶到了\nto: customer\nattachments: {看看新茶: https://shop.example/}\n";

const APPRISE = `title: "{{ person.name | default('您') }}，有新消息"
text: 在这里说明有什么新消息。
`;

const KEYED: Record<string, string> = { wechat: WECHAT, sms: SMS, push: PUSH, miniprogram: MINIPROGRAM, wecom: WECOM, apprise: APPRISE };

const TEXT: Record<Language, string> = {
  en: "Hello {{ person.name | default('there') }},\n\nsay here what is new.\n\nUnsubscribe: {{ unsubscribe_url }}\n",
  zh: "{{ person.name | default('您') }}，您好：\n\n在这里说明有什么新消息。\n\n退订：{{ unsubscribe_url }}\n",
};

/** A text to begin with: it can be sent as it is. */
export function sampleOf(kind: string, language: Language): string {
  const keyed = KEYED[kind];
  if (keyed) return keyed;
  if (kind === "mjml") return MJML[language];
  return kind === "text" ? TEXT[language] : HTML[language];
}
