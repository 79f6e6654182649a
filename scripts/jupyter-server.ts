import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OwnedProcess } from "./child-process.ts";
import { lastLines } from "./command.mjs";
import { findFreePort } from "./ports.ts";
import { SetupError } from "./setup-error.mjs";

const CONFIG_FILE = path.join(
  import.meta.dirname,
  "..",
  "jupyter",
  "jupyter_server_config.py",
);

/** A cold start on a slow disk; usually it takes one or two seconds. */
const START_TIMEOUT_MS = 60_000;
const POLL_EVERY_MS = 50;
const REQUEST_TIMEOUT_MS = 2_000;
/** Jupyter gives each kernel 5 s to end by itself, all at the same time. */
const STOP_TIMEOUT_MS = 15_000;

export interface JupyterOptions {
  /** The interpreter of an environment with jupyter-server in it. */
  readonly python: string;
  /** What the server shows as its files. Made if it is missing. */
  readonly rootDir: string;
  /** Where the server keeps what is its own: configuration, kernelspecs, history, log. Made if it is missing. */
  readonly runtimeDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: a random one. An empty one makes a server that lets everyone in. */
  readonly token?: string;
  /** Like `/user/ada`. Default: none. */
  readonly basePath?: string;
  /** `true`: Jupyter's own defaults (delayed messages, rate limits), without our configuration. */
  readonly plain?: boolean;
  /** Added to the server's environment, and so to that of its kernels. */
  readonly env?: Readonly<Record<string, string>>;
  /** More of its command line. Everybody on the machine can read it: no secrets. */
  readonly args?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** A Jupyter server that this process started and ends. */
export interface JupyterServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` and the base path, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  readonly port: number;
  /** Changes with {@link restart}. */
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process that runs now ends, with a description of how. */
  readonly ended: Promise<string>;
  /** Ends it as Jupyter wants it, kernels included. */
  stop(): Promise<void>;
  /** Starts it again after {@link kill} or {@link stop}. */
  start(): Promise<void>;
  /** Ends it as a crash would. Its Python kernels notice within a second or two. */
  kill(): Promise<void>;
  /** Starts it again at the same address with the same token, after {@link stop} or {@link kill} or instead of them. */
  restart(): Promise<void>;
}

/**
 * Starts `jupyter_server` on 127.0.0.1, apart from any Jupyter configuration of
 * the user's own, and waits until it answers. The token gets there by a file,
 * because a command line is visible to others and an environment to every
 * kernel.
 *
 * @throws {SetupError} with the end of its log when it does not come up
 */
export async function startJupyter(options: JupyterOptions): Promise<JupyterServer> {
  const server = new LocalJupyterServer(
    options,
    options.port ?? (await findFreePort()),
    options.token ?? randomBytes(24).toString("hex"),
  );
  await server.start();
  return server;
}

/** Whether a Jupyter server answers at `url`, and takes the token. */
export async function probeJupyter(
  url: string,
  token: string,
): Promise<"ready" | "rejects token" | "no answer"> {
  try {
    const response = await fetch(`${url}/api/status`, {
      headers: token === "" ? {} : { Authorization: `token ${token}` },
      redirect: "manual",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok ? "ready" : "rejects token";
  } catch {
    return "no answer";
  }
}

class LocalJupyterServer implements JupyterServer {
  readonly #options: JupyterOptions;
  #process: OwnedProcess | undefined;
  readonly port: number;
  readonly token: string;
  readonly url: string;
  readonly logFile: string;

  constructor(options: JupyterOptions, port: number, token: string) {
    this.#options = options;
    this.port = port;
    this.token = token;
    this.url = `http://127.0.0.1:${port}${(options.basePath ?? "").replace(/\/+$/, "")}`;
    this.logFile = path.join(options.runtimeDir, "jupyter.log");
  }

  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get ended(): Promise<string> {
    return this.#process?.ended ?? Promise.resolve("it was not started");
  }

  async start(): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const process = await this.#spawn();
    this.#process = process;
    try {
      await this.#waitUntilReady(process);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const process = this.#process;
    if (!process?.isRunning) return;
    // There are no signals on Windows.
    if (globalThis.process.platform === "win32")
      await requestShutdown(this.url, this.token);
    else process.signal("SIGTERM");
    if (await process.endsWithin(STOP_TIMEOUT_MS)) return;
    process.killAll();
    await process.ended;
  }

  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    await this.#process?.ended;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #spawn(): Promise<OwnedProcess> {
    const { python, rootDir, args = [] } = this.#options;
    const environment = await this.#environment();
    await mkdir(rootDir, { recursive: true });
    const log = openSync(this.logFile, "w", 0o600);
    try {
      const child = spawn(
        python,
        ["-m", "jupyter_server", ...this.#settings(), ...args],
        {
          cwd: rootDir,
          env: environment,
          stdio: ["ignore", log, log],
          detached: process.platform !== "win32",
          windowsHide: true,
        },
      );
      return new OwnedProcess(child);
    } finally {
      closeSync(log);
    }
  }

  #settings(): string[] {
    const { rootDir, basePath, plain = false } = this.#options;
    const settings = [
      `--ServerApp.root_dir=${path.resolve(rootDir)}`,
      `--ServerApp.port=${this.port}`,
      "--ServerApp.port_retries=0",
      "--ServerApp.ip=127.0.0.1",
      "--ServerApp.open_browser=False",
    ];
    if (!plain) settings.push(`--config=${CONFIG_FILE}`);
    if (basePath) settings.push(`--ServerApp.base_url=${basePath}/`);
    // Containers have no other user, and the server is reachable from nowhere else.
    if (process.getuid?.() === 0) settings.push("--ServerApp.allow_root=True");
    return settings;
  }

  async #environment(): Promise<NodeJS.ProcessEnv> {
    const runtimeDir = path.resolve(this.#options.runtimeDir);
    const folder = (name: string) => path.join(runtimeDir, name);
    for (const name of [".", "config", "data", "runtime", "ipython"]) {
      await mkdir(folder(name), { recursive: true, mode: 0o700 });
    }
    const tokenFile = folder("token");
    await writeFile(tokenFile, this.token, { mode: 0o600 });
    await chmod(tokenFile, 0o600);
    const programs = path.dirname(path.resolve(this.#options.python));
    return {
      ...withoutOthersSettings(process.env),
      // What a kernel calls pip installs where the kernel finds it.
      VIRTUAL_ENV: path.dirname(programs),
      PATH: `${programs}${path.delimiter}${process.env["PATH"] ?? ""}`,
      JUPYTER_CONFIG_DIR: folder("config"),
      JUPYTER_DATA_DIR: folder("data"),
      JUPYTER_RUNTIME_DIR: folder("runtime"),
      IPYTHONDIR: folder("ipython"),
      JUPYTER_TOKEN_FILE: tokenFile,
      PYTHONUNBUFFERED: "1",
      ...this.#options.env,
    };
  }

  async #waitUntilReady(process: OwnedProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const answer = await probeJupyter(this.url, this.token);
      if (!process.isRunning) {
        throw await this.#failure(
          `Jupyter ended while it started (${await process.ended}).`,
        );
      }
      if (answer === "ready") return;
      if (answer === "rejects token") {
        throw await this.#failure(`Another program answers on port ${this.port}.`);
      }
      if (Date.now() > deadline) {
        throw await this.#failure(
          `Jupyter did not answer within ${START_TIMEOUT_MS / 1_000} s.`,
        );
      }
      await sleep(POLL_EVERY_MS);
    }
  }

  async #failure(what: string): Promise<SetupError> {
    const log = lastLines(await readFile(this.logFile, "utf8").catch(() => ""));
    return new SetupError(`${what} The end of ${this.logFile}:\n${log || "(empty)"}`);
  }
}

/** Asks a server to end itself and its kernels. Does not wait for it. */
export async function requestShutdown(url: string, token: string): Promise<void> {
  try {
    const response = await fetch(`${url}/api/shutdown`, {
      method: "POST",
      headers: { Authorization: `token ${token}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
  } catch {
    // It may be gone before it has answered.
  }
}

/** Without the user's own settings of Jupyter and Python, and what npm told its scripts. */
function withoutOthersSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(JUPYTER|JPY_|IPYTHON|PYTHONHOME$|PYTHONPATH$|npm_)/.test(name),
    ),
  );
}
