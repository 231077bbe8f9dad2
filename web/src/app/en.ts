const en = {
  skip: "Skip to the content",
  navigation: "Navigation",
  fold: "Fold",
  unfold: "Unfold",
  toLight: "Light appearance",
  toDark: "Dark appearance",
  zone: "Times are those of {{zone}}",
  sections: {
    overview: "Overview",
    people: "People",
    tags: "Tags",
    audiences: "Audiences",
    marketing: "Marketing",
    content: "Content & channels",
    effects: "Effects",
    analysis: "Analysis",
    data: "Data",
    settings: "Settings",
  },
  missing: {
    title: "Nothing here",
    here: "There is no page at this address",
    note: "It may have moved. The search at the top finds pages, people, tags and audiences.",
    home: "Go to the first page",
  },
  broken: "This page broke",
  jump: {
    open: "Search or jump to…",
    label: "Search people, tags, audiences and pages",
    pages: "Pages",
    person: "People",
    tag: "Tags",
    audience: "Audiences",
    campaign: "Campaigns",
    scene: "Scenes",
    journey: "Journeys",
    template: "Templates",
    source: "Sources",
    other: "More",
    nothing: "Nothing is called “{{q}}”",
    nothingNote: "People are found by user id, name, e-mail or phone number, as far as your role sees them.",
    start: "Type a name, an id or a page.",
    searching: "Searching…",
    keys: "↑ ↓ choose · Enter opens · Esc closes · / searches a page",
  },
  jobs: {
    title: "What runs",
    none: "Nothing runs at present",
    noneNote: "Imports, tag runs and sends show here while they work, whichever page you are on.",
    open_one: "{{count}} job runs",
    open_other: "{{count}} jobs run",
    quiet: "No job runs",
    ended: "Ended lately",
    done: "{{what}}: done",
    failed: "{{what}}: failed",
  },
  account: {
    open: "Account of {{name}}",
    language: "Language",
    theme: "Appearance",
    system: "System",
    light: "Light",
    dark: "Dark",
    own: "My account",
    about: "About Limner",
    signOut: "Sign out",
    roles: { viewer: "Viewer", operator: "Operator", admin: "Administrator" },
    signOutFailed: "You are still signed in",
  },
};

export default en;

declare module "../lib/i18n" {
  interface Texts {
    app: typeof en;
  }
}
