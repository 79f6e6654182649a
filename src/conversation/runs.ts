/**
 * The way of an execution through a conversation: into the journal, to its
 * kernel, and back to whoever waits for it. It belongs to the conversation, so
 * that it goes on when its caller leaves.
 */

import { ExpectedError } from "../errors.ts";
import { shutdownKernel } from "../jupyter/kernels.ts";
import type { KernelConnection, KernelHost } from "../kernel/connection.ts";
import { isFinal, NO_PROGRESS } from "../kernel/execution.ts";
import type { ExecutionRecord } from "../kernel/journal.ts";
import type { KernelSlot } from "../kernel/slots.ts";
import { goneError, type ConversationKernels, type ForRun } from "./kernels.ts";
import type { Changes, ProgressReport } from "./waiting.ts";

/** What the runs need of their conversation. */
export interface RunsHost extends KernelHost {
  readonly kernels: ConversationKernels;
  readonly changes: Changes;
  connection(slot: number): KernelConnection;
  /** Throws once the conversation has ended. */
  throwIfEnded(): void;
  hasEnded(): boolean;
  /** Keeps the object alive until the work is done. */
  inBackground(work: Promise<unknown>): void;
  /** Tells the directory how the conversation stands, in a moment. */
  reportSoon(): void;
}

/** A kernel that has its code says so within milliseconds, if it ever does. */
const START_WAIT_MS = 1_000;
/** Late output is not worth waiting longer for a Jupyter that does not answer. */
const CATCH_UP_LIMIT_MS = 3_000;

/** Finds or starts the kernel of a run. */
export type Choose = () => Promise<ForRun>;

/** What is known of output that came after an execution's end. */
export type LateOutput = "known" | "Jupyter not reachable" | "other client attached";

/** See the head of this file. */
export class Runs {
  readonly #host: RunsHost;
  /** Runs reach their kernels in the order of their calls, and never start two where one is meant. */
  #queue: Promise<void> = Promise.resolve();
  /** Executions whose code is on its way to a kernel. */
  readonly #beginning = new Set<number>();
  /** Executions of which nobody knows yet whether they can be run at all. */
  readonly #preparing = new Map<number, Promise<unknown>>();
  /** Executions whose first call still waits. */
  readonly #waitedFor = new Set<number>();
  /** Why an execution never reached a kernel, until the call that waits for it takes it. */
  readonly #startErrors = new Map<number, unknown>();

  constructor(host: RunsHost) {
    this.#host = host;
  }

