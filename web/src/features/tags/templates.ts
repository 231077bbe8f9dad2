/** Starting texts of the editor: each one is right as it stands, so that it can be tried at once. */
export const TEMPLATES = {
  count: `title: {en: Orders in 30 days, zh: 近30天订单数}
nature: fact
method: statistic
type: number
statistic: count("Order Paid" in last 30 days)
validity: 2 days
category: buying/rhythm
`,
  sum: `title: {en: Spent in 90 days, zh: 近90天消费}
nature: fact
method: statistic
type: money
statistic: sum(amount of "Order Paid" in last 90 days)
validity: 2 days
category: buying/amount
`,
  rule: `title: {en: Returning buyer, zh: 回头客}
nature: model
method: rule
type: flag
cases:
  - when: did "Order Paid" at least 2 times in last 90 days
    then: true
validity: 2 days
category: buying/value
`,
  points: `title: {en: Warmth, zh: 热度}
nature: model
method: rule
type: text
points:
  - when: did "Product Viewed" in last 7 days
    points: 1
  - when: did "Order Paid" in last 90 days
    points: 3
cuts: {tiers: [cold, warm, hot], at: [1, 3]}
validity: 2 days
category: buying/value
`,
  interest: `title: {en: Interests, zh: 兴趣}
nature: fact
method: statistic
type: text
statistic: interest(category of "Product Viewed" * 1, "Order Paid" * 8 half life 14 days)
validity: 2 days
category: preference
`,
  manual: `title: {en: Care, zh: 关怀}
nature: model
method: manual
type: text
values: [call, visit]
validity: 90 days
category: service
`,
  imported: `title: {en: Points of the till, zh: 收银积分}
nature: fact
method: imported
type: number
source: till
validity: 40 days
category: buying
`,
  observed: `title: {en: City, zh: 城市}
nature: fact
method: observed
type: text
attribute: city
category: who/place
`,
  blank: "",
} as const;

export type Template = keyof typeof TEMPLATES;
