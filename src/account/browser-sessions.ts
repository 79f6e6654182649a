import { hasRows } from "./tables.ts";
import { tableExists, type VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS browser_sessions (id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID
`;

/** A working day: whoever leaves a shared computer is signed out the next morning at the latest. */
export const SESSION_MS = 12 * 60 * 60_000;

/**
 * The browsers in which a person is signed in to their page. What is kept of a
 * session is a hash of its secret, so that nothing stored here opens one.
 */
export class BrowserSessions {
  readonly #sql: VersionedStorage;

  constructor(sql: VersionedStorage) {
    this.#sql = sql;
  }

  /** Begins a session. */
  open(id: string, now: number): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec(
      "INSERT INTO browser_sessions (id, ends_at) VALUES (?, ?)",
      id,
      now + SESSION_MS,
    );
  }

  /** Whether a session goes on. Asking writes nothing. */
  isOpen(id: string, now: number): boolean {
    if (!tableExists(this.#sql, "browser_sessions")) return false;
    const rows = this.#sql.exec(
      "SELECT 1 FROM browser_sessions WHERE id = ? AND ends_at > ?",
      id,
      now,
    );
    return rows.toArray().length > 0;
  }

  /** Ends a session; says whether there was one. */
  close(id: string): boolean {
    if (!tableExists(this.#sql, "browser_sessions")) return false;
    const closed = this.#sql.exec(
      "DELETE FROM browser_sessions WHERE id = ? RETURNING id",
      id,
    );
    return closed.toArray().length > 0;
  }

  /** Removes what has ended by itself; says whether anything is left. */
  prune(now: number): boolean {
    if (!tableExists(this.#sql, "browser_sessions")) return false;
    this.#sql.exec("DELETE FROM browser_sessions WHERE ends_at <= ?", now);
    return hasRows(this.#sql, "browser_sessions");
  }
}
