import { existsSync } from "node:fs";
import path from "node:path";
import { copyProject, openTemporaryFolder, settingsFor } from "../bench/stack.ts";
import { descendantsOf, programOf } from "../bench/processes.ts";
import { startJupyter, type JupyterServer } from "../scripts/jupyter-server.ts";
import { findFreePort } from "../scripts/ports.ts";
import {
  preparePythonEnvironment,
  startEnvironment,
} from "../scripts/python-environment.mjs";
import { Worker } from "../scripts/worker.ts";
import { startFaultProxy, type FaultProxy } from "./proxy.ts";

/** Short, so that threads print also while no socket is open. */
const LINGER_SECONDS = 2;

/** A Jupyter server, the proxy before it, and a Worker that can be killed and aborted. */
export interface FaultStack extends AsyncDisposable {
  readonly jupyter: JupyterServer;
  readonly proxy: FaultProxy;
  /** Of the Worker's MCP endpoint. */
  readonly url: string;
  readonly workerLog: string;
  /** Ends the Worker as a crash of its machine would, and starts it with the same storage. */
  killWorker(): Promise<void>;
  /** Ends the runtime alone, which is started again. */
  killRuntime(): Promise<void>;
  abort(conversation: string): Promise<void>;
  /** Whether a file is there in Jupyter's root folder. */
  hasFile(name: string): Promise<boolean>;
}

/** Starts all of it. Everything that it writes is in a temporary folder. */
export async function openFaultStack(seed: number): Promise<FaultStack> {
  const { python } = await preparePythonEnvironment(startEnvironment);
  await using opening = new AsyncDisposableStack();
  const folder = await openTemporaryFolder(opening);
  const root = path.join(folder, "project");
  await copyProject(root, "faults/abortable.ts");
  const jupyter = opening.use(
    await startJupyter({
      python,
      rootDir: path.join(folder, "notebooks"),
      runtimeDir: path.join(folder, "server"),
    }),
  );
  const proxy = opening.use(await startFaultProxy(jupyter.port, seed));
  const port = await findFreePort();
  const logFile = path.join(folder, "worker.log");
  const settings = {
    ...settingsFor({ port: proxy.port, token: jupyter.token }),
    KERNEL_LINGER_SECONDS: String(LINGER_SECONDS),
  };
  const options = { root, port, settings, logFile, say: () => undefined };
  let worker = Worker.start(options);
  opening.defer(() => worker.stop());
  const isReady = async () => {
    const warning = await worker.waitUntilReady(new AbortController().signal);
    if (warning !== undefined) throw new Error(warning);
  };
  await isReady();
  const opened = opening.move();
  return {
    jupyter,
    proxy,
    url: `http://localhost:${port}/mcp`,
    workerLog: logFile,
    async killWorker() {
      await worker.kill();
      worker = Worker.start(options);
      await isReady();
    },
    async killRuntime() {
      const pid = await runtimeOf(worker.pid);
      process.kill(pid, "SIGKILL");
      for (;;) {
        const runtime = await runtimeOf(worker.pid).catch(() => pid);
        if (runtime !== pid) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await isReady();
    },
    async abort(conversation) {
      const answer = await fetch(
        `http://localhost:${port}/faults/abort/${conversation}`,
        {
          signal: AbortSignal.timeout(10_000),
        },
      ).catch(() => null);
      await answer?.text();
    },
    async hasFile(name) {
      return existsSync(path.join(folder, "notebooks", name));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The runtime with the Worker in it. */
async function runtimeOf(worker: number): Promise<number> {
  for (const pid of await descendantsOf(worker))
    if ((await programOf(pid)) === "workerd") return pid;
  throw new Error("There is no runtime.");
}
