import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { Icon, type IconName } from "../components/Icon";
import { Said } from "../components/Said";
import { type Answer, useAnswer } from "../lib/api";
import { placeOf } from "../lib/places";
import { type Language, usePreferences } from "../lib/preferences";
import { useSession } from "../lib/session";
import { useDebounced } from "../lib/useDebounced";
import css from "./palette.module.css";
import { menuOf, reachableBy } from "./pages";

interface Way {
  key: string;
  group: string;
  icon: IconName;
  title: string;
  note: string;
  to: string;
}

type Result = Answer<"/api/v1/search">["results"][number];

const KINDS = ["person", "tag", "audience", "campaign", "scene", "journey", "template", "source"] as const;
type Kind = (typeof KINDS)[number];
const ICONS: Record<Kind, IconName> = {
  person: "people",
  tag: "tags",
  audience: "audiences",
  campaign: "marketing",
  scene: "marketing",
  journey: "marketing",
  template: "content",
  source: "data",
};

/** The jump: pages, people, tags and audiences by a few letters. */
export function Palette({ open, close }: { open: boolean; close: () => void }) {
  const { t } = useTranslation("app");
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className={css["palette"]} aria-label={t("jump.label")} onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      {open && <Search close={close} />}
    </dialog>
  );
}

function Search({ close }: { close: () => void }) {
  const { t } = useTranslation("app");
  const id = useId();
  const navigate = useNavigate();
  const { language } = usePreferences();
  const list = useRef<HTMLDivElement>(null);
  const [q, setQ] = useState("");
  const [chosen, setChosen] = useState(0);
  const asked = useDebounced(q.trim(), 150);
  const found = useAnswer("/api/v1/search", { params: { query: { q: asked } } }, { enabled: asked !== "", placeholderData: (last) => last });
  const ways = [...usePages(q), ...(q.trim() ? (found.data?.results ?? []).flatMap((result) => wayOf(result, language, t)) : [])];
  const at = Math.min(chosen, Math.max(0, ways.length - 1));
  const searching = q.trim() !== "" && (asked !== q.trim() || found.isFetching);
  const go = (way: Way | undefined) => {
    if (!way) return;
    close();
    void navigate(way.to);
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && ways.length) {
      event.preventDefault();
      const next = (at + step + ways.length) % ways.length;
      setChosen(next);
      list.current?.querySelector(`[data-at="${next}"]`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(ways[at]);
    }
  };
  return (
    <div className={css["body"]}>
      <label className={css["field"]}>
        <Icon name="search" size={20} />
        <input
          autoFocus
          role="combobox"
          aria-expanded={ways.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={ways.length ? `${id}-${at}` : undefined}
          aria-label={t("jump.label")}
          placeholder={t("jump.open")}
          value={q}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setQ(event.target.value);
            setChosen(0);
          }}
          onKeyDown={press}
        />
      </label>
      <div ref={list} id={`${id}-list`} role="listbox" aria-label={t("jump.label")} className={css["list"]}>
        {ways.map((way, index) => (
          <div key={way.key}>
            {way.group !== ways[index - 1]?.group && (
              <div className={css["group"]} role="presentation">
                {way.group}
              </div>
            )}
            <div
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              data-at={index}
              className={css["way"]}
              onPointerMove={() => setChosen(index)}
              onClick={() => go(way)}
            >
              <Icon name={way.icon} />
              <span className={css["title"]}>{way.title}</span>
              <span className={css["note"]}>{way.note}</span>
            </div>
          </div>
        ))}
      </div>
      {!ways.length && (
        <div className={css["nothing"]} role="status">
          {searching ? (
            t("jump.searching")
          ) : q.trim() ? (
            <>
              <strong>{t("jump.nothing", { q: q.trim() })}</strong>
              <span>{found.error ? <Said of={found.error} /> : t("jump.nothingNote")}</span>
            </>
          ) : (
            t("jump.start")
          )}
        </div>
      )}
      <footer className={css["foot"]}>{t("jump.keys")}</footer>
    </div>
  );
}

function usePages(q: string): Way[] {
  const { t } = useTranslation("app");
  const { language } = usePreferences();
  const { user } = useSession();
  const wanted = q.trim().toLowerCase();
  return (wanted ? reachableBy(user.role) : menuOf(user.role))
    .filter((page) => !wanted || [page.title.en, page.title.zh, page.words ?? ""].some((words) => words.toLowerCase().includes(wanted)))
    .slice(0, wanted ? 6 : 20)
    .map((page) => ({
      key: page.path,
      group: t("jump.pages"),
      icon: page.section,
      title: page.title[language],
      note: t(`sections.${page.section}`) === page.title[language] ? "" : t(`sections.${page.section}`),
      to: page.path,
    }));
}

function wayOf(result: Result, language: Language, t: ReturnType<typeof useTranslation<"app">>["t"]): Way[] {
  const to = placeOf(result.kind, result.id);
  if (!to) return [];
  const kind = KINDS.find((known) => known === result.kind);
  return [
    {
      key: `${result.kind} ${result.id}`,
      group: kind ? t(`jump.${kind}`) : t("jump.other"),
      icon: kind ? ICONS[kind] : "search",
      title: result.titles[language] ?? result.title,
      note: result.note,
      to,
    },
  ];
}
