// A table that was loaded: columns of text as the file has them, and the line of each row.

export interface Table {
  /** The file's name: shown, and used in programs. */
  name: string;
  columns: string[];
  /** Values column by column, as text, trimmed; null for a gap. */
  cells: (string | null)[][];
  n_rows: number;
  /** The line of the file where each row begins; from 1, the header included. */
  lines: Int32Array;
  /** What the reader of the file noticed, one line each. */
  notes: string[];
}