  /**
   * Journals an execution and sends it on its way, after those that were called
   * for before. What `prepare` throws is told before anything else, however short
   * the call waits; the kernel that comes of it may take longer.
   */
  begin(
    msgId: string,
    code: string,
    prepare: (record: ExecutionRecord) => Promise<Choose>,
  ): ExecutionRecord {
    const { journal } = this.#host;
    const record = journal.add({
      msgId,
      code,
      progress: NO_PROGRESS,
      now: this.#host.now(),
    });
    const { number } = record;
    this.#beginning.add(number);
    this.#waitedFor.add(number);
    const prepared = prepare(record).catch((error: unknown) => {
      this.#failToStart(record, error);
      return null;
    });
    this.#preparing.set(number, prepared);
    this.#queue = Promise.all([prepared, this.#queue])
      .then(([choose]) => (choose === null ? undefined : this.#send(record, choose)))
      .catch((error: unknown) => this.#failToStart(record, error))
      .catch((error: unknown) => {
        this.#host.log.bug({ task: "start_run", execution: `e${number}` }, error);
      })
      .finally(() => this.#beginning.delete(number));
    void prepared.then(() => this.#preparing.delete(number));
    this.#host.inBackground(this.#queue);
    return record;
  }

  /** Notes that the first call does not wait any more: from now on a failure is found by a later one. */
  stopWaiting(record: ExecutionRecord): void {
    const { number } = record;
    this.#waitedFor.delete(number);
    const error = this.#startErrors.get(number);
    this.#startErrors.delete(number);
    // It came in the very moment in which the call left.
    if (error !== undefined) this.#failToStart(record, error);
  }

  /**
   * Picks up what a crash left: what was sent is connected to again, what waited
   * for its turn is sent when that comes, and what had no kernel yet is lost.
   */
  resume(): void {
    const { journal } = this.#host;
    for (const record of journal.unfinished()) {
      const { number, sentAt, slot } = record;
      if (slot !== null && sentAt !== null) this.#host.connection(slot).resume();
      else if (slot !== null && !this.#mustWait(record)) this.sendNext(record);
      else if (slot === null && !this.#beginning.has(number)) {
        const reason =
          "it was never sent: the server was interrupted before its kernel was ready";
        journal.markLost(number, reason, this.#host.now());
        this.#host.changed(number);
      }
    }
  }

  /**
   * Goes on with those that waited on a kernel for an execution that has ended.
   * Where it failed they are aborted, as the kernel does with what is in its own
   * queue; unless it was to go on after errors.
   */
  release({ number, slot, state }: ExecutionRecord): void {
    if (slot === null) return;
    const { journal } = this.#host;
    const hasFailed =
      (state === "error" || state === "aborted") &&
      journal.notebookRun(number)?.onError !== "continue";
    const held = journal
      .unfinished()
      .filter((other) => other.slot === slot && other.startedAt === null);
    for (const record of held) {
      if (this.#beginning.has(record.number) || this.#mustWait(record)) continue;
      if (hasFailed) this.abort(record);
      else this.sendNext(record);
    }
  }

  /** Ends an execution that waits for others on its kernel and was not sent. */
  abort({ number }: ExecutionRecord): void {
    this.#host.journal.saveProgress(number, "aborted", NO_PROGRESS, this.#host.now());
    this.#host.changed(number);
  }

  /**
   * Sends the next request of an execution that has several, or the first of one
   * that had to wait. Where Jupyter cannot be reached, {@link resume} does it again.
   */
  sendNext(record: ExecutionRecord): void {
    const { number, slot } = record;
    if (slot === null || this.#beginning.has(number)) return;
    this.#beginning.add(number);
    const connection = this.#host.connection(slot);
    const sent = connection
      .execute(record)
      .catch((error: unknown) => {
        const isGone =
          error instanceof ExpectedError && error.failure.code === "kernel_not_found";
        if (isGone)
          connection.gone(
            "the kernel is no longer on the server: it was shut down or culled",
          );
        else if (!(error instanceof ExpectedError) && !this.#host.hasEnded())
          this.#host.log.bug({ task: "send_next", execution: `e${number}` }, error);
      })
      .finally(() => this.#beginning.delete(number));
    this.#host.inBackground(sent);
  }

  /**
   * Waits until an execution has ended, asks for input, or cannot go on before
   * another one is answered; at most until `deadline`.
   *
   * @throws {ExpectedError} where it never reached a kernel; it is forgotten then
   */
  async settled(
    number: number,
    deadline: number,
    report?: ProgressReport,
  ): Promise<void> {
    await this.#preparing.get(number);
    for (;;) {
      this.#host.throwIfEnded();
      this.#throwIfNotStarted(number);
      const record = this.#host.journal.get(number);
      const now = this.#host.now();
      if (record === null || now >= deadline) return;
      if (record.state !== "running") {
        const dueIn = this.#outputIsDueIn(record);
        if (dueIn <= 0) return;
        await this.#host.changes.next(number, Math.min(dueIn, deadline - now));
        continue;
      }
      if (this.#isBehindPrompt(record)) return;
      const slot = record.slot === null ? null : this.#host.slots.get(record.slot);
      const isHeld = slot !== null && record.startedAt === null;
      const doing =
        slot === null
          ? "starting its kernel"
          : `${isHeld ? "waiting" : "running"} on ${slot.kernelspec}`;
      report?.tell(record, `e${number} ${doing}`, now);
      const dueIn = report?.dueIn(record, now) ?? Number.POSITIVE_INFINITY;
      await this.#host.changes.next(number, Math.max(1, Math.min(dueIn, deadline - now)));
    }
  }

  /** Waits until an execution has ended, at most until `deadline`. */
  async ended(number: number, deadline: number): Promise<void> {
    await this.#until(number, deadline, ({ state }) => isFinal(state));
  }

  /** A signal that arrives before the kernel has begun with its code is lost, and the code runs on. */
  async started(number: number): Promise<void> {
    const deadline = this.#host.now() + START_WAIT_MS;
    await this.#until(number, deadline, ({ progress }) => progress.hasBegun);
  }

  /** Asks the kernel of an ended execution for what came since. */
  async catchUp(record: ExecutionRecord): Promise<LateOutput> {
    const slot = record.slot === null ? null : this.#host.slots.get(record.slot);
    const mayHaveMore =
      slot !== null && !slot.gone && record.generation === slot.generation;
    if (record.endedAt === null || !mayHaveMore) return "known";
    const { promise, resolve } = Promise.withResolvers<LateOutput>();
    const timer = setTimeout(() => resolve("Jupyter not reachable"), CATCH_UP_LIMIT_MS);
    const asked = this.#host
      .connection(slot.slot)
      .catchUp()
      .then(
        (caughtUp) => resolve(caughtUp === "all" ? "known" : caughtUp),
        () => {
          const isGone =
            !this.#host.hasEnded() && this.#host.slots.get(slot.slot)?.gone === true;
          resolve(isGone ? "known" : "Jupyter not reachable");
        },
      );
    this.#host.inBackground(asked);
    const late = await promise;
    clearTimeout(timer);
    this.#host.throwIfEnded();
    return late;
  }

  /** What a call is told whose kernel turned out to be gone. */
  goneError(slot: KernelSlot): ExpectedError {
    this.#host.connection(slot.slot).gone("the kernel is no longer on the server");
    this.#host.slots.tellGone(slot.slot);
    return goneError(this.#host.slots.get(slot.slot) ?? slot);
  }

  async #send(added: ExecutionRecord, choose: Choose): Promise<void> {
    this.#host.throwIfEnded();
    const { slot, isStarted } = await choose();
    this.#host.slots.touch(slot.slot, this.#host.now());
    const record = this.#host.journal.get(added.number) ?? added;
    if (this.#mustWait({ ...record, slot: slot.slot })) {
      this.#host.journal.hold(record.number, slot.slot, slot.generation);
      this.#host.changes.announce(record.number);
      this.#host.reportSoon();
      return;
    }
    try {
      await this.#host.connection(slot.slot).execute(record);
    } catch (error) {
      if (this.#host.hasEnded()) throw error;
      if (isStarted) await this.#undoStart(slot);
      else if (
        error instanceof ExpectedError &&
        error.failure.code === "kernel_not_found"
      ) {
        throw this.goneError(slot);
      }
      throw error;
    }
    // Whoever waits may see now that it is queued behind a prompt.
    this.#host.changes.announce(record.number);
    this.#host.reportSoon();
  }

  /** A kernel that was started for a run and cannot be reached would be left behind, one for each call. */
  async #undoStart(slot: KernelSlot): Promise<void> {
    this.#host.connection(slot.slot).release();
    this.#host.slots.remove(slot.slot);
    await shutdownKernel(this.#host.server, slot.kernelId).catch(() => false);
  }

  #outputIsDueIn(record: ExecutionRecord): number {
    const hasRun = record.state === "ok" || record.state === "error";
    const slot = hasRun ? record.slot : null;
    return slot === null ? 0 : this.#host.connection(slot).outputIsDueIn(record);
  }

  #failToStart(record: ExecutionRecord, error: unknown): void {
    if (this.#host.hasEnded()) return;
    if (this.#waitedFor.has(record.number)) {
      this.#startErrors.set(record.number, error);
      this.#host.changes.announce(record.number);
      return;
    }
    const failure = error instanceof ExpectedError ? error.failure : null;
    const reason = "it was never sent";
    this.#host.journal.markLost(record.number, reason, this.#host.now(), failure);
    this.#host.changed(record.number);
  }

  #throwIfNotStarted(number: number): void {
    const error = this.#startErrors.get(number);
    if (error === undefined) return;
    this.#startErrors.delete(number);
    this.#host.journal.remove(number);
    throw error;
  }

  /**
   * Whether an execution may not be sent yet: the requests of one that has several
   * are sent one at a time, and nothing of ours comes in between or overtakes.
   */
  #mustWait({ number, slot, step }: ExecutionRecord): boolean {
    return this.#host.journal
      .unfinished()
      .some(
        (other) =>
          other.slot === slot &&
          other.number < number &&
          (step !== null || other.step !== null || other.startedAt === null),
      );
  }

  /** Whether an execution waits behind one of the same kernel that asks for input. */
  #isBehindPrompt({ number, slot }: ExecutionRecord): boolean {
    return this.#host.journal
      .unfinished()
      .some(
        (other) =>
          other.slot === slot &&
          other.number < number &&
          other.state === "waiting for input",
      );
  }

  async #until(
    number: number,
    deadline: number,
    condition: (record: ExecutionRecord) => boolean,
  ): Promise<void> {
    for (;;) {
      this.#host.throwIfEnded();
      const record = this.#host.journal.get(number);
      const now = this.#host.now();
      if (record === null || condition(record) || now >= deadline) return;
      await this.#host.changes.next(number, deadline - now);
    }
  }
}
