import { feature } from "../../app/feature";

export default feature({
  section: "content",
  pages: [
    { path: "/content", menu: true, title: { en: "Templates", zh: "模板" }, page: () => import("./Templates"), words: "content texts 内容" },
    { path: "/content/templates", title: { en: "Templates", zh: "模板" }, page: () => import("./Templates") },
    { path: "/content/templates/:name", title: { en: "Template", zh: "模板" }, page: () => import("./Template") },
    { path: "/content/library", menu: true, title: { en: "Library", zh: "内容库" }, page: () => import("./Library"), words: "content items articles offers 文章 优惠 推荐" },
    { path: "/content/library/:name", title: { en: "Content", zh: "内容" }, page: () => import("./Item") },
    { path: "/content/channels", menu: true, title: { en: "Channels", zh: "渠道" }, page: () => import("./Channels"), words: "smtp e-mail wechat apprise telegram slack dingtalk ntfy 邮件 微信 钉钉" },
    { path: "/content/channels/:kind", title: { en: "Set up a channel", zh: "渠道设置" }, page: () => import("./Channel"), words: "dkim spf dmarc check wizard 检查 向导" },
    { path: "/content/webhooks", menu: true, title: { en: "Webhooks", zh: "Webhook 推送" }, page: () => import("./Webhooks"), words: "posts deliveries replay failed 推送 回放 重试" },
  ],
});
