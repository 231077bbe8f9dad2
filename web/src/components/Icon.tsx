const PATHS = {
  overview: "M3 3.5h6v7H3zM11 3.5h6v4h-6zM11 9.5h6v7h-6zM3 12.5h6v4H3z",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.5c0-3 2.3-4.8 5.5-4.8s5.5 1.8 5.5 4.8M13 4a2.8 2.8 0 0 1 0 5.2M14.6 12c2.2.5 3.4 2.1 3.4 4.5",
  tags: "M3 4.2v5.3l7.4 7.4a1.4 1.4 0 0 0 2 0l4.5-4.5a1.4 1.4 0 0 0 0-2L9.5 3H4.2A1.2 1.2 0 0 0 3 4.2zM6.6 6.6h.01",
  audiences: "M7.3 14.8a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6zM12.7 14.8a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6z",
  marketing: "M17 3L2.8 8.6l5.2 2.6M17 3l-4.7 14-4.3-5.8M17 3l-9 8.2v5.3l2.5-2.6",
  content: "M3 4.5h14v11H3zM3.4 5l6.6 5.6L16.6 5",
  effects: "M3 16.5h14M4.5 12.5l3.8-3.7 2.8 2.4 4.9-5.4M12.6 5.5h3.6v3.6",
  analysis: "M3.5 16.5V11M8 16.5v-9M12.5 16.5V9.2M17 16.5v-13",
  data: "M10 7.6c3.6 0 6-1 6-2.3S13.6 3 10 3 4 4 4 5.3s2.4 2.3 6 2.3zM4 5.3v9.4C4 16 6.4 17 10 17s6-1 6-2.3V5.3M4 10c0 1.3 2.4 2.3 6 2.3s6-1 6-2.3",
  settings: "M3 6h7M14.5 6H17M3 14h2.5M10 14h7M12.2 8.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM7.7 16.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4",
  jobs: "M10 17a7 7 0 1 0-7-7M10 6v4l2.6 1.8M3.3 13.5l.01.01M5.4 16l.01.01",
  language: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM3 10h14M10 3c2 2.2 2.9 4.5 2.9 7S12 14.8 10 17c-2-2.2-2.9-4.5-2.9-7S8 5.2 10 3z",
  theme: "M10 16.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM10 3.5v13M10 7l4.6-1M10 10.5h6.5M10 14l4.6-.2",
  account: "M10 10a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6zM3.8 17c.3-3 2.7-4.7 6.2-4.7s5.9 1.7 6.2 4.7",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  collapse: "M3.5 4h13v12h-13zM8 4v12M13.5 8l-2 2 2 2",
  expand: "M3.5 4h13v12h-13zM8 4v12M11.5 8l2 2-2 2",
  close: "M5 5l10 10M15 5L5 15",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  check: "M4 10.5l4 4 8-9",
  download: "M10 3v9M6.2 8.6L10 12.4l3.8-3.8M3.5 16.5h13",
  upload: "M10 12.5V3.5M6.2 7.2L10 3.4l3.8 3.8M3.5 16.5h13",
  copy: "M7 7h9.5v9.5H7zM13 7V3.5H3.5V13H7",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  back: "M12 4.5L6.5 10l5.5 5.5",
  next: "M8 4.5l5.5 5.5L8 15.5",
  down: "M4.5 7.5L10 13l5.5-5.5",
  up: "M4.5 12.5L10 7l5.5 5.5",
  external: "M8.5 4H4v12h12v-4.5M11.5 3.5h5v5M16.2 3.8L9.5 10.5",
  warning: "M10 3.5l7.5 13h-15zM10 8.5v3.7M10 14.3h.01",
  info: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.5v4M10 6.7h.01",
  edit: "M4 13.5L13.2 4.3l2.5 2.5L6.5 16H4zM11.3 6.2l2.5 2.5",
  trash: "M4 6h12M8 6V3.8h4V6M5.5 6l.7 10.5h7.6L14.5 6M8.5 9v4.5M11.5 9v4.5",
  play: "M6.5 4.2v11.6l9-5.8z",
  pause: "M7 4.5v11M13 4.5v11",
  stop: "M5.5 5.5h9v9h-9z",
  undo: "M7.5 4.5L4 8l3.5 3.5M4.3 8h7.2a4.2 4.2 0 0 1 0 8.4H8",
  refresh: "M16 5v3.6h-3.6M16 8.5A6.3 6.3 0 1 0 16.2 12",
  filter: "M3 4.5h14l-5.5 6.3v4.7l-3 1.5v-6.2z",
  calendar: "M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5",
  link: "M8.5 11.5l3-3M9.3 6.2l2-2a3.2 3.2 0 0 1 4.5 4.5l-2 2M10.7 13.8l-2 2a3.2 3.2 0 0 1-4.5-4.5l2-2",
  eye: "M2.5 10S5.3 5 10 5s7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  hidden: "M2.5 10S5.3 5 10 5s7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5zM4 16L16 4",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4.2l2.8 1.6",
  lock: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  key: "M7 12.8a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6zM10.5 9.5H17v3M14 9.5v2.5",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  send: "M17 3L8.8 11.2M17 3l-5 14-3.2-5.8L3 8z",
  grip: "M8 5h.01M12 5h.01M8 10h.01M12 10h.01M8 15h.01M12 15h.01",
} as const;

export type IconName = keyof typeof PATHS;

/** One of the product's line icons; a picture beside words, so it says nothing itself to a screen reader. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  const dots = name === "more" || name === "grip";
  return (
    <svg
      viewBox="0 0 20 20"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={dots ? 2.4 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      style={{ flex: "none", verticalAlign: "-0.22em" }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
