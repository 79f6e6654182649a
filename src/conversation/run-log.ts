/** What is told of a conversation's runs: when each began, and once how it ended. */

import { isFinal } from "../kernel/execution.ts";
import type { ExecutionRecord } from "../kernel/journal.ts";
import { whyOf } from "../kernel/why.ts";
import { shortKernel, type Log, type LogFields } from "../log.ts";
import type { KernelSlot } from "../kernel/slots.ts";

/** See the head of this file. */
export class RunLog {
  readonly #log: Log;
  /** What ended before this is told already: it is how a crash left it. */
  readonly #since: number;
  /** Which request began a run, as long as it goes on. */
  readonly #requests = new Map<number, string | undefined>();
  readonly #ended = new Set<number>();

  constructor(log: Log, since: number) {
    this.#log = log;
    this.#since = since;
  }

  started({ number }: ExecutionRecord, request: string | undefined): void {
    this.#requests.set(number, request);
    this.#log.debug("run_started", { request, execution: `e${number}` });
  }

  /** Another request waits for a run whose own was cut off. */
  resumed({ number }: ExecutionRecord, request: string | undefined): void {
    this.#log.warn("run_resumed", { request, execution: `e${number}` });
  }

  /** Tells of a run that has ended. Only the first call for it does. */
  ended(record: ExecutionRecord, slot: KernelSlot | null): void {
    const { number, state, endedAt, startedAt, createdAt, reason, incomplete } = record;
    if (!isFinal(state) || endedAt === null || endedAt < this.#since) return;
    if (this.#ended.has(number)) return;
    this.#ended.add(number);
    const fields: LogFields = {
      request: this.#requests.get(number),
      execution: `e${number}`,
      kernel: slot === null ? undefined : shortKernel(slot.kernelId),
      generation: slot === null ? undefined : record.generation,
      state,
      why: reason === null ? undefined : whyOf(reason),
      waitedMs: (startedAt ?? endedAt) - createdAt,
      durationMs: endedAt - (startedAt ?? endedAt),
      items: record.position,
      droppedChars: record.droppedChars,
      incomplete: incomplete !== null,
      resumed: this.#requests.has(number) ? undefined : true,
    };
    this.#requests.delete(number);
    if (state === "lost") this.#log.warn("run_ended", fields);
    else this.#log.info("run_ended", fields);
  }
}
