/** Whether a table was ever made: reading must not create anything. */
export function tableExists(sql: SqlStorage, table: string): boolean {
  const tables = sql.exec(
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
    table,
  );
  return tables.toArray().length > 0;
}

/** Whether anything is in a table of ours. */
export function hasRows(sql: SqlStorage, table: string): boolean {
  return (
    tableExists(sql, table) &&
    sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length > 0
  );
}
