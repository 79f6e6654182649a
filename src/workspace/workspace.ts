import { DurableObject } from "cloudflare:workers";
import { Sealer } from "../sealing.ts";
import { addressOf, type ServerCredentials } from "../credentials.ts";
import { configOf, type Config, type JupyterAddress } from "../config.ts";
import {
  ExpectedError,
  outcomeOf,
  valueOf,
  type Failure,
  type Outcome,
} from "../errors.ts";
import { Log, shortPerson } from "../log.ts";
import { compileGlob } from "../jupyter/glob.ts";
import { isNotebookPath } from "../jupyter/paths.ts";
import { judgeByHub } from "../jupyter/hub-server.ts";
import { JupyterServer } from "../jupyter/server.ts";
import type { RoomOffer } from "../notebook/access.ts";
import {
  SearchIndex,
  upgradeIndex,
  type IndexState,
  type SearchFilter,
} from "../search/index-store.ts";
import { parseQuery, parseRegex } from "../search/query.ts";
import { snippetOf, type Snippet } from "../search/snippet.ts";
import type { TextKind } from "../search/text.ts";
import { Indexer } from "./indexer.ts";
import { tableExists, VersionedStorage, type Schema } from "../versioned-storage.ts";
import { RunWatch } from "./run-watch.ts";
import { notebooksOf } from "./notebook-source.ts";

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

/** What is looked for, and where. */
export interface SearchRequest {
  readonly query: string;
  readonly isRegex: boolean;
  readonly kinds: readonly TextKind[];
  /** A glob over paths, or null. */
  readonly path: string | null;
  readonly language: string | null;
  /** Whether to look at the server first. */
  readonly isFresh: boolean;
  /** How long to wait for what is looked at or read first. */
  readonly waitMs: number;
  readonly limit: number;
  readonly cursor: string | null;
}

/** A text that was found. */
export interface SearchMatch extends Snippet {
  readonly path: string;
  readonly cellId: string;
  /** Of the cell, from 0. */
  readonly position: number;
  readonly kind: TextKind;
}

/** What a search found, and how far the index was then. */
export interface SearchAnswer {
  readonly matches: readonly SearchMatch[];
  /** Matches that were found in all, at least. */
  readonly found: number;
  /** Whether there may be more than were found: what was looked at has a bound. */
  readonly hasMore: boolean;
  readonly cursor: string | null;
  readonly state: IndexState;
  /** Why the server could not be looked at, where that failed. */
  readonly trouble: Failure | null;
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

const ROOMS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS room_offer (
    only INTEGER PRIMARY KEY CHECK (only = 1), started_at TEXT NOT NULL, is_offered INTEGER NOT NULL
  )
`;

const CREDENTIALS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS credentials (
    only INTEGER PRIMARY KEY CHECK (only = 1), signed_in_at INTEGER NOT NULL, kept_at INTEGER NOT NULL,
    sealed TEXT NOT NULL
  )
`;

/** 2: the index with its notebooks in the order in which they are read. */
export const WORKSPACE_SCHEMA: Schema = {
  version: 2,
  versionTable: "schema_version",
  migrate: upgradeIndex,
};

/** A listing is worth repeating when it is older than this, and than ten times what it took. */
const LISTING_TTL_MS = 10_000;
/** A workspace that is searched for the first time is worth waiting for; a large one answers with what it has. */
const FIRST_WAIT_MS = 5_000;
/** After a crash, the alarm goes on with what was left. */
const RESUME_MS = 30_000;
const SLICE_MS = 60_000;
const RETRY_MS = 60 * 60_000;

/**
 * What the conversations of one person on one Jupyter server share: the
 * directory of them, to which each conversation reports when a run goes on for
 * more than a moment and when it ends, the versions of notebooks that were given
 * out, and the turns of those who save one. It keeps their credentials, sealed, for
 * a conversation that works while nobody calls.
 */
export class Workspace extends DurableObject<Env> {
  /** For each notebook that is being saved, when the last in line will be done. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #config: Config;
  readonly #sql: VersionedStorage;
  readonly #log: Log;
  readonly #index: SearchIndex;
  readonly #indexer: Indexer;
  readonly #runs = new RunWatch();
  /** The listing and reading that goes on now. */
  #building: Promise<void> | null = null;
  /** When everything was forgotten and nobody has signed in since: what was under way must not bring it back. */
  #forgottenAt: number | null = null;
  /** Why the last one ended early. */
  #trouble: Failure | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#log = new Log(this.#config.logLevel, { person: shortPerson(ctx.id.name) });
    this.#sql = new VersionedStorage(ctx.storage, WORKSPACE_SCHEMA);
    this.#index = new SearchIndex(this.#sql);
    const server = new JupyterServer(
      this.#config.signIn === null
        ? this.#config.jupyter
        : async () => valueOf(await this.address()),
      judgeByHub,
    );
    this.#indexer = new Indexer(this.#index, notebooksOf(server), this.#runs);
  }

