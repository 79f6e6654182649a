import type { ExecutionRecord, Journal } from "../kernel/journal.ts";
import { errorLine } from "../output/item-words.ts";
import { plainText } from "../output/terminal.ts";

/** Called with what is new, or with a sign of life. Says whether anybody still listens. */
export type ProgressListener = (text: string) => Promise<boolean>;

/** New output is passed on at most four times a second. */
const MIN_INTERVAL_MS = 250;
/** Without output, clients hear this often that the run goes on. */
const HEARTBEAT_MS = 5_000;
const MAX_PROGRESS_CHARS = 2_000;
const MAX_LAST_LINE_CHARS = 200;

/** Wakes whoever waits for something about an execution to change. */
export class Changes {
  readonly #waiting = new Map<number, Set<() => void>>();

  /** Whether anybody waits for changes of this execution. */
  areAwaited(execution: number): boolean {
    return (this.#waiting.get(execution)?.size ?? 0) > 0;
  }

  /** Wakes all who wait for this execution. */
  announce(execution: number): void {
    for (const wake of this.#waiting.get(execution) ?? []) wake();
  }

  /** Wakes everybody: the conversation has ended. */
  announceAll(): void {
    for (const execution of this.#waiting.keys()) this.announce(execution);
  }

  /** Resolves at the next change, or after `ms`. */
  async next(execution: number, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(execution) ?? new Set();
    this.#waiting.set(execution, waiting);
    waiting.add(resolve);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiting.delete(execution);
  }
}

/**
 * Tells a listener what an execution prints while a call waits for it. What it
 * reads comes from the journal, so nothing is told that is not stored.
 */
export class ProgressReport {
  readonly #journal: Journal;
  readonly #number: number;
  #listener: ProgressListener | null;
  #position: number;
  #toldAt: number;
  #lastLine = "";

  constructor(
    journal: Journal,
    execution: { readonly number: number; readonly position: number },
    listener: ProgressListener | null,
    now: number,
  ) {
    this.#journal = journal;
    this.#number = execution.number;
    this.#listener = listener;
    this.#position = execution.position;
    // The first output is told of at once.
    this.#toldAt = listener === null ? now : now - MIN_INTERVAL_MS;
  }

  /** Milliseconds until {@link tell} has something to say at the latest. */
  dueIn(execution: ExecutionRecord, now: number): number {
    if (this.#listener === null) return Number.POSITIVE_INFINITY;
    const interval = execution.position > this.#position ? MIN_INTERVAL_MS : HEARTBEAT_MS;
    return Math.max(0, this.#toldAt + interval - now);
  }

  /** Passes on what is new, or a heartbeat, where one of them is due. */
  tell(execution: ExecutionRecord, doing: string, now: number): void {
    if (this.#listener === null || this.dueIn(execution, now) > 0) return;
    this.#toldAt = now;
    const fresh = this.#newText();
    const seconds = Math.round((now - (execution.sentAt ?? execution.createdAt)) / 1000);
    const lastLine = this.#lastLine === "" ? "" : `; last line: ${this.#lastLine}`;
    void this.#pass(fresh === "" ? `${doing} for ${seconds} s${lastLine}` : fresh);
  }

  #newText(): string {
    let text = "";
    for (const { position, item } of this.#journal.items(this.#number, this.#position)) {
      this.#position = position;
      if (item.type === "stream") text += item.text;
      else if (item.type === "error") text += `${errorLine(item)}\n`;
      else if ("data" in item && typeof item.data["text/plain"] === "string") {
        text += `${item.data["text/plain"]}\n`;
      }
      if (text.length > 2 * MAX_PROGRESS_CHARS) text = text.slice(-MAX_PROGRESS_CHARS);
    }
    const shown = plainText(text).trimEnd();
    const lastLine = shown.slice(shown.lastIndexOf("\n") + 1);
    if (lastLine !== "") this.#lastLine = lastLine.slice(-MAX_LAST_LINE_CHARS);
    return shown.slice(-MAX_PROGRESS_CHARS);
  }

  async #pass(text: string): Promise<void> {
    try {
      if ((await this.#listener?.(text)) !== true) this.#listener = null;
    } catch {
      // The caller's execution context is gone with its client; the run goes on without a listener.
      this.#listener = null;
    }
  }
}
