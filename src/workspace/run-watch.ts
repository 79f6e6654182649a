/** A run that takes longer than this is not waited for: its messages are few beside the time that it takes. */
const SHORT_RUN_MS = 250;
/** Who has run something a moment ago may run the next one right now. */
const NEXT_RUN_MS = 100;
/** Behind a chain of runs work goes on a little at a time. */
const MAX_WAIT_MS = 500;
/** Who has run something this recently may run the next at any moment. */
const RECENT_MS = 2_000;

/** Knows when runs start and end, for work that can wait while somebody waits for theirs. */
export class RunWatch {
  /** When the runs of each conversation that has any were first heard of. */
  readonly #running = new Map<string, number>();
  #heardAt = -Infinity;

  /** Takes in whether a conversation has runs that have not ended. */
  note(handle: string, isRunning: boolean): void {
    const now = Date.now();
    this.#heardAt = now;
    if (!isRunning) this.#running.delete(handle);
    else if (!this.#running.has(handle)) this.#running.set(handle, now);
  }

  /** Whether somebody has run something a moment ago. */
  get isRecent(): boolean {
    return Date.now() - this.#heardAt < RECENT_MS;
  }

  /** Waits for a moment in which nobody waits for a short run, at most half a second. */
  async passed(): Promise<void> {
    const latest = Date.now() + MAX_WAIT_MS;
    for (let now = Date.now(); now < latest; now = Date.now()) {
      const until = Math.max(this.#heardAt + NEXT_RUN_MS, this.#shortUntil());
      if (until <= now) return;
      await scheduler.wait(Math.min(until, latest) - now);
    }
  }

  /** When the youngest run will be no short one any more. */
  #shortUntil(): number {
    return Math.max(-Infinity, ...this.#running.values()) + SHORT_RUN_MS;
  }
}
