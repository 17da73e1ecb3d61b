// Where the parts of a circuit's diagram go: columns by level, few crossings, wires on tracks.
//
// After Sugiyama, Tagawa and Toda (1981): a net that passes a column gets a place in it as a cell does;
// a column is ordered by barycentres; the heights are a least-squares fit that keeps the order. Between
// two columns each net has one vertical stroke, on a track where it overlaps no other stroke.

const PIN = 12; // the distance between the inputs of a gate
const SWEEPS = 13; // the last sweep is forward, which leaves outputs straight

/** A cell, an input, an output or the passage of a net through a column; y is its middle. */
export interface Place {
  net: string; // that it drives or shows
  height: number;
  reads: string[]; // from top to bottom
  swap: boolean; // whether the order of its inputs is free
  gap: number;
  passage: boolean;
  y: number;
}

/** How a net gets from one column to the next; a straight line has no track. */
export interface Route {
  net: string;
  start: number;
  ends: number[];
  track: number | null;
  slanted: boolean; // tracks cannot keep two nets apart
  before: Set<string>;
}

export function place(net: string, height: number, reads: string[], more: Partial<Place> = {}): Place {
  return { net, height, reads, swap: false, gap: 16, passage: false, y: 0, ...more };
}

/** The height of a place's input. */
export function pin({ y, reads }: Place, i: number): number {
  return y + (i - (reads.length - 1) / 2) * PIN;
}

/** The columns with passages, in order and with heights, and the routes after each column. */
export function arrange(given: Place[][]): [Place[][], Route[][]] {
  const columns = ordered(withPassages(given));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    settle(columns, sweep % 2 === 0);
    columns.slice(1).forEach((right, i) => swapPins(columns[i]!, right));
  }
  closeUp(columns.flat());
  return [columns, columns.slice(1).map((right, i) => routes(columns[i]!, right))];
}

function withPassages(columns: Place[][]): Place[][] {
  const last = new Map<string, number>();
  columns.forEach((column, i) => column.forEach((p) => p.reads.forEach((net) => last.set(net, i))));
  let passing: string[] = [];
  return columns.map((column, i) => {
    passing = passing.filter((net) => last.get(net)! > i);
    const through = passing.map((net) => place(net, 6, [net], { gap: 5, passage: true }));
    passing = [...passing, ...column.map((p) => p.net).filter((net) => (last.get(net) ?? -1) > i + 1)];
    return [...column, ...through];
  });
}

/** The order with the fewest crossings among some sweeps forward and back. */
function ordered(given: Place[][]): Place[][] {
  let [columns, best, least] = [given, given, crossings(given)];
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (let k = 1; k < columns.length; k++) {
      const i = forward ? k : columns.length - 1 - k;
      const near = new Map<string, number[]>(); // the positions of what each place is wired to
      const at = new Map(columns[i - (forward ? 1 : -1)]!.map((p, m) => [p.net, m]));
      if (forward) for (const p of columns[i]!) near.set(p.net, p.reads.map((net) => at.get(net)!));
      else
        columns[i + 1]!.forEach((p, m) =>
          p.reads.forEach((net) => near.set(net, [...(near.get(net) ?? []), m])),
        );
      const sorted = byMean(columns[i]!, near);
      columns = columns.map((column, c) => (c === i ? sorted : column));
    }
    const now = crossings(columns);
    if (now < least) [best, least] = [columns, now];
  }
  return best;
}

function byMean(column: Place[], near: Map<string, number[]>): Place[] {
  const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const keys = column.map((p, k) => (near.get(p.net)?.length ? mean(near.get(p.net)!) : k));
  const order = column.map((_, k) => k).sort((a, b) => keys[a]! - keys[b]! || a - b);
  return order.map((k) => column[k]!);
}

function crossings(columns: Place[][]): number {
  let total = 0;
  columns.slice(1).forEach((right, i) => {
    const at = new Map(columns[i]!.map((p, k) => [p.net, k]));
    const seen: number[] = [];
    for (const p of right) {
      const ends = [...new Set(p.reads)].map((net) => at.get(net)!);
      for (const end of ends) total += seen.filter((other) => other > end).length;
      seen.push(...ends);
    }
  });
  return total;
}

/** Move every place as near to where its wires are straight as the order allows. */
function settle(columns: Place[][], forward: boolean): void {
  for (let k = 0; k < columns.length; k++) {
    const i = forward ? k : columns.length - 1 - k;
    const column = columns[i]!;
    const pulls = new Map<Place, number[]>(column.map((p) => [p, []]));
    if (i > 0) {
      const at = new Map(columns[i - 1]!.map((p) => [p.net, p.y]));
      for (const p of column)
        p.reads.forEach((net, m) => pulls.get(p)!.push(at.get(net)! - (pin(p, m) - p.y)));
    }
    const byNet = new Map(column.map((p) => [p.net, p]));
    for (const reader of columns[i + 1] ?? [])
      reader.reads.forEach((net, m) => pulls.get(byNet.get(net)!)!.push(pin(reader, m)));
    spread(column, column.map((p) => middle(pulls.get(p)!, p.y)));
  }
}

