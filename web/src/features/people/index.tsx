import { feature } from "../../app/feature";

export default feature({
  section: "people",
  pages: [
    {
      path: "/people",
      title: { en: "People", zh: "用户" },
      page: () => import("./List"),
      menu: true,
      words: "customers contacts search 客户 会员 搜索",
    },
    { path: "/people/:id", title: { en: "Portrait", zh: "用户画像" }, page: () => import("./Portrait") },
  ],
});
