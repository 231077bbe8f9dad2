import { feature } from "../../app/feature";

export default feature({
  section: "marketing",
  pages: [
    { path: "/marketing/inbox", menu: true, title: { en: "Inbox", zh: "收件箱" }, page: () => import("./Inbox"), words: "replies sms wechat answers handle 回复 上行 消息 客服" },
    { path: "/marketing/suppressions", menu: true, title: { en: "Not sent", zh: "排除与停发" }, page: () => import("./Suppressions"), words: "suppression unsubscribe bounce hold consent blacklist 退订 黑名单 停发 拦截 频控" },
  ],
});
