/**
 * One kernel of a conversation while anything is going on with it: the socket,
 * what runs, and what to do when either ends early. The socket is held while an execution is unfinished, lingers so that a chain of
 * calls is fast, and is then closed as Jupyter's buffer wants it.
 */

import { ExpectedError, type Failure } from "../errors.ts";
import { KernelChannels, type CloseKind } from "../jupyter/channels.ts";
import { getKernel } from "../jupyter/kernels.ts";
import { requestMessage, type Channel, type Message } from "../jupyter/messages.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { isFinal } from "./execution.ts";
import type { ExecutionRecord } from "./journal.ts";
import { observeProcess } from "./process.ts";
import { reconnectDelayMs } from "./reconnect.ts";
import { Recorder, type RecorderHost } from "./recorder.ts";
import type { KernelSlot, KernelSlots } from "./slots.ts";

const CATCH_UP_MS = 1_000;
/** Reply and idle leave the kernel together; this much apart, one of them is not coming. */
const IDLE_AFTER_REPLY_MS = 3_000;

/** What a connection needs of the conversation around it. */
export interface KernelHost extends RecorderHost {
  readonly server: JupyterServer;
  readonly slots: KernelSlots;
  readonly lingerMs: number;
}

/** A request behind everything that was sent before: once it is answered, so is the rest, or never. */
interface Barrier {
  readonly msgId: string;
  readonly executions: readonly number[];
  replied: boolean;
  idle: boolean;
}

/** See the head of this file. */
export class KernelConnection {
  readonly #host: KernelHost;
  readonly #slot: number;
  readonly #recorder: Recorder;
  #channels: KernelChannels | null = null;
  #opening: Promise<KernelChannels> | null = null;
  /** Two sockets of one session id at a time would take messages from each other. */
  #closing: Promise<void> | null = null;
  #barrier: Barrier | null = null;
  /** Called when a barrier has passed. */
  #caughtUp: () => void = () => undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | null = null;
  #reconnectTimer: ReturnType<typeof setTimeout> | null = null;
  #failedAttempts = 0;
  #released = false;
  #expectsShutdown = false;
  /** Session id on the last message that was looked at, so that equal ones need not be. */
  #observedSession = "";
  /** Why Jupyter cannot be reached at the moment, while something waits for it. */
  trouble: Failure | null = null;

  constructor(slot: number, host: KernelHost) {
    this.#slot = slot;
    this.#host = host;
    this.#recorder = new Recorder(slot, host);
  }

