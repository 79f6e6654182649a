import { columnsOf, type Sql } from "../versioned-storage.ts";

/** A kernel of a conversation. It keeps its slot when its process, or even its Jupyter id, is replaced. */
export interface KernelSlot {
  readonly slot: number;
  readonly kernelId: string;
  readonly kernelspec: string;
  readonly language: string;
  /** Key to Jupyter's own buffer: stored before the first connection to a process, and kept as long as it lives. */
  readonly sessionId: string;
  /** 1, and one more each time the process was replaced. */
  readonly generation: number;
  /** Whether this conversation started it (and may be asked to shut it down with itself). */
  readonly startedHere: boolean;
  /** True when the server has no such kernel any more. */
  readonly gone: boolean;
  /** Whether the caller was told that it is gone. */
  readonly toldGone: boolean;
  /** The last execution count seen, to notice a process that counts anew. */
  readonly lastCount: number;
  /** The session that the kernel's process puts on its messages, where it has one of its own. */
  readonly processSession: string;
  readonly usedAt: number;
  /**
   * While a connection is open, and after one that was not closed as it should be: what
   * ended since then may have gone on printing into it. Null after a graceful close.
   */
  readonly listeningSince: number | null;
}

type SlotRow = {
  slot: number;
  kernel_id: string;
  kernelspec: string;
  language: string;
  session_id: string;
  generation: number;
  started_here: number;
  gone: number;
  told_gone: number;
  last_count: number;
  process_session: string;
  used_at: number;
  listening_since: number | null;
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS kernels (
    slot INTEGER PRIMARY KEY, kernel_id TEXT NOT NULL UNIQUE, kernelspec TEXT NOT NULL, language TEXT NOT NULL,
    session_id TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 1,
    started_here INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, told_gone INTEGER NOT NULL DEFAULT 0,
    last_count INTEGER NOT NULL DEFAULT 0, process_session TEXT NOT NULL DEFAULT '', used_at INTEGER NOT NULL,
    listening_since INTEGER
  );
`;

/** Brings the table of any earlier version up to date. */
export function upgradeSlots(sql: Sql): void {
  sql.exec(SCHEMA);
  if (columnsOf(sql, "kernels").includes("told_generation"))
    sql.exec("ALTER TABLE kernels DROP COLUMN told_generation");
  if (!columnsOf(sql, "kernels").includes("listening_since"))
    sql.exec("ALTER TABLE kernels ADD COLUMN listening_since INTEGER");
}

/** The kernels of a conversation, stored. */
export class KernelSlots {
  readonly #sql: Sql;
  /** All of them since the last write, for they are asked for with every message. */
  #known: readonly KernelSlot[] | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Creates the table. */
  createSchema(): void {
    this.#write(SCHEMA);
  }

  /** Adds a kernel, with the `session_id` under which it will be connected to. */
  add(kernel: {
    readonly kernelId: string;
    readonly kernelspec: string;
    readonly language: string;
    readonly startedHere: boolean;
    readonly now: number;
  }): KernelSlot {
    const row = this.#write(
      `INSERT INTO kernels (kernel_id, kernelspec, language, session_id, started_here, used_at)
       VALUES (?, ?, ?, ?, ?, ?) RETURNING *`,
      kernel.kernelId,
      kernel.kernelspec,
      kernel.language,
      crypto.randomUUID(),
      kernel.startedHere ? 1 : 0,
      kernel.now,
    ).one();
    return slotOf(row);
  }

  /** One kernel, or null. */
  get(slot: number): KernelSlot | null {
    return this.all().find((known) => known.slot === slot) ?? null;
  }

  /** All kernels of the conversation, the one used last first. */
  all(): readonly KernelSlot[] {
    this.#known ??= this.#sql
      .exec<SlotRow>("SELECT * FROM kernels ORDER BY used_at DESC, slot DESC")
      .toArray()
      .map(slotOf);
    return this.#known;
  }

  /** Makes a kernel the current one; with 0, the last choice. */
  touch(slot: number, now: number): void {
    this.#write("UPDATE kernels SET used_at = ? WHERE slot = ?", now, slot);
  }

  /** Counts a replaced process. Its count and session are unknown again. */
  nextGeneration(slot: number): KernelSlot {
    const row = this.#write(
      `UPDATE kernels SET generation = generation + 1, last_count = 0, process_session = ''
       WHERE slot = ? RETURNING *`,
      slot,
    ).one();
    return slotOf(row);
  }

  /** Gives up Jupyter's buffer of a process that has ended, so that the next connection is a fresh one. */
  renewSessionId(slot: number): void {
    this.#write(
      "UPDATE kernels SET session_id = ? WHERE slot = ?",
      crypto.randomUUID(),
      slot,
    );
  }

  /** Notes that the server has no such kernel any more, which ends its generation. */
  markGone(slot: number): KernelSlot {
    this.#write("UPDATE kernels SET gone = 1, told_gone = 0 WHERE slot = ?", slot);
    return this.nextGeneration(slot);
  }

  /** Puts a new Jupyter kernel in the place of one that is gone. */
  replaceKernel(slot: number, kernelId: string, now: number): KernelSlot {
    const row = this.#write(
      `UPDATE kernels SET kernel_id = ?, session_id = ?, gone = 0, told_gone = 0, started_here = 1, used_at = ?,
         listening_since = NULL
       WHERE slot = ? RETURNING *`,
      kernelId,
      crypto.randomUUID(),
      now,
      slot,
    ).one();
    return slotOf(row);
  }

  /** Removes a kernel in which nothing was run. */
  remove(slot: number): void {
    this.#write("DELETE FROM kernels WHERE slot = ?", slot);
  }

  /** Notes that the caller knows that the kernel is gone. */
  tellGone(slot: number): void {
    this.#write("UPDATE kernels SET told_gone = 1 WHERE slot = ?", slot);
  }

  /** Notes that a connection is being opened for what has ended since then, and what will. */
  listen(slot: number, since: number): void {
    this.#write("UPDATE kernels SET listening_since = ? WHERE slot = ?", since, slot);
  }

  /** Notes that the connection was closed as it should be: Jupyter keeps what comes from now on. */
  letGo(slot: number): void {
    this.#write("UPDATE kernels SET listening_since = NULL WHERE slot = ?", slot);
  }

  /** Remembers what identifies the process. */
  saveProcess(slot: number, lastCount: number, processSession: string): void {
    this.#write(
      "UPDATE kernels SET last_count = ?, process_session = ? WHERE slot = ?",
      lastCount,
      processSession,
      slot,
    );
  }

  #write(query: string, ...bindings: SqlStorageValue[]): SqlStorageCursor<SlotRow> {
    this.#known = null;
    return this.#sql.exec<SlotRow>(query, ...bindings);
  }
}

function slotOf(row: SlotRow): KernelSlot {
  return {
    slot: row.slot,
    kernelId: row.kernel_id,
    kernelspec: row.kernelspec,
    language: row.language,
    sessionId: row.session_id,
    generation: row.generation,
    startedHere: row.started_here === 1,
    gone: row.gone === 1,
    toldGone: row.told_gone === 1,
    lastCount: row.last_count,
    processSession: row.process_session,
    usedAt: row.used_at,
    listeningSince: row.listening_since,
  };
}
