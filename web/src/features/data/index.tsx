import { feature } from "../../app/feature";

export default feature({
  section: "data",
  pages: [
    { path: "/data", title: { en: "Data", zh: "数据" }, page: () => import("./Door") },
    { path: "/data/sources", menu: true, title: { en: "Sources", zh: "数据源" }, page: () => import("./Sources"), words: "write key sdk collect 写入密钥 采集 埋点" },
    { path: "/data/sources/:name", title: { en: "Source", zh: "数据源" }, page: () => import("./Source") },
    { path: "/data/events", menu: true, title: { en: "Live events", zh: "实时事件" }, page: () => import("./Events"), words: "stream names 事件流" },
    { path: "/data/imports", menu: true, role: "operator", title: { en: "Imports", zh: "导入" }, page: () => import("./Imports"), words: "csv excel upload file 文件 上传 表格" },
    { path: "/data/imports/new", role: "operator", title: { en: "New import", zh: "新建导入" }, page: () => import("./NewImport") },
    { path: "/data/imports/:id", role: "operator", title: { en: "Import", zh: "导入" }, page: () => import("./OneImport") },
    { path: "/data/quarantine", menu: true, role: "operator", title: { en: "Quarantine", zh: "隔离区" }, page: () => import("./Quarantine"), words: "rejected errors set aside 错误 异常" },
    { path: "/data/runs", menu: true, title: { en: "Runs & schedules", zh: "任务与调度" }, page: () => import("./Runs"), words: "jobs alerts cron 告警 定时" },
    { path: "/data/identity", menu: true, title: { en: "Identity", zh: "身份识别" }, page: () => import("./Identity"), words: "merge one id 打通 合并" },
  ],
});
