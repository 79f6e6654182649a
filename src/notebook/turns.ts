import type { Exclusively } from "./contents-notebook.ts";

/** Who lets one writer of a path at a time do its work. */
export interface Turns {
  exclusively(path: string, work: () => Promise<void>): Promise<unknown>;
}

/**
 * Work on a notebook while no other work of the same person on it is done. The
 * work runs here, so that its result keeps its class. Where the one who keeps the
 * turns is interrupted, it goes on without: what is checked at each save remains.
 */
export function exclusivelyOn(turns: Turns, path: string): Exclusively {
  return async (work) => {
    let running: ReturnType<typeof work> | undefined;
    const run = async () => {
      running ??= work();
      // Whether it failed is for whoever called.
      await running.then(
        () => undefined,
        () => undefined,
      );
    };
    try {
      await turns.exclusively(path, run);
    } catch {
      // Interrupted: see above.
    }
    return running ?? work();
  };
}
