/**
 * One kernel of a conversation while anything is going on with it: what is sent
 * to it, and what to do when its socket, its process or the kernel itself ends
 * before its runs do.
 */

import { ExpectedError, type Failure } from "../errors.ts";
import { KernelChannels, type ChannelListener } from "../jupyter/channels.ts";
import { getKernel, type Kernel } from "../jupyter/kernels.ts";
import { requestMessage, type Channel, type Message } from "../jupyter/messages.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { shortKernel, type Log } from "../log.ts";
import { ConnectionLog } from "./connection-log.ts";
import { isFinal, isOutput } from "./execution.ts";
import type { ExecutionRecord } from "./journal.ts";
import { droppedBetween, withDropped, withLeftOut } from "./missing.ts";
import { isOtherProcess, observeProcess } from "./process.ts";
import { Questions, type Answer } from "./questions.ts";
import { Recorder, type RecorderHost } from "./recorder.ts";
import type { KernelSlot, KernelSlots } from "./slots.ts";
import { KernelSocket, type SocketOwner } from "./socket.ts";
import { whyOf } from "./why.ts";

/** Jupyter replays what it kept at once; waiting longer for a busy kernel would bring nothing. */
const CATCH_UP_MS = 1_000;
/** Reply and idle leave the kernel together; this much apart, one of them is not coming. */
const BETWEEN_REPLY_AND_IDLE_MS = 3_000;
/** A process that has just started is asked this often whether its output arrives. */
const PROBE_EVERY_MS = 300;
/** After so many in vain the connection is what is wrong, and another one is opened. */
const PROBES_OF_A_CONNECTION = 10;
/** As long as Jupyter itself waits for a kernel to answer. */
const PROBE_FOR_MS = 60_000;
/** Jupyter answers for a silent kernel after a minute. */
const COMES_UP_MS = 75_000;
/** A kernel that is waited for is looked after this often. */
const LOOK_EVERY_MS = 3_000;
/** An idle kernel answers at once: a request that waits longer, while nothing else comes, went into a dead socket. */
const BARRIER_PATIENCE_MS = 10_000;
/** What looks wrong is looked at once more after so long: by then the messages that it is about have arrived. */
const LOOK_AGAIN_MS = 5_000;
/** A connection that has broken Jupyter notices within so long, unless it is told nothing at all. */
const NOTICED_WITHIN_MS = 1_500;
/** Meanwhile it is asked this often. */
const ASK_EVERY_MS = 50;

/** What clients ask a kernel beside running code, as each does that connects or completes a word. */
const WITHOUT_CODE: ReadonlySet<string> = new Set([
  "kernel_info_request",
  "comm_info_request",
  "complete_request",
  "inspect_request",
  "is_complete_request",
  "history_request",
]);

/** Output of a run that has ended is listened to for so long; afterwards Jupyter keeps it until somebody asks. */
const LATE_OUTPUT_MS = 15 * 60_000;
/** What a kernel publishes beside the rest is this late at the most, unless a thread prints it. */
const LATE_BY_MS = 50;
/** Who prints more rarely than this would have to meet a moment of milliseconds. */
const JUST_AFTERWARDS_MS = 5_000;
/** Among so many executions is the last one of this kernel, if it ran anything of late. */
const LOOKED_BACK = 20;

/** What a connection needs of the conversation around it. */
export interface KernelHost extends RecorderHost {
  readonly server: JupyterServer;
  readonly slots: KernelSlots;
  readonly lingerMs: number;
  readonly log: Log;
}

/** A request behind everything that was sent before: once it is answered, so is the rest, or never. */
interface Barrier {
  readonly msgId: string;
  /** Ids of the requests before it. */
  readonly requests: readonly string[];
  readonly sentAt: number;
  replied: boolean;
  idle: boolean;
}

/** What a look at a kernel from the outside found. */
interface Look {
  /** When the kernel last sent something, by Jupyter's clock. */
  readonly activity: string;
  readonly at: number;
  /** How many messages had arrived here. */
  readonly heard: number;
  /** Whether the kernel had sent something and nothing had arrived. */
  readonly isSuspicious: boolean;
}

/** What {@link KernelConnection.catchUp} could find out. */
export type CaughtUp = "all" | "other client attached";

