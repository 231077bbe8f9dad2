import { Button, Select } from "antd";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon } from "../../components/Icon";
import { AsOf, Count, Percent } from "../../components/Numbers";
import { Card, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer, useAsked } from "../../lib/api";
import { peopleWhere } from "../../lib/places";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import css from "./audiences.module.css";
import { Portrait } from "./Portrait";
import { useTitle } from "./words";

type Overlap = Answer<"/api/v1/audiences/overlap", "post">;

const CHOSEN = { a: "", b: "", also: [] as string[] };
const MOST = 6;

/** Two audiences against each other: how far they are the same people, and what sets one apart. */
export default function Compare() {
  const { t } = useTranslation("audiences");
  const title = useTitle();
  const [{ a, b, also }, set] = useUrlState(CHOSEN);
  const list = useAnswer("/api/v1/audiences", { params: { query: { limit: 200 } } });
  const options = (list.data?.audiences ?? []).map((row) => ({ value: row.name, label: title(row.titles, row.name) }));
  const nameOf = (name: string) => options.find((option) => option.value === name)?.label ?? name;
  const chosen = [...new Set([a, b, ...also].filter(Boolean))];
  const ready = a !== "" && b !== "" && a !== b;
  const overlap = useAsked("/api/v1/audiences/overlap", { body: { audiences: chosen } }, { enabled: ready });
  return (
    <Page title={t("compareTitle")} description={t("compareNote")} above={[{ to: "/audiences", title: t("title") }]}>
      <Card>
        <div className={css["choose"]}>
          <Choice label={t("first")} value={a} options={options.filter((option) => option.value !== b)} onChange={(value) => set({ a: value }, { push: true })} />
          <Button icon={<Icon name="refresh" size={16} />} aria-label={t("swap")} title={t("swap")} disabled={!ready} onClick={() => set({ a: b, b: a }, { push: true })} />
          <Choice label={t("second")} value={b} options={options.filter((option) => option.value !== a)} onChange={(value) => set({ b: value }, { push: true })} />
          <div className={css["field"]}>
            <label htmlFor="compare-also">{t("further")}</label>
            <Select
              id="compare-also"
              mode="multiple"
              value={[...also]}
              maxCount={MOST - 2}
              options={options.filter((option) => option.value !== a && option.value !== b)}
              showSearch={{ optionFilterProp: "label" }}
              onChange={(value: string[]) => set({ also: value }, { push: true })}
            />
          </div>
        </div>
      </Card>
      {!ready ? (
        <Card>
          <Empty icon="audiences" title={t("chooseTwo")}>
            {t("chooseTwoNote")}
          </Empty>
        </Card>
      ) : (
        <>
          <Card title={t("overlap")} note={t("overlapNote")} extra={overlap.data && <AsOf at={overlap.data.as_of} />}>
            <Shown of={overlap} shape="chart">
              {(found) => <Overlapping found={found} nameOf={nameOf} />}
            </Shown>
          </Card>
          <div className={css["columns"]} style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 460px), 1fr))" }}>
            <Against key={`${a} ${b}`} a={a} b={b} nameOf={nameOf} />
            <Against key={`${b} ${a}`} a={b} b={a} nameOf={nameOf} />
          </div>
        </>
      )}
    </Page>
  );
}

function Choice({ label, value, options, onChange }: { label: string; value: string; options: { value: string; label: string }[]; onChange: (value: string) => void }) {
  const id = `compare-${label}`;
  return (
    <div className={css["field"]}>
      <label htmlFor={id}>{label}</label>
      <Select<string> id={id} value={value || undefined} options={options} showSearch={{ optionFilterProp: "label" }} onChange={onChange} />
    </div>
  );
}

/** What sets one crowd apart from the other. */
function Against({ a, b, nameOf }: { a: string; b: string; nameOf: (name: string) => string }) {
  const { t } = useTranslation("audiences");
  const drawn = useAsked("/api/v1/audiences/portrait", { body: { name: a, against: b, most: 100 } });
  return (
    <Card title={t("against", { a: nameOf(a), b: nameOf(b) })}>
      <Portrait of={drawn} most={14} base={nameOf(b)} whole />
    </Card>
  );
}

function Overlapping({ found, nameOf }: { found: Overlap; nameOf: (name: string) => string }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const names = found.audiences.map((crowd) => nameOf(crowd.audience));
  const largest = Math.max(1, ...found.parts.map((part) => part.people));
  const [pair] = found.pairs;
  return (
    <>
      <div className={css["overlap"]} data-plain={names.length > 3}>
        {names.length <= 3 && <Venn found={found} names={names} />}
        <div className={css["stackOfCards"]}>
          <div className={css["parts"]} role="list" aria-label={t("parts")}>
            {found.parts.map((part) => {
              const label = part.in.length === 1 ? t("only", { name: names[part.in[0] ?? 0] ?? "" }) : part.in.length === 2 && names.length === 2 ? t("both") : t("inAll", { names: format.list(part.in.map((place) => names[place] ?? "")) });
              return (
                <Fragment key={part.in.join(" ")}>
                  <span role="listitem">{label}</span>
                  <span aria-hidden="true">
                    <span className={css["partBar"]} data-tone={part.in.length > 1 ? "accent" : "everybody"} style={{ width: `${(part.people / largest) * 100}%` }} />
                  </span>
                  <span className={css["number"]}>
                    <Count value={part.people} where={part.expression} />
                  </span>
                </Fragment>
              );
            })}
          </div>
          {names.length === 2 && pair && (
            <p className={css["quiet"]} title={t("jaccardNote")}>
              {pair.both === 0 ? (
                t("disjoint")
              ) : (
                <>
                  {t("jaccard")}: <Percent value={pair.jaccard} />
                </>
              )}
            </p>
          )}
        </div>
      </div>
      <div className={css["scroll"]} style={{ marginTop: 24 }} tabIndex={0} role="group" aria-label={t("overlap")}>
        <Matrix found={found} names={names} />
      </div>
    </>
  );
}

