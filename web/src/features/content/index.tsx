import { feature } from "../../app/feature";

export default feature({
  section: "content",
  pages: [
    { path: "/content", menu: true, title: { en: "Templates", zh: "模板" }, page: () => import("./Templates"), words: "content texts 内容" },
    { path: "/content/templates", title: { en: "Templates", zh: "模板" }, page: () => import("./Templates") },
    { path: "/content/templates/:name", title: { en: "Template", zh: "模板" }, page: () => import("./Template") },
    { path: "/content/library", menu: true, title: { en: "Library", zh: "内容库" }, page: () => import("./Library"), words: "content items articles offers 文章 优惠 推荐" },
    { path: "/content/library/:name", title: { en: "Content", zh: "内容" }, page: () => import("./Item") },
    { path: "/content/channels", menu: true, title: { en: "Channels", zh: "渠道" }, page: () => import("./Channels"), words: "smtp e-mail wechat 邮件 微信" },
  ],
});
