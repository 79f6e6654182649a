import type { ConversationIdentity } from "../identity.ts";
import { upgradeJournal } from "../kernel/journal.ts";
import { upgradeSlots } from "../kernel/slots.ts";
import { tableExists, type Schema, type VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (
    version INTEGER NOT NULL, principal TEXT NOT NULL, server_hash TEXT NOT NULL, handle TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS due_times (name TEXT PRIMARY KEY, at INTEGER NOT NULL, failures INTEGER NOT NULL);
`;

/**
 * 2: runs of notebooks. 3: their Jupyter sessions. 4: why a run was never sent, and
 * how often a save failed. 5: all of it, also where 1 to 4 had been left half done.
 * 6: since when a connection to a kernel is open, which the first of 5 did not have.
 */
export const CONVERSATION_SCHEMA: Schema = {
  version: 6,
  versionTable: "meta",
  migrate(sql) {
    sql.exec(SCHEMA);
    upgradeJournal(sql);
    upgradeSlots(sql);
  },
};

/** What a conversation does later by itself: look after a run, and expire. */
export type DueName = "watch" | "expire";

/** A thing to do, and how often it has failed in a row. */
export interface Due {
  readonly name: DueName;
  readonly failures: number;
}

/** Who the conversation is and when it began, in milliseconds since 1970. */
export type ConversationMeta = ConversationIdentity & { readonly createdAt: number };

/** Who the conversation is, and the table of due times that its single alarm serves. */
export class ConversationStorage {
  readonly #storage: DurableObjectStorage;
  readonly #sql: VersionedStorage;
  /** Once it was read: it does not change. */
  #identity: ConversationMeta | null = null;

  constructor(storage: DurableObjectStorage, sql: VersionedStorage) {
    this.#storage = storage;
    this.#sql = sql;
  }

  /** Whether the conversation was ever started. Asking writes nothing. */
  exists(): boolean {
    return this.#identity !== null || tableExists(this.#sql, "meta");
  }

  /** Starts the conversation. */
  create(identity: ConversationIdentity, now: number): void {
    this.#sql.exec(SCHEMA);
    this.#sql.exec(
      "INSERT INTO meta (version, principal, server_hash, handle, created_at) VALUES (?, ?, ?, ?, ?)",
      CONVERSATION_SCHEMA.version,
      identity.principal,
      identity.serverHash,
      identity.handle,
      now,
    );
  }

  /** Who the conversation is and when it began. */
  identity(): ConversationMeta {
    this.#identity ??= this.#readIdentity();
    return this.#identity;
  }

  #readIdentity(): ConversationMeta {
    const row = this.#sql
      .exec<{
        principal: string;
        server_hash: string;
        handle: string;
        created_at: number;
      }>("SELECT principal, server_hash, handle, created_at FROM meta")
      .one();
    return {
      principal: row.principal,
      serverHash: row.server_hash,
      handle: row.handle,
      createdAt: row.created_at,
    };
  }

  /** Sees to it that `name` is done at `at` at the latest. An earlier time stays. */
  async schedule(name: DueName, at: number): Promise<void> {
    const earlier = this.#sql.exec(
      "SELECT 1 FROM due_times WHERE name = ? AND at <= ?",
      name,
      at,
    );
    if (earlier.toArray().length > 0) return;
    await this.reschedule(name, at, 0);
  }

  /** Sets the time of `name`, whatever it was before. */
  async reschedule(name: DueName, at: number, failures: number): Promise<void> {
    this.#sql.exec(
      // Replacing the row would write its index as well.
      `INSERT INTO due_times VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET at = excluded.at, failures = excluded.failures`,
      name,
      at,
      failures,
    );
    await this.arm();
  }

  /** Leaves `name` at the time that {@link takeDue} gave it, as one that has not failed. */
  keep(name: DueName): void {
    this.#sql.exec(
      "UPDATE due_times SET failures = 0 WHERE name = ? AND failures > 0",
      name,
    );
  }

  /** Takes `name` off the table: it is done. */
  done(name: DueName): void {
    this.#sql.exec("DELETE FROM due_times WHERE name = ?", name);
  }

  /**
   * What is due when the alarm rings: at least the earliest, whatever the clock
   * says. It is due again at `retryAt` until it is done, so that a crash in
   * between costs nothing.
   */
  takeDue(now: number, retryAt: number): Due[] {
    return this.#sql
      .exec<{ name: DueName; failures: number }>(
        `UPDATE due_times SET at = ? WHERE at <= max(?, (SELECT min(at) FROM due_times))
         RETURNING name, failures`,
        retryAt,
        now,
      )
      .toArray();
  }

  /** Sets the alarm for whatever comes first. */
  async arm(): Promise<void> {
    const { at } = this.#sql
      .exec<{ at: number | null }>("SELECT min(at) AS at FROM due_times")
      .one();
    if (at !== null) await this.#storage.setAlarm(at);
  }

  /** Forgets everything, alarm included. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAlarm();
    this.#identity = null;
    await this.#sql.deleteAll();
  }
}
