import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { OwnedProcess } from "./child-process.ts";
import { packWorker, wranglerEnvironment } from "./pack-worker.ts";
import { READY, type Served } from "./served.ts";
import { SetupError } from "./setup-error.mjs";

const START_TIMEOUT_MS = 120_000;
const REQUEST_TIMEOUT_MS = 10_000;
const POLL_EVERY_MS = 100;
const STOP_TIMEOUT_MS = 5_000;
const WATCH_EVERY_MS = 5_000;
const UNANSWERED_LIMIT = 4;

export interface WorkerOptions {
  readonly root: string;
  readonly port: number;
  /** The Worker's variables and secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether debuggers find a port. */
  readonly inspect?: boolean;
  readonly logFile: string;
  readonly say: (line: string) => void;
}

/** The Worker in a process of its own, on 127.0.0.1 and nowhere else. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #process: OwnedProcess;
  readonly #options: WorkerOptions;
  readonly #packing: AbortController;
  /** Resolves when the Worker was packed and its process serves it. */
  readonly #served: Promise<void>;

  private constructor(
    child: ChildProcess,
    options: WorkerOptions,
    packing: AbortController,
    served: Promise<void>,
  ) {
    this.#child = child;
    this.#process = new OwnedProcess(child);
    this.#options = options;
    this.#packing = packing;
    this.#served = served;
    // Whoever waits for it hears of a failure.
    served.catch(() => this.#process.killAll());
  }

  /** Starts it. It answers only once {@link waitUntilReady} says so. */
  static start(options: WorkerOptions): Worker {
    const { root, port, settings, inspect = false, say } = options;
    const log = createWriteStream(options.logFile, { mode: 0o600 });
    log.on("error", (error) => say(`Cannot write ${options.logFile}: ${error.message}`));
    const child = spawn(
      process.execPath,
      [
        "--no-warnings",
        `--import=${new URL("exit-with-parent.mjs", import.meta.url).href}`,
        fileURLToPath(new URL("serve-worker.ts", import.meta.url)),
      ],
      {
        cwd: root,
        env: wranglerEnvironment(),
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        detached: process.platform !== "win32",
        windowsHide: true,
      },
    );
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("It has no output.");
    createInterface({ input: stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      const words = wordsFor(line, path.relative(root, options.logFile));
      if (words !== undefined) say(words);
    });
    createInterface({ input: stderr }).on("line", (printed) => {
      const line = stripVTControlCharacters(printed);
      log.write(`${line}\n`);
      say(line);
    });

    const packing = new AbortController();
    // It loads what it needs while this goes on.
    const served = packWorker(root, packing.signal).then((packed) => {
      const what: Served = { root, packed, port, settings, inspect };
      return new Promise<void>((resolve) => {
        child.on("message", (message) => {
          if (message === READY) resolve();
        });
        if (child.connected) child.send(what);
      });
    });
    return new Worker(child, options, packing, served);
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
   * @throws {SetupError} when it cannot be packed, ends or does not answer
   */
  async waitUntilReady(signal: AbortSignal): Promise<string | undefined> {
    const { port } = this.#options;
    const deadline = Date.now() + START_TIMEOUT_MS;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    // What answers before it is served is another program.
    const isInTime = await this.#servedBefore(limit);
    signal.throwIfAborted();
    if (!isInTime) throw this.#tooLate();
    for (;;) {
      signal.throwIfAborted();
      if (!this.#process.isRunning) {
        throw new SetupError(
          `The Worker did not start. Details are in ${this.#logPlace}.`,
        );
      }
      const answer = await request(`http://localhost:${port}/health/live`, signal);
      if (answer !== undefined) {
        if (answer.ok) {
          await answer.body?.cancel();
          return undefined;
        }
        const text = (await answer.text().catch(() => "")).slice(0, 300);
        return `The Worker answers HTTP ${answer.status}: ${text}`;
      }
      if (Date.now() > deadline) throw this.#tooLate();
      await sleep(POLL_EVERY_MS);
    }
  }

  /** Waits until it is served or has ended. False where `limit` came first. @throws {SetupError} */
  async #servedBefore(limit: AbortSignal): Promise<boolean> {
    const { promise: reached, resolve } = Promise.withResolvers<false>();
    const stop = () => {
      resolve(false);
      this.#packing.abort(limit.reason);
    };
    if (limit.aborted) stop();
    limit.addEventListener("abort", stop, { once: true });
    const served = Promise.race([this.#served, this.#process.ended]);
    const isInTime = await Promise.race([served.then(() => true as const), reached]);
    limit.removeEventListener("abort", stop);
    return isInTime;
  }

  #tooLate(): SetupError {
    return new SetupError(
      `The Worker did not answer within ${START_TIMEOUT_MS / 1_000} s. ` +
        `Details are in ${this.#logPlace}.`,
    );
  }

  /**
   * Resolves when it has not answered for a while, although it runs: a runtime
   * that dies is started again, and that may fail.
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

  /** The runtime is below it. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Ends it as a crash would, with all that it runs. */
  async kill(): Promise<void> {
    this.#packing.abort();
    this.#process.killAll();
    await this.#process.ended;
  }

  async stop(): Promise<void> {
    this.#packing.abort();
    // Windows has no signals that a process could do something at.
    if (process.platform === "win32" && this.#child.connected)
      this.#child.send("shutdown");
    else if (this.#process.isRunning) this.#process.signal("SIGINT");
    await this.#process.endsWithin(STOP_TIMEOUT_MS);
    this.#process.killAll();
    await this.#process.ended;
  }
}

/** What a line of the Worker's log means for whoever started it; nothing where it is no error. */
function wordsFor(line: string, logPlace: string): string | undefined {
  const { level, id, problem } = fieldsOf(line);
  if (level !== "error") return undefined;
  if (typeof problem === "string") return `These settings cannot be used: ${problem}`;
  return `Something went wrong in the Worker (error ${String(id)}). See ${logPlace}.`;
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  if (!line.startsWith('{"time":')) return {};
  try {
    return JSON.parse(line);
  } catch {
    // The process ended in its midst.
    return {};
  }
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
