/**
 * The journal of a conversation's executions. What a kernel sends is stored
 * before it is shown to anyone, so that a reader who comes back later sees the
 * same items in the same order. A row is never changed; when an execution
 * outgrows its cap, whole rows leave from its middle and are counted, and when
 * the conversation outgrows its own, the oldest finished executions lose their
 * rows first.
 */

import {
  isFinal,
  progressSchema,
  type ExecutionState,
  type Progress,
} from "./execution.ts";
import type { Item, PlacedItem } from "./item.ts";
import { MessageIds, packIds, unpackIds } from "./message-ids.ts";

/** What an execution's output may take, in characters of stored JSON. */
export const EXECUTION_CAP_CHARS = 20_000_000;
/** What all executions of a conversation may take. */
export const CONVERSATION_CAP_CHARS = 200_000_000;
/** Small enough that reading a row costs little, large enough that few are written. */
const ROW_CHARS = 64 * 1024;
/** A character is up to 3 bytes in UTF-8, and a row has to stay below 1 MB. */
const MAX_PART_CHARS = 300_000;

/** What the journal knows of an execution beside its output. Times are milliseconds since 1970. */
export interface ExecutionRecord {
  readonly number: number;
  readonly msgId: string;
  /** Slot of its kernel in this conversation; null until a kernel is there. */
  readonly slot: number | null;
  readonly generation: number;
  readonly code: string;
  readonly state: ExecutionState;
  /** Why it was lost. */
  readonly reason: string | null;
  /** Why output may be missing. */
  readonly incomplete: string | null;
  readonly createdAt: number;
  readonly sentAt: number | null;
  readonly endedAt: number | null;
  readonly progress: Progress;
  /** Position of its last item. */
  readonly position: number;
  /** Characters of output that left from the middle. */
  readonly droppedChars: number;
  readonly droppedItems: number;
  /** True when all of its output was removed to make room for later executions. */
  readonly discarded: boolean;
}

/** What the journal needs to know of an item and cannot know itself. */
export interface ItemCounter {
  /** How many numbers (images and the like) an item takes. */
  countNumbered(item: Item): number;
}

type ExecutionRow = {
  number: number;
  msg_id: string;
  slot: number | null;
  generation: number;
  code: string;
  state: ExecutionState;
  reason: string | null;
  incomplete: string | null;
  created_at: number;
  sent_at: number | null;
  ended_at: number | null;
  progress: string;
  position: number;
  dropped_chars: number;
  dropped_items: number;
  discarded: number;
};

