// Arrays with any number of axes: a shape, and the entries row by row.

export type Index = readonly number[];

export interface NumberArray {
  shape: readonly number[];
  data: number[];
}

export type Nested = number | Nested[];

/** An array of the entries that `of` gives at each index. */
export function filled(shape: readonly number[], of: (index: Index) => number): NumberArray {
  return { shape, data: indices(shape).map(of) };
}

/** A vector. */
export function vector(data: readonly number[]): NumberArray {
  return { shape: [data.length], data: [...data] };
}

/** A matrix of equally long rows. */
export function matrixOf(rows: readonly (readonly number[])[]): NumberArray {
  return { shape: [rows.length, rows[0]?.length ?? 0], data: rows.flat() };
}

/** The rows of a matrix. */
export function rowsOf({ shape, data }: NumberArray): number[][] {
  const [n = 0, width = 1] = shape;
  return Array.from({ length: n }, (_, i) => data.slice(i * width, (i + 1) * width));
}

/** All indices of a shape, the last axis fastest; one empty index for a single number. */
export function indices(shape: readonly number[]): Index[] {
  return shape.reduce<Index[]>(
    (all, n) => all.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])),
    [[]],
  );
}

/** Where an entry stands in `data`. */
export function offset(shape: readonly number[], index: Index): number {
  return index.reduce((at, i, axis) => at * shape[axis]! + i, 0);
}

export function entryOf(array: NumberArray, index: Index): number {
  return array.data[offset(array.shape, index)]!;
}

/** The array as nested lists, as JSON and NumPy's `tolist` have it. */
export function nested({ shape, data }: NumberArray): Nested {
  const [n, ...rest] = shape;
  if (n === undefined) return data[0]!;
  const size = data.length / (n || 1);
  return Array.from({ length: n }, (_, i) =>
    nested({ shape: rest, data: data.slice(i * size, (i + 1) * size) }),
  );
}
