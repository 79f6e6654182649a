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

/** A cell of a version that was given out: its id and the hash of what it held. */
export interface VersionCell {
  readonly id: string;
  readonly hash: string;
}

type SummaryRow = { summary: string };

/** A model that comes back later reads again; a version costs a row as long as it is kept. */
const VERSION_TTL_MS = 24 * 60 * 60_000;
/** A row holds 2 MB; a notebook of 40,000 cells takes less. */
const MAX_VERSION_CHARS = 1_500_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  )
`;

const VERSIONS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS notebook_versions (
    path TEXT NOT NULL, version TEXT NOT NULL, given_at INTEGER NOT NULL, cells TEXT NOT NULL,
    PRIMARY KEY (path, version)
  ) WITHOUT ROWID
`;

/**
 * What the conversations of one person on one Jupyter server share: the
 * directory of them, to which each conversation reports when a run starts and
 * ends, the versions of notebooks that were given out, and the turns of those
 * who save one.
 */
export class Workspace extends DurableObject<Env> {
  /** For each notebook that is being saved, when the last in line will be done. */
  readonly #turns = new Map<string, Promise<void>>();

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

  /** Remembers, for a day, what a version of a notebook consisted of. */
  rememberVersion(path: string, version: string, cells: readonly VersionCell[]): void {
    const { sql } = this.ctx.storage;
    const now = Date.now();
    sql.exec(VERSIONS_SCHEMA);
    sql.exec("DELETE FROM notebook_versions WHERE given_at < ?", now - VERSION_TTL_MS);
    const packed = cells.map(({ id, hash }) => `${id} ${hash}`).join("\n");
    if (packed.length > MAX_VERSION_CHARS) return;
    sql.exec(
      "INSERT OR REPLACE INTO notebook_versions (path, version, given_at, cells) VALUES (?, ?, ?, ?)",
      path,
      version,
      now,
      packed,
    );
  }

  /** The cells of a version that was given out within a day, or `null`. */
  knownVersion(path: string, version: string): VersionCell[] | null {
    if (!this.#exists("notebook_versions")) return null;
    const [row] = this.ctx.storage.sql.exec<{ cells: string }>(
      "SELECT cells FROM notebook_versions WHERE path = ? AND version = ? AND given_at >= ?",
      path,
      version,
      Date.now() - VERSION_TTL_MS,
    );
    if (row === undefined) return null;
    if (row.cells === "") return [];
    return row.cells.split("\n").map((line) => {
      const [id = "", hash = ""] = line.split(" ");
      return { id, hash };
    });
  }

  /** Runs `work` when everybody who wanted to save the same notebook before is done, or gone. */
  async exclusively(path: string, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(path) ?? Promise.resolve();
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    const mine = before.then(() => done);
    this.#turns.set(path, mine);
    await before;
    try {
      await work();
    } finally {
      end();
      if (this.#turns.get(path) === mine) this.#turns.delete(path);
    }
  }

  /** Reading must not create anything. */
  #exists(table = "conversations"): boolean {
    const tables = this.ctx.storage.sql.exec(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
      table,
    );
    return tables.toArray().length > 0;
  }
}
