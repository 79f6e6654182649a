import type { Socket } from "node:net";
import type { Random } from "./random.ts";

/** How the connections of one kernel fare at present. */
export interface Conditions {
  delayMs: number;
  jitterMs: number;
  bytesPerSecond: number;
}

/** What a wire holds at a time; the sender waits for the rest to leave. */
const MOST_HELD_BYTES = 256 * 1024;
/** A throttled wire passes on this often. */
const TICK_MS = 20;
const NEVER = new Promise<never>(() => undefined);

/** One WebSocket between the Worker and Jupyter, as bytes in two directions. */
export class Wire {
  readonly #worker: Socket;
  readonly #jupyter: Socket;
  readonly #conditions: Conditions;
  readonly #random: Random;
  #isStalled = false;
  /** Of what comes from Jupyter, until the wire is cut. */
  #bytesLeft = Number.POSITIVE_INFINITY;

  constructor(worker: Socket, jupyter: Socket, conditions: Conditions, random: Random) {
    this.#worker = worker;
    this.#jupyter = jupyter;
    this.#conditions = conditions;
    this.#random = random;
    this.#passOn(jupyter, worker, true);
    this.#passOn(worker, jupyter, false);
  }

  get isOpen(): boolean {
    return !this.#isStalled && !this.#worker.destroyed && !this.#jupyter.destroyed;
  }

  /** Ends both sides as their peers would. What was held is lost. */
  fin(): void {
    this.#isStalled = true;
    for (const socket of [this.#worker, this.#jupyter]) {
      socket.end();
      socket.resume();
    }
  }

  rst(): void {
    this.#isStalled = true;
    this.#worker.resetAndDestroy();
    this.#jupyter.resetAndDestroy();
  }

  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  /** Lets nothing through any more, and leaves the Worker's side open. */
  stall(isJupyterTold: boolean): void {
    this.#isStalled = true;
    if (isJupyterTold) this.#jupyter.destroy();
  }

  lateClose(ms: number): void {
    this.#isStalled = true;
    this.#worker.resetAndDestroy();
    // What Jupyter sends meanwhile is taken, as a network's buffers would.
    this.#jupyter.resume();
    setTimeout(() => this.#jupyter.destroy(), ms).unref();
  }

  destroy(): void {
    this.#worker.destroy();
    this.#jupyter.destroy();
  }

  #passOn(from: Socket, to: Socket, isFromJupyter: boolean): void {
    let heldBytes = 0;
    let last: Promise<void> = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      if (this.#isStalled) return;
      const { delayMs, jitterMs } = this.#conditions;
      const dueAt = Date.now() + delayMs + this.#random.between(0, jitterMs);
      heldBytes += chunk.length;
      if (heldBytes > MOST_HELD_BYTES) from.pause();
      last = last.then(async () => {
        if (dueAt > Date.now()) await sleep(dueAt - Date.now());
        await this.#write(to, chunk, isFromJupyter);
        heldBytes -= chunk.length;
        if (heldBytes <= MOST_HELD_BYTES && !this.#isStalled) from.resume();
      });
    });
    from.on("end", () => {
      void last.then(() => {
        if (!this.#isStalled) to.end();
      });
    });
    from.on("close", () => {
      // A stalled wire tells its other side nothing.
      if (this.#isStalled) return;
      void last.then(() => {
        if (!this.#isStalled) to.destroy();
      });
    });
    from.on("error", () => from.destroy());
  }

  async #write(to: Socket, chunk: Buffer, isFromJupyter: boolean): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#isStalled) return NEVER;
      const { bytesPerSecond } = this.#conditions;
      const perTick = Math.ceil((bytesPerSecond * TICK_MS) / 1000);
      const left = isFromJupyter ? this.#bytesLeft : Number.POSITIVE_INFINITY;
      const part = rest.subarray(0, Math.min(perTick, left));
      rest = rest.subarray(part.length);
      if (part.length > 0 && !to.write(part)) await drained(to);
      if (isFromJupyter) this.#bytesLeft -= part.length;
      if (isFromJupyter && this.#bytesLeft <= 0) {
        this.#isStalled = true;
        // What was written leaves first: the message arrives in part.
        to.end(() => to.destroy());
        this.#jupyter.destroy();
        return NEVER;
      }
      // What is small takes its time as well: most messages are.
      if (bytesPerSecond !== Infinity) await sleep((part.length * 1000) / bytesPerSecond);
    }
    return undefined;
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("drain", resolve);
    socket.once("close", () => resolve());
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