/** How many people each two share; on the diagonal how many each has. */
function Matrix({ found, names }: { found: Overlap; names: readonly string[] }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  return (
    <table className={css["matrix"]} aria-label={t("pairs")}>
      <thead>
        <tr>
          <th scope="col">
            <span className="unseen">{t("pairs")}</span>
          </th>
          {names.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {found.audiences.map((crowd, a) => (
          <tr key={crowd.audience}>
            <th scope="row">{names[a]}</th>
            {found.audiences.map((other, b) => {
              const pair = found.pairs.find((item) => (item.a === a && item.b === b) || (item.a === b && item.b === a));
              const [people, where] = a === b ? [crowd.people, crowd.expression] : [pair?.both, pair?.expression ?? ""];
              return (
                <td key={other.audience} data-own={a === b}>
                  <Count value={people} where={where} />
                  {a !== b && crowd.people > 0 && <small>{format.percent((people ?? 0) / crowd.people)}</small>}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Circles whose areas, and for two also their common part, are as large as their crowds. */
function Venn({ found, names }: { found: Overlap; names: readonly string[] }) {
  const { t } = useTranslation("audiences");
  const format = useFormat();
  const circles = names.length === 2 ? twoCircles(found) : THREE;
  const people = (inside: readonly number[]) => found.parts.find((part) => part.in.join() === inside.join());
  const spots = names.length === 2 ? spotsOfTwo(circles) : SPOTS;
  return (
    <svg className={css["venn"]} viewBox="0 0 240 180" role="group" aria-label={t("overlap")}>
      {circles.map((circle, place) => (
        <circle key={place} cx={circle.x} cy={circle.y} r={circle.r} data-place={place}>
          <title>{`${names[place] ?? ""}: ${format.exact(found.audiences[place]?.people)}`}</title>
        </circle>
      ))}
      {spots.map(({ inside, x, y }) => {
        const part = people(inside);
        if (!part) return null;
        return (
          <Link key={inside.join()} to={peopleWhere(part.expression)} aria-label={`${inside.map((place) => names[place]).join(" + ")}: ${format.exact(part.people)}`}>
            <text x={x} y={y}>
              {format.count(part.people)}
            </text>
          </Link>
        );
      })}
    </svg>
  );
}

interface Circle {
  x: number;
  y: number;
  r: number;
}

const THREE: Circle[] = [
  { x: 92, y: 68, r: 52 },
  { x: 148, y: 68, r: 52 },
  { x: 120, y: 114, r: 52 },
];
const SPOTS = [
  { inside: [0], x: 70, y: 58 },
  { inside: [1], x: 170, y: 58 },
  { inside: [2], x: 120, y: 150 },
  { inside: [0, 1], x: 120, y: 48 },
  { inside: [0, 2], x: 88, y: 108 },
  { inside: [1, 2], x: 152, y: 108 },
  { inside: [0, 1, 2], x: 120, y: 88 },
];

function twoCircles(found: Overlap): Circle[] {
  const [a, b] = [found.audiences[0]?.people ?? 0, found.audiences[1]?.people ?? 0];
  const both = found.pairs[0]?.both ?? 0;
  const most = Math.max(a, b, 1);
  const [r, s] = [Math.max(10, 66 * Math.sqrt(a / most)), Math.max(10, 66 * Math.sqrt(b / most))];
  const unit = (Math.PI * 66 * 66) / most;
  const d = both === 0 ? r + s + 6 : distanceFor(r, s, both * unit);
  const width = d + r + s;
  const scale = Math.min(1, 228 / width);
  const left = (240 - width * scale) / 2;
  return [
    { x: left + r * scale, y: 90, r: r * scale },
    { x: left + (r + d) * scale, y: 90, r: s * scale },
  ];
}

/** How far apart two circles stand whose common part has the area. */
function distanceFor(r: number, s: number, area: number): number {
  let [low, high] = [Math.abs(r - s), r + s];
  for (let step = 0; step < 50; step += 1) {
    const d = (low + high) / 2;
    if (lens(r, s, d) > area) low = d;
    else high = d;
  }
  return (low + high) / 2;
}

function lens(r: number, s: number, d: number): number {
  if (d >= r + s) return 0;
  if (d <= Math.abs(r - s)) return Math.PI * Math.min(r, s) ** 2;
  const clamp = (value: number) => Math.max(-1, Math.min(1, value));
  const alpha = Math.acos(clamp((d * d + r * r - s * s) / (2 * d * r)));
  const beta = Math.acos(clamp((d * d + s * s - r * r) / (2 * d * s)));
  return r * r * (alpha - Math.sin(2 * alpha) / 2) + s * s * (beta - Math.sin(2 * beta) / 2);
}

function spotsOfTwo([a, b]: readonly Circle[]) {
  if (!a || !b) return [];
  const [left, right] = [b.x - b.r, a.x + a.r];
  return [
    { inside: [0], x: (a.x - a.r + Math.min(left, right)) / 2, y: 94 },
    { inside: [1], x: (Math.max(left, right) + b.x + b.r) / 2, y: 94 },
    { inside: [0, 1], x: (Math.max(left, a.x - a.r) + Math.min(right, b.x + b.r)) / 2, y: 94 },
  ];
}
