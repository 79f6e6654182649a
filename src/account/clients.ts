import { hasRows } from "./tables.ts";
import { tableExists, type VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS clients (
    grant_id TEXT PRIMARY KEY, installation TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
    connected_at INTEGER NOT NULL, used_at INTEGER
  ) WITHOUT ROWID
`;

const HOUR_MS = 60 * 60_000;
/** A client that stays away for 30 days has lost its grant; a day more, because its last use is known to the hour. */
const UNUSED_MS = 31 * 24 * HOUR_MS;

/** A client as its person lets it in. */
export interface NewClient {
  /** Of this grant: it comes back with every call. */
  readonly grant: string;
  /** Which program on which machine it is, as far as OAuth tells: a second grant takes the place of the first. */
  readonly installation: string;
  /** What it calls itself; the domain that publishes it, where that is verified. */
  readonly name: string;
  readonly scopes: readonly string[];
}

/** A client that may call in a person's name. Times in milliseconds since 1970. */
export interface ConnectedClient extends NewClient {
  readonly connectedAt: number;
  /** To the hour; null where it never called. */
  readonly usedAt: number | null;
}

type Row = {
  grant_id: string;
  installation: string;
  name: string;
  scopes: string;
  connected_at: number;
  used_at: number | null;
};

/**
 * Which clients may call. The grants themselves are in KV, which takes a while
 * to forget everywhere; a grant that is not listed here opens nothing at once.
 */
export class Clients {
  readonly #sql: VersionedStorage;

  constructor(sql: VersionedStorage) {
    this.#sql = sql;
  }

  add({ grant, installation, name, scopes }: NewClient, now: number): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec("DELETE FROM clients WHERE installation = ?", installation);
    this.#sql.exec(
      "INSERT INTO clients VALUES (?, ?, ?, ?, ?, NULL)",
      grant,
      installation,
      name,
      JSON.stringify(scopes),
      now,
    );
  }

  /** Whether a grant holds. That it was used is noted once an hour, because a row costs more than a look. */
  use(grant: string, now: number): boolean {
    if (!tableExists(this.#sql, "clients")) return false;
    const [row] = this.#sql.exec<Row>("SELECT * FROM clients WHERE grant_id = ?", grant);
    if (row === undefined) return false;
    if ((row.used_at ?? 0) <= now - HOUR_MS)
      this.#sql.exec("UPDATE clients SET used_at = ? WHERE grant_id = ?", now, grant);
    return true;
  }

  /** Whether a grant holds. */
  has(grant: string): boolean {
    if (!tableExists(this.#sql, "clients")) return false;
    const rows = this.#sql.exec("SELECT 1 FROM clients WHERE grant_id = ?", grant);
    return rows.toArray().length > 0;
  }

  /** The newest first. */
  all(): ConnectedClient[] {
    if (!tableExists(this.#sql, "clients")) return [];
    const rows = this.#sql.exec<Row>("SELECT * FROM clients ORDER BY connected_at DESC");
    return rows.toArray().map(clientOf);
  }

  /** Ends a grant, and says whose it was. */
  revoke(grant: string): ConnectedClient | null {
    if (!tableExists(this.#sql, "clients")) return null;
    const [row] = this.#sql.exec<Row>(
      "DELETE FROM clients WHERE grant_id = ? RETURNING *",
      grant,
    );
    return row === undefined ? null : clientOf(row);
  }

  revokeAll(): void {
    if (tableExists(this.#sql, "clients")) this.#sql.exec("DELETE FROM clients");
  }

  /** Removes those whose grants have expired; says whether any is left. */
  prune(now: number): boolean {
    if (!tableExists(this.#sql, "clients")) return false;
    this.#sql.exec(
      "DELETE FROM clients WHERE coalesce(used_at, connected_at) < ?",
      now - UNUSED_MS,
    );
    return hasRows(this.#sql, "clients");
  }
}

function clientOf(row: Row): ConnectedClient {
  return {
    grant: row.grant_id,
    installation: row.installation,
    name: row.name,
    // Written by `add` alone.
    scopes: JSON.parse(row.scopes) as string[],
    connectedAt: row.connected_at,
    usedAt: row.used_at,
  };
}
