import { arrange } from "../tags/lineage";
import { END, type Graph, type Way } from "./graph";

export const WIDE = 232;
export const HIGH = 84;
const ACROSS = 40;
const DOWN = 80;
const THIN = 150;
export const START = ":start";
export const leaveId = (index: number) => `:leave:${index}`;

export interface Place {
  x: number;
  y: number;
}

export interface Placed extends Place {
  id: string;
}

/** A line from one box to another, and the ways that go along it. */
export interface Line {
  id: string;
  from: string;
  to: string;
  ways: Way[];
  /** The points that it passes: from the lower edge of the one to the upper edge of the other. */
  points: Place[];
  /** Whether it leads back up. */
  back: boolean;
}

export interface Layout {
  boxes: Placed[];
  lines: Line[];
  width: number;
  height: number;
}

interface Node {
  id: string;
  layer: number;
  wide: number;
}

/**
 * Where everything of a journey stands: who enters at the top, each step below those that lead to it, lines that pass
 * several rows with a place of their own in each. The same journey always gives the same picture.
 */
export function layoutOf(graph: Graph): Layout {
  const names = graph.steps.map((step) => step.name);
  const there = new Set([...names, END]);
  const lines = linesOf(graph).filter((line) => there.has(line.to));
  const layers = layersOf([START, ...names, END], lines);
  const nodes: Node[] = [...layers].map(([id, layer]) => ({ id, layer, wide: WIDE }));
  const arrows: { from: string; to: string }[] = [];
  const passes = new Map<string, string[]>();
  for (const line of lines) {
    if (line.back) continue;
    const chain: string[] = [];
    for (let layer = (layers.get(line.from) ?? 0) + 1; layer < (layers.get(line.to) ?? 0); layer++) {
      const id = `${line.id} ${layer}`;
      nodes.push({ id, layer, wide: THIN });
      chain.push(id);
    }
    passes.set(line.id, chain);
    [line.from, ...chain].forEach((from, index) => arrows.push({ from, to: chain[index] ?? line.to }));
  }
  const rows = arrange(nodes, arrows);
  const centres = spread(rows, arrows);
  const row = new Map(nodes.map((node) => [node.id, node.layer]));
  const top = (id: string) => (row.get(id) ?? 0) * (HIGH + DOWN);
  const centre = (id: string) => centres.get(id) ?? 0;
  const boxes: Placed[] = [START, ...names, END].map((id) => ({ id, x: centre(id) - WIDE / 2, y: top(id) }));
  const right = Math.max(...boxes.map((box) => box.x));
  graph.leaves.forEach((_, index) => boxes.push({ id: leaveId(index), x: right + WIDE + ACROSS, y: index * (HIGH + 20) }));
  const left = Math.min(...boxes.map((box) => box.x), ...centres.values());
  const drawn = lines.map((line): Line => {
    const points = line.back
      ? [
          { x: centre(line.from) + WIDE / 2, y: top(line.from) + HIGH / 2 },
          { x: centre(line.to) + WIDE / 2, y: top(line.to) + HIGH / 2 },
        ]
      : [
          { x: centre(line.from), y: top(line.from) + HIGH },
          ...(passes.get(line.id) ?? []).flatMap((id) => [
            { x: centre(id), y: top(id) },
            { x: centre(id), y: top(id) + HIGH },
          ]),
          { x: centre(line.to), y: top(line.to) },
        ];
    return { ...line, points: points.map(({ x, y }) => ({ x: x - left, y })) };
  });
  const placed = boxes.map((box) => ({ ...box, x: box.x - left }));
  return {
    boxes: placed,
    lines: drawn,
    width: Math.max(...placed.map((box) => box.x + WIDE), ...drawn.flatMap((line) => line.points.map((point) => point.x))),
    height: Math.max(...placed.map((box) => box.y + HIGH)),
  };
}

