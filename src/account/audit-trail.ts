import type { AuditEntry, AuditEvent } from "../audit.ts";
import { hasRows } from "./tables.ts";
import { tableExists, type VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS audit_trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, key TEXT UNIQUE, event TEXT NOT NULL
  )
`;

/** The oldest go first above this, retention or not: some 20 MB. */
const MAX_EVENTS = 100_000;

type Row = { id: number; at: number; event: string };

/** What happened in a person's name. An entry is never changed; it goes when its time is over. */
export class AuditTrail {
  readonly #sql: VersionedStorage;

  constructor(sql: VersionedStorage) {
    this.#sql = sql;
  }

  /** Adds an event. Of two with the same key the first holds: whoever tells it may tell it again. */
  add(what: AuditEvent, now: number, key: string | null = null): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec(
      "INSERT OR IGNORE INTO audit_trail (at, key, event) VALUES (?, ?, ?)",
      now,
      key,
      JSON.stringify(what),
    );
  }

  /** The newest, or those before an entry, newest first. */
  newest(limit: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    if (!tableExists(this.#sql, "audit_trail")) return [];
    const rows = this.#sql.exec<Row>(
      "SELECT id, at, event FROM audit_trail WHERE id < ? ORDER BY id DESC LIMIT ?",
      before,
      limit,
    );
    return rows.toArray().map(entryOf);
  }

  /** Those after an entry, oldest first. */
  since(after: number, limit: number): AuditEntry[] {
    if (!tableExists(this.#sql, "audit_trail")) return [];
    const rows = this.#sql.exec<Row>(
      "SELECT id, at, event FROM audit_trail WHERE id > ? ORDER BY id LIMIT ?",
      after,
      limit,
    );
    return rows.toArray().map(entryOf);
  }

  /** Removes what is from before `since`; says whether anything is left. */
  prune(since: number): boolean {
    if (!tableExists(this.#sql, "audit_trail")) return false;
    this.#sql.exec("DELETE FROM audit_trail WHERE at < ?", since);
    this.#sql.exec(
      "DELETE FROM audit_trail WHERE id <= (SELECT max(id) FROM audit_trail) - ?",
      MAX_EVENTS,
    );
    return hasRows(this.#sql, "audit_trail");
  }
}

function entryOf({ id, at, event }: Row): AuditEntry {
  // Written by `add` alone.
  return { id, at, what: JSON.parse(event) as AuditEvent };
}
