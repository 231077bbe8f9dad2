const en = {
  title: "Effects",
  description: "What each sending truly changed: those drawn to get it against those held out. Bounds hold the truth in 95 % of all cases.",
  name: "Effects",
  campaign: "Campaign",
  when: "Sent",
  people: "People more or fewer",
  peopleLine: "Interval",
  money: "Money more or less",
  state: "What can be said",
  arms: "{{treated}} written to, {{held}} held out",
  between: "{{low}} to {{high}}",
  interval: "{{value}}, between {{low}} and {{high}}",
  states: {
    more: "more because of it",
    fewer: "fewer because of it",
    no_difference: "cannot be told from chance",
    not_enough: "not enough data yet",
    no_goal: "no goal, nothing is measured",
  },
  moreDays_one: "about {{count}} more day",
  moreDays_other: "about {{count}} more days",
  noDays: "hardly enough before counting ends",
  nobody: "nobody was held out",
  none: "Nothing was sent yet",
  noneNote: "After a campaign with a goal and a holdout, what it changed stands here.",
  make: "To campaigns",
  overall: {
    title: "All marketing together",
    note: "Everybody against those who get no marketing at all, the global holdout, whoever got a message and whoever did not.",
    event: "What counts",
    money: "What is earned (if anything)",
    noHoldout: "There is no global holdout yet, so nothing can be compared. It stands in policy.yml: holdout: {share: 0.02, since: 2026-06-01}",
    arms: "{{bought}} of {{treated}} converted, {{heldBought}} of {{held}} held out",
    since: "since",
  },
};

export default en;

declare module "../../lib/i18n" {
  interface Texts {
    effects: typeof en;
  }
}