  /** Takes in how a conversation stands. */
  async record(summary: ConversationSummary): Promise<void> {
    if (this.#forgottenAt !== null) return;
    this.#runs.note(summary.handle, summary.unfinished.length > 0);
    const sql = this.#sql;
    sql.create(SCHEMA);
    sql.exec(
      // Replacing the row would write its index as well.
      `INSERT INTO conversations (handle, used_at, summary) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET used_at = excluded.used_at, summary = excluded.summary`,
      summary.handle,
      summary.usedAt,
      JSON.stringify(summary),
    );
    await this.#cleanUpLater();
  }

  /** Removes a conversation that has ended. */
  forget(handle: string): void {
    this.#runs.note(handle, false);
    if (!this.#exists()) return;
    this.#sql.exec("DELETE FROM conversations WHERE handle = ?", handle);
  }

  /** The names of the objects of all conversations. */
  conversationNames(): string[] {
    if (!this.#exists()) return [];
    return this.#sql
      .exec<{ handle: string }>("SELECT handle FROM conversations")
      .toArray()
      .map(({ handle }) => `${this.#name()}/${handle}`);
  }

  /** The conversations, the one used last first, and how many there are in all. */
  list(limit: number): { conversations: ConversationSummary[]; total: number } {
    if (!this.#exists()) return { conversations: [], total: 0 };
    const sql = this.#sql;
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
    if (this.#forgottenAt !== null) return;
    const sql = this.#sql;
    const now = Date.now();
    sql.create(VERSIONS_SCHEMA);
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
    const [row] = this.#sql.exec<{ cells: string }>(
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

  /** Whether the server had rooms for notebooks when that was asked last, or `null`. */
  roomOffer(): RoomOffer | null {
    if (!this.#exists("room_offer")) return null;
    const [row] = this.#sql.exec<{ started_at: string; is_offered: number }>(
      "SELECT started_at, is_offered FROM room_offer",
    );
    if (row === undefined) return null;
    return { startedAt: row.started_at, isOffered: row.is_offered === 1 };
  }

  /** Keeps whether the server has rooms for notebooks, since it was started. */
  async keepRoomOffer({ startedAt, isOffered }: RoomOffer): Promise<void> {
    if (this.#forgottenAt !== null) return;
    const sql = this.#sql;
    sql.create(ROOMS_SCHEMA);
    sql.exec(
      "INSERT OR REPLACE INTO room_offer VALUES (1, ?, ?)",
      startedAt,
      isOffered ? 1 : 0,
    );
    await this.#cleanUpLater();
  }

  /** Forgets everything, also what is being read at this moment. */
  async forgetAll(): Promise<void> {
    this.#sql.open();
    this.#forgottenAt = Date.now();
    // Without them a listing that goes on ends at its next request.
    if (this.#exists("credentials")) this.#sql.exec("DELETE FROM credentials");
    await this.#building;
    await this.ctx.storage.deleteAlarm();
    await this.#sql.deleteAll();
    this.#index.forgetSchema();
  }

  /** Keeps credentials, unless later ones are there, or all was forgotten after they were given. */
  async keepCredentials(credentials: ServerCredentials): Promise<void> {
    if (credentials.signedInAt <= (this.#forgottenAt ?? 0)) return;
    this.#forgottenAt = null;
    const sql = this.#sql;
    const sealed = await this.#sealer().seal(JSON.stringify(credentials), this.#name());
    sql.create(CREDENTIALS_SCHEMA);
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
    return this.#outcome(async () => {
      if (!this.#exists("credentials")) throw new ExpectedError({ code: "signed_out" });
      const { sealed } = this.#sql
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
      const sql = this.#sql;
      if (this.#exists("notebook_versions"))
        sql.exec(
          "DELETE FROM notebook_versions WHERE given_at < ?",
          now - VERSION_TTL_MS,
        );
      if (this.#isForgotten(now)) {
        await this.#sql.deleteAll();
        this.#index.forgetSchema();
        return;
      }
      // What was being read when the object crashed is to be read as well.
      if (this.#building === null) this.#index.forgetReading();
      if (this.#index.pending(1).length > 0) {
        await this.#build(false);
        return;
      }
      // Seals anew what an earlier key sealed, so that this one can be taken away.
      if (this.#exists("credentials")) await this.address();
    } catch (error) {
      this.#log.bug({ task: "clean_up" }, error);
    }
    if (this.#forgottenAt === null) await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  /** Looks at the server where that is due: in the background, unless it is asked for or was never done. */
  async #refreshed({ isFresh, waitMs }: SearchRequest): Promise<void> {
    if (this.#forgottenAt !== null) throw new ExpectedError({ code: "signed_out" });
    this.#index.createSchema();
    const { listedAt, listingMs } = this.#index.state();
    const age = Date.now() - (listedAt ?? 0);
    const isDue = age > LISTING_TTL_MS && age > 10 * listingMs;
    const shortMs = Math.min(FIRST_WAIT_MS, waitMs);
    if (isFresh) await within(this.#listedAnew(), waitMs);
    else if (listedAt === null) await within(this.#build(true), shortMs);
    else if (isDue) void this.#build(true);
    // What was written here is there at once. Whoever has its turn may have written already.
    for (const path of this.#turns.keys()) this.fileChanged(path);
    if (this.#index.pending(1, true).length > 0)
      await this.#indexer
        .read(Date.now() + shortMs, true)
        .catch((error: unknown) => this.#note(error));
  }

  /** A listing that began before now may have missed what is asked for. */
  async #listedAnew(): Promise<void> {
    await this.#building;
    await this.#build(true);
  }

  /** Lists the server where asked, and reads what is to be read. One at a time; it goes on when nobody waits. */
  #build(withListing: boolean): Promise<void> {
    if (this.#forgottenAt !== null) return Promise.resolve();
    this.#building ??= (async () => {
      try {
        const begunAt = Date.now();
        await this.ctx.storage.setAlarm(begunAt + RESUME_MS);
        this.#index.forgetReading();
        if (withListing) await this.#indexer.list();
        this.#trouble = null;
        const hasMore = this.#index.pending(1).length > 0;
        while (this.#index.pending(1).length > 0) {
          await this.ctx.storage.setAlarm(Date.now() + RESUME_MS + SLICE_MS);
          await this.#indexer.read(Date.now() + SLICE_MS);
        }
        await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
        this.#tellIndexed(begunAt, hasMore);
      } catch (error) {
        this.#note(error);
        // The next search tries at once; while nobody searches there is no hurry.
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
      } finally {
        this.#building = null;
      }
    })();
    this.ctx.waitUntil(this.#building);
    return this.#building;
  }

  #outcome<T>(work: () => Promise<T> | T): Promise<Outcome<T>> {
    return outcomeOf(work, (error) => this.#log.bug({}, error));
  }

  #note(error: unknown): void {
    if (error instanceof ExpectedError) {
      this.#trouble = error.failure;
      this.#log.warn("index_failed", { outcome: error.failure.code });
    } else this.#log.bug({ task: "index" }, error);
  }

  /** A listing that found nothing new is told only where everything is. */
  #tellIndexed(begunAt: number, hasRead: boolean): void {
    const { indexed: notebooks, unreadable } = this.#index.state();
    const fields = { durationMs: Date.now() - begunAt, notebooks, unreadable };
    if (hasRead) this.#log.info("indexed", fields);
    else this.#log.debug("indexed", fields);
  }

  /** Whether there is no conversation, and nobody has come for as long as one would be kept. */
  #isForgotten(now: number): boolean {
    if (this.list(1).total > 0) return false;
    const since = now - this.#config.conversationTtlDays * DAY_MS;
    if ((this.#index.state().listedAt ?? 0) >= since) return false;
    const kept = this.#exists("credentials")
      ? this.#sql.exec("SELECT 1 FROM credentials WHERE kept_at >= ?", since)
      : null;
    const given = this.#exists("notebook_versions")
      ? this.#sql.exec("SELECT 1 FROM notebook_versions LIMIT 1")
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

  /** Finds texts in all notebooks, from what is in the index by now. */
  search(request: SearchRequest): Promise<Outcome<SearchAnswer>> {
    return this.#outcome(async () => {
      const query = request.isRegex
        ? parseRegex(request.query)
        : parseQuery(request.query);
      const glob = request.path === null ? null : compileGlob(request.path);
      const filter: SearchFilter = {
        kinds: request.kinds,
        language: request.language,
        matchesPath: glob && ((path) => glob.matches(path)),
      };
      await this.#refreshed(request);
      const { block, offset } = readCursor(request.cursor);
      const { hits, next } = this.#index.find(query, filter, block);
      const page = hits.slice(offset, offset + request.limit);
      const isLastOfBlock = offset + request.limit >= hits.length;
      return {
        matches: page.map(({ text, path, cellId, position, kind }) => ({
          path,
          cellId,
          position,
          kind,
          ...snippetOf(text, query),
        })),
        found: hits.length,
        hasMore: next !== null,
        cursor: cursorOf(block, offset + request.limit, isLastOfBlock, next),
        state: this.#index.state(),
        trouble: this.#trouble,
      };
    });
  }

  /** Notes that a file was written here, so that the next search has it. */
  fileChanged(path: string): void {
    if (isNotebookPath(path)) this.#index.noteChange(path);
  }

  /** Notes that a file or a folder was moved here. */
  fileMoved(from: string, to: string): void {
    this.#index.move(from, to);
  }

  /** Notes that a file was deleted here. */
  fileDeleted(path: string): void {
    this.#index.remove(path);
  }

  /** Runs `work`, which may save a file, when everybody who wanted to save it before is done, or gone. */
  async exclusively(path: string, work: () => Promise<void>): Promise<void> {
    this.#sql.open();
    const before = this.#turns.get(path) ?? Promise.resolve();
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    const mine = before.then(() => done);
    this.#turns.set(path, mine);
    await before;
    try {
      await work();
      this.fileChanged(path);
    } finally {
      end();
      if (this.#turns.get(path) === mine) this.#turns.delete(path);
    }
  }

  /** Reading must not create anything. */
  #exists(table = "conversations"): boolean {
    return tableExists(this.#sql, table);
  }
}

/** Waits for work that goes on by itself, and no longer than `ms`. */
async function within(work: Promise<void>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** Where a reader is: the part of the index, and how many of its hits were read. */
function readCursor(cursor: string | null): { block: number | null; offset: number } {
  const [, block = "", offset = "0"] = /^(\d*)\.(\d+)$/.exec(cursor ?? "") ?? [];
  return { block: block === "" ? null : Number(block), offset: Number(offset) };
}

function cursorOf(
  block: number | null,
  offset: number,
  isLastOfBlock: boolean,
  next: number | null,
): string | null {
  if (!isLastOfBlock) return `${block ?? ""}.${offset}`;
  return next === null ? null : `${next}.0`;
}
