/**
 * One conversation: its kernels, their sockets, and the journal of what ran in
 * them. Methods return `{ok}` or `{failure}`; the constructor writes nothing, so
 * that a mistyped handle stores nothing.
 */

import { DurableObject } from "cloudflare:workers";
import { configOf, type Config, type JupyterAddress, type Standing } from "../config.ts";
import { ExpectedError, failureOf, outcomeOf, valueOf, type Outcome } from "../errors.ts";
import {
  conversationName,
  roomName,
  workspaceName,
  type ConversationIdentity,
} from "../identity.ts";
import { interruptKernel, restartKernel, shutdownKernel } from "../jupyter/kernels.ts";
import { judgeByHub } from "../jupyter/hub-server.ts";
import { JupyterServer } from "../jupyter/server.ts";
import { KernelConnection } from "../kernel/connection.ts";
import { Log, shortPerson } from "../log.ts";
import { isFinal, stateOf } from "../kernel/execution.ts";
import { Journal, type ExecutionRecord } from "../kernel/journal.ts";
import { KernelSlots, type KernelSlot } from "../kernel/slots.ts";
import { Notebooks, roomKeeper, type RoomOffer } from "../notebook/access.ts";
import { countNumbered } from "../output/render.ts";
import { cellsOfRuns, type ConversationCells } from "./cells.ts";
import {
  Introspection,
  type IntrospectionHost,
  type Inspected,
  type InspectRequest,
  type Variables,
} from "./introspection.ts";
import { ExecutionAudit } from "./execution-audit.ts";
import { ConversationKernels } from "./kernels.ts";
import {
  NotebookRuns,
  type NotebookHost,
  type NotebookRequest,
} from "./notebook-runs.ts";
import {
  findInOutput,
  readForPage,
  readNumbered,
  readOn,
  readWhole,
  type Reading,
} from "./reading.ts";
import { RunLog } from "./run-log.ts";
import { Runs, type LateOutput } from "./runs.ts";
import { CONVERSATION_SCHEMA, ConversationStorage } from "./storage.ts";
import {
  kernelView,
  viewOf,
  type ExecutionResult,
  type ExecutionView,
  type KernelView,
} from "./view.ts";
import type { CellMark } from "../notebook/version.ts";
import { VersionedStorage } from "../versioned-storage.ts";
import { Changes, ProgressReport, type ProgressListener } from "./waiting.ts";

/** What every call that waits and reads says. */
interface Patience {
  /** The HTTP request that makes the call, for the log. */
  readonly request?: string | undefined;
  readonly waitMs: number;
  readonly maxOutputChars: number;
}

/** What every run begins with. */
interface BeginRequest extends Patience {
  readonly identity: ConversationIdentity;
  /** Whether this run begins the conversation. */
  readonly isNew: boolean;
  /** Names the run before it is begun, so that a caller who is cut off can ask for it. */
  readonly msgId: string;
}

/** What a run may say beside its code. */
export interface RunRequest extends BeginRequest {
  readonly code: string;
  readonly kernel?: string | undefined;
}

/** What a run of a notebook's cells says. */
export interface RunCellsRequest extends BeginRequest, NotebookRequest {}

/** What a reader asks of an execution. */
export interface ReadRequest extends Patience {
  readonly execution: string;
  readonly after?: number | undefined;
}

/** What came of an interrupt: what ran then, and how it stands a moment later. */
export interface Interrupted {
  readonly kernel: KernelView;
  /** Whether the kernel's process did not survive it. */
  readonly hasEnded: boolean;
  readonly executions: readonly ExecutionView[];
}

/** What came of a restart or a shutdown: executions that were lost with it. */
export interface Ended {
  readonly kernel: KernelView;
  readonly lost: readonly string[];
}

/** What is left of a conversation that has ended. */
export interface EndedConversation {
  readonly shutDown: readonly KernelView[];
  readonly left: readonly KernelView[];
  readonly unfinished: readonly string[];
  /** What of it had not begun, and will not: all of an execution, or so many of its cells. */
  readonly notRun: readonly {
    readonly execution: string;
    readonly cells: number | null;
  }[];
  /** Outputs that could not be written into their notebooks, and why. */
  readonly unsaved: readonly {
    readonly execution: string;
    readonly path: string;
    readonly trouble: string;
  }[];
}

