import { feature } from "../../app/feature";

export default feature({
  section: "audiences",
  pages: [
    { path: "/audiences", menu: true, title: { en: "Audiences", zh: "人群" }, page: () => import("./List"), words: "segment crowd 人群包 圈选" },
    { path: "/audiences/new", title: { en: "New audience", zh: "新建人群" }, page: () => import("./Edit"), role: "operator", words: "builder 圈选" },
    { path: "/audiences/compare", menu: true, title: { en: "Compare", zh: "人群对比" }, page: () => import("./Compare"), words: "overlap venn 重合 重叠" },
    { path: "/audiences/exports", menu: true, title: { en: "Exports", zh: "导出记录" }, page: () => import("./Exports"), role: "operator", words: "csv parquet download 下载" },
    { path: "/audiences/:name", title: { en: "Audience", zh: "人群" }, page: () => import("./One") },
    { path: "/audiences/:name/edit", title: { en: "Edit audience", zh: "编辑人群" }, page: () => import("./Edit"), role: "operator" },
  ],
});
