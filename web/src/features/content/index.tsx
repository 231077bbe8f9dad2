import { feature } from "../../app/feature";

export default feature({
  section: "content",
  pages: [
    { path: "/content", menu: true, title: { en: "Templates", zh: "模板" }, page: () => import("./Templates"), words: "content texts 内容" },
    { path: "/content/templates", title: { en: "Templates", zh: "模板" }, page: () => import("./Templates") },
    { path: "/content/templates/:name", title: { en: "Template", zh: "模板" }, page: () => import("./Template") },
    { path: "/content/channels", menu: true, title: { en: "Channels", zh: "渠道" }, page: () => import("./Channels"), words: "smtp e-mail wechat 邮件 微信" },
  ],
});
