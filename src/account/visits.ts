import { tableExists, type VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS visits (
    id TEXT PRIMARY KEY, browser TEXT NOT NULL, sealed TEXT NOT NULL, ends_at INTEGER NOT NULL
  ) WITHOUT ROWID
`;

/** As long as the OAuth library waits for those who come back for a client. */
export const VISIT_MS = 10 * 60_000;

/**
 * Browsers that were sent elsewhere to sign in on a page. KV would let two
 * requests at once find the same visit; here the first takes it.
 */
export class Visits {
  readonly #sql: VersionedStorage;

  constructor(sql: VersionedStorage) {
    this.#sql = sql;
  }

  /** Keeps a visit under hashes of its state and of what its browser has. */
  keep(id: string, browser: string, sealed: string, now: number): void {
    this.#sql.create(SCHEMA);
    this.prune(now);
    this.#sql.exec(
      "INSERT INTO visits VALUES (?, ?, ?, ?)",
      id,
      browser,
      sealed,
      now + VISIT_MS,
    );
  }

  /** What was kept of a visit, which is over with that. */
  take(id: string, browser: string, now: number): string | null {
    if (!tableExists(this.#sql, "visits")) return null;
    const [visit] = this.#sql.exec<{ sealed: string }>(
      "DELETE FROM visits WHERE id = ? AND browser = ? AND ends_at > ? RETURNING sealed",
      id,
      browser,
      now,
    );
    return visit?.sealed ?? null;
  }

  /** Removes those who did not come back. */
  prune(now: number): void {
    if (tableExists(this.#sql, "visits"))
      this.#sql.exec("DELETE FROM visits WHERE ends_at <= ?", now);
  }
}
