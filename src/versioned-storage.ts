/**
 * The storage of a Durable Object, with the version of the tables in it. Before
 * anything is read or written, tables of an earlier version are brought up to
 * date, all at once or not at all, and those of a later one are refused: what
 * this code does not know it would spoil.
 */

import { ExpectedError } from "./errors.ts";

/** What is done with SQL. That of an object's own storage does, too. */
export type Sql = Pick<SqlStorage, "exec" | "databaseSize">;

/** The tables of one class of objects. */
export interface Schema {
  /** One more with every change of them. */
  readonly version: number;
  /**
   * The table with the version in its only row. `schema_version` comes with the
   * first table that is made with `create`; another one is made by whoever starts
   * the storage.
   */
  readonly versionTable: string;
  /**
   * Brings tables of an earlier version up to date. It looks at what is there:
   * tables from before versions were kept are taken for 1, whichever they are.
   */
  migrate(sql: Sql, from: number): void;
}

const OWN_TABLE = "schema_version";

/** See the head of this file. */
export class VersionedStorage implements Sql {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;
  /** Whether what is there, if anything is, was found to be of this version. */
  #isUpToDate = false;
  /** What {@link create} has made. */
  readonly #created = new Set<string>();

  constructor(storage: DurableObjectStorage, schema: Schema) {
    this.#storage = storage;
    this.#schema = schema;
  }

  get databaseSize(): number {
    return this.#storage.sql.databaseSize;
  }

  /** @throws {ExpectedError} `storage_newer` */
  exec<T extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: SqlStorageValue[]
  ): SqlStorageCursor<T> {
    this.open();
    return this.#storage.sql.exec<T>(query, ...bindings);
  }

  /**
   * Makes tables that are never dropped again, where they are not there yet; asking
   * once more costs nothing.
   *
   * @param schema `CREATE TABLE IF NOT EXISTS` and the like
   * @throws {ExpectedError} `storage_newer`
   */
  create(schema: string): void {
    if (this.#created.has(schema)) return;
    this.open();
    if (this.#schema.versionTable === OWN_TABLE && this.#created.size === 0)
      writeVersion(this.#storage.sql, this.#schema.version);
    this.#storage.sql.exec(schema);
    this.#created.add(schema);
  }

  /** Empties the storage, version included. The alarm stays. */
  async deleteAll(): Promise<void> {
    const emptied = this.#storage.deleteAll();
    this.#created.clear();
    await emptied;
  }

  /**
   * Sees to it that what is stored is of this version. Where nothing is, nothing is
   * written.
   *
   * @throws {ExpectedError} `storage_newer`
   */
  open(): void {
    if (this.#isUpToDate) return;
    const { sql } = this.#storage;
    const { version, versionTable } = this.#schema;
    const found = this.#foundVersion();
    if (found !== null && found > version)
      throw new ExpectedError({ code: "storage_newer" });
    if (found !== null && found < version)
      this.#storage.transactionSync(() => {
        this.#schema.migrate(sql, found);
        if (versionTable === OWN_TABLE) writeVersion(sql, version);
        else sql.exec(`UPDATE ${versionTable} SET version = ?`, version);
      });
    this.#isUpToDate = true;
  }

  /** Null where nothing is stored. */
  #foundVersion(): number | null {
    const { sql } = this.#storage;
    const { versionTable } = this.#schema;
    const tables = sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map(({ name }) => name)
      // Those with an underscore are the runtime's.
      .filter((name) => !/^(_|sqlite_)/.test(name));
    if (tables.length === 0) return null;
    if (!tables.includes(versionTable)) return 1;
    const [row] = sql.exec<{ version: number }>(`SELECT version FROM ${versionTable}`);
    return row?.version ?? 1;
  }
}

function writeVersion(sql: Sql, version: number): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS ${OWN_TABLE} (
      only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL
    )`,
  );
  sql.exec(
    `INSERT INTO ${OWN_TABLE} VALUES (1, ?)
     ON CONFLICT DO UPDATE SET version = excluded.version WHERE version <> excluded.version`,
    version,
  );
}

/** Whether a table was ever made: reading must not create anything. */
export function tableExists(sql: Sql, table: string): boolean {
  const tables = sql.exec(
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
    table,
  );
  return tables.toArray().length > 0;
}

/** The columns of a table; none where there is no such table. */
export function columnsOf(sql: Sql, table: string): string[] {
  return sql
    .exec<{ name: string }>("SELECT name FROM pragma_table_info(?)", table)
    .toArray()
    .map(({ name }) => name);
}