type OutputRow = {
  position: number;
  part: number;
  numbered_before: number;
  data: string;
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS executions (
    number INTEGER PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE, slot INTEGER, generation INTEGER NOT NULL,
    code TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, incomplete TEXT, created_at INTEGER NOT NULL,
    sent_at INTEGER, ended_at INTEGER, progress TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    chars INTEGER NOT NULL DEFAULT 0, dropped_chars INTEGER NOT NULL DEFAULT 0,
    dropped_items INTEGER NOT NULL DEFAULT 0, numbered INTEGER NOT NULL DEFAULT 0,
    discarded INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
`;

/** See the head of this file. Reads and writes are synchronous, as the storage is. */
export class Journal {
  readonly #sql: SqlStorage;
  readonly #counter: ItemCounter;
  readonly #ids = new Map<number, MessageIds>();

  constructor(sql: SqlStorage, counter: ItemCounter) {
    this.#sql = sql;
    this.#counter = counter;
  }

  /** Creates the tables; the one method that may run on an empty object. */
  createSchema(): void {
    this.#sql.exec(SCHEMA);
  }

  /** Adds an execution that has no kernel yet and was not sent. */
  add(execution: {
    readonly msgId: string;
    readonly code: string;
    readonly progress: Progress;
    readonly now: number;
  }): ExecutionRecord {
    const row = this.#sql
      .exec<ExecutionRow>(
        `INSERT INTO executions (msg_id, generation, code, state, created_at, progress)
         VALUES (?, 1, ?, 'running', ?, ?) RETURNING *`,
        execution.msgId,
        execution.code,
        execution.now,
        JSON.stringify(execution.progress),
      )
      .one();
    return recordOf(row);
  }

  /** Forgets an execution that never reached a kernel. */
  remove(number: number): void {
    this.#sql.exec("DELETE FROM executions WHERE number = ?", number);
    this.#sql.exec("DELETE FROM output WHERE execution = ?", number);
    this.#ids.delete(number);
  }

  /** One execution, or null. */
  get(number: number): ExecutionRecord | null {
    const [row] = this.#sql.exec<ExecutionRow>(
      "SELECT * FROM executions WHERE number = ?",
      number,
    );
    return row === undefined ? null : recordOf(row);
  }

  /** The execution that a message's parent names, or null. */
  byMsgId(msgId: string): ExecutionRecord | null {
    const [row] = this.#sql.exec<ExecutionRow>(
      "SELECT * FROM executions WHERE msg_id = ?",
      msgId,
    );
    return row === undefined ? null : recordOf(row);
  }

  /** The latest executions, newest first. */
  latest(limit: number): ExecutionRecord[] {
    return this.#sql
      .exec<ExecutionRow>("SELECT * FROM executions ORDER BY number DESC LIMIT ?", limit)
      .toArray()
      .map(recordOf);
  }

  /** Executions that have not ended, oldest first. */
  unfinished(): ExecutionRecord[] {
    return this.#sql
      .exec<ExecutionRow>(
        "SELECT * FROM executions WHERE ended_at IS NULL ORDER BY number",
      )
      .toArray()
      .map(recordOf);
  }

  /** Notes, before the code leaves, that it does: what is sent once is never sent again. */
  markSent(number: number, slot: number, generation: number, now: number): void {
    this.#sql.exec(
      "UPDATE executions SET slot = ?, generation = ?, sent_at = ? WHERE number = ?",
      slot,
      generation,
      now,
      number,
    );
  }

  /** The process that an execution, and what is queued behind it, turned out to run in. */
  setGeneration(slot: number, from: number, generation: number): void {
    this.#sql.exec(
      "UPDATE executions SET generation = ? WHERE slot = ? AND number >= ? AND ended_at IS NULL",
      generation,
      slot,
      from,
    );
  }

  /** Whether an execution is the first in a process that took the place of another. */
  isFirstOfGeneration({ number, slot, generation }: ExecutionRecord): boolean {
    if (generation === 1 || slot === null) return false;
    const earlier = this.#sql.exec(
      "SELECT 1 FROM executions WHERE slot = ? AND generation = ? AND number < ? LIMIT 1",
      slot,
      generation,
      number,
    );
    return earlier.toArray().length === 0;
  }

  /** Says that output may be missing; the first reason stays. */
  markIncomplete(number: number, reason: string): void {
    this.#sql.exec(
      "UPDATE executions SET incomplete = coalesce(incomplete, ?) WHERE number = ?",
      reason,
      number,
    );
  }

  /** Ends an execution whose outcome nobody will tell us. */
  markLost(number: number, reason: string, now: number): void {
    this.#sql.exec(
      "UPDATE executions SET state = 'lost', reason = ?, ended_at = ? WHERE number = ? AND ended_at IS NULL",
      reason,
      now,
      number,
    );
  }

  /** Stores what an execution has come to. A final state is never taken back. */
  saveProgress(
    number: number,
    state: ExecutionState,
    progress: Progress,
    now: number,
  ): void {
    this.#sql.exec(
      `UPDATE executions SET state = ?, progress = ?, ended_at = ? WHERE number = ? AND ended_at IS NULL`,
      state,
      JSON.stringify(progress),
      isFinal(state) ? now : null,
      number,
    );
  }

  /** True when a message of an execution is new. It counts as taken in from then on. */
  isNew(number: number, msgId: string): boolean {
    let ids = this.#ids.get(number);
    if (ids === undefined) {
      ids = new MessageIds();
      const rows = this.#sql.exec<{ ids: string }>(
        "SELECT ids FROM output WHERE execution = ? AND part = 0 ORDER BY position",
        number,
      );
      for (const row of rows) for (const id of unpackIds(row.ids)) ids.add(id);
      this.#ids.set(number, ids);
    }
    return ids.add(msgId);
  }

  /** Drops what is remembered in memory; it is read again where it is needed. */
  forgetIds(): void {
    this.#ids.clear();
  }

  /** Appends items in few rows. `ids` are those of the messages that they came in. */
  append(number: number, items: readonly Item[], ids: readonly string[]): void {
    if (items.length === 0) return;
    const before = this.#sql
      .exec<{ position: number; chars: number; numbered: number; dropped_items: number }>(
        "SELECT position, chars, numbered, dropped_items FROM executions WHERE number = ?",
        number,
      )
      .one();
    let { position, chars, numbered } = before;
    let rowIds = packIds(ids);
    for (const batch of batches(items)) {
      const fitsHead = chars + batch.json.length <= EXECUTION_CAP_CHARS / 2;
      const isHead = before.dropped_items === 0 && fitsHead;
      this.#insertRow(number, position + 1, batch, isHead, numbered, rowIds);
      rowIds = "";
      position += batch.items.length;
      chars += batch.json.length;
      for (const item of batch.items) numbered += this.#counter.countNumbered(item);
    }
    this.#sql.exec(
      "UPDATE executions SET position = ?, chars = ?, numbered = ? WHERE number = ?",
      position,
      chars,
      numbered,
      number,
    );
    if (chars > EXECUTION_CAP_CHARS) this.#dropMiddle(number, chars);
    this.#makeRoom(number);
  }

  /** The items after position `after`, in order, read row by row as they are asked for. */
  *items(number: number, after = 0): Generator<PlacedItem> {
    const rows = this.#sql.exec<OutputRow>(
      `SELECT position, part, numbered_before, data FROM output
       WHERE execution = ? AND position + items > ? ORDER BY position, part`,
      number,
      after + 1,
    );
    let first: OutputRow | undefined;
    let data = "";
    for (const row of rows) {
      if (row.part > 0) {
        data += row.data;
        continue;
      }
      if (first !== undefined) yield* this.#placed(first, data, after);
      first = row;
      data = row.data;
    }
    if (first !== undefined) yield* this.#placed(first, data, after);
  }

  *#placed(row: OutputRow, data: string, after: number): Generator<PlacedItem> {
    // Written by `append` alone, as the JSON of items.
    const items = JSON.parse(data) as Item[];
    let numberedBefore = row.numbered_before;
    for (const [index, item] of items.entries()) {
      const position = row.position + index;
      if (position > after) yield { position, item, numberedBefore };
      numberedBefore += this.#counter.countNumbered(item);
    }
  }

  #insertRow(
    number: number,
    position: number,
    batch: Batch,
    isHead: boolean,
    numberedBefore: number,
    ids: string,
  ): void {
    for (let part = 0; part * MAX_PART_CHARS < batch.json.length; part += 1) {
      this.#sql.exec(
        "INSERT INTO output (execution, position, part, items, chars, numbered_before, head, ids, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        number,
        position,
        part,
        batch.items.length,
        part === 0 ? batch.json.length : 0,
        numberedBefore,
        isHead ? 1 : 0,
        part === 0 ? ids : "",
        wellFormedSlice(batch.json, part * MAX_PART_CHARS, MAX_PART_CHARS),
      );
    }
  }

  #dropMiddle(number: number, stored: number): void {
    let excess = stored - EXECUTION_CAP_CHARS;
    const dropped = { chars: 0, items: 0 };
    const rows = this.#sql
      .exec<{ position: number; items: number; chars: number }>(
        `SELECT position, items, chars FROM output
         WHERE execution = ? AND head = 0 AND part = 0 ORDER BY position LIMIT 500`,
        number,
      )
      .toArray();
    for (const row of rows) {
      if (excess <= 0) break;
      this.#sql.exec(
        "DELETE FROM output WHERE execution = ? AND position = ?",
        number,
        row.position,
      );
      excess -= row.chars;
      dropped.chars += row.chars;
      dropped.items += row.items;
    }
    this.#sql.exec(
      `UPDATE executions SET chars = chars - ?, dropped_chars = dropped_chars + ?,
         dropped_items = dropped_items + ? WHERE number = ?`,
      dropped.chars,
      dropped.chars,
      dropped.items,
      number,
    );
  }

  /** Takes the output of the oldest finished executions away until the conversation is below its cap. */
  #makeRoom(current: number): void {
    let total = this.#sql
      .exec<{ chars: number }>("SELECT sum(chars) AS chars FROM executions")
      .one().chars;
    while (total > CONVERSATION_CAP_CHARS) {
      const [oldest] = this.#sql.exec<{ number: number; chars: number }>(
        `SELECT number, chars FROM executions
         WHERE ended_at IS NOT NULL AND chars > 0 AND number <> ? ORDER BY number LIMIT 1`,
        current,
      );
      if (oldest === undefined) return;
      this.#sql.exec("DELETE FROM output WHERE execution = ?", oldest.number);
      this.#sql.exec(
        "UPDATE executions SET chars = 0, discarded = 1 WHERE number = ?",
        oldest.number,
      );
      total -= oldest.chars;
    }
  }
}

interface Batch {
  readonly items: readonly Item[];
  readonly json: string;
}

/** Items in groups of about a row's size; an item above that is a group of its own. */
function* batches(items: readonly Item[]): Generator<Batch> {
  let group: Item[] = [];
  let jsons: string[] = [];
  let chars = 0;
  for (const item of items) {
    const json = JSON.stringify(item);
    if (group.length > 0 && chars + json.length > ROW_CHARS) {
      yield { items: group, json: `[${jsons.join(",")}]` };
      group = [];
      jsons = [];
      chars = 0;
    }
    group.push(item);
    jsons.push(json);
    chars += json.length + 1;
  }
  if (group.length > 0) yield { items: group, json: `[${jsons.join(",")}]` };
}

/** `JSON.stringify` escapes lone surrogates, and a pair cut in two would not survive UTF-8. */
function wellFormedSlice(text: string, start: number, length: number): string {
  const from = isLowSurrogate(text, start) ? start + 1 : start;
  const to = isLowSurrogate(text, start + length) ? start + length + 1 : start + length;
  return text.slice(from, to);
}

function isLowSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return index > 0 && code >= 0xdc00 && code <= 0xdfff;
}

function recordOf(row: ExecutionRow): ExecutionRecord {
  return {
    number: row.number,
    msgId: row.msg_id,
    slot: row.slot,
    generation: row.generation,
    code: row.code,
    state: row.state,
    reason: row.reason,
    incomplete: row.incomplete,
    createdAt: row.created_at,
    sentAt: row.sent_at,
    endedAt: row.ended_at,
    progress: progressSchema.parse(JSON.parse(row.progress)),
    position: row.position,
    droppedChars: row.dropped_chars,
    droppedItems: row.dropped_items,
    discarded: row.discarded === 1,
  };
}
