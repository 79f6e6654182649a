/**
 * The journal of a conversation's executions. What a kernel sends is stored
 * before it is shown to anyone, so that a reader who comes back later sees the
 * same items in the same order. A row is never changed; when an execution
 * outgrows its cap, whole rows leave from its middle and are counted, and when
 * the conversation outgrows its own, the oldest finished executions lose their
 * rows first.
 */

import type { Failure } from "../errors.ts";
import { isFinal, NO_PROGRESS, type ExecutionState, type Progress } from "./execution.ts";
import type { Item, PlacedItem } from "./item.ts";
import { MessageIds, packIds, unpackIds } from "./message-ids.ts";
import { columnsOf, type Sql } from "../versioned-storage.ts";

/** What an execution's output may take, in characters of stored JSON. */
export const EXECUTION_CAP_CHARS = 20_000_000;
/** What all executions of a conversation may take. */
export const CONVERSATION_CAP_CHARS = 200_000_000;
/** Small enough that reading a row costs little, large enough that few are written. */
const ROW_CHARS = 64 * 1024;
/** A character is up to 3 bytes in UTF-8, and a row has to stay below 1 MB. */
const MAX_PART_CHARS = 300_000;
/** Whoever goes through all executions does not keep them in memory by that. */
const MAX_KNOWN = 16;

