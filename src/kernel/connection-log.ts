/** What is told of one kernel's connections: how each was opened and ended, and what came over it. */

import { ExpectedError } from "../errors.ts";
import type { CloseKind } from "../jupyter/channels.ts";
import { shortKernel, type Log } from "../log.ts";

/** What a connection has received, and what of that had come before. */
export interface Received {
  readonly messages: number;
  readonly bytes: number;
  readonly duplicates: number;
}

/** See the head of this file. */
export class ConnectionLog {
  readonly #log: Log;
  readonly #kernelId: () => string;
  readonly #now: () => number;
  #begunAt = 0;
  #openedAt: number | null = null;
  #lostAt: number | null = null;
  #attempt = 0;

  constructor(log: Log, kernelId: () => string, now: () => number) {
    this.#log = log;
    this.#kernelId = kernelId;
    this.#now = now;
  }

  /** An attempt to connect begins. */
  begin(): void {
    this.#begunAt = this.#now();
    this.#attempt += 1;
  }

  opened(): void {
    const now = this.#now();
    this.#openedAt = now;
    this.#log.info("connection_opened", {
      kernel: this.#kernel(),
      durationMs: now - this.#begunAt,
      attempt: this.#attempt,
      awayMs: this.#lostAt === null ? undefined : now - this.#lostAt,
    });
    this.#lostAt = null;
    this.#attempt = 0;
  }

  failed(error: unknown): void {
    const fields = { kernel: this.#kernel(), attempt: this.#attempt };
    if (!(error instanceof ExpectedError))
      this.#log.bug({ ...fields, task: "reconnect" }, error);
    else
      this.#log.warn("connection_failed", {
        ...fields,
        outcome: error.failure.code,
        durationMs: this.#now() - this.#begunAt,
      });
  }

  /** An open connection has ended. */
  closed(kind: CloseKind, received: Received): void {
    if (this.#openedAt === null) return;
    const now = this.#now();
    const fields = {
      kernel: this.#kernel(),
      durationMs: now - this.#openedAt,
      ...received,
    };
    this.#openedAt = null;
    if (kind === "graceful") {
      this.#log.info("connection_closed", fields);
    } else {
      this.#lostAt = now;
      this.#log.warn("connection_lost", fields);
    }
  }

  /** A message came that nobody could take. */
  notTaken(error: unknown): void {
    this.#log.bug({ kernel: this.#kernel(), task: "kernel_message" }, error);
  }

  #kernel(): string {
    return shortKernel(this.#kernelId());
  }
}