/** See the head of this file. */
export class KernelConnection implements SocketOwner {
  readonly #host: KernelHost;
  readonly #slot: number;
  readonly #recorder: Recorder;
  readonly #socket: KernelSocket;
  #barrier: Barrier | null = null;
  /** Called when the barrier has passed, or never will. */
  #caughtUp: () => void = () => undefined;
  #expectsShutdown = false;
  /** While Jupyter is asked for it. */
  #isRestarting = false;
  /** Requests that a new process was asked with, until the `idle` of one arrives. */
  readonly #probes = new Set<string>();
  #probed: () => void = () => undefined;
  readonly #questions = new Questions();
  /** Whether output was seen to come after the end of its run. */
  #isLate = false;
  /** Whether its replies are those of ipykernel, which says in them when a run was begun. */
  #isInOrder = false;
  /** Whose code the kernel began with last. */
  #lastCode: "ours" | "others" | "unknown" = "unknown";
  /** When the present connection was opened, by our clock and by that of the kernel's first answer. */
  #opened: { readonly at: number; kernelTime: number | null } = {
    at: 0,
    kernelTime: null,
  };
  /** Id of the last message that came to everybody over the present connection. */
  #lastPublished = "";
  /** Messages of the present connection, and when the last one came. */
  #heard = { count: 0, at: 0 };
  /** What the last look at the kernel found, during the present connection. */
  #looked: Look | null = null;
  /** See {@link KernelSlot.listeningSince}. */
  #listeningSince = 0;
  /** Session id on the last message that was looked at, so that equal ones need not be. */
  #observedSession = "";
  /** The request that it was about. */
  #observedRequest = "";

  constructor(slot: number, host: KernelHost) {
    this.#slot = slot;
    this.#host = host;
    this.#recorder = new Recorder(slot, host);
    const kernelId = () => host.slots.get(slot)?.kernelId ?? "";
    const log = new ConnectionLog(host.log, kernelId, () => host.now());
    this.#socket = new KernelSocket(this, host.lingerMs, log);
  }

  /** Since when its socket is open, in milliseconds since 1970; null where it is not. */
  get openSince(): number | null {
    return this.#socket.channels === null ? null : this.#opened.at;
  }

  /** Why Jupyter cannot be reached at the moment, while something waits for it. */
  get trouble(): Failure | null {
    return this.#socket.trouble;
  }

  /**
   * Sends an execution's code. It is noted as sent before it leaves, so that a
   * crash in between loses it rather than runs it twice.
   *
   * @throws {ExpectedError} where the kernel cannot be reached; nothing was sent then
   */
  async execute(execution: ExecutionRecord): Promise<void> {
    const channels = await this.#provenChannels();
    const { number, msgId, requestCode: code } = execution;
    const now = this.#host.journal.get(number);
    if (now === null || isFinal(now.state)) return;
    const { generation } = this.#kernel();
    this.#host.journal.markSent(execution, this.#slot, generation, this.#host.now());
    this.#recorder.expect(now);
    this.#send(channels, "shell", "execute_request", msgId, {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: true,
      stop_on_error: true,
    });
  }

  /** Answers the prompt of an execution that waits for input. */
  async answer(execution: ExecutionRecord, text: string): Promise<void> {
    const channels = await this.#socket.connected();
    const header = this.#recorder.answer(execution, text);
    if (header === null) {
      const { number, state } = execution;
      throw new ExpectedError({
        code: "not_waiting_for_input",
        execution: `e${number}`,
        state,
      });
    }
    const content = { value: text, status: "ok" };
    this.#send(channels, "stdin", "input_reply", crypto.randomUUID(), content, header);
  }

  /**
   * Asks an idle kernel something that is no execution.
   *
   * @throws {ExpectedError} where it cannot be reached or does not answer
   */
  async ask(
    msgType: string,
    content: Readonly<Record<string, unknown>>,
  ): Promise<Answer> {
    const channels = await this.#provenChannels();
    try {
      const { kernelId } = this.#kernel();
      return await this.#questions.ask(kernelId, crypto.randomUUID(), (msgId) =>
        this.#send(channels, "shell", msgType, msgId, content),
      );
    } finally {
      this.#socket.lingerIfIdle();
    }
  }

  /**
   * Fetches what the kernel has sent since the socket was closed, as a thread may
   * after its run. While another client is attached Jupyter keeps nothing.
   *
   * @throws {ExpectedError} where the kernel cannot be reached
   */
  async catchUp(): Promise<CaughtUp> {
    if (this.#socket.channels !== null) return "all";
    const kernel = await getKernel(this.#host.server, this.#kernel().kernelId);
    const hadOthers = (kernel?.connections ?? 0) > 0;
    await this.#socket.connected();
    this.#sendBarrier();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#caughtUp = resolve;
    const timer = setTimeout(resolve, CATCH_UP_MS);
    await promise;
    clearTimeout(timer);
    this.flush();
    this.#socket.lingerIfIdle();
    return hadOthers ? "other client attached" : "all";
  }

  /**
   * How long the output of an execution that has just ended may still be on its way.
   * Some kernels publish what is printed beside the rest, and it can come after
   * `idle`: rarely, so that one which printed nothing is always given that moment.
   * Kernels built on ipykernel send what was printed before they reply.
   */
  outputIsDueIn({ endedAt, position }: ExecutionRecord): number {
    const mayCome = this.#isLate || (position === 0 && !this.#isInOrder);
    if (endedAt === null || !mayCome) return 0;
    return Math.max(0, endedAt + LATE_BY_MS - this.#host.now());
  }

  /** Goes on with what a crash or a lost connection left unfinished. */
  resume(): void {
    if (this.isNeeded()) this.#socket.reconnectLater();
  }

  /**
   * Looks after a run from the outside: a socket whose other end is gone without
   * a word is noticed because Jupyter does not count it, because an idle kernel does
   * not answer or because a busy one sends what never arrives; a run whose end was
   * missed because the kernel is idle, and a kernel that is gone by a 404.
   */
  async watch(): Promise<void> {
    if (!this.isNeeded()) return;
    const { channels } = this.#socket;
    if (channels === null) {
      await this.#socket.reconnect();
      return;
    }
    const kernel = await getKernel(this.#host.server, this.#kernel().kernelId);
    if (this.#socket.channels !== channels || !this.isNeeded()) return;
    if (kernel === null) {
      this.gone(
        "the kernel is no longer on the server: it was shut down or culled while it ran",
      );
    } else if (kernel.connections === 0) {
      this.#socket.drop();
    } else if (kernel.execution_state === "dead") {
      this.gone("the kernel's process died, and Jupyter could not restart it");
    } else if (this.#isDeaf(kernel.last_activity)) {
      this.#abandon();
    } else if (kernel.execution_state === "idle") {
      if (this.#isUnanswered()) this.#abandon();
      else this.#sendBarrier();
    }
  }

  /** Announces that we are about to restart the kernel or shut it down, so that its word of it is not news. */
  expectShutdown(): void {
    if (this.#socket.channels !== null) this.#expectsShutdown = true;
  }

  /**
   * Has the kernel restarted. The new process can speak before Jupyter answers: it is
   * not one that another client has started.
   */
  async restarting<T>(restart: () => Promise<T>): Promise<T> {
    this.expectShutdown();
    this.#isRestarting = true;
    try {
      return await restart();
    } finally {
      this.#isRestarting = false;
    }
  }

  /**
   * Notes that the kernel's process was replaced under the same id: what ran in
   * it is lost. Jupyter's own subscription to the old process may miss the first
   * messages of the new one, and is kept for whoever comes back with the same
   * session id; only a connection under a new one is tried out before it is used.
   */
  replaced(reason: string, isAskedFor = false): KernelSlot {
    if (!isAskedFor) this.#markUnheardEnd();
    const slot = this.#host.slots.nextGeneration(this.#slot);
    this.#tellReplaced(slot, reason);
    this.#lose(this.#assigned(), `${reason} (generation ${slot.generation})`);
    this.#host.slots.renewSessionId(this.#slot);
    void this.#socket.close();
    return slot;
  }

  /** Notes that the server has no such kernel any more. */
  gone(reason: string, isAskedFor = false): void {
    if (!this.#kernel().gone) {
      if (!isAskedFor) this.#markUnheardEnd();
      const { kernelId } = this.#host.slots.markGone(this.#slot);
      const kernel = shortKernel(kernelId);
      this.#host.log.info("kernel_gone", { kernel, why: whyOf(reason) });
    }
    this.#lose(this.#assigned(), reason);
    this.release();
  }

  /** Lets go at once, for a kernel that is gone or a conversation that has ended. */
  release(): void {
    this.#recorder.clear();
    this.#socket.release();
  }

  /** Writes what is pending. Callers who read the journal call this first. */
  flush(): void {
    this.#recorder.flush();
  }

  duplicates(): number {
    return this.#recorder.duplicates;
  }

  isNeeded(): boolean {
    return this.#questions.areOpen || this.#needing().length > 0;
  }

  async open(listener: ChannelListener): Promise<KernelChannels> {
    const { server } = this.#host;
    // Only a graceful close loses nothing, and there is none while something runs.
    if (this.isNeeded() || this.#kernel().listeningSince !== null)
      await this.#takeUpAgain();
    this.#markUnheard();
    const { kernelId, sessionId } = this.#kernel();
    this.#expectsShutdown = false;
    const isHeard = this.#isHeard();
    const timeoutMs = isHeard ? undefined : COMES_UP_MS;
    const opening = KernelChannels.open(server, kernelId, sessionId, listener, timeoutMs);
    try {
      return await (isHeard ? opening : this.#comesUp(opening));
    } catch (error) {
      if (error instanceof ExpectedError && error.failure.code === "kernel_not_found") {
        this.gone("the kernel is no longer on the server: it was shut down or culled");
      }
      throw error;
    }
  }

  opened(): void {
    this.#opened = { at: this.#host.now(), kernelTime: null };
    this.#heard = { count: 0, at: this.#host.now() };
    this.#looked = null;
    // Meanwhile somebody else may have run code.
    this.#lastCode = "unknown";
    if (this.isNeeded()) this.#sendBarrier();
  }

  disconnected(): void {
    this.#barrier = null;
    this.#lastPublished = "";
    this.#caughtUp();
    this.#questions.abandon(this.#host.slots.get(this.#slot)?.kernelId ?? "");
    this.flush();
    this.#host.journal.forgetIds();
  }

  refused(bytes: number | null): void {
    const [running] = this.#unfinished();
    const execution = running ?? this.#latest();
    if (execution === undefined) return;
    this.#host.journal.reviseIncomplete(execution.number, (reason) =>
      withLeftOut(reason, bytes),
    );
    this.#host.changed(execution.number);
  }

  letGo(): void {
    this.#host.slots.letGo(this.#slot);
  }

  message(message: Message): void {
    this.#heard.count += 1;
    this.#heard.at = this.#host.now();
    this.#noteCode(message);
    if (message.channel === "iopub") this.#noticeDropped(message.header.msg_id);
    const parent = message.parent_header?.msg_id;
    // Some kernels give what a thread or a timer prints to whatever they were asked last.
    const isPrinted = message.header.msg_type === "stream";
    if (parent === undefined) {
      this.#receiveFromServer(message);
    } else if (isPrinted) {
      this.#receiveOutput(parent, message);
    } else if (parent === this.#barrier?.msgId) {
      this.#noteAnswer(message);
      this.#passBarrier(this.#barrier, message);
    } else if (this.#probes.has(parent)) {
      this.#noteAnswer(message);
      if (message.content["execution_state"] === "idle") this.#probed();
    } else if (this.#questions.take(parent, message)) {
      this.#noteAnswer(message);
      this.#observeAnswer(message);
    } else {
      this.#receiveOutput(parent, message);
    }
  }

  /**
   * The channels, once what a process that took the place of another publishes
   * arrives at them. Jupyter tries a connection out by itself, but not one to a
   * kernel that it believes to be busy, as it does of one that died while it ran
   * something; and such a process may listen at other ports than the connection does.
   */
  async #provenChannels(): Promise<KernelChannels> {
    const until = this.#host.now() + PROBE_FOR_MS;
    let isProven = this.#hasSpoken();
    for (let probe = 1; ; probe += 1) {
      const channels = await this.#socket.connected();
      if (isProven || this.#host.now() >= until) return channels;
      isProven = await this.#probe(channels);
      if (isProven || probe % PROBES_OF_A_CONNECTION > 0) continue;
      this.#host.slots.renewSessionId(this.#slot);
      await this.#socket.close();
    }
  }

  /** Whether anything was heard of the kernel's present process, or it has a request already. */
  #hasSpoken(): boolean {
    const isFirst = this.#kernel().generation === 1;
    return isFirst || this.#isHeard() || this.#unfinished().length > 0;
  }

  #isHeard(): boolean {
    const { processSession, lastCount } = this.#kernel();
    return processSession !== "" || lastCount > 0;
  }

  /**
   * The channels of a kernel that may still be starting. One that ends as soon as
   * it is started Jupyter starts a few times over; then it forgets the kernel, and
   * those who wait to be connected hear nothing.
   */
  async #comesUp(opening: Promise<KernelChannels>): Promise<KernelChannels> {
    const { kernelId, kernelspec, generation } = this.#kernel();
    for (;;) {
      const { promise: pause, resolve } = Promise.withResolvers<null>();
      const timer = setTimeout(() => resolve(null), LOOK_EVERY_MS);
      const opened = await Promise.race([opening, pause]).finally(() =>
        clearTimeout(timer),
      );
      if (opened !== null) return opened;
      const state = await getKernel(this.#host.server, kernelId).then(
        (kernel) => kernel?.execution_state ?? "dead",
        // Where Jupyter cannot be asked, the connection that it does not open says why.
        () => "unknown",
      );
      if (state !== "dead") continue;
      void opening.then(
        (late) => late.drop(),
        () => undefined,
      );
      throw new ExpectedError(
        generation === 1
          ? { code: "kernel_start_failed", kernelspec, detail: "" }
          : { code: "kernel_not_found", kernel: kernelId },
      );
    }
  }

  /** Whether a process answers within a moment, this request or one before. */
  async #probe(channels: KernelChannels): Promise<boolean> {
    const msgId = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#probes.add(msgId);
    this.#probed = () => resolve(true);
    const timer = setTimeout(() => resolve(false), PROBE_EVERY_MS);
    this.#send(channels, "shell", "kernel_info_request", msgId, {});
    const isAnswered = await promise;
    clearTimeout(timer);
    if (isAnswered) this.#probes.clear();
    return isAnswered;
  }

  #kernel(): KernelSlot {
    const kernel = this.#host.slots.get(this.#slot);
    if (kernel === null) throw new Error("A connection outlived its kernel.");
    return kernel;
  }

  /** Executions that have not ended, those that wait for others included: they count on the same variables. */
  #assigned(): ExecutionRecord[] {
    return this.#host.journal.unfinished().filter(({ slot }) => slot === this.#slot);
  }

  /** Those of them that have begun, also between two of their requests. */
  #needing(): ExecutionRecord[] {
    return this.#assigned().filter(({ startedAt }) => startedAt !== null);
  }

  /** Executions whose request is with the kernel. */
  #unfinished(): ExecutionRecord[] {
    return this.#host.journal
      .unfinished()
      .filter(({ slot, sentAt }) => slot === this.#slot && sentAt !== null);
  }

  /** Sees to what a connection that broke has left, and says what it may have cost. */
  async #takeUpAgain(): Promise<void> {
    const kernel = await this.#settledKernel();
    if (kernel === null) {
      this.gone("the kernel is no longer on the server: it ended while it ran");
      const { kernelId } = this.#kernel();
      throw new ExpectedError({ code: "kernel_not_found", kernel: kernelId });
    }
    const hasOthers = (kernel.connections ?? 0) > 0;
    const others = hasOthers
      ? "; Jupyter counted another connection, and then keeps nothing"
      : "";
    const reason = `the connection to Jupyter was lost while it ran${others}`;
    for (const execution of this.#unfinished()) {
      this.#markPossiblyIncomplete(execution.number, reason);
      this.#recorder.askAgain(execution);
    }
    // It may be ours that is counted. Nothing was kept, and no reply is on its way to the old id.
    if (hasOthers && !this.isNeeded()) this.#host.slots.renewSessionId(this.#slot);
  }

  /**
   * The kernel, once Jupyter has noticed that our last connection is gone. Two of one
   * session id have the same address in the kernel: replies go to the older one, and
   * what the younger one asks for is never taken.
   */
  async #settledKernel(): Promise<Kernel | null> {
    const { kernelId } = this.#kernel();
    const until = this.#host.now() + NOTICED_WITHIN_MS;
    const first = await getKernel(this.#host.server, kernelId);
    let kernel = first;
    while (
      (kernel?.connections ?? 0) > 0 &&
      kernel?.connections === first?.connections &&
      this.#host.now() < until
    ) {
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      kernel = await getKernel(this.#host.server, kernelId);
    }
    return kernel;
  }

  /**
   * Says what a thread may have printed into a connection that was not closed as it
   * should be, and notes that one is open from now on.
   */
  #markUnheard(): void {
    const kernel = this.#kernel();
    if (kernel.listeningSince !== null) {
      this.#host.journal.markLateIncomplete(
        kernel,
        kernel.listeningSince,
        "the connection to Jupyter was lost after its end, and what a thread of it went on to print may be missing",
      );
    }
    const now = this.#host.now();
    this.#listeningSince = Math.min(now, this.#latest()?.endedAt ?? now);
    this.#host.slots.listen(this.#slot, this.#listeningSince);
  }

  /** Says the same where the process has ended, and with it what Jupyter kept. */
  #markUnheardEnd(): void {
    const kernel = this.#kernel();
    const now = this.#host.now();
    const since = kernel.listeningSince ?? this.#latest()?.endedAt ?? now;
    this.#host.journal.markLateIncomplete(
      kernel,
      Math.max(since, now - LATE_OUTPUT_MS),
      "its kernel ended soon after it, and what a thread of it went on to print may be missing",
    );
  }

  /** Whether the kernel sends what never arrives, as two looks in a row have found. */
  #isDeaf(activity: string): boolean {
    const before = this.#looked;
    const at = this.#host.now();
    // Two looks at once would find the same.
    if (before !== null && at - before.at < LOOK_AGAIN_MS / 2) return false;
    const heard = this.#heard.count;
    const isSilent = at - this.#heard.at >= LOOK_AGAIN_MS;
    const hasMoved = before !== null && before.activity !== activity;
    const wasSuspicious = before?.isSuspicious === true;
    const isSuspicious =
      isSilent && before?.heard === heard && (hasMoved || wasSuspicious);
    this.#looked = { activity, at, heard, isSuspicious };
    if (isSuspicious && wasSuspicious) return true;
    if (isSuspicious || (before === null && isSilent)) this.#lookAgain();
    return false;
  }

  #lookAgain(): void {
    setTimeout(() => {
      // Where Jupyter cannot be asked, the next alarm does it again.
      this.watch().catch(() => undefined);
    }, LOOK_AGAIN_MS);
  }

  #isUnanswered(): boolean {
    if (this.#barrier === null) return false;
    const since = Math.max(this.#barrier.sentAt, this.#heard.at);
    return this.#host.now() - since >= BARRIER_PATIENCE_MS;
  }

  /**
   * Gives up a connection that does not work and that Jupyter still counts. One under
   * another id has an address of its own; Jupyter keeps nothing that it could take over.
   */
  #abandon(): void {
    this.#host.slots.renewSessionId(this.#slot);
    this.#socket.drop();
  }

  #send(
    channels: KernelChannels,
    channel: Channel,
    msg_type: string,
    msg_id: string,
    content: Readonly<Record<string, unknown>>,
    parent_header: Readonly<Record<string, unknown>> = {},
  ): void {
    const date = new Date(this.#host.now());
    const session = this.#kernel().sessionId;
    channels.send(
      requestMessage({
        channel,
        msg_type,
        msg_id,
        session,
        date,
        content,
        parent_header,
      }),
    );
  }

  /** The shell is a queue: what was sent before has been answered once this is, or never will be. */
  #sendBarrier(): void {
    const { channels } = this.#socket;
    if (this.#barrier !== null || channels === null) return;
    const msgId = crypto.randomUUID();
    const requests = this.#unfinished().map((execution) => execution.msgId);
    const sentAt = this.#host.now();
    this.#barrier = { msgId, requests, sentAt, replied: false, idle: false };
    this.#send(channels, "shell", "kernel_info_request", msgId, {});
    this.#expectAnswer(msgId);
  }

  #expectAnswer(barrier: string): void {
    setTimeout(() => {
      if (this.#barrier?.msgId !== barrier) return;
      if (this.#isUnanswered()) this.watch().catch(() => undefined);
      else this.#expectAnswer(barrier);
    }, BARRIER_PATIENCE_MS);
  }

  #passBarrier(barrier: Barrier, message: Message): void {
    if (message.header.msg_type.endsWith("_reply")) barrier.replied = true;
    if (message.content["execution_state"] === "idle") barrier.idle = true;
    if (!barrier.replied || !barrier.idle) return;
    this.#barrier = null;
    this.#caughtUp();
    this.flush();
    for (const request of barrier.requests) {
      const execution = this.#host.journal.byMsgId(request);
      if (execution === null || isFinal(execution.state)) continue;
      if (execution.progress.reply === null) {
        const known = execution.progress.idle
          ? "says that it is idle"
          : "is done with it";
        this.#lose(
          [execution],
          `the kernel ${known}, but how the run ended was never received`,
        );
      } else {
        this.#markPossiblyIncomplete(execution.number, "its last messages never came");
        this.#recorder.endWithoutIdle(execution);
      }
    }
    this.#socket.lingerIfIdle();
  }

  #receiveOutput(parent: string, message: Message): void {
    if (message.header.msg_type === "execute_reply")
      this.#isInOrder = "started" in message.metadata;
    const taken = this.#recorder.take(parent, message);
    if (taken === null) {
      if (this.#takeStray(message)) return;
      const { msg_type } = message.header;
      if (msg_type === "shutdown_reply" && message.channel === "iopub") {
        this.#receiveShutdown(message.content["restart"] === true);
      }
      return;
    }
    if (taken.isRunning) {
      this.#noteAnswer(message);
      this.#observe(taken.number, message);
    } else this.#receiveLate(taken.number, message);
    if (taken.hasEnded) this.#socket.lingerIfIdle();
    if (taken.isHalfDone) this.#expectRest(taken.number);
  }

  /**
   * Takes output that names no request, or under our session one that we never made:
   * it belongs to what runs, or ran last. So does what is printed under a question, ours
   * or another client's: by a thread, of whoever ran code last. What others run names them.
   */
  #takeStray(message: Message): boolean {
    const { parent_header: parent, header } = message;
    if (!isOutput(header.msg_type)) return false;
    const isQuestion = parent !== null && WITHOUT_CODE.has(parent.msg_type);
    if (isQuestion && this.#lastCode === "others") return false;
    const isOurs = parent === null || this.#isOfOurSession(message);
    if (!isOurs && (!isQuestion || header.msg_type !== "stream")) return false;
    if (!isOurs && this.#lastCode === "unknown") {
      const latest = this.#latest();
      // It is said once, and not of each line.
      if (latest?.incomplete === null)
        this.#markPossiblyIncomplete(
          latest.number,
          "a thread printed while another client was attached, and whose it is was not known",
        );
      return false;
    }
    const [running] = this.#unfinished();
    const execution = running ?? this.#latest();
    const taken = this.#recorder.take(execution?.msgId ?? "", message);
    if (taken?.isRunning === false) this.#receiveLate(taken.number, message);
    return taken !== null;
  }

  #isOfOurSession({ parent_header: parent }: Message): boolean {
    return parent?.session === this.#kernel().sessionId;
  }

  /** A kernel tells everybody what code it begins with; of what is run silently, that it is busy with it. */
  #noteCode(message: Message): void {
    const { parent_header: parent, header, content } = message;
    if (parent?.msg_type !== "execute_request") return;
    const isShown = header.msg_type === "execute_input";
    const isBusy = header.msg_type === "status" && content["execution_state"] === "busy";
    if (!isShown && !isBusy) return;
    const isOurs =
      this.#isOfOurSession(message) ||
      this.#host.journal.byMsgId(parent.msg_id)?.slot === this.#slot;
    // What we run silently prints for nobody, and starts no threads.
    if (isShown || !isOurs) this.#lastCode = isOurs ? "ours" : "others";
  }

  /** A kernel publishes to whoever listens, and what comes too fast for Jupyter is dropped without a word. */
  #noticeDropped(msgId: string): void {
    const count = droppedBetween(this.#lastPublished, msgId);
    this.#lastPublished = msgId;
    if (count === 0) return;
    if (this.#lastCode === "ours") this.#lastCode = "unknown";
    const [running] = this.#unfinished();
    if (running === undefined) return;
    this.#host.journal.reviseIncomplete(running.number, (reason) =>
      withDropped(reason, count),
    );
  }

  /** What was run last in the kernel's present process. */
  #latest(): ExecutionRecord | undefined {
    const { generation } = this.#kernel();
    return this.#host.journal
      .latest(LOOKED_BACK)
      .find((each) => each.slot === this.#slot && each.generation === generation);
  }

  #noteAnswer(message: Message): void {
    this.#opened.kernelTime ??= dateOf(message);
  }

  /**
   * What a thread prints keeps the connection for a while. When one to an idle kernel
   * is opened, Jupyter tries it out and swallows the first message that comes over it:
   * its own, unless a thread prints in that very moment. Of one that goes on printing
   * just afterwards something may be missing.
   */
  #receiveLate(number: number, message: Message): void {
    const { endedAt } = this.#host.journal.get(number) ?? { endedAt: null };
    if (endedAt === null) return;
    if (this.#host.now() - endedAt < LATE_BY_MS) this.#isLate = true;
    if (endedAt < this.#listeningSince) {
      this.#listeningSince = endedAt;
      this.#host.slots.listen(this.#slot, endedAt);
    }
    const { at, kernelTime } = this.#opened;
    const since = dateOf(message) - (kernelTime ?? Number.POSITIVE_INFINITY);
    if (endedAt < at && since > 0 && since < JUST_AFTERWARDS_MS)
      this.#markPossiblyIncomplete(
        number,
        "a thread of it printed while a connection was opened, when Jupyter may drop a message",
      );
    if (this.#host.now() - endedAt < LATE_OUTPUT_MS) this.#socket.lingerIfIdle();
  }

  /** A kernel tells everybody when it ends because another client asked for it. */
  #receiveShutdown(isRestart: boolean): void {
    if (this.#expectsShutdown) {
      this.#expectsShutdown = false;
      return;
    }
    if (isRestart) this.replaced("the kernel was restarted by another client");
    else this.gone("the kernel was shut down by another client");
  }

  /** Messages without a parent come from Jupyter itself, or from a process that has just started. */
  #receiveFromServer(message: Message): void {
    const { header, content } = message;
    if (header.msg_type !== "status") {
      this.#receiveOutput("", message);
      return;
    }
    switch (content["execution_state"]) {
      case "restarting":
        this.replaced("the kernel's process died while it ran, and Jupyter restarted it");
        break;
      case "dead":
        this.gone("the kernel's process died, and Jupyter could not restart it");
        break;
      case "starting": {
        const { processSession, sessionId } = this.#kernel();
        const isOther = processSession !== "" && header.session !== processSession;
        if (!this.#isRestarting && isOther && header.session !== sessionId) {
          this.replaced("the kernel was restarted by another client");
        }
        break;
      }
      default:
    }
  }

  /** Reply and `idle` belong together: one that does not follow the other was lost, or is never sent. */
  #expectRest(number: number): void {
    const { channels } = this.#socket;
    setTimeout(() => {
      if (channels === null || this.#socket.channels !== channels) return;
      if (!this.#unfinished().some((execution) => execution.number === number)) return;
      if (this.#isUnanswered()) this.watch().catch(() => undefined);
      else this.#sendBarrier();
    }, BETWEEN_REPLY_AND_IDLE_MS);
  }

  #observe(number: number, message: Message): void {
    const { session, msg_type } = message.header;
    if (msg_type !== "execute_reply" && session === this.#observedSession) return;
    this.#observedSession = session;
    const request = message.parent_header?.msg_id ?? "";
    const isSameRequest = this.#observedRequest === request;
    this.#observedRequest = request;
    const kernel = this.#kernel();
    const { replaced, trace } = observeProcess(
      kernel,
      message,
      kernel.sessionId,
      isSameRequest,
    );
    if (replaced) {
      const earlier = this.#unfinished().filter((execution) => execution.number < number);
      const next = this.#host.slots.nextGeneration(this.#slot);
      const { generation } = next;
      const reason = `the kernel was restarted by another client (generation ${generation})`;
      this.#tellReplaced(next, reason);
      this.#lose(earlier, reason);
      this.#host.journal.setGeneration(this.#slot, number, generation);
    }
    const isSame =
      trace.lastCount === kernel.lastCount &&
      trace.processSession === kernel.processSession;
    if (replaced || !isSame) {
      this.#host.slots.saveProcess(this.#slot, trace.lastCount, trace.processSession);
    }
  }

  /** An answer can be the first that is heard of a process that somebody else started anew. */
  #observeAnswer(message: Message): void {
    const kernel = this.#kernel();
    if (!isOtherProcess(kernel, message, kernel.sessionId)) return;
    const next = this.#host.slots.nextGeneration(this.#slot);
    this.#tellReplaced(next, "the kernel was restarted by another client");
    this.#host.slots.saveProcess(this.#slot, 0, message.header.session);
  }

  #markPossiblyIncomplete(number: number, reason: string): void {
    this.#host.journal.markIncomplete(number, reason);
    const fields = { execution: `e${number}`, why: whyOf(reason) };
    this.#host.log.warn("possibly_incomplete", fields);
  }

  #tellReplaced({ kernelId, generation }: KernelSlot, reason: string): void {
    const fields = { kernel: shortKernel(kernelId), generation, why: whyOf(reason) };
    this.#host.log.info("kernel_replaced", fields);
  }

  #lose(executions: readonly ExecutionRecord[], reason: string): void {
    this.flush();
    for (const { number, msgId, startedAt } of executions) {
      this.#recorder.forget(msgId);
      const why =
        startedAt === null
          ? `it was never sent, but waited for a run that was lost: ${reason}`
          : reason;
      this.#host.journal.markLost(number, why, this.#host.now());
    }
    // Only now: the end of one lets those begin that wait for it.
    for (const { number } of executions) this.#host.changed(number);
    this.#socket.lingerIfIdle();
  }
}

/** By the kernel's clock, in milliseconds; 0 where it does not say. */
function dateOf({ header }: Message): number {
  const date = Date.parse(typeof header["date"] === "string" ? header["date"] : "");
  return Number.isNaN(date) ? 0 : date;
}