/** One line for all ways that lead from one box to another; those that lead back to an earlier step are marked. */
function linesOf(graph: Graph): Line[] {
  const first = graph.steps[0]?.name ?? END;
  const found = new Map<string, Line>();
  const add = (from: string, way: Way) => {
    const id = `${from}>${way.next}`;
    const line = found.get(id) ?? { id, from, to: way.next, ways: [], points: [], back: false };
    line.ways.push(way);
    found.set(id, line);
  };
  add(START, { name: "", next: first });
  for (const step of graph.steps) step.ways.forEach((way) => add(step.name, way));
  const after = new Map<string, Line[]>();
  for (const line of found.values()) after.set(line.from, [...(after.get(line.from) ?? []), line]);
  const state = new Map<string, "open" | "done">();
  const walk = (id: string) => {
    state.set(id, "open");
    for (const line of after.get(id) ?? []) {
      if (state.get(line.to) === "open") line.back = true;
      else if (!state.has(line.to)) walk(line.to);
    }
    state.set(id, "done");
  };
  for (const id of [START, ...graph.steps.map((step) => step.name)]) if (!state.has(id)) walk(id);
  return [...found.values()];
}

/** How far below the beginning each box stands: one row below the lowest of those that lead to it. */
function layersOf(ids: readonly string[], lines: readonly Line[]): Map<string, number> {
  const layers = new Map(ids.map((id) => [id, id === START ? 0 : 1]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const { from, to, back } of lines) {
      const below = (layers.get(from) ?? 0) + 1;
      if (back || (layers.get(to) ?? 0) >= below) continue;
      layers.set(to, below);
      changed = true;
    }
  }
  const lowest = Math.max(...[...layers].filter(([id]) => id !== END).map(([, layer]) => layer));
  layers.set(END, Math.max(layers.get(END) ?? 1, lowest));
  return layers;
}

/** The middle of each node: near those that it is joined to, and none over another. */
function spread(rows: readonly (readonly Node[])[], arrows: readonly { from: string; to: string }[]): Map<string, number> {
  const centres = new Map<string, number>();
  for (const row of rows) place(row, row.map(() => 0), centres);
  const above = new Map<string, string[]>();
  const below = new Map<string, string[]>();
  for (const { from, to } of arrows) {
    above.set(to, [...(above.get(to) ?? []), from]);
    below.set(from, [...(below.get(from) ?? []), to]);
  }
  for (let round = 0; round < 12; round++) {
    const [near, order] = round % 2 === 0 ? [above, rows] : [below, [...rows].reverse()];
    for (const row of order) {
      const wanted = row.map((node) => {
        const ids = near.get(node.id) ?? [];
        const now = centres.get(node.id) ?? 0;
        return ids.length ? ids.reduce((sum, id) => sum + (centres.get(id) ?? 0), 0) / ids.length : now;
      });
      place(row, wanted, centres);
    }
  }
  return centres;
}

/** A row in its order as near to what is wanted as can be, with room between neighbours (least squares). */
function place(row: readonly Node[], wanted: readonly number[], centres: Map<string, number>): void {
  const offsets: number[] = [];
  row.forEach((node, index) => {
    const before = row[index - 1];
    offsets.push(before ? (offsets[index - 1] ?? 0) + (before.wide + node.wide) / 2 + ACROSS : 0);
  });
  const blocks: { sum: number; size: number }[] = [];
  wanted.forEach((value, index) => {
    let block = { sum: value - (offsets[index] ?? 0), size: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.size > block.sum / block.size; last = blocks.at(-1)) {
      blocks.pop();
      block = { sum: last.sum + block.sum, size: last.size + block.size };
    }
    blocks.push(block);
  });
  let index = 0;
  for (const { sum, size } of blocks) {
    for (const end = index + size; index < end; index++) centres.set(row[index]?.id ?? "", Math.round(sum / size + (offsets[index] ?? 0)));
  }
}
