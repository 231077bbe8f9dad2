import { feature } from "../../app/feature";

export default feature({
  section: "overview",
  pages: [
    {
      path: "/",
      title: { en: "Overview", zh: "概览" },
      page: () => import("./OverviewPage"),
      menu: true,
      words: "home dashboard 首页 看板",
    },
  ],
});
