import { Select } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Icon, type IconName } from "../../components/Icon";
import { Card, Page } from "../../components/Page";
import { Empty, Shown } from "../../components/States";
import { type Answer, useAnswer } from "../../lib/api";
import { placeOf } from "../../lib/places";
import { usePreferences } from "../../lib/preferences";
import { useUrlState } from "../../lib/url";
import { useFormat } from "../../lib/useFormat";
import { arrange, reached } from "./lineage";
import css from "./lineage.module.css";
import { titleOf } from "./titleOf";

type Lineage = Answer<"/api/v1/lineage">;
type Option = { label: string; value?: string; search?: string; options?: Option[] };
type Node = Lineage["nodes"][number];

const WIDE = 208;
const HIGH = 44;
const ACROSS = 72;
const DOWN = 12;
const ICONS: Record<Node["kind"], IconName> = { event: "data", attribute: "account", object: "content", metric: "analysis", tag: "tags", audience: "audiences", scene: "calendar", campaign: "send", journey: "marketing" };
const KINDS = ["event", "attribute", "object", "metric", "tag", "audience", "scene", "campaign", "journey"] as const;

/** What is made of what: events and attributes at the left, then tags, audiences, campaigns and journeys. */
export default function LineagePage() {
  const { t } = useTranslation("tags");
  const called = useCalled();
  const [{ focus }, set] = useUrlState({ focus: "" });
  const found = useAnswer("/api/v1/lineage", { params: { query: focus ? { focus } : {} } });
  const every = useAnswer("/api/v1/lineage", { params: { query: {} } }, { staleTime: 60_000 });
  const options = useMemo(
    () =>
      KINDS.map((kind) => ({
        label: t(`lineage.kind.${kind}`),
        options: (every.data?.nodes ?? [])
          .filter((node) => node.kind === kind)
          .map((node) => ({ value: node.id, label: called(node), search: `${node.name} ${Object.values(node.titles).join(" ")}`.toLowerCase() })),
      })).filter((group) => group.options.length > 0),
    [every.data, called, t],
  );
  return (
    <Page
      title={t("lineage.title")}
      description={t("lineage.note")}
      above={[{ to: "/tags", title: t("title") }]}
      actions={
        <Select<string, Option>
          style={{ minWidth: 240, maxWidth: "100%" }}
          value={focus || null}
          allowClear
          placeholder={t("lineage.all")}
          aria-label={t("lineage.focus")}
          options={options}
          showSearch={{ filterOption: (typed, option) => option?.search?.includes(typed.toLowerCase()) ?? false }}
          onChange={(value: string | undefined) => set({ focus: value ?? "" }, { push: true })}
        />
      }
    >
      <Shown of={found} shape="chart">
        {(answer) => (
          <Card flush>
            {answer.nodes.length === 0 ? (
              <Empty icon="tags" title={t("lineage.none")}>
                {t("lineage.noneNote")}
              </Empty>
            ) : (
              <Picture key={answer.focus} lineage={answer} look={(id) => set({ focus: id }, { push: true })} />
            )}
          </Card>
        )}
      </Shown>
    </Page>
  );
}

/** How a thing is called: any event has no name of its own. */
function useCalled() {
  const { t } = useTranslation("tags");
  const { language } = usePreferences();
  return (node: Node) => (node.id === "event:*" ? t("lineage.any") : titleOf(node.titles, language, node.name));
}

function Picture({ lineage, look }: { lineage: Lineage; look: (id: string) => void }) {
  const { t } = useTranslation("tags");
  const [over, setOver] = useState("");
  const columns = useMemo(() => arrange(lineage.nodes, lineage.edges), [lineage]);
  const most = Math.max(...columns.map((column) => column.length));
  const height = most * (HIGH + DOWN) + DOWN;
  const places = useMemo(() => {
    const found = new Map<string, { x: number; y: number }>();
    columns.forEach((column, x) => {
      const free = height - column.length * (HIGH + DOWN) + DOWN;
      column.forEach((node, y) => found.set(node.id, { x: 16 + x * (WIDE + ACROSS), y: free / 2 + y * (HIGH + DOWN) }));
    });
    return found;
  }, [columns, height]);
  const lit = useMemo(() => (over ? new Set([...reached(over, lineage.edges), ...reached(over, lineage.edges, true)]) : null), [over, lineage]);
  const uses = useMemo(() => {
    const count = new Map<string, { of: number; by: number }>();
    const at = (id: string) => count.get(id) ?? count.set(id, { of: 0, by: 0 }).get(id);
    for (const { from, to } of lineage.edges) {
      const [used, user] = [at(from), at(to)];
      if (used) used.by += 1;
      if (user) user.of += 1;
    }
    return count;
  }, [lineage]);
  return (
    <div className={css["scroll"]} tabIndex={0} role="group" aria-label={t("lineage.title")}>
      <div className={css["canvas"]} style={{ width: columns.length * (WIDE + ACROSS) - ACROSS + 32, height: height + DOWN }}>
        <svg className={css["arrows"]} aria-hidden="true">
          {lineage.edges.map(({ from, to }) => {
            const [a, b] = [places.get(from), places.get(to)];
            if (!a || !b) return null;
            const [x1, y1, x2, y2] = [a.x + WIDE, a.y + HIGH / 2, b.x, b.y + HIGH / 2];
            const bend = Math.max(32, (x2 - x1) / 2);
            return (
              <path
                key={`${from} ${to}`}
                d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
                data-lit={lit ? lit.has(from) && lit.has(to) : undefined}
              />
            );
          })}
        </svg>
        {columns.flat().map((node) => {
          const place = places.get(node.id);
          return (
            place && (
              <Box
                key={node.id}
                node={node}
                uses={uses.get(node.id) ?? { of: 0, by: 0 }}
                focused={lineage.focus === node.id}
                dim={lit !== null && !lit.has(node.id)}
                style={{ left: place.x, top: place.y, width: WIDE, height: HIGH }}
                look={() => look(node.id)}
                over={setOver}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

interface BoxProps {
  node: Node;
  uses: { of: number; by: number };
  focused: boolean;
  dim: boolean;
  style: React.CSSProperties;
  look: () => void;
  over: (id: string) => void;
}

function Box({ node, uses, focused, dim, style, look, over }: BoxProps) {
  const { t } = useTranslation("tags");
  const called = useCalled();
  const format = useFormat();
  const title = called(node);
  const page = placeOf(node.kind, node.name);
  const people = node.people === null ? "" : t("lineage.people", { count: node.people, exact: format.exact(node.people) });
  return (
    <div
      className={css["box"]}
      style={style}
      data-kind={node.kind}
      data-focused={focused || undefined}
      data-dim={dim || undefined}
      onPointerEnter={() => over(node.id)}
      onPointerLeave={() => over("")}
      onFocus={() => over(node.id)}
      onBlur={() => over("")}
    >
      <button type="button" className={css["name"]} onClick={look} aria-pressed={focused} title={node.name}>
        <Icon name={ICONS[node.kind]} size={16} />
        <span>
          <span className={css["title"]}>{title}</span>
          <span className={css["about"]}>
            {people || t(`lineage.one.${node.kind}`)}
            <span className="unseen">{`, ${t("lineage.of", { count: uses.of })}, ${t("lineage.by", { count: uses.by })}`}</span>
          </span>
        </span>
      </button>
      {page && (
        <Link className={css["open"]} to={page} aria-label={t("lineage.open", { title })}>
          <Icon name="next" size={16} />
        </Link>
      )}
    </div>
  );
}
