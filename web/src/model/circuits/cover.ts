// Two-level logic: a truth table of up to four inputs as the shortest sum of products.
//
// A cube is a product of literals: for each input 0, 1, or null if it does not matter. Of all prime
// cubes, the cheapest cover is searched exactly: fewest cubes, then fewest literals; of several, the
// first if each cube in turn is rather taken than left.

import { range } from "./gates.ts";
import { type Cell, circuit, type Circuit } from "./netlist.ts";

export type Cube = (number | null)[];

/** The cubes of the shortest sum of products of a table, sorted by their digits. */
export function minimise(table: number[]): Cube[] {
  const n = Math.log2(table.length);
  if (table.every((bit) => bit)) return [Array(n).fill(null)];
  if (!table.some((bit) => bit)) return [];
  const chosen = cheapest(primes(table, n), table, n);
  const digits = (cube: Cube) => cube.map((v) => v ?? -1);
  return chosen.sort((a, b) => {
    const [p, q] = [digits(a), digits(b)];
    const i = p.findIndex((v, k) => v !== q[k]);
    return i < 0 ? 0 : p[i]! - q[i]!;
  });
}

/** A circuit of NOT, AND and OR for one output y; inverters are shared. */
export function sumOfProducts(inputs: string[], cubes: Cube[]): Circuit {
  const cells: Cell[] = [];
  const not = (net: string) => {
    const output = `${net}_not`;
    if (!cells.some((cell) => cell.output === output))
      cells.push({ output, kind: "not", inputs: [net] });
    return output;
  };
  const terms = cubes.map((cube) =>
    cube.flatMap((v, i) => (v === null ? [] : v ? [inputs[i]!] : [not(inputs[i]!)])),
  );
  const last = (kind: string, read: string[]) => cells.push({ output: "y", kind, inputs: read });
  if (terms.some((term) => !term.length)) last("const1", []);
  else if (!terms.length) last("const0", []);
  else if (terms.length === 1) last(terms[0]!.length > 1 ? "and" : "buf", terms[0]!);
  else {
    const nets = terms.map((term, i) => {
      if (term.length === 1) return term[0]!;
      cells.push({ output: `y_${i + 1}`, kind: "and", inputs: term });
      return `y_${i + 1}`;
    });
    last("or", nets);
  }
  return circuit(inputs, ["y"], cells);
}

/** The rows of a table in a cube. */
function rowsOf(cube: Cube): number[] {
  const n = cube.length;
  return range(2 ** n).filter((row) => cube.every((v, i) => v === null || v === ((row >> (n - 1 - i)) & 1)));
}

/** The largest cubes whose rows are all 1, in the order of their digits 0, 1, null. */
function primes(table: number[], n: number): Cube[] {
  const implies = (cube: Cube) => rowsOf(cube).every((row) => table[row]);
  const larger = (cube: Cube) => cube.flatMap((v, i) => (v === null ? [] : [cube.map((other, k) => (k === i ? null : other))]));
  return range(3 ** n)
    .map((number) => range(n).map((i) => [0, 1, null][Math.floor(number / 3 ** (n - 1 - i)) % 3]!))
    .filter((cube) => implies(cube) && !larger(cube).some(implies));
}

function cheapest(cubes: Cube[], table: number[], n: number): Cube[] {
  const mask = (rows: number[]) => rows.reduce((sum, row) => sum | (1 << row), 0);
  const rows = cubes.map((cube) => mask(rowsOf(cube)));
  const costs = cubes.map((cube) => n * table.length + 1 + cube.filter((v) => v !== null).length);
  let least = Infinity;
  let best: Cube[] = [];
  const search = (k: number, left: number, spent: number, taken: Cube[]) => {
    if (!left) {
      if (spent < least) [best, least] = [taken, spent];
      return;
    }
    const rest = rows.slice(k).reduce((all, more) => all | more, 0);
    if (left & ~rest || spent + Math.min(...costs.slice(k)) >= least) return;
    if (rows[k]! & left) search(k + 1, left & ~rows[k]!, spent + costs[k]!, [...taken, cubes[k]!]);
    search(k + 1, left, spent, taken);
  };
  search(0, mask(range(table.length).filter((row) => table[row])), 0, []);
  return best;
}
