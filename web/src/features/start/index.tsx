import { feature } from "../../app/feature";

export default feature({
  section: "overview",
  pages: [
    {
      path: "/start",
      menu: true,
      title: { en: "Getting started", zh: "开始使用" },
      page: () => import("./Start"),
      words: "onboarding first demo tutorial 入门 引导 演示",
    },
  ],
});
