/**
 * Takes what a kernel sends for its executions through the reducer and into the
 * journal. Nobody is told of anything before it is stored. Between two flushes new
 * items are in memory alone: mostly a moment, and where a run prints on and on a
 * quarter of a second while somebody waits and a second while nobody does.
 */

import type { Message } from "../jupyter/messages.ts";
import { appendCoalesced } from "./chunks.ts";
import {
  answered,
  isDone,
  isFinal,
  reduce,
  stateOf,
  withIdle,
  type Progress,
  type Prompt,
} from "./execution.ts";
import type { Item } from "./item.ts";
import type { ExecutionRecord, Journal } from "./journal.ts";

/** Output is written this often while somebody waits for it, so that rows stay few. */
const FLUSH_INTERVAL_MS = 250;
/** Rows are most of what a run that prints costs. While nobody waits for them a crash is all that a pause could matter to. */
const UNWATCHED_FLUSH_INTERVAL_MS = 1_000;
/**
 * So often it is written almost at once instead, for what is in memory alone is lost
 * with the object, as in a deploy. One more is earned with each second.
 */
const SPARE_FLUSHES = 200;
const SPARE_INTERVAL_MS = 50;
/** A burst above this is written at once, so that memory stays bounded. */
const FLUSH_CHARS = 64 * 1024;

/** What a recorder needs of the conversation around it. */
export interface RecorderHost {
  readonly journal: Journal;
  now(): number;
  /** Called after something about an execution was stored. */
  changed(execution: number): void;
  /** Whether anybody waits for that. */
  isAwaited(execution: number): boolean;
}

/** What a message meant for its execution. */
export interface Taken {
  readonly number: number;
  /** False for what comes after the end: it tells nothing about the process. */
  readonly isRunning: boolean;
  readonly hasEnded: boolean;
  /** Whether this was the first of the two that make the end, the reply and the `idle`. */
  readonly isHalfDone: boolean;
}

/** What came of an execution and is not stored yet. */
interface Pending {
  readonly number: number;
  readonly step: number | null;
  readonly isRunning: boolean;
  progress: Progress;
  /** What the journal has of it. */
  saved: Progress;
  items: Item[];
  ids: string[];
  chars: number;
}

/** See the head of this file. */
export class Recorder {
  readonly #slot: number;
  readonly #host: RecorderHost;
  /** By the `msg_id` of the request. */
  readonly #pending = new Map<string, Pending>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the timer ends. */
  #flushesAt = 0;
  #lastFlush = 0;
  #spareFlushes = SPARE_FLUSHES;
  /** Messages that were received a second time. */
  duplicates = 0;

  constructor(slot: number, host: RecorderHost) {
    this.#slot = slot;
    this.#host = host;
  }

  /** Has an execution at hand whose messages are about to come. */
  expect(execution: ExecutionRecord): void {
    this.#open(execution);
  }

  /** Takes in a message whose parent is `msgId`; null where that is no request of this kernel. */
  take(msgId: string, message: Message): Taken | null {
    const pending = this.#pending.get(msgId) ?? this.#find(msgId);
    if (pending === null) return null;
    const before = pending.progress;
    const { progress, items } = reduce(before, message);
    pending.progress = progress;
    if (items.length > 0) this.#add(pending, items, message.header.msg_id);
    const hasEnded = isDone(progress) && !isDone(before);
    const isUrgent =
      stateOf(progress) !== stateOf(before) || pending.chars >= FLUSH_CHARS;
    if (hasEnded || isUrgent) this.flush();
    else if (pending.items.length > 0 || progress !== pending.saved)
      this.#flushSoon(pending);
    const isHalfDone = isHalf(progress) && !isHalf(before);
    const { number, isRunning } = pending;
    return { number, isRunning, hasEnded, isHalfDone };
  }

  /** Stores the answer to the prompt that `execution` showed, and returns the header that it must name; null where it is open no more. */
  answer(execution: ExecutionRecord, text: string): Prompt["header"] | null {
    const pending = this.#open(execution);
    const { prompt } = pending.progress;
    if (prompt === null || prompt.isAnswered) return null;
    // Another answer came first, and the kernel has gone on to ask something else.
    if (prompt.header.msg_id !== execution.progress.prompt?.header.msg_id) return null;
    pending.progress = { ...pending.progress, prompt: { ...prompt, isAnswered: true } };
    pending.items.push(answered(prompt, text));
    this.flush();
    return prompt.header;
  }

