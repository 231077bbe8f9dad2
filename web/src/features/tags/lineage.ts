/** A thing of the lineage graph; `layer` is one more than what it is made of. */
export interface Placed {
  id: string;
  layer: number;
}

export interface Arrow {
  from: string;
  to: string;
}

/**
 * The nodes in columns, one for each layer, in an order in which few arrows cross: each node goes near the middle of
 * those that it is joined to, columns forth and back. The same graph always gives the same picture.
 */
export function arrange<N extends Placed>(nodes: readonly N[], arrows: readonly Arrow[]): N[][] {
  const columns = new Map<number, N[]>();
  for (const node of nodes) columns.set(node.layer, [...(columns.get(node.layer) ?? []), node]);
  const whole = [...columns.entries()].sort(([a], [b]) => a - b).map(([, column]) => column);
  const joined = new Map<string, string[]>();
  const join = (a: string, b: string) => joined.set(a, [...(joined.get(a) ?? []), b]);
  for (const { from, to } of arrows) {
    join(from, to);
    join(to, from);
  }
  const place = new Map<string, number>();
  const settle = (column: readonly N[]) => column.forEach((node, index) => place.set(node.id, (index + 0.5) / column.length));
  whole.forEach(settle);
  const layer = new Map(nodes.map((node) => [node.id, node.layer]));
  const middle = (node: N, side: -1 | 1) => {
    const near = (joined.get(node.id) ?? []).filter((other) => Math.sign((layer.get(other) ?? 0) - node.layer) === side);
    return near.length ? near.reduce((sum, other) => sum + (place.get(other) ?? 0), 0) / near.length : (place.get(node.id) ?? 0);
  };
  for (let round = 0; round < 4; round++) {
    const side = round % 2 === 0 ? -1 : 1;
    for (const column of side < 0 ? whole : [...whole].reverse()) {
      const wanted = new Map(column.map((node) => [node.id, middle(node, side)]));
      column.sort((a, b) => (wanted.get(a.id) ?? 0) - (wanted.get(b.id) ?? 0) || a.id.localeCompare(b.id));
      settle(column);
    }
  }
  return whole;
}

/** Everything that arrows lead to from `start` along them (or, `back`, against them), itself included. */
export function reached(start: string, arrows: readonly Arrow[], back = false): Set<string> {
  const after = new Map<string, string[]>();
  for (const { from, to } of arrows) {
    const [here, there] = back ? [to, from] : [from, to];
    after.set(here, [...(after.get(here) ?? []), there]);
  }
  const found = new Set([start]);
  const waiting = [start];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const there of after.get(next) ?? []) {
      if (!found.has(there)) {
        found.add(there);
        waiting.push(there);
      }
    }
  }
  return found;
}
