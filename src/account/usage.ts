import type { Limits, Standing } from "../config.ts";
import { ExpectedError } from "../errors.ts";
import { tableExists, type VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    name TEXT PRIMARY KEY, running INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, seen_at INTEGER NOT NULL
  ) WITHOUT ROWID
`;

const MINUTE_MS = 60_000;
/** A conversation that runs something says so more often; one that does not answer was never begun. */
const DOUBTFUL_AFTER_MS = 2 * MINUTE_MS;
const MAX_ASKED_AT_ONCE = 50;

type TotalsRow = { conversations: number; running: number; stored_bytes: number };

/**
 * What a person uses, and whether it is within what they may. Conversations go by
 * the names of their objects. A call is counted in memory, for an object that is
 * asked within the minute is not evicted.
 */
export class Usage {
  readonly #sql: VersionedStorage;
  readonly #limits: Limits | null;
  /** When each of the calls of the last minute came. */
  #calls: number[] = [];

  constructor(sql: VersionedStorage, limits: Limits | null) {
    this.#sql = sql;
    this.#limits = limits;
  }

  /** @throws {ExpectedError} where there were too many calls within a minute */
  countCall(now: number): void {
    const limit = this.#limits?.requestsPerMinute ?? Infinity;
    this.#calls = this.#calls.filter((at) => at > now - MINUTE_MS);
    const [first] = this.#calls;
    if (this.#calls.length >= limit && first !== undefined) {
      const seconds = Math.ceil((first + MINUTE_MS - now) / 1_000);
      throw new ExpectedError({ code: "too_many_requests", limit, seconds });
    }
    this.#calls.push(now);
  }

  /** What keeps one more execution from beginning in a conversation, perhaps its first. */
  excess(conversation: string): ExpectedError | null {
    if (this.#limits === null) return null;
    this.#sql.create(SCHEMA);
    const { conversations, executions, storedBytes } = this.#limits;
    const totals = this.#totals();
    if (!this.#has(conversation) && totals.conversations >= conversations)
      return new ExpectedError({ code: "too_many_conversations", limit: conversations });
    if (totals.running >= executions)
      return new ExpectedError({ code: "too_many_executions", limit: executions });
    const stored = totals.stored_bytes;
    if (stored >= storedBytes)
      return new ExpectedError({ code: "too_much_stored", stored, limit: storedBytes });
    return null;
  }

  /** Counts one more execution in a conversation. */
  begin(conversation: string, now: number): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec(
      `INSERT INTO conversations VALUES (?, 1, 0, ?)
       ON CONFLICT (name) DO UPDATE SET running = running + 1, seen_at = excluded.seen_at`,
      conversation,
      now,
    );
  }

  /** Takes in how a conversation stands. */
  settle(conversation: string, { running, storedBytes }: Standing, now: number): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec(
      "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?)",
      conversation,
      running,
      storedBytes,
      now,
    );
  }

  /** Takes a conversation off that has ended. */
  forget(conversation: string): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec("DELETE FROM conversations WHERE name = ?", conversation);
  }

  /** All conversations. */
  conversations(): string[] {
    if (!tableExists(this.#sql, "conversations")) return [];
    return this.#sql
      .exec<{ name: string }>("SELECT name FROM conversations")
      .toArray()
      .map(({ name }) => name);
  }

  /** Conversations that run something and have not been heard of: a crash between two objects may leave what is not so. */
  doubtful(now: number): string[] {
    this.#sql.create(SCHEMA);
    return this.#sql
      .exec<{ name: string }>(
        "SELECT name FROM conversations WHERE running > 0 AND seen_at < ? ORDER BY seen_at LIMIT ?",
        now - DOUBTFUL_AFTER_MS,
        MAX_ASKED_AT_ONCE,
      )
      .toArray()
      .map(({ name }) => name);
  }

  #has(conversation: string): boolean {
    const rows = this.#sql.exec(
      "SELECT 1 FROM conversations WHERE name = ?",
      conversation,
    );
    return rows.toArray().length > 0;
  }

  #totals(): TotalsRow {
    return this.#sql
      .exec<TotalsRow>(
        `SELECT count(*) AS conversations, coalesce(sum(running), 0) AS running,
           coalesce(sum(stored_bytes), 0) AS stored_bytes FROM conversations`,
      )
      .one();
  }
}
