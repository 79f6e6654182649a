import { rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
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

/** A Worker, as `npm start` runs it. Everything it writes is in a temporary folder. */
export interface WorkerStack extends AsyncDisposable {
  /** Of the Worker's MCP endpoint. */
  readonly url: URL;
  /** What the Durable Objects have stored. */
  readonly stateDir: string;
}

/** A Jupyter server and a Worker for it. */
export interface Stack extends WorkerStack {
  readonly jupyter: JupyterServer;
  /** Jupyter's root folder. */
  readonly rootDir: string;
}

/** How a Worker is built and set up. */
export interface WorkerOptions {
  /** Instead of src/index.ts. */
  readonly main?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether {@link openInspector} finds it. Each line of the log takes a millisecond then. */
  readonly inspect?: boolean;
}

/** Starts both. */
export async function openStack({
  plain,
  environment = startEnvironment,
  ...options
}: {
  readonly plain: boolean;
  /** What Jupyter runs in. */
  readonly environment?: typeof startEnvironment;
} & WorkerOptions): Promise<Stack> {
  const { python } = await preparePythonEnvironment(environment);
  await using opening = new AsyncDisposableStack();
  const folder = await openTemporaryFolder(opening);
  const rootDir = path.join(folder, "notebooks");
  const runtimeDir = path.join(folder, "server");
  const jupyter = opening.use(await startJupyter({ python, plain, rootDir, runtimeDir }));
  const { url, stateDir } = opening.use(await openWorker(jupyter, options));
  const opened = opening.move();
  return {
    jupyter,
    url,
    rootDir,
    stateDir,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Starts a Worker for a Jupyter server, built from a copy of the sources. */
export async function openWorker(
  jupyter: Pick<JupyterServer, "port" | "token">,
  { main, settings = {}, inspect = false }: WorkerOptions = {},
): Promise<WorkerStack> {
  await using opening = new AsyncDisposableStack();
  const folder = await openTemporaryFolder(opening);
  const root = path.join(folder, "project");
  await copyProject(root, main);
  const port = await findFreePort();
  const logFile = path.join(folder, "worker.log");
  const worker = Worker.start({
    root,
    port,
    settings: { ...settingsFor(jupyter), ...settings },
    inspect,
    logFile,
    say: (line) => console.log(line),
  });
  opening.defer(() => worker.stop());
  const warning = await worker.waitUntilReady(new AbortController().signal);
  if (warning !== undefined) throw new Error(warning);

  const opened = opening.move();
  return {
    url: new URL(`http://localhost:${port}/mcp`),
    stateDir: path.join(root, ".wrangler", "state"),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The Worker's variables and secrets for a Jupyter server of this machine. */
export function settingsFor({ port, token }: Pick<JupyterServer, "port" | "token">) {
  return {
    JUPYTER_PROTOCOL: "http",
    JUPYTER_HOST: "127.0.0.1",
    JUPYTER_PORT: String(port),
    JUPYTER_TOKEN: token,
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

/** Copies what the Worker is built from, with another script than src/index.ts where one is given. */
export async function copyProject(folder: string, main?: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const others = main === undefined ? [] : [path.dirname(main)];
  for (const name of [...SOURCES, ...others]) {
    await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  if (main !== undefined) {
    const file = path.join(folder, "wrangler.toml");
    const settings = await readFile(file, "utf8");
    await writeFile(file, settings.replace(/^main = .*$/m, `main = "${main}"`));
  }
  const modules = path.join(ROOT, "node_modules");
  // Windows lets everybody make junctions, but not links.
  await symlink(modules, path.join(folder, "node_modules"), "junction");
}
