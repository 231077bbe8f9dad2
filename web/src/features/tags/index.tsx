import { feature } from "../../app/feature";

export default feature({
  section: "tags",
  pages: [
    { path: "/tags", title: { en: "Tags", zh: "标签" }, page: () => import("./List"), menu: true, words: "trait label 标签体系 覆盖率" },
    { path: "/tags/new", title: { en: "New tag", zh: "新建标签" }, page: () => import("./Edit"), role: "operator" },
    { path: "/tags/templates", title: { en: "Industry templates", zh: "行业模板" }, page: () => import("./Industries"), menu: true, words: "retail auto finance starter ready 零售 汽车金融 模板" },
    { path: "/tags/templates/:name", title: { en: "Industry template", zh: "行业模板" }, page: () => import("./Industry") },
    { path: "/tags/coverage", title: { en: "Counts and coverage", zh: "数量与覆盖" }, page: () => import("./Coverage"), menu: true, words: "coverage trend report csv 覆盖率 趋势 统计" },
    { path: "/tags/health", title: { en: "Health", zh: "标签体检" }, page: () => import("./Health"), menu: true, words: "lint check duplicates 体检 重复" },
    { path: "/tags/groups", title: { en: "Exclusive groups", zh: "互斥组" }, page: () => import("./Groups"), menu: true, words: "exclusive conflict 冲突 互斥" },
    { path: "/tags/conflicts", title: { en: "Conflicts", zh: "冲突" }, page: () => import("./Conflicts"), words: "given corrected differ 不一致 更正" },
    { path: "/tags/lineage", title: { en: "Lineage", zh: "血缘" }, page: () => import("./Lineage"), menu: true, words: "graph dependency used by 依赖 图谱" },
    { path: "/tags/batches", title: { en: "Given by hand", zh: "手动打标签" }, page: () => import("./Batches"), menu: true, role: "operator", words: "manual bulk batch import undo 批量 撤销 导入" },
    { path: "/tags/import", title: { en: "Import values", zh: "导入取值" }, page: () => import("./Import"), role: "operator", words: "csv file upload 文件 上传" },
    { path: "/tags/:key", title: { en: "Tag", zh: "标签" }, page: () => import("./One") },
    { path: "/tags/:key/history", title: { en: "A tag's edits", zh: "标签修改记录" }, page: () => import("./History"), role: "operator" },
    { path: "/tags/:key/versions", title: { en: "A tag's versions", zh: "标签版本" }, page: () => import("./Versions") },
    { path: "/tags/:key/edit", title: { en: "Edit a tag", zh: "编辑标签" }, page: () => import("./Edit"), role: "operator" },
  ],
});
