/**
 * Which executions the person's audit trail has still to hear of. An execution
 * is noted before it begins and taken off once the trail has it, so that a crash
 * in between costs nothing: it is told again, and the trail takes it once.
 */

import type { ExecutionEvent } from "../audit.ts";
import { isFinal } from "../kernel/execution.ts";
import type { ExecutionRecord, Journal } from "../kernel/journal.ts";
import type { KernelSlots } from "../kernel/slots.ts";
import type { VersionedStorage } from "../versioned-storage.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS untold (execution INTEGER PRIMARY KEY)";

/** See the head of this file. */
export class ExecutionAudit {
  readonly #sql: VersionedStorage;
  readonly #journal: Journal;
  readonly #slots: KernelSlots;

  constructor(sql: VersionedStorage, journal: Journal, slots: KernelSlots) {
    this.#sql = sql;
    this.#journal = journal;
    this.#slots = slots;
  }

  /** Notes an execution that begins. */
  note({ number }: ExecutionRecord): void {
    this.#sql.create(SCHEMA);
    this.#sql.exec("INSERT OR IGNORE INTO untold VALUES (?)", number);
  }

  /** What has ended and was not told yet. With `all`, what goes on too: it is forgotten now. */
  untold(conversation: string, now: number, all = false): ExecutionEvent[] {
    this.#sql.create(SCHEMA);
    const rows = this.#sql.exec<{ execution: number }>("SELECT execution FROM untold");
    return rows.toArray().flatMap(({ execution }) => {
      const record = this.#journal.get(execution);
      // One that never reached a kernel and was told so is no execution.
      if (record === null) this.#take(execution);
      if (record === null || !(all || isFinal(record.state))) return [];
      return this.#eventOf(record, conversation, now);
    });
  }

  /** Takes off what the trail has. */
  told(events: readonly ExecutionEvent[]): void {
    for (const { execution } of events) this.#take(Number(execution.slice(1)));
  }

  #take(execution: number): void {
    this.#sql.exec("DELETE FROM untold WHERE execution = ?", execution);
  }

  #eventOf(record: ExecutionRecord, conversation: string, now: number): ExecutionEvent {
    const slot = record.slot === null ? null : this.#slots.get(record.slot);
    const startedAt = record.startedAt ?? record.createdAt;
    return {
      event: "execution",
      conversation,
      execution: `e${record.number}`,
      kernel: slot?.kernelId ?? null,
      kernelspec: slot?.kernelspec ?? null,
      startedAt,
      durationMs: (record.endedAt ?? now) - startedAt,
      state: isFinal(record.state) ? record.state : "forgotten",
    };
  }
}
