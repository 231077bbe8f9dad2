import { feature } from "../../app/feature";

export default feature({
  section: "marketing",
  pages: [
    { path: "/marketing/referrals", menu: true, title: { en: "Referral", zh: "好友裂变" }, page: () => import("./List"), words: "invite friends k-factor viral 邀请 裂变 老带新" },
    { path: "/marketing/referrals/:name", title: { en: "Referral", zh: "好友裂变" }, page: () => import("./One") },
  ],
});
