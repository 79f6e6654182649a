import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { OwnedProcess } from "./child-process.ts";
import { SetupError } from "./setup-error.mjs";
import { WranglerOutput } from "./wrangler-output.ts";

const START_TIMEOUT_MS = 120_000;
const REQUEST_TIMEOUT_MS = 10_000;
const POLL_EVERY_MS = 100;
const STOP_TIMEOUT_MS = 5_000;
const WATCH_EVERY_MS = 5_000;
const UNANSWERED_LIMIT = 4;

export interface WorkerOptions {
  readonly root: string;
  readonly port: number;
  /** Instead of `.dev.vars`. */
  readonly envFile?: string | undefined;
  readonly logFile: string;
  readonly say: (line: string) => void;
}

/** The Worker under `wrangler dev`, on 127.0.0.1 and nowhere else. */
export class Worker {
  readonly #process: OwnedProcess;
  readonly #output: WranglerOutput;
  readonly #options: WorkerOptions;

  private constructor(
    process: OwnedProcess,
    output: WranglerOutput,
    options: WorkerOptions,
  ) {
    this.#process = process;
    this.#output = output;
    this.#options = options;
  }

  /** Starts it. It answers only once {@link waitUntilReady} says so. */
  static start(options: WorkerOptions): Worker {
    const log = createWriteStream(options.logFile, { mode: 0o600 });
    log.on("error", (error) =>
      options.say(`Cannot write ${options.logFile}: ${error.message}`),
    );
    const child = spawn(process.execPath, commandLine(options), {
      cwd: options.root,
      env: environment(options),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const output = new WranglerOutput();
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (printed) => {
        log.write(`${stripVTControlCharacters(printed)}\n`);
        const line = output.filter(printed);
        if (line !== undefined) options.say(line);
      });
    }
    return new Worker(new OwnedProcess(child), output, options);
  }

  get #logPlace(): string {
    return path.relative(this.#options.root, this.#options.logFile);
  }

  /** Resolves when it ends, with a description of how. */
  get ended(): Promise<string> {
    return this.#process.ended;
  }

  /**
   * Waits until the Worker answers a request.
   *
   * @returns what it says of itself when it cannot work, for example for want of a setting
   * @throws {SetupError} when it ends or does not answer
   */
  async waitUntilReady(signal: AbortSignal): Promise<string | undefined> {
    const { port } = this.#options;
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      signal.throwIfAborted();
      if (!this.#process.isRunning) {
        throw new SetupError(
          `The Worker did not start. Details are in ${this.#logPlace}.`,
        );
      }
      const answer = await request(`http://localhost:${port}/health/live`, signal);
      if (answer !== undefined) {
        this.#output.markReady();
        if (answer.ok) {
          await answer.body?.cancel();
          return undefined;
        }
        const text = (await answer.text().catch(() => "")).slice(0, 300);
        return `The Worker answers HTTP ${answer.status}: ${text}`;
      }
      if (Date.now() > deadline) {
        throw new SetupError(
          `The Worker did not answer within ${START_TIMEOUT_MS / 1_000} s. ` +
            `Details are in ${this.#logPlace}.`,
        );
      }
      await sleep(POLL_EVERY_MS);
    }
  }

  /**
   * Resolves when it has not answered for a while, although it runs: wrangler
   * starts its proxy again when that dies, and the new one answers nothing.
   */
  async silence(signal: AbortSignal): Promise<string> {
    let unanswered = 0;
    while (unanswered < UNANSWERED_LIMIT) {
      await sleep(WATCH_EVERY_MS, undefined, { signal, ref: false });
      const answer = await request(
        `http://localhost:${this.#options.port}/health/live`,
        signal,
      );
      await answer?.body?.cancel();
      unanswered = answer === undefined ? unanswered + 1 : 0;
    }
    return `The Worker does not answer any more. See ${this.#logPlace}.`;
  }

  /** Of wrangler, below which the runtime is. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Ends it as a crash would, with all that it runs. */
  async kill(): Promise<void> {
    this.#process.killAll();
    await this.#process.ended;
  }

  async stop(): Promise<void> {
    if (this.#process.isRunning) this.#process.signal("SIGINT");
    await this.#process.endsWithin(STOP_TIMEOUT_MS);
    this.#process.killAll();
    await this.#process.ended;
  }
}

function commandLine({ root, port, envFile }: WorkerOptions): string[] {
  const args = [
    "--no-warnings",
    `--import=${new URL("exit-with-parent.mjs", import.meta.url).href}`,
    path.join(root, "node_modules", "wrangler", "wrangler-dist", "cli.js"),
    "dev",
    `--port=${port}`,
    "--ip=127.0.0.1",
    // Any free one: it is for debuggers, and the default may be in use by one.
    "--inspector-port=0",
    "--persist-to=.wrangler/state",
    // From nowhere else: it is a condition for use without sign-in.
    "--var=LOCAL_USE:1",
    "--show-interactive-dev-session=false",
  ];
  if (envFile !== undefined) args.push(`--env-file=${envFile}`);
  return args;
}

function environment({ root }: WorkerOptions): NodeJS.ProcessEnv {
  // It would select other files than .dev.vars.
  const { CLOUDFLARE_ENV: _, ...inherited } = process.env;
  return {
    ...inherited,
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "true",
    NO_COLOR: "1",
    // The banner looks for updates.
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_REGISTRY_PATH: path.join(root, ".wrangler", "registry"),
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    // A log of its own with everything in it that debugging wrangler could need.
    WRANGLER_WRITE_LOGS: "false",
    // A store of what every request does, on disk: it doubles the time that a run takes.
    X_LOCAL_OBSERVABILITY: "false",
  };
}

async function request(url: string, signal: AbortSignal): Promise<Response | undefined> {
  try {
    return await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
  } catch {
    return undefined;
  }
}
