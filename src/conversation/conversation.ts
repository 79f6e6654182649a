/**
 * One conversation: its kernels, their sockets, and the journal of what ran in
 * them. An execution belongs to the conversation and not to the call that began
 * it: it goes on when the caller leaves, and is found again after a crash.
 * Methods return `{ok}` or `{failure}`; the constructor writes nothing, so that
 * a mistyped handle stores nothing.
 */

import { DurableObject } from "cloudflare:workers";
import { parseConfig, type Config } from "../config.ts";
import { ExpectedError, outcomeOf, type Outcome } from "../errors.ts";
import { workspaceName, type ConversationIdentity } from "../identity.ts";
import { interruptKernel, restartKernel, shutdownKernel } from "../jupyter/kernels.ts";
import { JupyterServer } from "../jupyter/server.ts";
import { KernelConnection, type KernelHost } from "../kernel/connection.ts";
import { isFinal, NO_PROGRESS } from "../kernel/execution.ts";
import { Journal, type ExecutionRecord } from "../kernel/journal.ts";
import { KernelSlots, type KernelSlot } from "../kernel/slots.ts";
import { countNumbered } from "../output/render.ts";
import { ConversationKernels, goneError } from "./kernels.ts";
import {
  findInOutput,
  readNumbered,
  readOn,
  readWhole,
  type Reading,
} from "./reading.ts";
import { ConversationStorage } from "./storage.ts";
import {
  viewOf,
  type ExecutionResult,
  type ExecutionView,
  type KernelView,
} from "./view.ts";
import { Changes, ProgressReport, type ProgressListener } from "./waiting.ts";

/** What a run may say beside its code. */
export interface RunRequest {
  readonly identity: ConversationIdentity;
  /** Whether this run begins the conversation. */
  readonly isNew: boolean;
  readonly code: string;
  readonly kernel?: string | undefined;
  readonly waitMs: number;
  readonly maxOutputChars: number;
}

/** What a reader asks of an execution. */
export interface ReadRequest {
  readonly execution: string;
  readonly after?: number | undefined;
  readonly waitMs: number;
  readonly maxOutputChars: number;
}

/** What came of an interrupt: what ran then, and how it stands a moment later. */
export interface Interrupted {
  readonly kernel: KernelView;
  readonly executions: readonly ExecutionView[];
}

/** What came of a restart or a shutdown: executions that were lost with it. */
export interface Ended {
  readonly kernel: KernelView;
  readonly lost: readonly string[];
}

/** A run is looked after this often while it is unfinished, also after a crash. */
const WATCH_INTERVAL_MS = 30_000;
const LONGEST_WATCH_INTERVAL_MS = 5 * 60_000;
/** A kernel that has its code says so within milliseconds, if it ever does. */
const START_WAIT_MS = 1_000;
/** An interrupted kernel needs a moment to say how its run ended. */
const INTERRUPT_WAIT_MS = 5_000;
/** Late output is not worth waiting longer for a Jupyter that does not answer. */
const CATCH_UP_LIMIT_MS = 3_000;
const DAY_MS = 24 * 60 * 60_000;

/** See the head of this file. */
export class Conversation extends DurableObject<Env> implements KernelHost {
  readonly server: JupyterServer;
  readonly journal: Journal;
  readonly slots: KernelSlots;
  readonly lingerMs: number;
  readonly #config: Config;
  readonly #storage: ConversationStorage;
  readonly #kernels: ConversationKernels;
  readonly #connections = new Map<number, KernelConnection>();
  readonly #changes = new Changes();
  /** Runs reach their kernels in the order of their calls, and never start two where one is meant. */
  #starting: Promise<unknown> = Promise.resolve();
  /** Executions whose code is on its way to a kernel. */
  readonly #beginning = new Set<number>();
  /** Executions whose first call still waits. */
  readonly #waitedFor = new Set<number>();
  /** Why an execution never reached a kernel, until the call that waits for it takes it. */
  readonly #startErrors = new Map<number, unknown>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = parseConfig(env);
    this.server = new JupyterServer(this.#config.jupyter);
    this.lingerMs = this.#config.kernelLingerMs;
    this.#storage = new ConversationStorage(ctx.storage);
    this.journal = new Journal(ctx.storage.sql, { countNumbered });
    this.slots = new KernelSlots(ctx.storage.sql);
    this.#kernels = new ConversationKernels(this.server, this.slots, Date.now);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now();
  }