/** One image or other representation, with where its execution stands. */
export interface NumberedResult {
  readonly view: ExecutionView;
  readonly mime: string;
  readonly base64: string | null;
  readonly text: string;
}

/** An execution as a page shows it. */
export interface Shown {
  readonly view: ExecutionView;
  readonly text: string;
  /** Differs as soon as there is something else to show. */
  readonly mark: string;
}

/** A run is looked after this often while it is unfinished, also after a crash. */
const WATCH_INTERVAL_MS = 30_000;
const LONGEST_WATCH_INTERVAL_MS = 5 * 60_000;
/** An interrupted kernel needs a moment to say how its run ended. */
const INTERRUPT_WAIT_MS = 5_000;
const DAY_MS = 24 * 60 * 60_000;
const MAX_SUMMARY_CHARS = 120;
/** Most runs of an assistant are over by then. */
const REPORT_AFTER_MS = 50;

/** See the head of this file. */
export class Conversation
  extends DurableObject<Env>
  implements NotebookHost, IntrospectionHost
{
  readonly server: JupyterServer;
  readonly journal: Journal;
  readonly slots: KernelSlots;
  readonly kernels: ConversationKernels;
  readonly notebooks: Notebooks;
  readonly changes = new Changes();
  readonly lingerMs: number;
  readonly log: Log;
  readonly #runLog: RunLog;
  readonly #config: Config;
  readonly #sql: VersionedStorage;
  readonly #storage: ConversationStorage;
  readonly #connections = new Map<number, KernelConnection>();
  readonly #runs: Runs;
  readonly #notebooks: NotebookRuns;
  readonly #introspection: Introspection;
  readonly #audit: ExecutionAudit;
  /** Reports that are under way. */
  readonly #reports = new Set<Promise<unknown>>();
  #reportTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = configOf(env);
    const { name } = ctx.id;
    const about = { person: shortPerson(name), conversation: name?.split("/").at(-1) };
    this.log = new Log(this.#config.logLevel, about);
    this.#runLog = new RunLog(this.log, Date.now());
    this.server = new JupyterServer(
      this.#config.signIn === null ? this.#config.jupyter : () => this.#address(),
      judgeByHub,
    );
    this.lingerMs = this.#config.kernelLingerMs;
    this.#sql = new VersionedStorage(ctx.storage, CONVERSATION_SCHEMA);
    this.#storage = new ConversationStorage(ctx.storage, this.#sql);
    this.journal = new Journal(this.#sql, { countNumbered });
    this.slots = new KernelSlots(this.#sql);
    const hasEnded = () => this.hasEnded();
    const { server, slots, log } = this;
    this.kernels = new ConversationKernels(server, slots, Date.now, hasEnded, log);
    const keeper = {
      exclusively: (path: string, work: () => Promise<void>) =>
        this.exclusively(path, work),
      roomOffer: () => this.#workspace(this.#storage.identity()).roomOffer(),
      keepRoomOffer: (offer: RoomOffer) =>
        this.#workspace(this.#storage.identity()).keepRoomOffer(offer),
    };
    const roomOf = async (path: string) => {
      const { principal, serverHash } = this.#storage.identity();
      const owner = { principal, serverHash };
      const room = this.env.NOTEBOOK_ROOM.getByName(await roomName(owner, path));
      return roomKeeper(room, { owner, path });
    };
    const connectedSince = () => this.#connectedSince();
    this.notebooks = new Notebooks(this.server, keeper, roomOf, connectedSince);
    this.#runs = new Runs(this);
    this.#notebooks = new NotebookRuns(this, this.#runs);
    this.#introspection = new Introspection(this);
    this.#audit = new ExecutionAudit(this.#sql, this.journal, this.slots);
  }

  /** Runs code, waits for it as long as was asked for, and answers with what there is by then. */
  run(
    request: RunRequest,
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    const prepare = async () => () => this.kernels.forRun(request.kernel);
    return this.#outcome(() => this.#begin(request, request.code, prepare, onProgress));
  }

  /** Runs cells of a notebook in its own kernel, one after the other, and writes what comes of it into the file. */
  runCells(
    request: RunCellsRequest,
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    const prepare = (record: ExecutionRecord) => this.#notebooks.prepare(record, request);
    const code = `run_cells ${JSON.stringify(request.path)}`;
    return this.#outcome(() => this.#begin(request, code, prepare, onProgress));
  }

  /** Waits on for a run whose first call was cut off, found by the `msgId` that it was given. */
  resumeRun(
    request: { readonly msgId: string } & Patience,
  ): Promise<Outcome<ExecutionResult>> {
    return this.#outcome(() => {
      this.#wake();
      const record = this.journal.byMsgId(request.msgId);
      if (record === null) throw this.#executionNotFound("of that call");
      this.#runLog.resumed(record, request.request);
      return this.#settledResult(record, Date.now(), request, undefined, undefined);
    });
  }

  /** An execution's output: all within the budget, or on from a position; waits while it runs. */
  read(
    request: ReadRequest,
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    return this.#outcome(async () => {
      this.#wake();
      const record = this.#record(request.execution);
      const now = Date.now();
      const late = await this.#runs.catchUp(record);
      const after =
        request.after === undefined
          ? undefined
          : Math.min(request.after, record.position);
      if (after !== undefined) {
        this.#flush();
        const ready = readOn(this.journal, record, after, request.maxOutputChars);
        if (ready.hasMore) return this.#result(record, ready, late);
      }
      const result = await this.#settledResult(record, now, request, after, onProgress);
      return { ...result, late };
    });
  }

  /** Lines of an execution's full output that match, with where it stands. */
  find(request: {
    readonly execution: string;
    readonly pattern: string;
    readonly maxOutputChars: number;
  }): Promise<Outcome<{ readonly view: ExecutionView; readonly text: string }>> {
    return this.#outcome(async () => {
      const record = await this.#caughtUp(request.execution);
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
  }): Promise<Outcome<NumberedResult>> {
    return this.#outcome(async () => {
      const record = await this.#caughtUp(request.execution);
      const shown = readNumbered(
        this.journal,
        record,
        request.image,
        request.maxOutputChars,
      );
      return { view: this.#view(record), ...shown };
    });
  }

  /** The code that was run here as cells of a notebook, for a kernelspec or else for that of the kernel used last. */
  cells(kernelspec: string | undefined): Promise<Outcome<ConversationCells>> {
    return this.#outcome(() => {
      this.#wake();
      this.#flush();
      return cellsOfRuns(this.journal, this.slots, kernelspec);
    });
  }

  /** The latest executions, newest first. */
  executions(limit: number): Promise<Outcome<readonly ExecutionView[]>> {
    return this.#outcome(() => {
      this.#wake();
      this.#flush();
      return this.journal.latest(limit).map((record) => this.#view(record));
    });
  }

  /** Answers `input()`, and waits for what the run does with it. */
  input(
    request: { readonly execution: string; readonly text: string } & Patience,
    onProgress?: ProgressListener,
  ): Promise<Outcome<ExecutionResult>> {
    return this.#outcome(async () => {
      this.#wake();
      this.#flush();
      const record = this.#record(request.execution);
      const { slot, position, state } = record;
      if (
        stateOf(record.progress) !== "waiting for input" ||
        isFinal(state) ||
        slot === null
      ) {
        const { execution } = request;
        throw new ExpectedError({ code: "not_waiting_for_input", execution, state });
      }
      await this.connection(slot).answer(record, request.text);
      return this.#settledResult(record, Date.now(), request, position, onProgress);
    });
  }

  /** Answers the very prompt of that id: once, and no later one. */
  answer(request: {
    readonly execution: string;
    readonly prompt: string;
    readonly text: string;
  }): Promise<Outcome<ExecutionView>> {
    return this.#outcome(async () => {
      this.#wake();
      this.#flush();
      const { execution } = request;
      const record = this.#record(execution);
      const { state, prompt } = this.#view(record);
      const isAsked = state === "waiting for input" && prompt?.id === request.prompt;
      if (!isAsked || record.slot === null)
        throw new ExpectedError({ code: "not_waiting_for_input", execution, state });
      await this.connection(record.slot).answer(record, request.text);
      return this.#view(this.#record(execution));
    });
  }

  /** An execution with its output for a page, once it differs from the mark that was `seen`, or after `waitMs`. */
  show(
    request: {
      readonly execution: string;
      readonly seen: string | null;
    } & Patience,
  ): Promise<Outcome<Shown>> {
    return this.#outcome(async () => {
      this.#wake();
      this.#flush();
      const deadline = Date.now() + request.waitMs;
      for (;;) {
        this.throwIfEnded();
        const record = this.#record(request.execution);
        const view = this.#view(record);
        const mark = `${view.position} ${view.state} ${view.prompt?.id ?? ""}`;
        const left = deadline - Date.now();
        if (mark !== request.seen || isFinal(view.state) || left <= 0) {
          const text = readForPage(this.journal, record, request.maxOutputChars);
          return { view, text, mark };
        }
        await this.changes.next(record.number, left);
      }
    });
  }

  /** Interrupts a kernel and says how what ran in it ended. */
  interrupt(kernel: string | undefined): Promise<Outcome<Interrupted>> {
    return this.#outcome(async () => {
      const slot = await this.kernels.attached(kernel, this.#wake().handle);
      const [held, running] = partition(
        this.#unfinishedOn(slot),
        ({ startedAt }) => startedAt === null,
      );
      // They would begin in the very moment that the one before them ends.
      for (const record of held) this.#runs.abort(record);
      for (const { number } of running) this.journal.stopAtError(number);
      if (running[0] !== undefined) await this.#runs.started(running[0].number);
      if (slot.gone || !(await interruptKernel(this.server, slot.kernelId))) {
        throw this.#runs.goneError(slot);
      }
      const deadline = Date.now() + INTERRUPT_WAIT_MS;
      await Promise.all(running.map(({ number }) => this.#runs.ended(number, deadline)));
      const executions = [...running, ...held].flatMap(
        ({ number }) => this.journal.get(number) ?? [],
      );
      return {
        kernel: kernelView(this.slots.get(slot.slot) ?? slot),
        hasEnded: (this.slots.get(slot.slot)?.generation ?? 0) > slot.generation,
        executions: executions.map((record) => this.#view(record)),
      };
    });
  }

  /** The variables of an idle kernel whose name matches a glob, or one of them in detail. */
  variables(request: {
    readonly kernel: string | undefined;
    readonly name: string | null;
    readonly pattern: string;
  }): Promise<Outcome<Variables>> {
    return this.#outcome(async () => {
      const slot = await this.kernels.attached(request.kernel, this.#wake().handle);
      return this.#introspection.variables(slot, request.name, request.pattern);
    });
  }

  /** What an idle kernel itself says about code. */
  inspect(
    request: { readonly kernel: string | undefined } & InspectRequest,
  ): Promise<Outcome<Inspected>> {
    return this.#outcome(async () => {
      const slot = await this.kernels.attached(request.kernel, this.#wake().handle);
      return this.#introspection.inspect(slot, request);
    });
  }

  /** Replaces a kernel's process. */
  restart(kernel: string | undefined): Promise<Outcome<Ended>> {
    return this.#outcome(async () => {
      const slot = await this.kernels.attached(kernel, this.#wake().handle);
      const lost = this.#unfinishedOn(slot);
      const connection = this.connection(slot.slot);
      const restart = () => restartKernel(this.server, slot.kernelId);
      if (slot.gone || (await connection.restarting(restart)) === null) {
        throw this.#runs.goneError(slot);
      }
      const replaced = connection.replaced(
        "restart_kernel was called while it ran",
        true,
      );
      return {
        kernel: kernelView(replaced),
        lost: lost.map(({ number }) => `e${number}`),
      };
    });
  }

  /** Ends a kernel. */
  shutdown(kernel: string): Promise<Outcome<Ended>> {
    return this.#outcome(async () => {
      const slot = await this.kernels.attached(kernel, this.#wake().handle);
      const lost = this.#unfinishedOn(slot);
      const connection = this.connection(slot.slot);
      connection.expectShutdown();
      if (slot.gone || !(await shutdownKernel(this.server, slot.kernelId))) {
        throw this.#runs.goneError(slot);
      }
      connection.gone("shutdown_kernel was called while it ran", true);
      // What was asked for need not be told, and another kernel of ours comes first from now on.
      this.slots.tellGone(slot.slot);
      this.slots.touch(slot.slot, 0);
      this.report();
      return { kernel: kernelView(slot), lost: lost.map(({ number }) => `e${number}`) };
    });
  }

  /** The kernels of this conversation, the current one first. */
  listKernels(): Promise<Outcome<readonly KernelSlot[]>> {
    return this.#outcome(() => {
      this.#wake();
      return this.slots.all();
    });
  }

  /** Forgets the conversation, and where asked shuts down the kernels that it started. */
  end(shutdownKernels: boolean): Promise<Outcome<EndedConversation>> {
    return this.#outcome(async () => {
      this.#wake();
      const slots = this.slots.all().filter((slot) => !slot.gone);
      const chosen = shutdownKernels
        ? slots.filter(({ startedHere }) => startedHere)
        : [];
      const unfinished = this.journal.unfinished().map(({ number }) => `e${number}`);
      for (const slot of chosen) {
        this.connection(slot.slot).expectShutdown();
        await shutdownKernel(this.server, slot.kernelId);
      }
      this.#flush();
      await this.#notebooks.saveAll();
      const notRun = this.journal.unfinished().flatMap((record) => this.#notRun(record));
      const unsaved = this.journal
        .unsavedNotebookRuns()
        .map(({ execution, path, trouble }) => {
          return {
            execution: `e${execution}`,
            path,
            trouble: trouble ?? "not yet written",
          };
        });
      await this.#forget();
      return {
        shutDown: chosen.map(kernelView),
        left: slots.filter((slot) => !chosen.includes(slot)).map(kernelView),
        unfinished,
        notRun,
        unsaved,
      };
    });
  }

  /** Forgets the conversation at once, without asking Jupyter for anything. */
  async discard(): Promise<void> {
    if (!this.hasEnded()) await this.#forget();
  }

  /** Looks after unfinished runs. Never throws: six failures in a row would orphan a run for good. */
  override async alarm(): Promise<void> {
    const begunAt = Date.now();
    try {
      if (this.hasEnded()) return;
    } catch (error) {
      // What is due stays so for the version that can go on with it.
      const failure = failureOf(error);
      if (failure === null) this.log.bug({ task: "watch" }, error);
      else this.log.warn("alarm", { outcome: failure.code });
      await this.ctx.storage.setAlarm(begunAt + LONGEST_WATCH_INTERVAL_MS);
      return;
    }
    const due = this.#storage.takeDue(begunAt, begunAt + WATCH_INTERVAL_MS);
    await this.#storage.arm();
    for (const { name, failures } of due) {
      const unfinished = this.journal.unfinished().length;
      const resumed = unfinished > 0 && this.#connections.size === 0;
      try {
        await (name === "expire" ? this.#expire() : this.#watch());
        const fields = { task: name, unfinished, durationMs: Date.now() - begunAt };
        if (resumed) this.log.warn("alarm", { ...fields, resumed });
        else if (unfinished > 0) this.log.debug("alarm", fields);
      } catch (error) {
        const fields = { task: name, unfinished, attempt: failures + 1 };
        if (error instanceof ExpectedError)
          this.log.warn("alarm", { ...fields, outcome: error.failure.code });
        else this.log.bug(fields, error);
        if (this.hasEnded()) return;
        const pause = Math.min(
          LONGEST_WATCH_INTERVAL_MS,
          WATCH_INTERVAL_MS * 2 ** failures,
        );
        await this.#storage.reschedule(name, Date.now() + pause, failures + 1);
      }
    }
  }

  now(): number {
    return Date.now();
  }

  changed(execution: number): void {
    this.changes.announce(execution);
    const record = this.journal.get(execution);
    if (record === null) return;
    this.#notebooks.changed(record);
    if (!isFinal(record.state)) return;
    this.#runLog.ended(record, record.slot === null ? null : this.slots.get(record.slot));
    this.#runs.release(record);
    this.report();
  }

  isAwaited(execution: number): boolean {
    return this.changes.areAwaited(execution) || this.#notebooks.isLive(execution);
  }

  async rememberVersion(
    path: string,
    version: string,
    marks: readonly CellMark[],
  ): Promise<void> {
    await this.#workspace(this.#storage.identity()).rememberVersion(path, version, marks);
  }

  async exclusively(path: string, work: () => Promise<void>): Promise<void> {
    await this.#workspace(this.#storage.identity()).exclusively(path, work);
  }

  goneError(slot: KernelSlot): ExpectedError {
    return this.#runs.goneError(slot);
  }

  tryAgainLater(): void {
    this.inBackground(this.#storage.schedule("watch", Date.now() + WATCH_INTERVAL_MS));
  }

  connection(slot: number): KernelConnection {
    let connection = this.#connections.get(slot);
    if (connection === undefined) {
      connection = new KernelConnection(slot, this);
      this.#connections.set(slot, connection);
    }
    return connection;
  }

  hasEnded(): boolean {
    return !this.#storage.exists();
  }

  throwIfEnded(): void {
    if (!this.hasEnded()) return;
    const conversation = this.ctx.id.name?.split("/").at(-1) ?? "";
    throw new ExpectedError({ code: "conversation_not_found", conversation });
  }

  inBackground(work: Promise<unknown>): void {
    this.ctx.waitUntil(work);
  }

  /** So that a run which is over in a moment is reported once. */
  reportSoon(): void {
    this.#reportTimer ??= setTimeout(() => this.report(), REPORT_AFTER_MS);
  }

  /** Tells the directory how this conversation stands. A report that fails is made up for by the next. */
  report(): void {
    this.#cancelReport();
    if (this.hasEnded()) return;
    const identity = this.#storage.identity();
    const [latest] = this.journal.latest(1);
    const slots = this.slots.all();
    const reported = this.#workspace(identity).record({
      handle: identity.handle,
      createdAt: identity.createdAt,
      usedAt: this.#usedAt(),
      lastCode: latest?.code.trim().split("\n", 1)[0]?.slice(0, MAX_SUMMARY_CHARS) ?? "",
      lastExecution: latest === undefined ? "" : `e${latest.number}`,
      lastState: latest?.state ?? "",
      kernels: slots
        .filter(({ gone }) => !gone)
        .map(({ kernelId, kernelspec }) => ({ id: kernelId, kernelspec })),
      unfinished: this.journal.unfinished().map(({ number }) => `e${number}`),
    });
    this.#underWay(reported);
    const standing = {
      running: this.journal.unfinished().length,
      storedBytes: this.#sql.databaseSize,
    };
    const account = this.#account(identity);
    if (account === null) return;
    const ended = this.#audit.untold(identity.handle, Date.now());
    const settled = account.settle(conversationName(identity), standing, ended);
    this.#underWay(
      settled.then(() => {
        if (!this.hasEnded()) this.#audit.told(ended);
      }),
    );
  }

  #cancelReport(): void {
    if (this.#reportTimer !== null) clearTimeout(this.#reportTimer);
    this.#reportTimer = null;
  }

  #underWay(report: Promise<unknown>): void {
    const done = report.catch(() => undefined).finally(() => this.#reports.delete(done));
    this.#reports.add(done);
    this.ctx.waitUntil(done);
  }

  /** What this conversation takes of what its person may use; null where it never began. */
  standing(): Standing | null {
    if (this.hasEnded()) return null;
    const storedBytes = this.#sql.databaseSize;
    return { running: this.journal.unfinished().length, storedBytes };
  }

  #outcome<T>(work: () => Promise<T> | T): Promise<Outcome<T>> {
    return outcomeOf(work, (error) => this.log.bug({}, error));
  }

  #create(identity: ConversationIdentity): void {
    this.#storage.create(identity, Date.now());
    this.journal.createSchema();
    this.slots.createSchema();
  }

  async #begin(
    request: BeginRequest,
    code: string,
    prepare: Parameters<Runs["begin"]>[2],
    onProgress: ProgressListener | undefined,
  ): Promise<ExecutionResult> {
    if (!request.isNew) this.#wake();
    const account = this.#account(request.identity);
    if (account !== null)
      valueOf(await account.begin(conversationName(request.identity)));
    if (request.isNew) this.#create(request.identity);
    else this.throwIfEnded();
    const now = Date.now();
    const record = this.#runs.begin(request.msgId, code, prepare);
    this.#runLog.started(record, request.request);
    if (account !== null) this.#audit.note(record);
    try {
      await this.#storage.schedule("watch", now + WATCH_INTERVAL_MS);
      await this.#storage.schedule(
        "expire",
        now + this.#config.conversationTtlDays * DAY_MS,
      );
      const result = await this.#settledResult(
        record,
        now,
        request,
        undefined,
        onProgress,
      );
      // Whoever has heard of the run finds it in the directory.
      if (this.#reportTimer !== null) this.report();
      return result;
    } catch (error) {
      await this.#forgetIfEmpty();
      this.report();
      throw error;
    } finally {
      this.#runs.stopWaiting(record);
    }
  }

  /** Throws for a conversation that never began or has ended, and picks up what a crash left. */
  #wake(): ConversationIdentity {
    this.throwIfEnded();
    this.#runs.resume();
    return this.#storage.identity();
  }

  async #caughtUp(execution: string): Promise<ExecutionRecord> {
    this.#wake();
    await this.#runs.catchUp(this.#record(execution));
    this.#flush();
    return this.#record(execution);
  }

  async #settledResult(
    { number, position }: ExecutionRecord,
    since: number,
    { waitMs, maxOutputChars }: Patience,
    after: number | undefined,
    onProgress: ProgressListener | undefined,
  ): Promise<ExecutionResult> {
    const seen = { number, position: after ?? position };
    const report = new ProgressReport(this.journal, seen, onProgress ?? null, since);
    await this.#runs.settled(number, since + waitMs, report);
    this.#flush();
    // Whoever is told that cells have run finds their outputs in the file.
    const { step, state } = this.#record(`e${number}`);
    if (step !== null && isFinal(state)) {
      await this.#notebooks.save(number);
      this.throwIfEnded();
    }
    const record = this.#record(`e${number}`);
    const reading =
      after === undefined
        ? readWhole(this.journal, record, maxOutputChars)
        : readOn(this.journal, record, after, maxOutputChars);
    return this.#result(record, reading, "known");
  }

  #result(record: ExecutionRecord, reading: Reading, late: LateOutput): ExecutionResult {
    const slot = record.slot === null ? null : this.slots.get(record.slot);
    if (record.state === "lost" && slot?.gone === true) this.slots.tellGone(slot.slot);
    return {
      ...this.#view(record),
      text: reading.text,
      images: reading.images,
      truncated: reading.truncated,
      readTo: reading.position,
      hasMore: reading.hasMore,
      isNewGeneration: this.journal.isFirstOfGeneration(record),
      late,
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
      notebook: record.step === null ? null : this.journal.notebookRun(record.number),
      steps: record.step === null ? [] : this.journal.steps(record.number),
      now: Date.now(),
    });
  }

  #record(execution: string): ExecutionRecord {
    const number = /^e([1-9]\d{0,14})$/.exec(execution)?.[1];
    const record = number === undefined ? null : this.journal.get(Number(number));
    if (record === null) throw this.#executionNotFound(execution);
    return record;
  }

  #executionNotFound(execution: string): ExpectedError {
    const [latest] = this.journal.latest(1);
    return new ExpectedError({
      code: "execution_not_found",
      execution,
      latest: latest === undefined ? null : `e${latest.number}`,
    });
  }

  /**
   * Since when the connection to a kernel is open that was opened last; null where none
   * is. An older one may have broken without a word.
   */
  #connectedSince(): number | null {
    const opened = [...this.#connections.values()].flatMap(
      ({ openSince }) => openSince ?? [],
    );
    return opened.length === 0 ? null : Math.max(...opened);
  }

  #flush(): void {
    for (const connection of this.#connections.values()) connection.flush();
  }

  #notRun({ number, startedAt }: ExecutionRecord): EndedConversation["notRun"] {
    const execution = `e${number}`;
    if (startedAt === null) return [{ execution, cells: null }];
    const pending = this.journal.steps(number).filter(({ state }) => state === "pending");
    return pending.length === 0 ? [] : [{ execution, cells: pending.length }];
  }

  #unfinishedOn(slot: KernelSlot): ExecutionRecord[] {
    return this.journal.unfinished().filter((record) => record.slot === slot.slot);
  }

  async #watch(): Promise<void> {
    this.#runs.resume();
    const slots = new Set(this.journal.unfinished().flatMap(({ slot }) => slot ?? []));
    await Promise.all([...slots].map((slot) => this.connection(slot).watch()));
    if (this.hasEnded()) return;
    this.#flush();
    const isSaved = await this.#notebooks.saveAll();
    if (this.hasEnded()) return;
    if (this.journal.unfinished().length === 0 && isSaved) {
      this.#storage.done("watch");
      await this.#storage.arm();
    } else {
      this.#storage.keep("watch");
    }
  }

  /** Ends a conversation that nobody has used for its time; its kernels stay, as they do in Jupyter. */
  async #expire(): Promise<void> {
    const expiresAt = this.#usedAt() + this.#config.conversationTtlDays * DAY_MS;
    if (expiresAt > Date.now() || this.journal.unfinished().length > 0) {
      await this.#storage.reschedule(
        "expire",
        Math.max(expiresAt, Date.now() + DAY_MS),
        0,
      );
    } else {
      await this.#forget();
    }
  }

  #usedAt(): number {
    return Math.max(this.#storage.identity().createdAt, this.slots.all()[0]?.usedAt ?? 0);
  }

  /** The directory first: what it still lists could not be ended a second time. */
  async #forget(): Promise<void> {
    const identity = this.#storage.identity();
    this.#cancelReport();
    // One that arrives later would bring the conversation back on their lists.
    await Promise.all(this.#reports);
    await this.#workspace(identity).forget(identity.handle);
    const account = this.#account(identity);
    const untold =
      account === null ? [] : this.#audit.untold(identity.handle, Date.now(), true);
    await account?.forget(conversationName(identity), untold);
    for (const connection of this.#connections.values()) connection.release();
    this.#connections.clear();
    await this.#storage.deleteAll();
    this.changes.announceAll();
  }

  /** A conversation whose first run never reached a kernel leaves nothing behind. */
  async #forgetIfEmpty(): Promise<void> {
    if (this.hasEnded()) return;
    if (this.journal.latest(1).length > 0 || this.slots.all().length > 0) return;
    const identity = this.#storage.identity();
    await this.#account(identity)?.forget(conversationName(identity));
    await this.#storage.deleteAll();
  }

  /** Where the credentials are kept, for what this conversation does while nobody calls. */
  async #address(): Promise<JupyterAddress> {
    return valueOf(await this.#workspace(this.#storage.identity()).address());
  }

  /** Who counts what this person uses; nobody in local use. */
  #account({ principal }: ConversationIdentity) {
    return this.#config.signIn === null ? null : this.env.ACCOUNT.getByName(principal);
  }

  #workspace(identity: ConversationIdentity) {
    return this.env.WORKSPACE.getByName(workspaceName(identity));
  }
}

function partition<T>(
  all: readonly T[],
  condition: (each: T) => boolean,
): readonly [T[], T[]] {
  return [all.filter(condition), all.filter((each) => !condition(each))];
}
