import { feature } from "../../app/feature";

export default feature({
  section: "marketing",
  pages: [
    { path: "/marketing", menu: true, title: { en: "Campaigns", zh: "营销活动" }, page: () => import("./List"), words: "send message marketing 触达 发送" },
    { path: "/marketing/campaigns", title: { en: "Campaigns", zh: "营销活动" }, page: () => import("./List") },
    { path: "/marketing/new", title: { en: "New campaign", zh: "新建营销活动" }, page: () => import("./New"), role: "operator" },
    { path: "/marketing/campaigns/:name", title: { en: "Campaign", zh: "营销活动" }, page: () => import("./One") },
    { path: "/marketing/campaigns/:name/edit", title: { en: "Plan a campaign", zh: "策划活动" }, page: () => import("./Edit"), role: "operator" },
  ],
});