/** What the journal knows of an execution beside its output. Times are milliseconds since 1970. */
export interface ExecutionRecord {
  readonly number: number;
  /** Of its request; of the present one, where it consists of several. */
  readonly msgId: string;
  /** Which of its requests, from 0; null for an execution of a single one. */
  readonly step: number | null;
  /** Slot of its kernel in this conversation; null until a kernel is there. */
  readonly slot: number | null;
  readonly generation: number;
  readonly code: string;
  /** What the request sends: the code, or that of the present step. */
  readonly requestCode: string;
  readonly state: ExecutionState;
  /** Why it was lost. */
  readonly reason: string | null;
  /** What kept it from being sent at all, where that is known. */
  readonly failure: Failure | null;
  /** Why output may be missing. */
  readonly incomplete: string | null;
  readonly createdAt: number;
  /** When its first request was sent. */
  readonly startedAt: number | null;
  /** When the request was sent. */
  readonly sentAt: number | null;
  readonly endedAt: number | null;
  readonly progress: Progress;
  /** Position of its last item. */
  readonly position: number;
  /** Characters of text, or of JSON where it is something else, that left from the middle. */
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

/** One cell of a run of several. */
export interface Step {
  readonly step: number;
  readonly cellId: string;
  /** Its place in the notebook when the run began, from 0. */
  readonly cellIndex: number;
  readonly state: ExecutionState | "pending";
  readonly executionCount: number | null;
  /** A later execution ran the same cell. */
  readonly isOvertaken: boolean;
}

/** An execution that runs the cells of a notebook. */
export interface NotebookRun {
  readonly execution: number;
  readonly path: string;
  readonly version: string;
  readonly cells: number;
  readonly onError: "stop" | "continue";
  /** Whether its kernel was started for it, and has no earlier variables. */
  readonly isKernelNew: boolean;
  /** The present step, from 0. */
  readonly step: number;
  /** Counts what is to be written into the file, and how far that was done. */
  readonly revision: number;
  readonly savedRevision: number;
  /** Why outputs are not in the file: it is tried again, or given up where `isGivenUp`. */
  readonly trouble: string | null;
  readonly isGivenUp: boolean;
  /** How often in a row it could not be written since it ended. */
  readonly failedSaves: number;
  /** Ids of cells that were deleted, or are no code any more. */
  readonly missing: readonly string[];
  /** Id of the notebook's Jupyter session, which goes with the file where that is moved. */
  readonly session: string;
  /** What was upgraded when outputs were written, in words; empty where nothing was. */
  readonly upgraded: string;
}

/** What a run of cells begins with. */
export interface NotebookPlan {
  readonly path: string;
  readonly version: string;
  readonly cells: number;
  readonly onError: "stop" | "continue";
  readonly isKernelNew: boolean;
  /** Id of the notebook's Jupyter session. */
  readonly session: string;
  readonly steps: readonly {
    readonly cellId: string;
    readonly cellIndex: number;
    readonly msgId: string;
    readonly code: string;
  }[];
}

type NotebookRow = {
  execution: number;
  path: string;
  version: string;
  cells: number;
  on_error: "stop" | "continue";
  kernel_new: number;
  step: number;
  revision: number;
  saved_revision: number;
  trouble: string | null;
  given_up: number;
  missing: string;
  session: string;
  upgraded: string;
  failed_saves: number;
};

type StepRow = {
  step: number;
  cell_id: string;
  cell_index: number;
  state: ExecutionState | "pending";
  progress: string;
  overtaken: 0 | 1;
};

type ExecutionRow = {
  step: number | null;
  step_msg_id: string | null;
  step_code: string | null;
  step_progress: string | null;
  step_sent_at: number | null;
  number: number;
  msg_id: string;
  slot: number | null;
  generation: number;
  code: string;
  state: ExecutionState;
  reason: string | null;
  failure: string | null;
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
    discarded INTEGER NOT NULL DEFAULT 0, failure TEXT
  );
  CREATE TABLE IF NOT EXISTS output (
    execution INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL,
    items INTEGER NOT NULL, chars INTEGER NOT NULL, numbered_before INTEGER NOT NULL, head INTEGER NOT NULL,
    ids TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (execution, position, part)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notebook_runs (
    execution INTEGER PRIMARY KEY, path TEXT NOT NULL, version TEXT NOT NULL, cells INTEGER NOT NULL,
    on_error TEXT NOT NULL, kernel_new INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0, saved_revision INTEGER NOT NULL DEFAULT 0,
    trouble TEXT, given_up INTEGER NOT NULL DEFAULT 0, missing TEXT NOT NULL DEFAULT '[]',
    session TEXT NOT NULL DEFAULT '', upgraded TEXT NOT NULL DEFAULT '',
    failed_saves INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS steps (
    execution INTEGER NOT NULL, step INTEGER NOT NULL, cell_id TEXT NOT NULL, cell_index INTEGER NOT NULL,
    msg_id TEXT NOT NULL UNIQUE, code TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    progress TEXT NOT NULL, sent_at INTEGER, ended_at INTEGER,
    PRIMARY KEY (execution, step)
  ) WITHOUT ROWID;
`;

/** Characters that a row of output shows: those of its text, without what JSON adds. Of a part of one value, all. */
const SHOWN_CHARS = `
  CASE WHEN json_valid(data)
    THEN (SELECT sum(coalesce(length(json_extract(value, '$.text')), length(value))) FROM json_each(data))
    ELSE length(data) END`;

/** What tables that an earlier version made lack. */
const LATER_COLUMNS = [
  ["executions", "failure", "TEXT"],
  ["notebook_runs", "session", "TEXT NOT NULL DEFAULT ''"],
  ["notebook_runs", "upgraded", "TEXT NOT NULL DEFAULT ''"],
  ["notebook_runs", "failed_saves", "INTEGER NOT NULL DEFAULT 0"],
] as const;

/** Brings the tables of any earlier version up to date. */
export function upgradeJournal(sql: Sql): void {
  sql.exec(SCHEMA);
  for (const [table, column, type] of LATER_COLUMNS) {
    if (!columnsOf(sql, table).includes(column))
      sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }
  if (columnsOf(sql, "output").includes("numbered")) countBefore(sql);
}

/** A row once said how many numbers its own items take, and an execution how many have left from its middle. */
function countBefore(sql: Sql): void {
  sql.exec(`
    ALTER TABLE output ADD COLUMN numbered_before INTEGER NOT NULL DEFAULT 0;
    UPDATE output SET numbered_before = counted.before + iif(output.head = 1, 0, counted.dropped)
    FROM (
      SELECT o.execution, o.position, o.part, e.dropped_numbered AS dropped,
        sum(o.numbered) OVER (PARTITION BY o.execution ORDER BY o.position, o.part) - o.numbered AS before
      FROM output o JOIN executions e ON e.number = o.execution
    ) AS counted
    WHERE counted.execution = output.execution AND counted.position = output.position AND counted.part = output.part;
    ALTER TABLE executions ADD COLUMN numbered INTEGER NOT NULL DEFAULT 0;
    UPDATE executions SET numbered = dropped_numbered +
      (SELECT coalesce(sum(numbered), 0) FROM output WHERE execution = executions.number);
    ALTER TABLE output DROP COLUMN numbered;
    ALTER TABLE executions DROP COLUMN dropped_numbered;
  `);
}

/** Executions, each with its present step where it has steps. */
const SELECT = `
  SELECT e.*, s.step AS step, s.msg_id AS step_msg_id, s.code AS step_code, s.progress AS step_progress,
    s.sent_at AS step_sent_at
  FROM executions e LEFT JOIN notebook_runs r ON r.execution = e.number
  LEFT JOIN steps s ON s.execution = e.number AND s.step = r.step`;

/** See the head of this file. Reads and writes are synchronous, as the storage is. */
export class Journal {
  readonly #sql: Sql;
  readonly #counter: ItemCounter;
  readonly #ids = new Map<number, MessageIds>();
  /** What was read and not written since: with every message the same is asked for many times. */
  readonly #records = new Memo<ExecutionRecord | null>();
  readonly #notebookRuns = new Memo<NotebookRun | null>();
  readonly #steps = new Memo<readonly Step[]>();
  #unfinished: readonly ExecutionRecord[] | null = null;
  /** What all executions take by now, in characters; null where it has to be counted. */
  #stored: number | null = null;
  /** All executions before it have ended: they are many in the end, and nothing opens one again. */
  #firstOpen = 0;

  constructor(sql: Sql, counter: ItemCounter) {
    this.#sql = sql;
    this.#counter = counter;
  }

  /** Creates the tables; the one method that may run on an empty object. */
  createSchema(): void {
    this.#write(SCHEMA);
  }

  /** Adds an execution that has no kernel yet and was not sent. */
  add(execution: {
    readonly msgId: string;
    readonly code: string;
    readonly progress: Progress;
    readonly now: number;
  }): ExecutionRecord {
    const { number } = this.#write<{ number: number }>(
      `INSERT INTO executions (msg_id, generation, code, state, created_at, progress)
         VALUES (?, 1, ?, 'running', ?, ?) RETURNING number`,
      execution.msgId,
      execution.code,
      execution.now,
      JSON.stringify(execution.progress),
    ).one();
    // A number comes again where the last one was removed.
    this.#firstOpen = Math.min(this.#firstOpen, number);
    const added = this.get(number);
    if (added === null) throw new Error(`e${number} was not added`);
    return added;
  }

  /** Makes an execution that was just added one of several requests, sent one at a time. */
  plan(number: number, plan: NotebookPlan): void {
    this.#write(
      `INSERT INTO notebook_runs (execution, path, version, cells, on_error, kernel_new, session)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      number,
      plan.path,
      plan.version,
      plan.cells,
      plan.onError,
      plan.isKernelNew ? 1 : 0,
      plan.session,
    );
    for (const [step, { cellId, cellIndex, msgId, code }] of plan.steps.entries()) {
      this.#write(
        `INSERT INTO steps (execution, step, cell_id, cell_index, msg_id, code, progress)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        number,
        step,
        cellId,
        cellIndex,
        msgId,
        code,
        JSON.stringify(NO_PROGRESS),
      );
    }
  }

  /** What an execution runs of a notebook, or null. */
  notebookRun(number: number): NotebookRun | null {
    return this.#notebookRuns.get(number, () => {
      const [row] = this.#sql.exec<NotebookRow>(
        "SELECT * FROM notebook_runs WHERE execution = ?",
        number,
      );
      return row === undefined ? null : notebookRunOf(row);
    });
  }

  /** Runs of which something is not in the file yet. */
  unsavedNotebookRuns(): NotebookRun[] {
    return this.#sql
      .exec<NotebookRow>(
        "SELECT * FROM notebook_runs WHERE revision > saved_revision AND given_up = 0",
      )
      .toArray()
      .map(notebookRunOf);
  }

  /** The cells of a run, in the order in which they run. */
  steps(number: number): readonly Step[] {
    return this.#steps.get(number, () => this.#readSteps(number));
  }

  #readSteps(number: number): Step[] {
    return this.#sql
      .exec<StepRow>(
        `SELECT s.step, s.cell_id, s.cell_index, s.state, s.progress,
           EXISTS (SELECT 1 FROM steps later JOIN notebook_runs q ON q.execution = later.execution
                   WHERE later.execution > s.execution AND later.cell_id = s.cell_id
                   AND later.sent_at IS NOT NULL AND q.path = r.path) AS overtaken
         FROM steps s JOIN notebook_runs r ON r.execution = s.execution
         WHERE s.execution = ? ORDER BY s.step`,
        number,
      )
      .toArray()
      .map((row) => ({
        step: row.step,
        cellId: row.cell_id,
        cellIndex: row.cell_index,
        state: row.state,
        executionCount: progressOf(row.progress).executionCount,
        isOvertaken: row.overtaken === 1,
      }));
  }

  /** From now on a run stops at the first cell that fails. */
  stopAtError(number: number): void {
    this.#writeNotebookRun(
      "UPDATE notebook_runs SET on_error = 'stop' WHERE execution = ?",
      number,
    );
  }

  /** Notes that a run is in its file up to a revision, but for cells that are not there any more. */
  markSaved(
    number: number,
    revision: number,
    path: string,
    missing: readonly string[],
    upgraded: string,
  ): void {
    this.#writeNotebookRun(
      `UPDATE notebook_runs SET saved_revision = ?, path = ?, missing = ?, trouble = NULL, failed_saves = 0,
         upgraded = CASE WHEN upgraded = '' THEN ? ELSE upgraded END WHERE execution = ?`,
      revision,
      path,
      JSON.stringify(missing),
      upgraded,
      number,
    );
  }

  /** Notes why a run is not in its file, how often that failed since it ended, and whether it is final. */
  markUnsaved(
    number: number,
    trouble: string,
    failedSaves: number,
    isGivenUp: boolean,
  ): void {
    this.#writeNotebookRun(
      "UPDATE notebook_runs SET trouble = ?, failed_saves = ?, given_up = ? WHERE execution = ?",
      trouble,
      failedSaves,
      isGivenUp ? 1 : 0,
      number,
    );
  }

  /** Forgets an execution that never reached a kernel. */
  remove(number: number): void {
    this.#write("DELETE FROM executions WHERE number = ?", number);
    for (const table of ["output", "steps", "notebook_runs"])
      this.#write(`DELETE FROM ${table} WHERE execution = ?`, number);
    this.#ids.delete(number);
    this.#stored = null;
  }

  /** One execution, or null. */
  get(number: number): ExecutionRecord | null {
    return this.#records.get(number, () => {
      const open = number < this.#firstOpen ? [] : this.unfinished();
      const known = open.find((record) => record.number === number);
      if (known !== undefined) return known;
      const [row] = this.#sql.exec<ExecutionRow>(`${SELECT} WHERE e.number = ?`, number);
      return row === undefined ? null : recordOf(row);
    });
  }

  /** The execution that a message's parent names, as that request of it stands; or null. */
  byMsgId(msgId: string): ExecutionRecord | null {
    const [row] = this.#sql.exec<ExecutionRow>(`${SELECT} WHERE e.msg_id = ?`, msgId);
    if (row !== undefined) return recordOf(row);
    const [step] = this.#sql.exec<
      ExecutionRow & { step_state: ExecutionState | "pending" }
    >(
      `SELECT e.*, s.step AS step, s.msg_id AS step_msg_id, s.code AS step_code,
         s.progress AS step_progress, s.sent_at AS step_sent_at, s.state AS step_state
       FROM steps s JOIN executions e ON e.number = s.execution WHERE s.msg_id = ?`,
      msgId,
    );
    if (step === undefined) return null;
    const state = step.step_state === "pending" ? "running" : step.step_state;
    return { ...recordOf(step), state };
  }

  /** The latest executions, newest first. */
  latest(limit: number): ExecutionRecord[] {
    return this.#sql
      .exec<ExecutionRow>(`${SELECT} ORDER BY e.number DESC LIMIT ?`, limit)
      .toArray()
      .map(recordOf);
  }

  /** Executions that have not ended, oldest first. */
  unfinished(): readonly ExecutionRecord[] {
    this.#unfinished ??= this.#readUnfinished();
    return this.#unfinished;
  }

  #readUnfinished(): readonly ExecutionRecord[] {
    const rows = this.#sql
      .exec<ExecutionRow>(
        `${SELECT} WHERE e.number >= ? AND e.ended_at IS NULL ORDER BY e.number`,
        this.#firstOpen,
      )
      .toArray();
    // Whatever is added comes before that.
    this.#firstOpen = rows[0]?.number ?? Number.MAX_SAFE_INTEGER;
    return rows.map(recordOf);
  }

  /** Notes which kernel an execution goes to, while it waits for others there. */
  hold(number: number, slot: number, generation: number): void {
    this.#writeExecution(
      "UPDATE executions SET slot = ?, generation = ? WHERE number = ?",
      slot,
      generation,
      number,
    );
  }

  /** Notes, before the code leaves, that it does: what is sent once is never sent again. */
  markSent(
    { number, step }: Pick<ExecutionRecord, "number" | "step">,
    slot: number,
    generation: number,
    now: number,
  ): void {
    this.#write(
      "UPDATE executions SET slot = ?, generation = ?, sent_at = coalesce(sent_at, ?) WHERE number = ?",
      slot,
      generation,
      now,
      number,
    );
    if (step === null) return;
    this.#write(
      "UPDATE steps SET sent_at = ?, state = 'running' WHERE execution = ? AND step = ?",
      now,
      number,
      step,
    );
  }

  /** The process that an execution, and what is queued behind it, turned out to run in. */
  setGeneration(slot: number, from: number, generation: number): void {
    this.#writeExecution(
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
    this.#writeExecution(
      "UPDATE executions SET incomplete = coalesce(incomplete, ?) WHERE number = ?",
      reason,
      number,
    );
  }

  /** Says anew why output is missing, from the reason that there is. */
  reviseIncomplete(number: number, revise: (reason: string | null) => string): void {
    const record = this.get(number);
    if (record === null) return;
    this.#writeExecution(
      "UPDATE executions SET incomplete = ? WHERE number = ?",
      revise(record.incomplete),
      number,
    );
  }

  /** Says the same of all that ended since then in one process of a kernel. */
  markLateIncomplete(
    { slot, generation }: { readonly slot: number; readonly generation: number },
    since: number,
    reason: string,
  ): void {
    this.#writeExecution(
      `UPDATE executions SET incomplete = coalesce(incomplete, ?)
       WHERE slot = ? AND generation = ? AND ended_at >= ? AND state IN ('ok', 'error')`,
      reason,
      slot,
      generation,
      since,
    );
  }

  /** Ends an execution whose outcome nobody will tell us, or that could not be sent because of a failure. */
  markLost(
    number: number,
    reason: string,
    now: number,
    failure: Failure | null = null,
  ): void {
    this.#write(
      `UPDATE executions SET state = 'lost', reason = ?, failure = ?, ended_at = ?
       WHERE number = ? AND ended_at IS NULL`,
      reason,
      failure === null ? null : JSON.stringify(failure),
      now,
      number,
    );
    this.#write(
      `UPDATE steps SET state = 'lost', ended_at = ? WHERE execution = ? AND state IN ('running', 'waiting for input')`,
      now,
      number,
    );
    this.#touchNotebook(number);
  }

  /** Stores what an execution, or a step of one, has come to. A final state is never taken back. */
  saveProgress(
    number: number,
    state: ExecutionState,
    progress: Progress,
    now: number,
    step: number | null = null,
  ): void {
    if (step !== null) {
      this.#saveStep(number, step, state, progress, now);
      return;
    }
    this.#writeExecution(
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
    if (items[0]?.step !== undefined) this.#touchNotebook(number);
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
    this.#writeExecution(
      "UPDATE executions SET position = ?, chars = ?, numbered = ? WHERE number = ?",
      position,
      chars,
      numbered,
      number,
    );
    if (this.#stored !== null) this.#stored += chars - before.chars;
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

  /** A step's end begins the next one, or ends the execution. */
  #saveStep(
    number: number,
    step: number,
    state: ExecutionState,
    progress: Progress,
    now: number,
  ): void {
    const json = JSON.stringify(progress);
    const endedAt = isFinal(state) ? now : null;
    this.#write(
      `UPDATE steps SET state = ?, progress = ?, ended_at = ?
       WHERE execution = ? AND step = ? AND ended_at IS NULL`,
      state,
      json,
      endedAt,
      number,
      step,
    );
    this.#touchNotebook(number);
    const run = this.notebookRun(number);
    // Late news of an earlier step changes nothing about the execution.
    if (run === null || run.step !== step) return;
    const all = this.steps(number);
    const goesOn = state === "ok" || (state === "error" && run.onError === "continue");
    if (endedAt !== null && goesOn && step + 1 < all.length) {
      this.#write("UPDATE notebook_runs SET step = step + 1 WHERE execution = ?", number);
      this.saveProgress(number, "running", NO_PROGRESS, now);
      return;
    }
    const hasFailed = all.some((other) => other.state === "error");
    this.saveProgress(
      number,
      state === "ok" && hasFailed ? "error" : state,
      progress,
      now,
    );
  }

  #touchNotebook(number: number): void {
    this.#writeNotebookRun(
      "UPDATE notebook_runs SET revision = revision + 1 WHERE execution = ?",
      number,
    );
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
    const dropped = { chars: 0, shown: 0, items: 0 };
    const rows = this.#sql
      .exec<{ position: number; items: number; chars: number }>(
        `SELECT position, items, chars FROM output
         WHERE execution = ? AND head = 0 AND part = 0 ORDER BY position LIMIT 500`,
        number,
      )
      .toArray();
    for (const row of rows) {
      if (excess <= 0) break;
      const parts = this.#sql.exec<{ shown: number }>(
        `DELETE FROM output WHERE execution = ? AND position = ? RETURNING ${SHOWN_CHARS} AS shown`,
        number,
        row.position,
      );
      for (const { shown } of parts.toArray()) dropped.shown += shown;
      excess -= row.chars;
      dropped.chars += row.chars;
      dropped.items += row.items;
    }
    if (this.#stored !== null) this.#stored -= dropped.chars;
    this.#writeExecution(
      `UPDATE executions SET chars = chars - ?, dropped_chars = dropped_chars + ?,
         dropped_items = dropped_items + ? WHERE number = ?`,
      dropped.chars,
      dropped.shown,
      dropped.items,
      number,
    );
  }

  /** Takes the output of the oldest finished executions away until the conversation is below its cap. */
  #makeRoom(current: number): void {
    this.#stored ??= this.#sql
      .exec<{ chars: number }>("SELECT sum(chars) AS chars FROM executions")
      .one().chars;
    while (this.#stored > CONVERSATION_CAP_CHARS) {
      // What is not in its notebook yet stays until it is.
      const [oldest] = this.#sql.exec<{ number: number; chars: number }>(
        `SELECT number, chars FROM executions
         WHERE ended_at IS NOT NULL AND chars > 0 AND number <> ? AND number NOT IN
           (SELECT execution FROM notebook_runs WHERE revision > saved_revision AND given_up = 0)
         ORDER BY number LIMIT 1`,
        current,
      );
      if (oldest === undefined) return;
      this.#sql.exec("DELETE FROM output WHERE execution = ?", oldest.number);
      this.#writeExecution(
        "UPDATE executions SET chars = 0, discarded = 1 WHERE number = ?",
        oldest.number,
      );
      this.#stored -= oldest.chars;
    }
  }

  /** What changes steps, or which of them is the present one, or several tables. */
  #write<T extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: SqlStorageValue[]
  ): SqlStorageCursor<T> {
    this.#forgetNotebooks();
    this.#forgetExecutions();
    return this.#sql.exec<T>(query, ...bindings);
  }

  /** What changes executions and nothing else. */
  #writeExecution(query: string, ...bindings: SqlStorageValue[]): void {
    this.#forgetExecutions();
    this.#sql.exec(query, ...bindings);
  }

  /** What changes runs of notebooks, but not the present step of one. */
  #writeNotebookRun(query: string, ...bindings: SqlStorageValue[]): void {
    this.#forgetNotebooks();
    this.#sql.exec(query, ...bindings);
  }

  #forgetExecutions(): void {
    this.#records.clear();
    this.#unfinished = null;
  }

  #forgetNotebooks(): void {
    this.#notebookRuns.clear();
    this.#steps.clear();
  }
}

/** What few numbers stand for, until it is cleared. */
class Memo<T> {
  readonly #known = new Map<number, T>();

  get(number: number, read: () => T): T {
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const value = read();
    this.#known.set(number, value);
    return value;
  }

  clear(): void {
    this.#known.clear();
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
    msgId: row.step_msg_id ?? row.msg_id,
    step: row.step,
    slot: row.slot,
    generation: row.generation,
    code: row.code,
    requestCode: row.step_code ?? row.code,
    state: row.state,
    reason: row.reason,
    // Written by `markLost` alone.
    failure: row.failure === null ? null : (JSON.parse(row.failure) as Failure),
    incomplete: row.incomplete,
    createdAt: row.created_at,
    startedAt: row.sent_at,
    sentAt: row.step === null ? row.sent_at : row.step_sent_at,
    endedAt: row.ended_at,
    progress: progressOf(row.step_progress ?? row.progress),
    position: row.position,
    droppedChars: row.dropped_chars,
    droppedItems: row.dropped_items,
    discarded: row.discarded === 1,
  };
}

function progressOf(json: string): Progress {
  // Written by `saveProgress` alone; earlier versions left out what they did not know.
  const { prompt = null, ...progress } = JSON.parse(json) as Partial<Progress>;
  return {
    ...NO_PROGRESS,
    ...progress,
    prompt: prompt && { ...prompt, isAnswered: prompt.isAnswered ?? false },
  };
}

function notebookRunOf(row: NotebookRow): NotebookRun {
  return {
    execution: row.execution,
    path: row.path,
    version: row.version,
    cells: row.cells,
    onError: row.on_error,
    isKernelNew: row.kernel_new === 1,
    step: row.step,
    revision: row.revision,
    savedRevision: row.saved_revision,
    trouble: row.trouble,
    isGivenUp: row.given_up === 1,
    // Written by `markSaved` alone.
    missing: JSON.parse(row.missing) as string[],
    session: row.session,
    upgraded: row.upgraded,
    failedSaves: row.failed_saves,
  };
}
