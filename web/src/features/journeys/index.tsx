import { feature } from "../../app/feature";

export default feature({
  section: "marketing",
  pages: [
    { path: "/marketing/journeys", menu: true, title: { en: "Journeys", zh: "自动化流程" }, page: () => import("./List"), words: "automation flow canvas 自动化 画布 营销自动化" },
    { path: "/marketing/journeys/new", title: { en: "New journey", zh: "新建流程" }, page: () => import("./New"), role: "operator" },
    { path: "/marketing/journeys/:name", title: { en: "Journey", zh: "自动化流程" }, page: () => import("./One") },
    { path: "/marketing/journeys/:name/edit", title: { en: "Draw a journey", zh: "绘制流程" }, page: () => import("./Edit"), role: "operator" },
    { path: "/marketing/tasks", menu: true, title: { en: "Tasks", zh: "任务" }, page: () => import("./Tasks"), words: "staff to do call 待办 跟进" },
  ],
});
