/**
 * Requests to a kernel that belong to no execution: what it knows about names,
 * and what it completes. Their answers are not journaled. A question that is cut
 * off is not asked again by itself: whoever asked is told.
 */

import { ExpectedError } from "../errors.ts";
import type { Message } from "../jupyter/messages.ts";

/** What a kernel said to a question. */
export interface Answer {
  /** The content of its reply; null from a kernel that does not know the request. */
  readonly reply: Message["content"] | null;
  /** What it published meanwhile, in its order. */
  readonly published: readonly Message[];
}

/** A kernel that is idle answers at once; one that takes longer has been given something to do. */
const PATIENCE_MS = 10_000;
/** Some kernels are `idle` before they reply. After so long they are not going to. */
const REPLY_AFTER_IDLE_MS = 1_000;
/** More than any answer needs. What a kernel publishes beyond is dropped. */
const MAX_PUBLISHED = 100;
const MAX_REMEMBERED = 100;

interface Question {
  reply: Message["content"] | null;
  isIdle: boolean;
  readonly published: Message[];
  readonly finish: (error?: ExpectedError) => void;
}

/** See the head of this file. */
export class Questions {
  readonly #open = new Map<string, Question>();
  /** Those that nobody waits for any more: an answer that comes all the same is no output of a run. */
  readonly #over = new Set<string>();

  /** Whether anybody waits for an answer. */
  get areOpen(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Sends a request and waits for its reply and its `idle`, in whichever order.
   *
   * @throws {ExpectedError} `kernel_silent` where they do not come, or
   *   `connection_lost` where the connection ends first
   */
  async ask(
    kernel: string,
    msgId: string,
    send: (msgId: string) => void,
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const question: Question = {
      reply: null,
      isIdle: false,
      published: [],
      finish: (error) => (error === undefined ? resolve() : reject(error)),
    };
    this.#open.set(msgId, question);
    const seconds = PATIENCE_MS / 1000;
    const overdue = new ExpectedError({ code: "kernel_silent", kernel, seconds });
    const timer = setTimeout(() => question.finish(overdue), PATIENCE_MS);
    try {
      send(msgId);
      await promise;
    } finally {
      clearTimeout(timer);
      this.#open.delete(msgId);
      this.#over.add(msgId);
      for (const oldest of this.#over) {
        if (this.#over.size <= MAX_REMEMBERED) break;
        this.#over.delete(oldest);
      }
    }
    return { reply: question.reply, published: question.published };
  }

  /** Takes in a message whose parent is `parent`; false where that is no question. */
  take(parent: string, message: Message): boolean {
    const question = this.#open.get(parent);
    if (question === undefined) return this.#over.has(parent);
    const { channel, content } = message;
    if (channel === "shell") question.reply = content;
    else if (content["execution_state"] === "idle") question.isIdle = true;
    else if (question.published.length < MAX_PUBLISHED) question.published.push(message);
    if (!question.isIdle) return true;
    if (question.reply === null) setTimeout(() => question.finish(), REPLY_AFTER_IDLE_MS);
    else question.finish();
    return true;
  }

  /** Tells all who wait that no answer will come. */
  abandon(kernel: string): void {
    for (const question of this.#open.values())
      question.finish(new ExpectedError({ code: "connection_lost", kernel }));
    this.#open.clear();
  }
}
