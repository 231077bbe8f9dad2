import { feature } from "../../app/feature";

export default feature({
  section: "marketing",
  pages: [
    { path: "/marketing/scenes", menu: true, title: { en: "Scenes", zh: "场景" }, page: () => import("./List"), words: "theme goal 主题 目标 营销场景" },
    { path: "/marketing/scenes/new", title: { en: "New scene", zh: "新建场景" }, page: () => import("./Edit"), role: "operator" },
    { path: "/marketing/scenes/:name", title: { en: "Scene", zh: "场景" }, page: () => import("./One") },
    { path: "/marketing/scenes/:name/edit", title: { en: "Edit a scene", zh: "编辑场景" }, page: () => import("./Edit"), role: "operator" },
    { path: "/marketing/calendar", menu: true, title: { en: "Calendar", zh: "营销日历" }, page: () => import("./Calendar"), words: "schedule sends holidays 日历 排期 计划 节假日" },
  ],
});
