import { spawnSync, type ChildProcess } from "node:child_process";

const ON_WINDOWS = process.platform === "win32";

/**
 * A child in a process group of its own, so that Ctrl-C reaches only us and we
 * end it in our order. What is left of it when this process exits is killed, the
 * processes that it started included.
 */
export class OwnedProcess {
  readonly #child: ChildProcess;
  readonly #onExit: () => void;
  /** Resolves with a description of the end, like `exit code 1`. Never rejects. */
  readonly ended: Promise<string>;

  /** `child` is spawned with `detached: true`, except on Windows, where that opens a window. */
  constructor(child: ChildProcess) {
    this.#child = child;
    this.#onExit = () => this.killAll();
    process.once("exit", this.#onExit);
    this.ended = describeEnd(child).then((end) => {
      process.off("exit", this.#onExit);
      return end;
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Signals the process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Kills the process and all below it, those in other groups too: kernels have
   * groups of their own.
   */
  killAll(): void {
    if (this.#child.pid === undefined) return;
    if (ON_WINDOWS) {
      this.#child.kill();
      return;
    }
    const pids = this.isRunning ? descendants(this.#child.pid) : [];
    for (const pid of [-this.#child.pid, ...pids]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It is gone.
      }
    }
  }

  /** Waits for the end. Answers whether it came in time. */
  async endsWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, false);
    });
    const inTime = await Promise.race([this.ended.then(() => true as const), timeout]);
    clearTimeout(timer);
    return inTime;
  }
}

function describeEnd(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    child.once("exit", (code, signal) => {
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
}

/** The process and everything below it, as far as `ps` is there to tell. */
function descendants(root: number): number[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const children = new Map<number, number[]>();
  for (const line of (stdout ?? "").split("\n")) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid === undefined || parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}
