/** The Worker under `wrangler dev`, which `npm start` does without: what that has beside it takes time. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OwnedProcess } from "../scripts/child-process.ts";
import type { JupyterServer } from "../scripts/jupyter-server.ts";
import { wranglerEnvironment } from "../scripts/pack-worker.ts";
import { findFreePort } from "../scripts/ports.ts";
import { copyProject, openTemporaryFolder, settingsFor } from "./stack.ts";

const POLL_EVERY_MS = 100;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

/** Starts it for a Jupyter server. */
export async function openWranglerDev(
  jupyter: Pick<JupyterServer, "port" | "token">,
): Promise<{ readonly url: URL } & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const root = path.join(await openTemporaryFolder(opening), "project");
  await copyProject(root);
  const variables = { ...settingsFor(jupyter), LOCAL_USE: "1" };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(path.join(root, ".dev.vars"), lines.join(""), { mode: 0o600 });
  const port = await findFreePort();
  const child = spawn(
    process.execPath,
    [
      path.join(root, "node_modules", "wrangler", "bin", "wrangler.js"),
      "dev",
      `--port=${port}`,
      "--ip=127.0.0.1",
      "--inspector-port=0",
      "--show-interactive-dev-session=false",
    ],
    {
      cwd: root,
      env: {
        ...wranglerEnvironment(),
        // Another `wrangler dev` may run, and a store of what requests do doubles their time.
        WRANGLER_REGISTRY_PATH: path.join(root, ".wrangler", "registry"),
        X_LOCAL_OBSERVABILITY: "false",
      },
      stdio: "ignore",
      detached: process.platform !== "win32",
    },
  );
  const running = new OwnedProcess(child);
  opening.defer(async () => {
    running.signal("SIGINT");
    await running.endsWithin(STOP_TIMEOUT_MS);
    running.killAll();
    await running.ended;
  });
  const url = new URL(`http://localhost:${port}/mcp`);
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(new URL("/health/live", url)).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok === true) break;
    if (!running.isRunning || Date.now() > deadline)
      throw new Error("wrangler dev does not answer.");
    await sleep(POLL_EVERY_MS);
  }
  const opened = opening.move();
  return { url, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
