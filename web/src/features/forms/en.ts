const en = {
  title: "Forms",
  note: "Pages that ask people something. Answers become attributes, tags and consents; what is known is not asked again.",
  new: "New form",
  newName: "Name",
  newHint: "Small letters, digits and _, for example tasting",
  create: "Create",
  none: "No form yet",
  noneNote: "A form is a file in forms/. It is hosted here and works on every phone, without scripts.",
  columns: { name: "Form", fields: "Questions", answers: "Answers", last: "Last answer" },
  wrong: "The file is wrong",
  save: "Save",
  saved: "Saved",
  unsaved: "Not saved",
  readOnly: "Definitions are changed in git here.",
  preview: "Preview",
  previewNote: "As somebody new sees it. It sends nothing.",
  language: "Language of the preview",
  languages: { en: "English", zh: "Chinese" },
  fine: "The form can be used",
  link: "Address",
  linkNote: "Whoever comes from a message that holds this is known:",
  qr: "Code to scan",
  answers: "Answers",
  total: "In all",
  recognized: "Known before, in this time",
  people: "See the people behind",
  byDay: "Answers by day",
  away: "Turned away since the server began",
  awayNone: "nobody",
  reasons: { forged: "no page of ours", too_soon: "too quick", too_old: "too old", trapped: "filled the hidden field", too_many: "too many from one address", unanswered: "did not answer the question" },
  fields: "What the answers become",
  field: "Question",
  kind: "Kind",
  to: "Becomes",
  event: "the event alone",
  consents: "a consent",
  once: "Asked",
  onceYes: "until it is known",
  onceNo: "every time",
  day: "Day",
};

export default en;

declare module "../../lib/i18n" {
  interface Texts {
    forms: typeof en;
  }
}
