import { feature } from "../../app/feature";

export default feature({
  section: "settings",
  pages: [
    { path: "/settings/account", menu: true, title: { en: "My account", zh: "我的账户" }, page: () => import("./Account"), words: "password session language theme 密码 会话 语言 主题" },
    { path: "/settings/users", menu: true, role: "admin", title: { en: "People & roles", zh: "成员与角色" }, page: () => import("./Users"), words: "users invite 用户 邀请" },
    { path: "/settings/keys", menu: true, role: "admin", title: { en: "API keys", zh: "API 密钥" }, page: () => import("./Keys"), words: "token 接口" },
    { path: "/settings/audit", menu: true, role: "admin", title: { en: "Audit", zh: "审计" }, page: () => import("./Audit"), words: "log 日志" },
    { path: "/settings/workspace", menu: true, role: "operator", title: { en: "Workspace", zh: "项目空间" }, page: () => import("./Workspace"), words: "configuration limner.toml 配置" },
    { path: "/settings/about", menu: true, title: { en: "About", zh: "关于" }, page: () => import("./About"), words: "version 版本" },
  ],
});
