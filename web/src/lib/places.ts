const PLACES: Record<string, (id: string) => string> = {
  person: (id) => `/people/${id}`,
  tag: (id) => `/tags/${id}`,
  audience: (id) => `/audiences/${id}`,
  campaign: (id) => `/marketing/campaigns/${id}`,
  scene: (id) => `/marketing/scenes/${id}`,
  journey: (id) => `/marketing/journeys/${id}`,
  form: (id) => `/content/forms/${id}`,
  referral: (id) => `/marketing/referrals/${id}`,
  template: (id) => `/content/templates/${id}`,
  content: (id) => `/content/library/${id}`,
  source: (id) => `/data/sources/${id}`,
};

/** The address of the page about one thing, or undefined where there is no such page. */
export function placeOf(kind: string, id: string): string | undefined {
  return PLACES[kind]?.(encodeURIComponent(id));
}

/** The list of the people for whom an expression holds: where every number leads. */
export function peopleWhere(expression: string): string {
  return expression ? `/people?${new URLSearchParams({ where: expression }).toString()}` : "/people";
}

/** The builder of a new audience that begins with these people. */
export function newAudience(expression: string): string {
  return `/audiences/new?${new URLSearchParams({ where: expression }).toString()}`;
}
