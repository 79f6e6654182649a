import { DurableObject } from "cloudflare:workers";
import { Sealer } from "../sealing.ts";
import { addressOf, type ServerCredentials } from "../credentials.ts";
import { parseConfig, type Config, type JupyterAddress } from "../config.ts";
import { ExpectedError, outcomeOf, type Outcome } from "../errors.ts";

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
const DAY_MS = 24 * 60 * 60_000;
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

const CREDENTIALS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS credentials (
    only INTEGER PRIMARY KEY CHECK (only = 1), signed_in_at INTEGER NOT NULL, kept_at INTEGER NOT NULL,
    sealed TEXT NOT NULL
  )
`;

/**
 * What the conversations of one person on one Jupyter server share: the
 * directory of them, to which each conversation reports when a run starts and
 * ends, the versions of notebooks that were given out, and the turns of those
 * who save one. It keeps their credentials, sealed, for a conversation that works
 * while nobody calls.
 */
export class Workspace extends DurableObject<Env> {
  /** For each notebook that is being saved, when the last in line will be done. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #config: Config;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = parseConfig(env);
  }

  /** Takes in how a conversation stands. */
  async record(summary: ConversationSummary): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec(SCHEMA);
    sql.exec(
      "INSERT OR REPLACE INTO conversations (handle, used_at, summary) VALUES (?, ?, ?)",
      summary.handle,
      summary.usedAt,
      JSON.stringify(summary),
    );
    await this.#cleanUpLater();
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
  async rememberVersion(
    path: string,
    version: string,
    cells: readonly VersionCell[],
  ): Promise<void> {
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
    await this.#cleanUpLater();
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

  /** Keeps credentials, unless later ones are there. */
  async keepCredentials(credentials: ServerCredentials): Promise<void> {
    const { sql } = this.ctx.storage;
    const sealed = await this.#sealer().seal(JSON.stringify(credentials), this.#name());
    sql.exec(CREDENTIALS_SCHEMA);
    sql.exec(
      `INSERT INTO credentials VALUES (1, ?, ?, ?) ON CONFLICT DO UPDATE
       SET signed_in_at = excluded.signed_in_at, kept_at = excluded.kept_at, sealed = excluded.sealed
       WHERE excluded.signed_in_at >= signed_in_at`,
      credentials.signedInAt,
      Date.now(),
      sealed,
    );
    await this.#cleanUpLater();
  }

  /** How to reach the server with the credentials that were kept last. */
  address(): Promise<Outcome<JupyterAddress>> {
    return outcomeOf(async () => {
      if (!this.#exists("credentials")) throw new ExpectedError({ code: "signed_out" });
      const { sealed } = this.ctx.storage.sql
        .exec<{ sealed: string }>("SELECT sealed FROM credentials")
        .one();
      const opened = await this.#sealer()
        .open(sealed, this.#name())
        .catch((cause: unknown) => {
          throw new ExpectedError({ code: "signed_out" }, { cause });
        });
      // Sealed by `keepCredentials` alone.
      const credentials = JSON.parse(opened.text) as ServerCredentials;
      if (opened.isOutdated) await this.keepCredentials(credentials);
      const address = addressOf(credentials, this.#config);
      if (address === null) throw new ExpectedError({ code: "signed_out" });
      return address;
    });
  }

  /** Removes what is not needed any more. Never throws: six failures in a row would end it for good. */
  override async alarm(): Promise<void> {
    try {
      const now = Date.now();
      const { sql } = this.ctx.storage;
      if (this.#exists("notebook_versions"))
        sql.exec(
          "DELETE FROM notebook_versions WHERE given_at < ?",
          now - VERSION_TTL_MS,
        );
      if (this.#isForgotten(now)) {
        await this.ctx.storage.deleteAll();
        return;
      }
      // Seals anew what an earlier key sealed, so that this one can be taken away.
      if (this.#exists("credentials")) await this.address();
    } catch (error) {
      console.error(`cleaning up failed: ${error instanceof Error ? error.name : "?"}`);
    }
    await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  /** Whether there is no conversation, and nobody has come for as long as one would be kept. */
  #isForgotten(now: number): boolean {
    if (this.list(1).total > 0) return false;
    const since = now - this.#config.conversationTtlDays * DAY_MS;
    const kept = this.#exists("credentials")
      ? this.ctx.storage.sql.exec("SELECT 1 FROM credentials WHERE kept_at >= ?", since)
      : null;
    const given = this.#exists("notebook_versions")
      ? this.ctx.storage.sql.exec("SELECT 1 FROM notebook_versions LIMIT 1")
      : null;
    return [kept, given].every((rows) => (rows?.toArray().length ?? 0) === 0);
  }

  async #cleanUpLater(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  #sealer(): Sealer {
    return new Sealer(this.#config.signIn?.sealingKeys ?? []);
  }

  #name(): string {
    return this.ctx.id.name ?? "";
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
