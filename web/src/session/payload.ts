// What a page was given when it was written: where to start, and a table.
//
// `clearprop play` and `cp.play` write it as JSON into the page (clearprop/playground/page_file.py),
// in a script element that no browser runs. The workshop takes its table from here. A network comes in
// the link, as changes of single weights before the first step (clearprop/playground/start.py).

export interface Payload {
  /** The link to open if the address has none. */
  link?: string;
  table?: PayloadTable;
  /** A teacher's lessons: a list as docs/lessons.md describes it. */
  lessons?: unknown;
}

/** A table as CSV: commas, a header, numbers with points, empty cells where a value is missing. */
export interface PayloadTable {
  name: string;
  text: string;
  /** The column to predict. */
  target: string;
  /** Rows of the whole table, if `text` has only a sample of them. */
  sampledFrom?: number;
}

export const payload: Payload = read();

function read(): Payload {
  const text = document.getElementById("payload")?.textContent;
  return text ? (JSON.parse(text) as Payload) : {};
}
