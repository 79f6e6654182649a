import { DurableObject } from "cloudflare:workers";
import { parseConfig, type Limits, type Standing } from "../config.ts";
import { ExpectedError, outcomeOf, type Outcome } from "../errors.ts";

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
 * What must be exact for one person, whichever isolates and conversations their
 * calls reach: the limits of the deployment. A call is counted in memory, for an
 * object that is asked within the minute is not evicted; what is stored and what
 * runs, in its storage.
 */
export class Account extends DurableObject<Env> {
  readonly #limits: Limits | null;
  /** When each of the calls of the last minute came. */
  #calls: number[] = [];

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#limits = parseConfig(env).signIn?.limits ?? null;
  }

  /** Counts a call, unless there were too many within a minute. */
  admit(): Promise<Outcome<null>> {
    return outcomeOf(() => {
      const now = Date.now();
      const limit = this.#limits?.requestsPerMinute ?? Infinity;
      this.#calls = this.#calls.filter((at) => at > now - MINUTE_MS);
      const [first] = this.#calls;
      if (this.#calls.length >= limit && first !== undefined) {
        const seconds = Math.ceil((first + MINUTE_MS - now) / 1_000);
        throw new ExpectedError({ code: "too_many_requests", limit, seconds });
      }
      this.#calls.push(now);
      return null;
    });
  }

  /** Makes room for one more execution in a conversation, perhaps its first. */
  begin(conversation: string): Promise<Outcome<null>> {
    return outcomeOf(async () => {
      this.ctx.storage.sql.exec(SCHEMA);
      const isNew =
        this.ctx.storage.sql
          .exec("SELECT 1 FROM conversations WHERE name = ?", conversation)
          .toArray().length === 0;
      if (this.#excess(isNew) !== null) await this.#forgetTheDoubtful();
      const excess = this.#excess(isNew);
      if (excess !== null) throw excess;
      this.ctx.storage.sql.exec(
        `INSERT INTO conversations VALUES (?, 1, 0, ?)
         ON CONFLICT (name) DO UPDATE SET running = running + 1, seen_at = excluded.seen_at`,
        conversation,
        Date.now(),
      );
      return null;
    });
  }

  /** Takes in how a conversation, by the name of its object, stands. */
  settle(conversation: string, { running, storedBytes }: Standing): void {
    this.ctx.storage.sql.exec(SCHEMA);
    this.ctx.storage.sql.exec(
      "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?)",
      conversation,
      running,
      storedBytes,
      Date.now(),
    );
  }

  /** Takes a conversation off that has ended. The last one leaves nothing behind. */
  async forget(conversation: string): Promise<void> {
    this.ctx.storage.sql.exec(SCHEMA);
    this.ctx.storage.sql.exec("DELETE FROM conversations WHERE name = ?", conversation);
    if (this.#totals().conversations === 0) await this.ctx.storage.deleteAll();
  }

  #excess(isNew: boolean): ExpectedError | null {
    if (this.#limits === null) return null;
    const { conversations, executions, storedBytes } = this.#limits;
    const totals = this.#totals();
    if (isNew && totals.conversations >= conversations)
      return new ExpectedError({ code: "too_many_conversations", limit: conversations });
    if (totals.running >= executions)
      return new ExpectedError({ code: "too_many_executions", limit: executions });
    const stored = totals.stored_bytes;
    if (stored >= storedBytes)
      return new ExpectedError({ code: "too_much_stored", stored, limit: storedBytes });
    return null;
  }

  #totals(): TotalsRow {
    return this.ctx.storage.sql
      .exec<TotalsRow>(
        `SELECT count(*) AS conversations, coalesce(sum(running), 0) AS running,
           coalesce(sum(stored_bytes), 0) AS stored_bytes FROM conversations`,
      )
      .one();
  }

  /** A crash between two objects may leave what is not so any more: whoever has not been heard of is asked. */
  async #forgetTheDoubtful(): Promise<void> {
    const doubtful = this.ctx.storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM conversations WHERE running > 0 AND seen_at < ? ORDER BY seen_at LIMIT ?",
        Date.now() - DOUBTFUL_AFTER_MS,
        MAX_ASKED_AT_ONCE,
      )
      .toArray();
    await Promise.all(
      doubtful.map(async ({ name }) => {
        const standing = await this.env.CONVERSATION.getByName(name).standing();
        if (standing === null) await this.forget(name);
        else this.settle(name, standing);
      }),
    );
    this.ctx.storage.sql.exec(SCHEMA);
  }
}
