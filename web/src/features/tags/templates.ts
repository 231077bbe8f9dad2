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
