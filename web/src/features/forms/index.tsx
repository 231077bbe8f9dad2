import { feature } from "../../app/feature";

export default feature({
  section: "content",
  pages: [
    { path: "/content/forms", menu: true, title: { en: "Forms", zh: "表单" }, page: () => import("./List"), words: "survey questions sign-up 问卷 留资 智能表单" },
    { path: "/content/forms/:name", title: { en: "Form", zh: "表单" }, page: () => import("./One") },
  ],
});