/** The median, so that at least one wire is straight. */
function middle(pulls: number[], otherwise: number): number {
  if (!pulls.length) return otherwise;
  return pulls.sort((a, b) => a - b)[Math.floor((pulls.length - 1) / 2)]!;
}

/** Set heights in the order of the column, far enough apart, and nearest to the wanted heights in
 * least squares (pool adjacent violators). */
function spread(column: Place[], wanted: number[]): void {
  let offset = 0;
  const offsets = column.map((p, k) => {
    const above = column[k - 1];
    if (above) offset += (above.height + p.height) / 2 + Math.max(above.gap, p.gap);
    return offset;
  });
  const pools: [mean: number, n: number][] = [];
  wanted.forEach((want, k) => {
    let [mean, n] = [want - offsets[k]!, 1];
    while (pools.length && pools.at(-1)![0] > mean) {
      const [other, m] = pools.pop()!;
      [mean, n] = [(mean * n + other * m) / (n + m), n + m];
    }
    pools.push([mean, n]);
  });
  const means = pools.flatMap(([mean, n]) => Array<number>(n).fill(mean));
  column.forEach((p, k) => (p.y = means[k]! + offsets[k]!));
}

/** Move the heights to integers from 0 on, without bands that are empty in all columns. */
function closeUp(places: Place[]): void {
  const spans = places.map((p) => [p.y - (p.height + p.gap) / 2, p.y + (p.height + p.gap) / 2] as const);
  const order = places.map((_, k) => k).sort((a, b) => spans[a]![0] - spans[b]![0] || a - b);
  let shift = spans[order[0]!]![0];
  let bottom = shift;
  for (const k of order) {
    const [top, low] = spans[k]!;
    shift += Math.max(0, top - bottom);
    bottom = Math.max(bottom, low);
    places[k]!.y = Math.round(places[k]!.y - shift);
  }
}

/** Put the inputs of each gate in the order of the heights that their wires come from. */
function swapPins(left: Place[], right: Place[]): void {
  const at = new Map(left.map((p) => [p.net, p.y]));
  for (const p of right) if (p.swap) p.reads = [...p.reads].sort((a, b) => at.get(a)! - at.get(b)!);
}

function routes(left: Place[], right: Place[]): Route[] {
  const found = new Map<string, Route>();
  for (const { net, y } of left)
    found.set(net, { net, start: y, ends: [], track: null, slanted: false, before: new Set() });
  for (const p of right) p.reads.forEach((net, k) => found.get(net)!.ends.push(pin(p, k)));
  const used = [...found.values()].filter((route) => route.ends.length);
  const bent = used.filter((r) => r.ends.some((end) => Math.abs(end - r.start) > 0.1));
  for (const a of bent) // b's stroke comes first if b leaves at a height where a arrives
    for (const b of bent)
      if (b !== a && a.ends.some((y) => Math.abs(b.start - y) < 3)) a.before.add(b.net);
  assignTracks(bent);
  return used;
}

/** The heights between which the vertical stroke of a route runs. */
export function span({ start, ends }: Route): [number, number] {
  return [Math.min(start, ...ends), Math.max(start, ...ends)];
}

function assignTracks(bent: Route[]): void {
  const tracks: [number, number][][] = [];
  const given = new Map<string, number>();
  let left = [...bent].sort(byLeftness);
  while (left.length) {
    const waiting = (r: Route) => [...r.before].filter((net) => !given.has(net)).length;
    let route = left.find((r) => !waiting(r));
    if (route) {
      const [low, high] = span(route);
      let k = 1 + Math.max(-1, ...[...route.before].map((net) => given.get(net)!));
      while (tracks[k]?.some(([a, b]) => high + 4 >= a && b + 4 >= low)) k++;
      while (tracks.length <= k) tracks.push([]);
      tracks[k]!.push([low, high]);
      given.set(route.net, (route.track = k));
    } else {
      // each waits for another
      route = left.reduce((best, r) => (waiting(r) < waiting(best) ? r : best));
      route.slanted = true;
      given.set(route.net, -1);
    }
    left = left.filter((r) => r !== route);
  }
}

/** Among strokes that go down, the lower come first; among strokes that go up, the upper. */
function byLeftness(a: Route, b: Route): number {
  const key = ({ start, ends }: Route) =>
    ends.reduce((sum, y) => sum + y, 0) / ends.length > start ? [0, -start] : [1, start];
  const [p, q] = [key(a), key(b)];
  return p[0]! - q[0]! || p[1]! - q[1]!;
}
