// A table as it was loaded: its columns, and the bytes of its file.

import type { TableFile } from "./state_file.ts";
import { readTable } from "./table/read.ts";
import type { Table } from "./table/table.ts";

export interface LoadedTable extends TableFile {
  table: Table;
}

/** Read a table file; an Error says in one line why it cannot be read. */
export function loadTable(bytes: Uint8Array, fileName: string): LoadedTable {
  const table = readTable(bytes, fileName);
  return { name: table.name, bytes, table };
}
