import type en from "./en";

const zh: typeof en = {
  title: "效果",
  description: "每次发送真正改变了什么：抽中发送的人与对照组相比。区间在 95% 的情况下包含真实值。",
  name: "效果",
  campaign: "活动",
  when: "发送时间",
  people: "多出或减少的人",
  peopleLine: "区间",
  money: "多出或减少的金额",
  state: "可以得出的结论",
  arms: "发送组 {{treated}} 人，对照组 {{held}} 人",
  between: "{{low}} 至 {{high}}",
  interval: "{{value}}，{{low}} 至 {{high}}",
  states: {
    more: "因此变多了",
    fewer: "因此变少了",
    no_difference: "与偶然波动无法区分",
    not_enough: "数据还不够",
    no_goal: "没有目标，不衡量",
  },
  moreDays_one: "大约还需 {{count}} 天",
  moreDays_other: "大约还需 {{count}} 天",
  noDays: "在统计结束之前恐怕不够",
  nobody: "没有对照组",
  none: "还没有发送过",
  noneNote: "带有目标和对照组的活动发送之后，这里会显示它改变了什么。",
  make: "前往营销活动",
  overall: {
    title: "全部营销的总效果",
    note: "所有人与全局对照组（完全不接收营销消息的人）相比，无论是否收到过消息。",
    event: "以什么为准",
    money: "带来的金额（可不选）",
    noHoldout: "还没有全局对照组，因此无法比较。请在 policy.yml 中设置，例如 holdout: {share: 0.02, since: 2026-06-01}",
    arms: "{{treated}} 人中有 {{bought}} 人转化，对照组 {{held}} 人中有 {{heldBought}} 人",
    since: "自",
  },
};

export default zh;