  /** An answer that was under way when the connection broke may be lost: it can be given again. */
  askAgain(execution: ExecutionRecord): void {
    const pending = this.#open(execution);
    const { prompt } = pending.progress;
    if (prompt === null || !prompt.isAnswered) return;
    pending.progress = { ...pending.progress, prompt: { ...prompt, isAnswered: false } };
    this.flush();
  }

  /** Ends an execution that has its reply and whose `idle` will never come. */
  endWithoutIdle(execution: ExecutionRecord): void {
    const pending = this.#open(execution);
    const { progress, items } = withIdle(pending.progress);
    pending.progress = progress;
    for (const item of items) appendCoalesced(pending.items, item);
    this.flush();
  }

  /** Gives up what is pending of an execution, as one that was lost. */
  forget(msgId: string): void {
    this.#pending.delete(msgId);
  }

  /** Gives up everything, for a conversation that has ended. */
  clear(): void {
    this.#cancelTimer();
    this.#pending.clear();
  }

  /** Writes what is pending. Whoever reads the journal calls this first. */
  flush(): void {
    this.#cancelTimer();
    if ([...this.#pending.values()].some(({ items }) => items.length > 0))
      this.#countFlush();
    const { journal } = this.#host;
    for (const [msgId, pending] of this.#pending) {
      const { number, step, items, ids, progress, saved } = pending;
      const placed = step === null ? items : items.map((item) => ({ ...item, step }));
      journal.append(number, placed, ids);
      if (progress !== saved) {
        journal.saveProgress(number, stateOf(progress), progress, this.#host.now(), step);
      }
      pending.items = [];
      pending.ids = [];
      pending.chars = 0;
      pending.saved = progress;
      if (isDone(progress)) this.#pending.delete(msgId);
      if (items.length > 0 || progress !== saved) this.#host.changed(number);
    }
  }

  #find(msgId: string): Pending | null {
    const execution = this.#host.journal.byMsgId(msgId);
    return execution?.slot === this.#slot ? this.#open(execution) : null;
  }

  #open(execution: ExecutionRecord): Pending {
    const { number, msgId, step, progress } = execution;
    const known = this.#pending.get(msgId);
    if (known !== undefined) return known;
    const isRunning = !isFinal(execution.state);
    const state = { progress, saved: progress };
    const pending = { number, step, isRunning, ...state, items: [], ids: [], chars: 0 };
    this.#pending.set(msgId, pending);
    return pending;
  }

  #add(pending: Pending, items: readonly Item[], messageId: string): void {
    if (!this.#host.journal.isNew(pending.number, messageId)) {
      this.duplicates += 1;
      return;
    }
    for (const item of items) {
      appendCoalesced(pending.items, item);
      pending.chars += sizeOf(item);
    }
    pending.ids.push(messageId);
  }

  #flushSoon({ number, items }: Pending): void {
    const intervalMs = this.#host.isAwaited(number)
      ? FLUSH_INTERVAL_MS
      : UNWATCHED_FLUSH_INTERVAL_MS;
    const now = this.#host.now();
    const isSpare = items.length > 0 && this.#spareFlushes >= 1;
    // What a kernel says of a run that prints nothing is stored with its end, if that is near.
    const at =
      items.length === 0
        ? now + SPARE_INTERVAL_MS
        : Math.max(now, this.#lastFlush + (isSpare ? SPARE_INTERVAL_MS : intervalMs));
    if (this.#timer !== null && this.#flushesAt <= at) return;
    this.#cancelTimer();
    this.#flushesAt = at;
    this.#timer = setTimeout(() => this.flush(), at - now);
  }

  #countFlush(): void {
    const now = this.#host.now();
    const earned = (now - this.#lastFlush) / UNWATCHED_FLUSH_INTERVAL_MS;
    const spare = Math.min(SPARE_FLUSHES, this.#spareFlushes + earned);
    this.#spareFlushes = Math.max(0, spare - 1);
    this.#lastFlush = now;
  }

  #cancelTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function isHalf({ reply, idle }: Progress): boolean {
  return (reply !== null) !== idle;
}

function sizeOf(item: Item): number {
  if (item.type === "stream") return item.text.length;
  if (!("data" in item)) return 100;
  let chars = 0;
  // An image is not copied for its size.
  for (const value of Object.values(item.data))
    chars += typeof value === "string" ? value.length : JSON.stringify(value).length;
  return chars;
}
