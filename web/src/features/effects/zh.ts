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
};

export default zh;
