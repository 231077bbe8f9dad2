import "@xyflow/react/dist/base.css";

import { BaseEdge, EdgeLabelRenderer, type Edge, type EdgeProps, Handle, type Node, type NodeProps, Panel, Position, ReactFlow, useReactFlow, useStore } from "@xyflow/react";
import { Button } from "antd";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../../components/Icon";
import css from "./canvas.module.css";
import { HIGH, layoutOf, type Line, type Place, START, leaveId, WIDE } from "./layout";
import { type PictureProps, useBoxes, useLines } from "./parts";

type BoxNode = Node<ReturnType<ReturnType<typeof useBoxes>>, "box">;
type LineEdge = Edge<{ line: Line; ways: ReturnType<ReturnType<typeof useLines>>; lit: boolean; forks: boolean; onAdd: PictureProps["onAdd"] }, "line">;

const NODE_TYPES = { box: Box };
const EDGE_TYPES = { line: Arrow };
const FIT = { padding: 0.04, maxZoom: 1 };
const TALLEST = 1400;

/** A journey drawn: boxes for who enters, each step and who leaves, lines for the ways, with how many are where. */
export default function Canvas(props: PictureProps) {
  const { graph, onAdd, lit } = props;
  const { t } = useTranslation("journeys");
  const box = useBoxes(props);
  const ways = useLines(props);
  const layout = useMemo(() => layoutOf(graph), [graph]);
  const nodes = layout.boxes.map((place): BoxNode => {
    return { id: place.id, type: "box", position: { x: place.x, y: place.y }, data: box(place.id), width: WIDE, height: HIGH, draggable: false, selectable: false };
  });
  const edges = layout.lines.map((line): LineEdge => {
    const shown = lit !== undefined && line.ways.some((way) => lit.has(`${line.from} ${way.name}`));
    const forks = layout.lines.filter((other) => other.from === line.from && !other.back).length > 1;
    return { id: line.id, type: "line", source: line.from, target: line.to, data: { line, ways: ways(line), lit: shown, forks, onAdd }, selectable: false };
  });
  const shape = layout.boxes.map((place) => `${place.id} ${place.x} ${place.y}`).join(";");
  return (
    <div className={css["canvas"]} role="group" aria-label={t("canvas.label")} style={{ height: Math.min(TALLEST, layout.height + 72) }}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        fitView
        fitViewOptions={FIT}
        minZoom={0.25}
        maxZoom={1.5}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        panOnScroll={false}
        preventScrolling={false}
        disableKeyboardA11y
      >
        <Sight shape={shape} />
      </ReactFlow>
    </div>
  );
}

/** Larger, smaller, all of it; and all of it again when the picture has changed. */
function Sight({ shape }: { shape: string }) {
  const { t } = useTranslation("journeys");
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const size = useStore((state) => `${state.width} ${state.height}`);
  useEffect(() => {
    const frame = requestAnimationFrame(() => void fitView(FIT));
    return () => cancelAnimationFrame(frame);
  }, [shape, size, fitView]);
  return (
    <Panel position="bottom-left" className={css["sight"] ?? ""}>
      <Button size="small" icon={<Icon name="plus" size={16} />} aria-label={t("canvas.zoomIn")} title={t("canvas.zoomIn")} onClick={() => void zoomIn()} />
      <Button size="small" icon={<Icon name="minus" size={16} />} aria-label={t("canvas.zoomOut")} title={t("canvas.zoomOut")} onClick={() => void zoomOut()} />
      <Button size="small" icon={<Icon name="expand" size={16} />} aria-label={t("canvas.fit")} title={t("canvas.fit")} onClick={() => void fitView(FIT)} />
    </Panel>
  );
}

function Box({ id, data }: NodeProps<BoxNode>) {
  const { t } = useTranslation("journeys");
  const inside = (
    <>
      <span className={css["what"]}>
        <Icon name={data.icon} size={15} />
        <span>{data.kind}</span>
        {data.problem && (
          <span className={css["bad"]} title={t("canvas.problem")}>
            <Icon name="warning" size={15} />
            <span className="unseen">{t("canvas.problem")}</span>
          </span>
        )}
      </span>
      <span className={css["says"]} title={data.says}>
        {data.says}
      </span>
      {data.count && <span className={css["count"]}>{data.count}</span>}
    </>
  );
  const look = { className: css["box"], "data-tone": data.tone, "data-problem": data.problem || undefined, "data-lit": data.lit || undefined, "data-chosen": data.chosen || undefined };
  return (
    <>
      {id !== START && !id.startsWith(leaveId(0).slice(0, -1)) && <Handle type="target" position={Position.Top} isConnectable={false} className={css["handle"] ?? ""} />}
      {data.open ? (
        <button type="button" {...look} onClick={data.open}>
          {inside}
        </button>
      ) : (
        <div {...look}>{inside}</div>
      )}
      <Handle type="source" position={Position.Bottom} isConnectable={false} className={css["handle"] ?? ""} />
    </>
  );
}

function Arrow({ data }: EdgeProps<LineEdge>) {
  const { t } = useTranslation("journeys");
  if (!data) return null;
  const { line, ways, lit, forks, onAdd } = data;
  const path = line.back ? bow(line.points) : curve(line.points);
  const at = line.back ? { x: Math.max(...line.points.map((point) => point.x)) + 56, y: middle(line.points, "y") } : beginning(line.points, forks ? 0.7 : 0.3);
  return (
    <>
      <BaseEdge path={path} className={css["line"] ?? ""} data-lit={lit || undefined} />
      <EdgeLabelRenderer>
        <div className={css["ways"]} style={{ transform: `translate(-50%, -50%) translate(${at.x}px, ${at.y}px)` }}>
          {ways.map((way) => (
            <span key={way.name} className={css["way"]} data-plain={!way.label || undefined}>
              {way.label && (
                <span className={css["wayName"]} title={way.label}>
                  {way.label}
                </span>
              )}
              {way.count && (
                <span className={css["went"]} title={way.countTitle}>
                  {way.count}
                </span>
              )}
              {onAdd && (
                <button type="button" className={css["add"]} aria-label={t("canvas.add", { where: way.where })} title={t("canvas.add", { where: way.where })} onClick={() => onAdd(line.from === START ? null : { step: line.from, way: way.name })}>
                  <Icon name="plus" size={12} />
                </button>
              )}
            </span>
          ))}
        </div>
      </EdgeLabelRenderer>
    </>
  );
}

/** Where a line's words stand: on its first stretch, so far along it; where lines part, after they have. */
function beginning([first, second]: readonly Place[], t: number): Place {
  if (!first || !second) return { x: 0, y: 0 };
  const across = t * t * (3 - 2 * t);
  const down = 1.5 * t * (1 - t) + t ** 3;
  return { x: first.x + (second.x - first.x) * across, y: first.y + (second.y - first.y) * down };
}

function middle(points: readonly Place[], key: "x" | "y"): number {
  return points.reduce((sum, point) => sum + point[key], 0) / points.length;
}

/** A smooth line down through the points. */
function curve(points: readonly Place[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      if (!before) return `M${point.x} ${point.y}`;
      const bend = (point.y - before.y) / 2;
      return `C${before.x} ${before.y + bend} ${point.x} ${point.y - bend} ${point.x} ${point.y}`;
    })
    .join("");
}

/** A line back up, beside the boxes. */
function bow(points: readonly Place[]): string {
  const [first, last] = points;
  if (!first || !last) return "";
  const out = Math.max(first.x, last.x) + 72;
  return `M${first.x} ${first.y}C${out} ${first.y} ${out} ${last.y} ${last.x} ${last.y}`;
}
