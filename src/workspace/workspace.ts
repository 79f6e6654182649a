import { DurableObject } from "cloudflare:workers";

/** What the directory says of a conversation. Times are milliseconds since 1970. */
export interface ConversationSummary {
  readonly handle: string;
  readonly createdAt: number;
  readonly usedAt: number;
  /** First line of the code that ran last, and how that stands. */
  readonly lastCode: string;
  readonly lastExecution: string;
  readonly lastState: string;
  readonly kernels: readonly { readonly id: string; readonly kernelspec: string }[];
  /** Executions that have not ended. */
  readonly unfinished: readonly string[];
}

type SummaryRow = { summary: string };

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  )
`;

/**
 * What the conversations of one person on one Jupyter server share: the
 * directory of them. Each conversation reports to it when a run starts and ends.
 */
export class Workspace extends DurableObject<Env> {
  /** Takes in how a conversation stands. */
  record(summary: ConversationSummary): void {
    const { sql } = this.ctx.storage;
    sql.exec(SCHEMA);
    sql.exec(
      "INSERT OR REPLACE INTO conversations (handle, used_at, summary) VALUES (?, ?, ?)",
      summary.handle,
      summary.usedAt,
      JSON.stringify(summary),
    );
  }

  /** Removes a conversation that has ended. */
  forget(handle: string): void {
    if (!this.#exists()) return;
    this.ctx.storage.sql.exec("DELETE FROM conversations WHERE handle = ?", handle);
  }

  /** The conversations, the one used last first, and how many there are in all. */
  list(limit: number): { conversations: ConversationSummary[]; total: number } {
    if (!this.#exists()) return { conversations: [], total: 0 };
    const { sql } = this.ctx.storage;
    const rows = sql.exec<SummaryRow>(
      "SELECT summary FROM conversations ORDER BY used_at DESC LIMIT ?",
      limit,
    );
    // Written by `record` alone.
    const conversations = rows
      .toArray()
      .map((row) => JSON.parse(row.summary) as ConversationSummary);
    const { total } = sql
      .exec<{ total: number }>("SELECT count(*) AS total FROM conversations")
      .one();
    return { conversations, total };
  }

  /** Reading must not create anything. */
  #exists(): boolean {
    const tables = this.ctx.storage.sql.exec(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'conversations'",
    );
    return tables.toArray().length > 0;
  }
}
