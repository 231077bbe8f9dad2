import { feature } from "../../app/feature";

export default feature({
  section: "content",
  pages: [
    { path: "/content/codes", menu: true, title: { en: "Channel codes", zh: "渠道活码" }, page: () => import("./Codes"), words: "qr code wecom scene 二维码 活码 企业微信 公众号" },
    { path: "/content/staff", menu: true, title: { en: "Staff", zh: "导购" }, page: () => import("./Staff"), words: "wecom owner hand over tasks 企业微信 员工 继承 任务" },
    { path: "/content/tag-sync", menu: true, title: { en: "Tag sync", zh: "标签同步" }, page: () => import("./TagSync"), role: "operator", words: "wecom scrm conflict 企业微信 企业标签 冲突" },
  ],
});
