import { tableExists, type Sql } from "../versioned-storage.ts";

/** Whether anything is in a table of ours. */
export function hasRows(sql: Sql, table: string): boolean {
  return (
    tableExists(sql, table) &&
    sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length > 0
  );
}
