import { ExpectedError } from "../errors.ts";
import {
  encodeMessage,
  FramingError,
  KERNEL_SUBPROTOCOL,
  parseFrame,
  readFrame,
} from "./framing.ts";
import type { Message, RequestMessage } from "./messages.ts";
import type { JupyterServer } from "./server.ts";

/** How a connection ended: after our own `close`, or by anything else. */
export type CloseKind = "graceful" | "broken";

/** Who listens to a {@link KernelChannels}. Messages come in order; `closed` comes once and last. */
export interface ChannelListener {
  message(message: Message): void;
  /** A message came that is too large to be received, by its bytes where they are known. The connection ends with that. */
  refused?(bytes: number | null): void;
  /** Called where taking a message threw what nobody expects; the socket is dropped then. */
  notTaken?(error: unknown): void;
  closed(kind: CloseKind): void;
}

/** A server that does not finish the closing handshake by then is not listening any more. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * The WebSocket that carries all channels of one kernel. Jupyter keeps what a
 * kernel sends while nobody is connected under the kernel's id and the
 * `session_id` of the last connection, and replays it to the same `session_id`
 * alone.
 */
export class KernelChannels {
  readonly #socket: WebSocket;
  #listener: ChannelListener | null;
  /** Of all frames. */
  receivedBytes = 0;
  #closing: { readonly done: Promise<void>; readonly finish: () => void } | null = null;

  private constructor(socket: WebSocket, listener: ChannelListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("close", () => this.#end());
    socket.addEventListener("error", ({ message }) => this.#fail(message));
    socket.accept();
  }

  /**
   * Connects to a kernel. Jupyter lets nobody in before the kernel has answered
   * it, or has not for a minute.
   *
   * @throws {ExpectedError} `kernel_not_found`, or what keeps us from the server
   */
  static async open(
    server: JupyterServer,
    kernelId: string,
    sessionId: string,
    listener: ChannelListener,
    timeoutMs?: number,
  ): Promise<KernelChannels> {
    const path = `/api/kernels/${encodeURIComponent(kernelId)}/channels?session_id=${sessionId}`;
    const socket = await server.openWebSocket(path, KERNEL_SUBPROTOCOL, timeoutMs);
    if (socket === null)
      throw new ExpectedError({ code: "kernel_not_found", kernel: kernelId });
    return new KernelChannels(socket, listener);
  }

  /** Hands a message to the socket. One that is sent into a broken socket is lost with it. */
  send(message: RequestMessage): void {
    this.#socket.send(encodeMessage(message));
  }

  /**
   * Closes as Jupyter wants it for its buffer to start without a gap: what still
   * arrives until the other end has closed too goes to the listener.
   */
  async close(): Promise<void> {
    if (this.#listener === null) return;
    if (this.#closing === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = { done: promise, finish: resolve };
      this.#socket.close(1000);
      const timer = setTimeout(() => this.#end("broken"), CLOSE_TIMEOUT_MS);
      void promise.then(() => clearTimeout(timer));
    }
    await this.#closing.done;
  }

  /** Lets go of a socket whose other end is gone without a word. */
  drop(): void {
    this.#end("broken");
    try {
      this.#socket.close(1000);
    } catch {
      // It was closed already.
    }
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    this.receivedBytes += data.byteLength;
    try {
      const parts = readFrame(data);
      // Its bytes would stay until memory is short, and a kernel can send 20 MB in a second.
      data.transfer(0);
      this.#listener?.message(parseFrame(parts));
    } catch (error) {
      // A message that nobody can take must not go missing unnoticed: a socket that breaks is noticed.
      if (!(error instanceof FramingError)) this.#listener?.notTaken?.(error);
      this.drop();
    }
  }

  /**
   * A message above the runtime's limit of 32 MiB is an error without a close. The
   * other end would go on sending to nobody, and keep nothing.
   */
  #fail(reason: string): void {
    if (/too large/i.test(reason)) {
      const bytes = /(\d+) > \d+/.exec(reason)?.[1];
      this.#listener?.refused?.(bytes === undefined ? null : Number(bytes));
    }
    this.drop();
  }

  #end(kind: CloseKind = this.#closing === null ? "broken" : "graceful"): void {
    const listener = this.#listener;
    this.#listener = null;
    this.#closing?.finish();
    listener?.closed(kind);
  }
}
