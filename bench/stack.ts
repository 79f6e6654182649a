import { rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { formatEnvFile } from "../scripts/dev-vars.ts";
import { startJupyter, type JupyterServer } from "../scripts/jupyter-server.ts";
import { findFreePort } from "../scripts/ports.ts";
import {
  preparePythonEnvironment,
  startEnvironment,
} from "../scripts/python-environment.mjs";
import { Worker } from "../scripts/worker.ts";

const ROOT = path.dirname(import.meta.dirname);

/** All that the Worker is built from. */
const SOURCES = ["src", "package.json", "tsconfig.json", "wrangler.toml"];

/** A Jupyter server and a Worker for it, as `npm start` runs them. Everything they write is in a temporary folder. */
export interface Stack extends AsyncDisposable {
  readonly jupyter: JupyterServer;
  /** Of the Worker's MCP endpoint. */
  readonly url: URL;
  /** What the Durable Objects have stored. */
  readonly stateDir: string;
  /** Jupyter's root folder. */
  readonly rootDir: string;
}

/**
 * Starts both. The Worker is built from a copy of the sources, so that an edit
 * during a measurement does not reload it.
 */
export async function openStack({
  plain,
  environment = startEnvironment,
}: {
  readonly plain: boolean;
  /** What Jupyter runs in. */
  readonly environment?: typeof startEnvironment;
}): Promise<Stack> {
  const { python } = await preparePythonEnvironment(environment);
  await using opening = new AsyncDisposableStack();
  const folder = await openTemporaryFolder(opening);
  const root = path.join(folder, "project");
  await copyProject(root);

  const jupyter = opening.use(
    await startJupyter({
      python,
      plain,
      rootDir: path.join(folder, "notebooks"),
      runtimeDir: path.join(folder, "server"),
    }),
  );
  const envFile = path.join(folder, "worker.env");
  await writeFile(
    envFile,
    formatEnvFile({
      JUPYTER_PROTOCOL: "http",
      JUPYTER_HOST: "127.0.0.1",
      JUPYTER_PORT: String(jupyter.port),
      JUPYTER_TOKEN: jupyter.token,
    }),
    { mode: 0o600 },
  );
  const port = await findFreePort();
  const logFile = path.join(folder, "wrangler.log");
  const worker = Worker.start({ root, port, envFile, logFile, say: console.log });
  opening.defer(() => worker.stop());
  const warning = await worker.waitUntilReady(new AbortController().signal);
  if (warning !== undefined) throw new Error(warning);

  const opened = opening.move();
  return {
    jupyter,
    url: new URL(`http://localhost:${port}/mcp`),
    rootDir: path.join(folder, "notebooks"),
    stateDir: path.join(root, ".wrangler", "state"),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A folder that is gone when `owner` is disposed, or this process ends before that. */
export async function openTemporaryFolder(owner: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-mcp-bench-"));
  const atExit = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", atExit);
  owner.defer(async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    process.off("exit", atExit);
  });
  return folder;
}

async function copyProject(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of SOURCES) {
    await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  const modules = path.join(ROOT, "node_modules");
  // Windows lets everybody make junctions, but not links.
  await symlink(modules, path.join(folder, "node_modules"), "junction");
}