  /**
   * Sends an execution's code. It is noted as sent before it leaves, so that a
   * crash in between loses it rather than runs it twice.
   *
   * @throws {ExpectedError} where the kernel cannot be reached; nothing was sent then
   */
  async execute(execution: ExecutionRecord): Promise<void> {
    const channels = await this.#connect();
    const { sessionId, generation } = this.#kernel();
    this.#host.journal.markSent(
      execution.number,
      this.#slot,
      generation,
      this.#host.now(),
    );
    this.#send(channels, "shell", "execute_request", execution.msgId, sessionId, {
      code: execution.code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: true,
      stop_on_error: true,
    });
  }

  /** Answers the prompt of an execution that waits for input. */
  async answer(execution: ExecutionRecord, text: string): Promise<void> {
    const channels = await this.#connect();
    this.flush();
    const prompt = this.#recorder.answer(execution, text);
    if (prompt === null) {
      const { number, state } = execution;
      throw new ExpectedError({
        code: "not_waiting_for_input",
        execution: `e${number}`,
        state,
      });
    }
    channels.send(
      requestMessage({
        channel: "stdin",
        msg_type: "input_reply",
        msg_id: crypto.randomUUID(),
        session: this.#kernel().sessionId,
        date: new Date(this.#host.now()),
        parent_header: prompt.header,
        content: { value: text, status: "ok" },
      }),
    );
  }

  /**
   * Fetches what the kernel has sent since the socket was closed, as a thread may
   * after its run. A busy kernel answers the barrier late, but Jupyter replays at
   * once, so that waiting longer would bring nothing.
   *
   * @throws {ExpectedError} where the kernel cannot be reached
   */
  async catchUp(): Promise<void> {
    if (this.#channels !== null) return;
    await this.#connect();
    this.#sendBarrier();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#caughtUp = resolve;
    const timer = setTimeout(resolve, CATCH_UP_MS);
    await promise;
    clearTimeout(timer);
    this.flush();
    this.#lingerIfIdle();
  }

  /** Goes on with what a crash or a lost connection left unfinished. */
  resume(): void {
    if (
      this.#channels !== null ||
      this.#reconnectTimer !== null ||
      this.#opening !== null
    )
      return;
    if (this.#unfinished().length > 0) this.#reconnectLater();
  }

  /**
   * Looks after a run from the outside: a socket whose other end is gone without
   * a word is noticed because Jupyter does not count it, a run whose end was
   * missed because the kernel is idle, and a kernel that is gone by a 404.
   */
  async watch(): Promise<void> {
    if (this.#unfinished().length === 0) return;
    if (this.#channels === null) {
      this.#cancelReconnect();
      await this.#tryToConnect();
      return;
    }
    const kernel = await getKernel(this.#host.server, this.#kernel().kernelId);
    if (kernel === null) {
      this.gone(
        "the kernel is no longer on the server: it was shut down or culled while it ran",
      );
    } else if (kernel.connections === 0) {
      this.#channels.drop();
    } else if (kernel.execution_state === "dead") {
      this.gone("the kernel's process died, and Jupyter could not restart it");
    } else if (kernel.execution_state === "idle") {
      this.#sendBarrier();
    }
  }

  /** Announces that we are about to restart the kernel or shut it down, so that its word of it is not news. */
  expectShutdown(): void {
    if (this.#channels !== null) this.#expectsShutdown = true;
  }

  /**
   * Notes that the kernel's process was replaced under the same id: what ran in
   * it is lost. Jupyter's own subscription to the old process may miss the first
   * messages of the new one, and is kept for whoever comes back with the same
   * session id; only a connection under a new one is tried out before it is used.
   */
  replaced(reason: string): KernelSlot {
    this.flush();
    const slot = this.#host.slots.nextGeneration(this.#slot);
    this.#lose(this.#unfinished(), `${reason} (generation ${slot.generation})`);
    this.#host.slots.renewSessionId(this.#slot);
    void this.close();
    return slot;
  }

  /** Notes that the server has no such kernel any more. */
  gone(reason: string): void {
    this.flush();
    const already = this.#kernel().gone;
    if (!already) this.#host.slots.markGone(this.#slot);
    this.#lose(this.#unfinished(), reason);
    this.release();
  }

  /** Closes the socket gracefully and forgets what is only in memory. */
  async close(): Promise<void> {
    this.#cancelReconnect();
    this.#cancelLinger();
    const channels = this.#channels;
    this.#channels = null;
    if (channels === null) return;
    this.#closing = channels.close();
    await this.#closing;
    this.#closing = null;
    this.#host.journal.forgetIds();
  }

  /** Lets go at once, for a kernel that is gone or a conversation that has ended. */
  release(): void {
    this.#released = true;
    this.#cancelReconnect();
    this.#cancelLinger();
    const channels = this.#channels;
    this.#channels = null;
    channels?.drop();
    this.#barrier = null;
    this.#recorder.clear();
  }

  /** Writes what is pending. Callers who read the journal call this first. */
  flush(): void {
    this.#recorder.flush();
  }

  #kernel(): KernelSlot {
    const kernel = this.#host.slots.get(this.#slot);
    if (kernel === null) throw new Error("A connection outlived its kernel.");
    return kernel;
  }

  #unfinished(): ExecutionRecord[] {
    return this.#host.journal
      .unfinished()
      .filter(({ slot, sentAt }) => slot === this.#slot && sentAt !== null);
  }

  async #connect(): Promise<KernelChannels> {
    this.#cancelLinger();
    if (this.#channels !== null) return this.#channels;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(): Promise<KernelChannels> {
    if (this.#closing !== null) await this.#closing;
    const { server } = this.#host;
    const { kernelId, sessionId } = this.#kernel();
    const interrupted = this.#unfinished();
    if (interrupted.length > 0) await this.#markIncomplete(kernelId, interrupted);
    let channels: KernelChannels | null = null;
    try {
      channels = await KernelChannels.open(server, kernelId, sessionId, {
        message: (message) => this.#receive(message),
        closed: (kind) => this.#closed(channels, kind),
      });
    } catch (error) {
      if (error instanceof ExpectedError && error.failure.code === "kernel_not_found") {
        this.gone("the kernel is no longer on the server: it was shut down or culled");
      }
      throw error;
    }
    this.#channels = channels;
    this.#released = false;
    this.#expectsShutdown = false;
    this.#failedAttempts = 0;
    this.trouble = null;
    if (interrupted.length > 0) this.#sendBarrier();
    return channels;
  }

  /** Only a graceful close loses nothing, and there is none while something runs. */
  async #markIncomplete(
    kernelId: string,
    interrupted: readonly ExecutionRecord[],
  ): Promise<void> {
    const kernel = await getKernel(this.#host.server, kernelId);
    if (kernel === null) {
      this.gone("the kernel is no longer on the server: it ended while it ran");
      throw new ExpectedError({ code: "kernel_not_found", kernel: kernelId });
    }
    const others =
      kernel.connections > 0
        ? ", and Jupyter kept nothing for it: another client was attached"
        : "";
    for (const { number } of interrupted) {
      this.#host.journal.markIncomplete(
        number,
        `the connection to Jupyter was lost while it ran${others}`,
      );
    }
  }

  #closed(channels: KernelChannels | null, kind: CloseKind): void {
    if (channels !== null && this.#channels === channels) this.#channels = null;
    if (!this.#released) this.flush();
    if (kind === "broken" && !this.#released) {
      this.#barrier = null;
      if (this.#unfinished().length > 0) this.#reconnectLater();
    }
  }

  #reconnectLater(): void {
    if (this.#reconnectTimer !== null) return;
    const delay = reconnectDelayMs(this.#failedAttempts);
    this.#reconnectTimer = setTimeout(() => {
      this.#reconnectTimer = null;
      void this.#tryToConnect();
    }, delay);
  }

  async #tryToConnect(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      this.#failedAttempts += 1;
      if (!(error instanceof ExpectedError)) throw error;
      this.trouble = error.failure;
      if (this.#unfinished().length > 0) this.#reconnectLater();
    }
  }

  #cancelReconnect(): void {
    if (this.#reconnectTimer !== null) clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = null;
  }

  #cancelLinger(): void {
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = null;
  }

  #lingerIfIdle(): void {
    if (this.#unfinished().length > 0 || this.#channels === null) return;
    this.#cancelLinger();
    this.#lingerTimer = setTimeout(() => void this.close(), this.#host.lingerMs);
  }

  #send(
    channels: KernelChannels,
    channel: Channel,
    msg_type: string,
    msg_id: string,
    session: string,
    content: Readonly<Record<string, unknown>>,
  ): void {
    const date = new Date(this.#host.now());
    channels.send(requestMessage({ channel, msg_type, msg_id, session, date, content }));
  }

  /** The shell is a queue: what was sent before has been answered once this is, or never will be. */
  #sendBarrier(): void {
    if (this.#barrier !== null || this.#channels === null) return;
    const msgId = crypto.randomUUID();
    const executions = this.#unfinished().map(({ number }) => number);
    this.#barrier = { msgId, executions, replied: false, idle: false };
    const { sessionId } = this.#kernel();
    this.#send(this.#channels, "shell", "kernel_info_request", msgId, sessionId, {});
  }

  #receive(message: Message): void {
    const parent = message.parent_header?.msg_id;
    if (parent === undefined) {
      this.#receiveFromServer(message);
      return;
    }
    if (parent === this.#barrier?.msgId) {
      this.#passBarrier(this.#barrier, message);
      return;
    }
    const taken = this.#recorder.take(parent, message);
    if (taken === null) {
      const { msg_type } = message.header;
      if (msg_type === "shutdown_reply" && message.channel === "iopub") {
        this.#receiveShutdown(message.content["restart"] === true);
      }
      return;
    }
    if (taken.isRunning) this.#observe(taken.number, message);
    if (taken.hasEnded) this.#lingerIfIdle();
    if (taken.lacksIdle) this.#expectIdle(taken.number);
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
  #receiveFromServer({ header, content }: Message): void {
    if (header.msg_type !== "status") return;
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
        if (isOther && header.session !== sessionId) {
          this.replaced("the kernel was restarted by another client");
        }
        break;
      }
      default:
    }
  }

  /** An `idle` that does not follow its reply was lost, and what was printed may have been too. */
  #expectIdle(number: number): void {
    setTimeout(() => {
      if (this.#released) return;
      const isWaiting = this.#unfinished().some(
        (execution) => execution.number === number,
      );
      if (isWaiting) this.#sendBarrier();
    }, IDLE_AFTER_REPLY_MS);
  }

  #observe(number: number, message: Message): void {
    const { session, msg_type } = message.header;
    if (msg_type !== "execute_reply" && session === this.#observedSession) return;
    this.#observedSession = session;
    const kernel = this.#kernel();
    const { replaced, trace } = observeProcess(kernel, message, kernel.sessionId);
    if (replaced) {
      const earlier = this.#unfinished().filter((execution) => execution.number < number);
      const { generation } = this.#host.slots.nextGeneration(this.#slot);
      this.#lose(
        earlier,
        `the kernel was restarted by another client (generation ${generation})`,
      );
      this.#host.journal.setGeneration(number, generation);
    }
    const isSame =
      trace.lastCount === kernel.lastCount &&
      trace.processSession === kernel.processSession;
    if (replaced || !isSame) {
      this.#host.slots.saveProcess(this.#slot, trace.lastCount, trace.processSession);
    }
  }

  #passBarrier(barrier: Barrier, message: Message): void {
    if (message.header.msg_type.endsWith("_reply")) barrier.replied = true;
    if (message.content["execution_state"] === "idle") barrier.idle = true;
    if (!barrier.replied || !barrier.idle) return;
    this.#barrier = null;
    this.#caughtUp();
    this.flush();
    for (const number of barrier.executions) {
      const execution = this.#host.journal.get(number);
      if (execution === null || isFinal(execution.state)) continue;
      if (execution.progress.reply === null) {
        this.#lose(
          [execution],
          "the kernel is done with it, but its end was never received",
        );
      } else {
        this.#host.journal.markIncomplete(number, "its last messages never came");
        this.#recorder.endWithoutIdle(execution);
      }
    }
    this.#lingerIfIdle();
  }

  #lose(executions: readonly ExecutionRecord[], reason: string): void {
    for (const { number, msgId } of executions) {
      this.#recorder.forget(msgId);
      this.#host.journal.markLost(number, reason, this.#host.now());
      this.#host.changed(number);
    }
    this.#lingerIfIdle();
  }
}
