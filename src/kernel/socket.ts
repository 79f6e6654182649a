/**
 * The life of one kernel's socket: opened when it is needed, opened again when
 * it breaks, kept for a while so that a chain of calls is fast, and then closed
 * as Jupyter's buffer wants it. There is never more than one at a time: two of
 * one session id would take messages from each other.
 */

import { ExpectedError, type Failure } from "../errors.ts";
import type { ChannelListener, CloseKind, KernelChannels } from "../jupyter/channels.ts";
import type { Message } from "../jupyter/messages.ts";
import type { ConnectionLog } from "./connection-log.ts";
import { reconnectDelayMs } from "./reconnect.ts";

/** What a socket asks of, and tells to, the kernel that it belongs to. */
export interface SocketOwner {
  /** Connects under the ids that hold now. */
  open(listener: ChannelListener): Promise<KernelChannels>;
  /** Called once the socket can be used. */
  opened(channels: KernelChannels): void;
  message(message: Message): void;
  /** Called when a message was too large to be received, and the socket is lost with it. */
  refused(bytes: number | null): void;
  /** Called when there is no socket any more, for whatever reason. */
  disconnected(): void;
  /** Called when it was closed so that Jupyter keeps what comes from now on. */
  letGo(): void;
  /** Whether something waits for messages. */
  isNeeded(): boolean;
  /** Messages that were received a second time. */
  duplicates(): number;
}

/** One attempt to connect and what became of it. */
interface Link {
  /** Nobody wants it any more: another one is to be opened under other ids. */
  isOutdated: boolean;
  /** The kernel is gone or its conversation has ended: what still comes is not for us. */
  isReleased: boolean;
  hasHeard: boolean;
  messages: number;
  /** Of the owner, when it was opened. */
  readonly duplicates: number;
}

/** See the head of this file. */
export class KernelSocket {
  readonly #owner: SocketOwner;
  readonly #lingerMs: number;
  readonly #log: ConnectionLog;
  #channels: KernelChannels | null = null;
  #link: Link | null = null;
  #opening: Promise<KernelChannels> | null = null;
  #closing: Promise<void> | null = null;
  #lingerTimer: ReturnType<typeof setTimeout> | null = null;
  #reconnectTimer: ReturnType<typeof setTimeout> | null = null;
  #failedAttempts = 0;
  /** Why Jupyter cannot be reached at the moment, while something waits for it. */
  trouble: Failure | null = null;

  constructor(owner: SocketOwner, lingerMs: number, log: ConnectionLog) {
    this.#owner = owner;
    this.#lingerMs = lingerMs;
    this.#log = log;
  }

  /** The open socket, or null. */
  get channels(): KernelChannels | null {
    return this.#channels;
  }

  /** The open socket, opened first where there is none. */
  async connected(): Promise<KernelChannels> {
    this.#cancelLinger();
    if (this.#channels !== null) return this.#channels;
    this.#opening ??= this.#open()
      .catch((error: unknown) => {
        this.#log.failed(error);
        throw error;
      })
      .finally(() => {
        this.#opening = null;
      });
    return this.#opening;
  }

  /** Tries again in a while, unless that is under way already. */
  reconnectLater(): void {
    if (
      this.#channels !== null ||
      this.#opening !== null ||
      this.#reconnectTimer !== null
    )
      return;
    this.#reconnectTimer = setTimeout(() => {
      this.#reconnectTimer = null;
      void this.reconnect();
    }, reconnectDelayMs(this.#failedAttempts));
  }

  /** Tries now. A failure is remembered as trouble, and tried again later while that is needed. */
  async reconnect(): Promise<void> {
    this.#cancelReconnect();
    try {
      await this.connected();
    } catch (error) {
      this.#failedAttempts += 1;
      if (error instanceof ExpectedError) this.trouble = error.failure;
      if (this.#link?.isReleased !== true && this.#owner.isNeeded())
        this.reconnectLater();
    }
  }

  /** Closes the socket a while from now, if nothing needs it then. */
  lingerIfIdle(): void {
    if (this.#channels === null || this.#owner.isNeeded()) return;
    this.#cancelLinger();
    this.#lingerTimer = setTimeout(() => {
      if (!this.#owner.isNeeded()) void this.close();
    }, this.#lingerMs);
  }

  /** Closes gracefully. What is being opened is opened anew, under the ids that hold then. */
  async close(): Promise<void> {
    this.#cancelReconnect();
    this.#cancelLinger();
    const channels = this.#channels;
    if (channels === null) {
      if (this.#link !== null) this.#link.isOutdated = true;
      return;
    }
    this.#channels = null;
    this.#tellClosed("graceful", channels);
    this.#owner.disconnected();
    this.#closing = channels.close().finally(() => {
      this.#closing = null;
    });
    await this.#closing;
  }

  /** Gives up a socket whose other end does not react any more; another one is opened if needed. */
  drop(): void {
    this.#channels?.drop();
  }

  /** Lets go at once and for good; nothing that still comes is passed on. */
  release(): void {
    this.#cancelReconnect();
    this.#cancelLinger();
    if (this.#link !== null) this.#link.isReleased = true;
    const channels = this.#channels;
    this.#channels = null;
    if (channels !== null) this.#tellClosed("graceful", channels);
    channels?.drop();
    this.#owner.disconnected();
  }

  async #open(): Promise<KernelChannels> {
    if (this.#closing !== null) await this.#closing;
    const link: Link = {
      isOutdated: false,
      isReleased: false,
      hasHeard: false,
      messages: 0,
      duplicates: this.#owner.duplicates(),
    };
    this.#link = link;
    this.#log.begin();
    let channels: KernelChannels | null = null;
    channels = await this.#owner.open({
      message: (message) => this.#receive(link, message),
      refused: (bytes) => {
        if (!link.isReleased) this.#owner.refused(bytes);
      },
      notTaken: (error) => this.#log.notTaken(error),
      closed: (kind) => this.#closed(link, channels, kind),
    });
    if (link.isReleased) {
      channels.drop();
      throw new ExpectedError({
        code: "kernel_not_found",
        kernel: "that was connected to",
      });
    }
    if (link.isOutdated) {
      await channels.close();
      return this.#open();
    }
    this.#channels = channels;
    this.trouble = null;
    this.#log.opened();
    this.#owner.opened(channels);
    this.lingerIfIdle();
    return channels;
  }

  #receive(link: Link, message: Message): void {
    if (link.isReleased) return;
    link.messages += 1;
    if (!link.hasHeard) {
      link.hasHeard = true;
      this.#failedAttempts = 0;
    }
    this.#owner.message(message);
  }

  #closed(link: Link, channels: KernelChannels | null, kind: CloseKind): void {
    if (link.isReleased) return;
    if (channels !== null && this.#channels === channels) {
      this.#channels = null;
      this.#tellClosed(kind, channels);
      this.#owner.disconnected();
    }
    if (kind === "graceful") {
      this.#owner.letGo();
      return;
    }
    // One that is closed before it said anything would otherwise be opened without a pause.
    if (!link.hasHeard) this.#failedAttempts += 1;
    if (this.#owner.isNeeded()) this.reconnectLater();
  }

  #tellClosed(kind: CloseKind, { receivedBytes: bytes }: KernelChannels): void {
    const { messages = 0, duplicates = 0 } = this.#link ?? {};
    const received = {
      messages,
      bytes,
      duplicates: this.#owner.duplicates() - duplicates,
    };
    this.#log.closed(kind, received);
  }

  #cancelReconnect(): void {
    if (this.#reconnectTimer !== null) clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = null;
  }

  #cancelLinger(): void {
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = null;
  }
}
