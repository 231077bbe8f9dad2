import { Select } from "antd";
import { Fragment, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Narrow, type Narrowing } from "../../components/Narrow";
import { Count } from "../../components/Numbers";
import { Empty, Failure, Loading } from "../../components/States";
import { TgiBars, type TgiRow } from "../../components/TgiBars";
import type { Problem } from "../../lib/api";
import { newAudience } from "../../lib/places";
import { useMay } from "../../lib/session";
import { useFormat } from "../../lib/useFormat";
import css from "./portrait.module.css";
import { type Crowd, type CrowdTag, type CrowdValue, useTitle, useValueWords } from "./words";

interface Asked {
  data: Crowd | undefined;
  error: Problem | null;
  refetch: () => unknown;
}

/**
 * What sets a crowd apart: the bars that tell most, and any one tag in full. An operator presses a bar to narrow the
 * crowd down by it: in the builder that is open (`add` takes the condition), else in a new audience.
 */
export function Portrait({ of, most = 12, base, whole, add }: { of: Asked; most?: number; base?: string; whole?: boolean; add?: (condition: string) => void }) {
  const { t } = useTranslation("audiences");
  const may = useMay("operator");
  const narrow = may ? (value: CrowdValue) => (add ? () => add(value.condition) : newAudience(value.expression)) : undefined;
  if (of.data) return <Drawn crowd={of.data} most={most} base={base} whole={whole ?? false} narrow={narrow} />;
  if (of.error?.code === "no_tags") {
    return (
      <Empty small icon="tags" title={t("noTags")} action={<Link to="/tags">{t("toTags")}</Link>}>
        {t("noTagsNote")}
      </Empty>
    );
  }
  if (of.error?.code === "empty_crowd") return <Empty small title={t("emptyCrowd")} />;
  if (of.error) return <Failure small error={of.error} retry={() => void of.refetch()} />;
  return <Loading rows={8} />;
}

type Narrower = ((value: CrowdValue) => Narrowing) | undefined;

function Drawn({ crowd, most, base, whole, narrow }: { crowd: Crowd; most: number; base: string | undefined; whole: boolean; narrow: Narrower }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const title = useTitle();
  const words = useValueWords();
  const rows = useMemo(
    (): TgiRow[] =>
      telling(crowd, most).map(({ tag, value }) => {
        const [about, said] = [title(tag.titles, tag.tag), words(tag, value)];
        return {
          key: `${tag.tag} ${value.condition}`,
          name: `${about}: ${said}`,
          label: (
            <span className={css["label"]}>
              <span className={css["tag"]}>{about}</span>
              <span className={css["word"]}>{said}</span>
            </span>
          ),
          tgi: value.tgi ?? 0,
          low: value.low,
          high: value.high,
          share: value.share,
          base: value.base_share,
          people: value.people,
          where: value.expression,
          narrow: narrow?.(value),
        };
      }),
    [crowd, most, title, words, narrow],
  );
  return (
    <>
      <p className={css["head"]}>
        {crowd.findings ? t("findings", { count: crowd.findings, exact: format.exact(crowd.findings) }) : t("noFindings")}
      </p>
      {rows.length > 0 && <TgiBars rows={rows} />}
      {rows.length > 0 && narrow && <p className={css["small"]}>{t("narrowNote")}</p>}
      {whole && crowd.tags.length > 0 && <OneTag tags={crowd.tags} base={base} narrow={narrow} />}
    </>
  );
}

/** The values that tell most: of each tag the best first, then the second best of each, as they come from the server. */
function telling(crowd: Crowd, most: number): { tag: CrowdTag; value: CrowdValue }[] {
  const found: { tag: CrowdTag; value: CrowdValue; turn: number }[] = [];
  for (const tag of crowd.tags) {
    const drawn = tag.values.filter((value) => value.tgi !== null && (value.significant || !crowd.findings) && value.is !== "rest");
    // of a flag's or a pair's two complements one says everything
    const kept = drawn.length === 2 && tag.values.length === 2 ? drawn.slice(0, 1) : drawn;
    kept.slice(0, 3).forEach((value, turn) => found.push({ tag, value, turn }));
  }
  return found.sort((a, b) => a.turn - b.turn).slice(0, most);
}

/** One tag's whole distribution: this crowd in the accent, the others in grey. */
function OneTag({ tags, base, narrow }: { tags: readonly CrowdTag[]; base: string | undefined; narrow: Narrower }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const title = useTitle();
  const words = useValueWords();
  const [key, setKey] = useState<string>();
  const tag = tags.find((item) => item.tag === key) ?? tags[0];
  if (!tag) return null;
  const highest = Math.max(1e-9, ...tag.values.map((value) => Math.max(value.share, value.base_share)));
  const against = base ?? t("everybody");
  return (
    <section className={css["one"]} aria-label={t("oneTag")}>
      <div className={css["oneHead"]}>
        <h3>{t("oneTag")}</h3>
        <Select
          showSearch={{ optionFilterProp: "label" }}
          value={tag.tag}
          aria-label={t("chooseTag")}
          style={{ minWidth: 200 }}
          options={tags.map((item) => ({ value: item.tag, label: title(item.titles, item.tag) }))}
          onChange={setKey}
        />
        {tag.mean !== null && tag.base_mean !== null && (
          <span className={css["small"]}>
            {t("mean", { here: mean(tag, tag.mean, format), base: mean(tag, tag.base_mean, format) })}
          </span>
        )}
      </div>
      <div className={css["shares"]}>
        {inOrder(tag).map((value) => (
          <Fragment key={value.condition}>
            <span className={css["shareWord"]} title={words(tag, value)}>
              {words(tag, value)}
            </span>
            <Narrow
              by={narrow?.(value)}
              label={`${words(tag, value)}, ${format.percent(value.share)} ${t("shareHere")}, ${format.percent(value.base_share)} ${base ? t("shareOther", { name: against }) : t("shareBase")}`}
            >
              <span className={css["bars"]}>
                <span className={css["bar"]} style={{ width: `${(value.share / highest) * 100}%` }} />
                <span className={css["bar"]} data-base="true" style={{ width: `${(value.base_share / highest) * 100}%` }} />
              </span>
            </Narrow>
            <span className={css["number"]}>
              {format.percent(value.share)} <span className={css["small"]}>/ {format.percent(value.base_share)}</span>
            </span>
            <span className={css["number"]}>
              <Count value={value.people} where={value.expression} />
            </span>
          </Fragment>
        ))}
      </div>
    </section>
  );
}

/** Numbers and times by their size, texts by how many have them; who has none comes last. */
function inOrder(tag: CrowdTag): readonly CrowdValue[] {
  const rank = (value: CrowdValue) => (value.is === "unknown" ? 2 : value.is === "rest" ? 1 : 0);
  const size = (value: CrowdValue) => {
    const at = value.of ?? value.from;
    return tag.type === "instant" ? Date.parse(String(at)) : Number(at);
  };
  const sized = ["number", "money", "instant"].includes(tag.type);
  return [...tag.values].sort((a, b) => rank(a) - rank(b) || (sized ? size(a) - size(b) : b.people - a.people));
}

function mean(tag: CrowdTag, value: string | number, format: ReturnType<typeof useFormat>): string {
  return tag.type === "money" ? format.money(value) : format.exact(value, 1);
}
