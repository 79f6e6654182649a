import {
  preparePythonEnvironment,
  startEnvironment,
} from "../scripts/python-environment.mjs";
import { openWorker, type WorkerStack } from "../bench/stack.ts";
import type { Counts } from "./counts.ts";
import { startFakeJupyter, type FakeJupyter } from "./fake-jupyter.ts";

/** A Worker with a meter on it, and a fake Jupyter with as many kernels as are asked for. */
export interface LoadStack extends WorkerStack {
  readonly jupyter: FakeJupyter;
  counts(): Promise<Counts>;
}

/** Starts both. */
export async function openLoadStack(
  settings: Readonly<Record<string, string>> = {},
): Promise<LoadStack> {
  const { python } = await preparePythonEnvironment(startEnvironment);
  await using opening = new AsyncDisposableStack();
  const jupyter = opening.use(await startFakeJupyter(python));
  const main = "load/counted-worker.ts";
  const { url, stateDir } = opening.use(
    await openWorker(jupyter, { main, settings, inspect: true }),
  );
  const opened = opening.move();
  return {
    url,
    stateDir,
    jupyter,
    async counts() {
      const response = await fetch(new URL("/load/counts", url));
      // Answered by the Worker that was just built with the same type.
      return (await response.json()) as Counts;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