  /** Runs code, waits for it as long as was asked for, and answers with what there is by then. */
  run(
    request: RunRequest,
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    return outcomeOf(async () => {
      if (request.isNew) this.#create(request.identity);
      else this.#wake();
      const deadline = Date.now() + request.waitMs;
      const record = this.journal.add({
        msgId: crypto.randomUUID(),
        code: request.code,
        progress: NO_PROGRESS,
        now: Date.now(),
      });
      await this.#storage.schedule("watch", Date.now() + WATCH_INTERVAL_MS);
      this.#waitedFor.add(record.number);
      this.#begin(record, request.kernel);
      const { maxOutputChars } = request;
      return this.#resultAfterWait(
        record,
        deadline,
        maxOutputChars,
        undefined,
        onProgress,
      ).finally(() => this.#waitedFor.delete(record.number));
    });
  }

  /** An execution's output: all within the budget, or on from a position; waits while it runs. */
  read(
    request: ReadRequest,
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    return outcomeOf(async () => {
      this.#wake();
      const record = this.#record(request.execution);
      const deadline = Date.now() + request.waitMs;
      const { after, maxOutputChars } = request;
      const isCaughtUp = await this.#catchUp(record);
      const result = await this.#resultAfterWait(
        record,
        deadline,
        maxOutputChars,
        after,
        onProgress,
      );
      return { ...result, isCaughtUp };
    });
  }

  /** Lines of an execution's full output that match, with where it stands. */
  find(request: {
    readonly execution: string;
    readonly pattern: string;
    readonly maxOutputChars: number;
  }): Promise<Outcome<{ readonly view: ExecutionView; readonly text: string }>> {
    return outcomeOf(() => {
      this.#wake();
      this.#flush();
      const record = this.#record(request.execution);
      const text = findInOutput(
        this.journal,
        record,
        request.pattern,
        request.maxOutputChars,
      );
      return { view: this.#view(record), text };
    });
  }

  /** One image, or other representation, of an execution by its number. */
  image(request: {
    readonly execution: string;
    readonly image: number;
    readonly maxOutputChars: number;
  }): Promise<
    Outcome<{
      readonly view: ExecutionView;
      readonly mime: string;
      readonly base64: string | null;
      readonly text: string;
    }>
  > {
    return outcomeOf(() => {
      this.#wake();
      this.#flush();
      const record = this.#record(request.execution);
      const shown = readNumbered(
        this.journal,
        record,
        request.image,
        request.maxOutputChars,
      );
      return { view: this.#view(record), ...shown };
    });
  }

  /** The latest executions, newest first. */
  executions(limit: number): Promise<Outcome<readonly ExecutionView[]>> {
    return outcomeOf(() => {
      this.#wake();
      this.#flush();
      return this.journal.latest(limit).map((record) => this.#view(record));
    });
  }

  /** Answers `input()`, and waits for what the run does with it. */
  input(
    request: {
      readonly execution: string;
      readonly text: string;
      readonly waitMs: number;
      readonly maxOutputChars: number;
    },
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    return outcomeOf(async () => {
      this.#wake();
      this.#flush();
      const record = this.#record(request.execution);
      if (
        record.progress.prompt === null ||
        isFinal(record.state) ||
        record.slot === null
      ) {
        const { execution } = request;
        throw new ExpectedError({
          code: "not_waiting_for_input",
          execution,
          state: record.state,
        });
      }
      await this.#connection(record.slot).answer(record, request.text);
      const deadline = Date.now() + request.waitMs;
      const { maxOutputChars } = request;
      return this.#resultAfterWait(
        record,
        deadline,
        maxOutputChars,
        record.position,
        onProgress,
      );
    });
  }

  /** Interrupts a kernel and says how what ran in it ended. */
  interrupt(kernel: string | undefined): Promise<Outcome<Interrupted>> {
    return outcomeOf(async () => {
      const { handle } = this.#wake();
      const slot = await this.#kernels.attached(kernel, handle);
      const running = this.journal
        .unfinished()
        .filter((record) => record.slot === slot.slot);
      if (running[0] !== undefined) await this.#untilStarted(running[0].number);
      if (slot.gone || !(await interruptKernel(this.server, slot.kernelId))) {
        throw this.#gone(slot, "the kernel is no longer on the server");
      }
      const deadline = Date.now() + INTERRUPT_WAIT_MS;
      await Promise.all(running.map(({ number }) => this.#untilEnded(number, deadline)));
      const executions = running.flatMap(({ number }) => this.journal.get(number) ?? []);
      return {
        kernel: kernelView(slot),
        executions: executions.map((record) => this.#view(record)),
      };
    });
  }

  /** Replaces a kernel's process. */
  restart(kernel: string | undefined): Promise<Outcome<Ended>> {
    return outcomeOf(async () => {
      const { handle } = this.#wake();
      const slot = await this.#kernels.attached(kernel, handle);
      const lost = this.#unfinishedOn(slot);
      this.#connection(slot.slot).expectShutdown();
      if (slot.gone || (await restartKernel(this.server, slot.kernelId)) === null) {
        throw this.#gone(slot, "the kernel is no longer on the server");
      }
      const replaced = this.#connection(slot.slot).replaced(
        "restart_kernel was called while it ran",
      );
      this.slots.tellGeneration(slot.slot);
      this.slots.touch(slot.slot, Date.now());
      return { kernel: kernelView(replaced), lost };
    });
  }

  /** Ends a kernel. */
  shutdown(kernel: string): Promise<Outcome<Ended>> {
    return outcomeOf(async () => {
      const { handle } = this.#wake();
      const slot = await this.#kernels.attached(kernel, handle);
      const lost = this.#unfinishedOn(slot);
      this.#connection(slot.slot).expectShutdown();
      const wasThere = !slot.gone && (await shutdownKernel(this.server, slot.kernelId));
      if (!wasThere) throw this.#gone(slot, "the kernel is no longer on the server");
      this.#connection(slot.slot).gone("shutdown_kernel was called while it ran");
      this.slots.tellGone(slot.slot);
      return { kernel: kernelView(slot), lost };
    });
  }

  /** The kernels of this conversation, the current one first. */
  kernels(): Promise<Outcome<readonly KernelSlot[]>> {
    return outcomeOf(() => {
      this.#wake();
      return this.slots.all();
    });
  }

  /** Forgets the conversation, and where asked shuts down the kernels that it started. */
  end(shutdownKernels: boolean): Promise<
    Outcome<{
      readonly shutDown: readonly KernelView[];
      readonly left: readonly KernelView[];
      readonly unfinished: readonly string[];
    }>
  > {
    return outcomeOf(async () => {
      const identity = this.#wake();
      const slots = this.slots.all().filter((slot) => !slot.gone);
      const chosen = shutdownKernels
        ? slots.filter(({ startedHere }) => startedHere)
        : [];
      const unfinished = this.journal.unfinished().map(({ number }) => `e${number}`);
      for (const slot of chosen) {
        this.#connection(slot.slot).expectShutdown();
        await shutdownKernel(this.server, slot.kernelId);
      }
      await this.#forget(identity);
      return {
        shutDown: chosen.map(kernelView),
        left: slots.filter((slot) => !chosen.includes(slot)).map(kernelView),
        unfinished,
      };
    });
  }

  /** Looks after unfinished runs. Never throws: six failures in a row would orphan a run for good. */
  override async alarm(): Promise<void> {
    if (!this.#storage.exists()) return;
    for (const { name, failures } of this.#storage.takeDue(Date.now())) {
      let failed = 0;
      try {
        await (name === "expire" ? this.#expire() : this.#watch());
      } catch (error) {
        failed = failures + 1;
        if (!(error instanceof ExpectedError)) {
          console.error(
            `${name} failed: ${error instanceof Error ? error.name : "unknown"}`,
          );
        }
      }
      if (!this.#storage.exists()) return;
      if (failed > 0 || (name === "watch" && this.journal.unfinished().length > 0)) {
        const pause = Math.min(
          LONGEST_WATCH_INTERVAL_MS,
          WATCH_INTERVAL_MS * 2 ** failed,
        );
        await this.#storage.schedule(name, Date.now() + pause, failed);
      }
    }
    await this.#storage.arm();
  }

  /** Called by a connection when something about an execution was stored. */
  changed(execution: number): void {
    this.#changes.announce(execution);
    const record = this.journal.get(execution);
    if (record !== null && isFinal(record.state)) this.ctx.waitUntil(this.#report());
  }

  #create(identity: ConversationIdentity): void {
    this.#storage.create(identity, Date.now());
    this.journal.createSchema();
    this.slots.createSchema();
  }

  /** Throws for a conversation that never began, and picks up what a crash left. */
  #wake(): ConversationIdentity & { readonly createdAt: number } {
    this.#throwIfEnded();
    this.#resume();
    return this.#storage.identity();
  }

  #throwIfEnded(): void {
    if (this.#storage.exists()) return;
    const conversation = this.ctx.id.name?.split("/").at(-1) ?? "";
    throw new ExpectedError({ code: "conversation_not_found", conversation });
  }

  #resume(): void {
    for (const record of this.journal.unfinished()) {
      if (record.sentAt === null || record.slot === null) {
        if (!this.#beginning.has(record.number)) {
          const reason =
            "it was never sent: the server was interrupted before its kernel was ready";
          this.journal.markLost(record.number, reason, Date.now());
        }
      } else {
        this.#connection(record.slot).resume();
      }
    }
  }

  #connection(slot: number): KernelConnection {
    let connection = this.#connections.get(slot);
    if (connection === undefined) {
      connection = new KernelConnection(slot, this);
      this.#connections.set(slot, connection);
    }
    return connection;
  }

  /** Brings an execution to its kernel, after those that were called for before. */
  #begin(record: ExecutionRecord, kernel: string | undefined): void {
    this.#beginning.add(record.number);
    const begun = this.#starting.then(async () => {
      try {
        await this.#send(record, kernel);
      } catch (error) {
        this.#failToStart(record, error);
      } finally {
        this.#beginning.delete(record.number);
      }
    });
    this.#starting = begun;
    this.ctx.waitUntil(begun);
  }

  async #send(record: ExecutionRecord, kernel: string | undefined): Promise<void> {
    const slot = await this.#kernels.forRun(kernel);
    this.slots.touch(slot.slot, Date.now());
    try {
      await this.#connection(slot.slot).execute(record);
    } catch (error) {
      throw this.#asGone(error, slot);
    }
    this.ctx.waitUntil(this.#report());
  }

  /** A call that still waits throws the error and leaves nothing behind; a later one finds it lost. */
  #failToStart(record: ExecutionRecord, error: unknown): void {
    if (this.#waitedFor.has(record.number)) {
      this.#startErrors.set(record.number, error);
      this.#changes.announce(record.number);
      return;
    }
    if (!this.#storage.exists()) return;
    const code = error instanceof ExpectedError ? error.failure.code : "internal error";
    const reason = `it was never sent: its kernel could not be started or reached (${code.replaceAll("_", " ")})`;
    this.journal.markLost(record.number, reason, Date.now());
    this.changed(record.number);
  }

  async #throwIfNotStarted(number: number): Promise<void> {
    const error = this.#startErrors.get(number);
    if (error === undefined) return;
    this.#startErrors.delete(number);
    this.journal.remove(number);
    if (this.journal.latest(1).length === 0 && this.slots.all().length === 0) {
      await this.#storage.deleteAll();
    }
    throw error;
  }

  async #resultAfterWait(
    record: ExecutionRecord,
    deadline: number,
    maxChars: number,
    after: number | undefined,
    onProgress: ProgressListener | undefined,
  ): Promise<ExecutionResult> {
    const seen =
      after === undefined ? record : { number: record.number, position: after };
    const report = new ProgressReport(this.journal, seen, onProgress ?? null, Date.now());
    await this.#untilFinal(record.number, deadline, report);
    await this.#throwIfNotStarted(record.number);
    this.#flush();
    const latest = this.journal.get(record.number);
    if (latest === null)
      throw new Error("An execution disappeared while a call waited for it.");
    const reading =
      after === undefined
        ? readWhole(this.journal, latest, maxChars)
        : readOn(this.journal, latest, after, maxChars);
    return this.#result(latest, reading);
  }

  /** Asks the kernel of an ended execution for late output. False where it could not be asked. */
  async #catchUp(record: ExecutionRecord): Promise<boolean> {
    const slot = record.slot === null ? null : this.slots.get(record.slot);
    const mayHaveMore =
      slot !== null && !slot.gone && record.generation === slot.generation;
    if (record.endedAt === null || !mayHaveMore) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), CATCH_UP_LIMIT_MS);
    const asked = this.#connection(slot.slot)
      .catchUp()
      .then(
        () => resolve(true),
        (error: unknown) =>
          resolve(
            error instanceof ExpectedError && this.slots.get(slot.slot)?.gone === true,
          ),
      );
    this.ctx.waitUntil(asked);
    const isCaughtUp = await promise;
    clearTimeout(timer);
    return isCaughtUp;
  }

  /** A signal that arrives before the kernel has begun with its code is lost, and the code runs on. */
  async #untilStarted(number: number): Promise<void> {
    const deadline = Date.now() + START_WAIT_MS;
    for (;;) {
      this.#flush();
      const record = this.journal.get(number);
      const now = Date.now();
      const isStarted = record === null || record.progress.executionCount !== null;
      if (isStarted || now >= deadline) return;
      await this.#changes.next(number, deadline - now);
    }
  }

  async #untilEnded(number: number, deadline: number): Promise<void> {
    for (;;) {
      this.#throwIfEnded();
      const record = this.journal.get(number);
      const now = Date.now();
      if (record === null || isFinal(record.state) || now >= deadline) return;
      await this.#changes.next(number, deadline - now);
    }
  }

  /** Waits until an execution has ended or asks for input, at most until `deadline`. */
  async #untilFinal(
    number: number,
    deadline: number,
    report?: ProgressReport,
  ): Promise<void> {
    for (;;) {
      this.#throwIfEnded();
      const record = this.journal.get(number);
      const now = Date.now();
      if (record === null || record.state !== "running" || now >= deadline) return;
      if (this.#startErrors.has(number)) return;
      const slot = record.slot === null ? null : this.slots.get(record.slot);
      const doing =
        slot === null ? "starting its kernel" : `running on ${slot.kernelspec}`;
      report?.tell(record, `e${number} ${doing}`, now);
      const pause = Math.min(
        report?.dueIn(record, now) ?? Number.POSITIVE_INFINITY,
        deadline - now,
      );
      await this.#changes.next(number, Math.max(1, pause));
    }
  }

  #result(record: ExecutionRecord, reading: Reading): ExecutionResult {
    const slot = record.slot === null ? null : this.slots.get(record.slot);
    const isNewGeneration =
      slot !== null &&
      record.generation === slot.generation &&
      slot.generation > slot.toldGeneration;
    if (isNewGeneration) this.slots.tellGeneration(slot.slot);
    if (record.state === "lost" && slot?.gone === true) this.slots.tellGone(slot.slot);
    return {
      ...this.#view(record),
      text: reading.text,
      images: reading.images,
      truncated: reading.truncated,
      readTo: reading.position,
      hasMore: reading.hasMore,
      isNewGeneration,
      isCaughtUp: true,
    };
  }

  #view(record: ExecutionRecord): ExecutionView {
    const connection =
      record.slot === null ? undefined : this.#connections.get(record.slot);
    return viewOf(record, {
      conversation: this.#storage.identity().handle,
      slot: record.slot === null ? null : this.slots.get(record.slot),
      unfinished: this.journal.unfinished(),
      trouble: connection?.trouble ?? null,
      now: Date.now(),
    });
  }

  #record(execution: string): ExecutionRecord {
    const number = /^e([1-9]\d{0,14})$/.exec(execution)?.[1];
    const record = number === undefined ? null : this.journal.get(Number(number));
    if (record !== null) return record;
    const [latest] = this.journal.latest(1);
    throw new ExpectedError({
      code: "execution_not_found",
      execution,
      latest: latest === undefined ? null : `e${latest.number}`,
    });
  }

  #flush(): void {
    for (const connection of this.#connections.values()) connection.flush();
  }

  #unfinishedOn(slot: KernelSlot): string[] {
    return this.journal
      .unfinished()
      .filter((record) => record.slot === slot.slot)
      .map(({ number }) => `e${number}`);
  }

  /** What a run is told when its kernel turned out to be gone as it was reached for. */
  #asGone(error: unknown, slot: KernelSlot): unknown {
    if (!(error instanceof ExpectedError) || error.failure.code !== "kernel_not_found")
      return error;
    return this.#gone(slot, "the kernel is no longer on the server");
  }

  #gone(slot: KernelSlot, reason: string): ExpectedError {
    this.#connection(slot.slot).gone(reason);
    this.#connections.delete(slot.slot);
    this.slots.tellGone(slot.slot);
    return goneError(this.slots.get(slot.slot) ?? slot);
  }

  async #watch(): Promise<void> {
    this.#resume();
    const slots = new Set(this.journal.unfinished().flatMap(({ slot }) => slot ?? []));
    await Promise.all([...slots].map((slot) => this.#connection(slot).watch()));
  }

  /** Ends a conversation that nobody has used for its time; its kernels stay, as they do in Jupyter. */
  async #expire(): Promise<void> {
    const identity = this.#storage.identity();
    const [current] = this.slots.all();
    const usedAt = Math.max(identity.createdAt, current?.usedAt ?? 0);
    const expiresAt = usedAt + this.#config.conversationTtlDays * DAY_MS;
    if (expiresAt > Date.now() || this.journal.unfinished().length > 0) {
      await this.#storage.schedule("expire", Math.max(expiresAt, Date.now() + DAY_MS));
    } else {
      await this.#forget(identity);
    }
  }

  async #forget(identity: ConversationIdentity): Promise<void> {
    for (const connection of this.#connections.values()) connection.release();
    this.#connections.clear();
    await this.#storage.deleteAll();
    this.#changes.announceAll();
    await this.#workspace(identity).forget(identity.handle);
  }

  /** Tells the directory how this conversation stands. One that is missed is made up for by the next. */
  async #report(): Promise<void> {
    if (!this.#storage.exists()) return;
    const identity = this.#storage.identity();
    await this.#storage.schedule(
      "expire",
      identity.createdAt + this.#config.conversationTtlDays * DAY_MS,
    );
    const [latest] = this.journal.latest(1);
    const slots = this.slots.all();
    await this.#workspace(identity).record({
      handle: identity.handle,
      createdAt: identity.createdAt,
      usedAt: Math.max(identity.createdAt, slots[0]?.usedAt ?? 0),
      lastCode: latest?.code.trim().split("\n", 1)[0]?.slice(0, 120) ?? "",
      lastExecution: latest === undefined ? "" : `e${latest.number}`,
      lastState: latest?.state ?? "",
      kernels: slots
        .filter(({ gone }) => !gone)
        .map(({ kernelId, kernelspec }) => ({ id: kernelId, kernelspec })),
      unfinished: this.journal.unfinished().map(({ number }) => `e${number}`),
    });
  }

  #workspace(identity: ConversationIdentity) {
    return this.env.WORKSPACE.getByName(workspaceName(identity));
  }
}

function kernelView(slot: KernelSlot): KernelView {
  return { id: slot.kernelId, kernelspec: slot.kernelspec, generation: slot.generation };
}
