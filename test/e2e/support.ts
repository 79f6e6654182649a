/**
 * `npm start` as a user runs it, in a copy of the project: its state, settings
 * and port are its own, and those of the working tree stay as they are.
 */
import { spawn, type ChildProcess } from "node:child_process";
import {
  cp,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { findFreePort } from "../../scripts/ports.ts";
import {
  preparePythonEnvironment,
  startEnvironment,
} from "../../scripts/python-environment.mjs";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, listProcesses } from "../support/processes.ts";

/** The working tree. */
export const ROOT = path.join(import.meta.dirname, "..", "..");

/** What a checkout does not have, and what is linked instead of copied. */
const NOT_COPIED = [
  ".dev.vars",
  ".git",
  ".jupyter",
  ".wrangler",
  "node_modules",
  "notebooks",
];

const READY_TIMEOUT_MS = 120_000;
/** `npm start` gives its parts up to 20 s before it kills them. */
const STOP_TIMEOUT_MS = 40_000;

/** A checkout with everything installed, in a folder of its own. */
export interface Project extends AsyncDisposable {
  readonly root: string;
}

/** Copies the working tree. `settings` become its `.dev.vars`. */
export async function copyProject(
  settings?: Readonly<Record<string, string>>,
): Promise<Project> {
  await preparePythonEnvironment(startEnvironment);
  const root = await temporaryFolder();
  await cp(ROOT, root, {
    recursive: true,
    filter: (source) => !NOT_COPIED.includes(path.relative(ROOT, source)),
  });
  await symlink(path.join(ROOT, "node_modules"), path.join(root, "node_modules"));
  await mkdir(path.join(root, ".jupyter"), { mode: 0o700 });
  await symlink(
    startEnvironment.folder,
    path.join(root, path.relative(ROOT, startEnvironment.folder)),
  );
  if (settings !== undefined) {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(path.join(root, ".dev.vars"), lines.join(""));
  }
  return { root, [Symbol.asyncDispose]: () => removeFolder(root) };
}

const connectionSchema = z.object({ url: z.url(), token: z.string().min(1) });

/** Where the Jupyter server is that `npm start` set up. */
export async function readConnection({ root }: Project) {
  const text = await readFile(path.join(root, ".jupyter", "connection.json"), "utf8");
  return connectionSchema.parse(JSON.parse(text));
}

/** A new folder under its real name, which is what programs say of where they are. */
export async function temporaryFolder(): Promise<string> {
  return realpath(await mkdtemp(path.join(tmpdir(), "jupyter-edge-e2e-")));
}

/** Removes a folder, in which a process that was just killed may still have files open. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** How a user, a program or a supervisor ends `npm start`. */
export type Stop = "Ctrl-C in a terminal" | "SIGINT to the group" | "SIGTERM to npm";

/** An `npm start` that was begun. Its end, however it comes, leaves no process behind. */
export class Started implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly port: number;
  readonly url: string;
  /** Everything that it printed, in the order of arrival. */
  output = "";
  /** Its exit code. */
  readonly ended: Promise<number | null>;

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.url = `http://localhost:${port}/mcp`;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += stripVTControlCharacters(text);
      });
    }
    this.ended = new Promise((resolve) => {
      child.once("close", (code) => resolve(code));
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("npm could not be started");
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits until it says that it is ready. */
  async ready(): Promise<this> {
    await eventually(
      () => this.output,
      () => this.hasEnded || this.output.includes("Ctrl-C stops it."),
      READY_TIMEOUT_MS,
    );
    if (this.hasEnded) throw new Error(`npm start ended:\n${this.output}`);
    return this;
  }

  /** Ends it as {@link Stop} says, and waits for that. */
  async stop(how: Stop = "SIGINT to the group"): Promise<void> {
    switch (how) {
      case "Ctrl-C in a terminal":
        // A terminal makes the signal of it, for all that run in its foreground.
        this.#child.stdin?.write("\u0003");
        break;
      case "SIGINT to the group":
        process.kill(-this.pid, "SIGINT");
        break;
      case "SIGTERM to npm":
        process.kill(this.pid, "SIGTERM");
        break;
    }
    await this.end();
  }

  /** Waits for the end. */
  async end(): Promise<number | null> {
    await eventually(
      () => this.output,
      () => this.hasEnded,
      STOP_TIMEOUT_MS,
    );
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasEnded) return;
    const pids = [this.pid, ...descendantsOf(this.pid).map(({ pid }) => pid)];
    try {
      await this.stop();
    } finally {
      for (const { pid } of listProcesses()) {
        if (pids.includes(pid)) process.kill(pid, "SIGKILL");
      }
    }
  }
}

/** Where `npm start` is begun. */
export interface Place {
  /** Default: a free one. */
  readonly port?: number;
  /** Whether there is a terminal around it, as for a user. */
  readonly inTerminal?: boolean;
}

const IN_TERMINAL = "import pty; pty.spawn(['npm', 'start'])";

/** Begins `npm start` in a copy of the project. */
export async function begin(project: Project, place: Place = {}): Promise<Started> {
  const { port = await findFreePort(), inTerminal = false } = place;
  const { python } = await preparePythonEnvironment(startEnvironment);
  const [program, args] = inTerminal ? [python, ["-c", IN_TERMINAL]] : ["npm", ["start"]];
  const child = spawn(program, args, {
    cwd: project.root,
    env: { ...environmentOfUser(), PORT: String(port) },
    stdio: [inTerminal ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  return new Started(child, port);
}

/** Runs `npm start` until it is ready. */
export async function start(project: Project, place: Place = {}): Promise<Started> {
  const started = await begin(project, place);
  try {
    return await started.ready();
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}

/** The environment without what npm and vitest added to it: the machine's own Node comes first again. */
export function environmentOfUser(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|VITE|JUPYTER_|NODE_(ENV|OPTIONS|V8_COVERAGE)$|(TEST|DEV|PROD|MODE|SSR|BASE_URL|PORT)$)/.test(
        name,
      ),
  );
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const own = folders.filter((folder) => !/node_modules|node-gyp-bin/.test(folder));
  return { ...Object.fromEntries(entries), PATH: own.join(path.delimiter) };
}
