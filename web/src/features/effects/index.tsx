import { feature } from "../../app/feature";

export default feature({
  section: "effects",
  pages: [{ path: "/effects", menu: true, title: { en: "Effects", zh: "效果" }, page: () => import("./Effects"), words: "incremental holdout 增量 对照" }],
});
