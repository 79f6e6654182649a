/**
 * The time from the clone to the first result in a client, and its parts. Most
 * parts show in a file that `npm start` writes when it is done with one.
 */
import { execFile, spawn } from "node:child_process";
import { access, cp } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { OwnedProcess } from "../scripts/child-process.ts";
import { findFreePort } from "../scripts/ports.ts";
import { connectModern, runToEnd } from "./mcp-client.ts";
import { openTemporaryFolder } from "./stack.ts";

const ROOT = path.dirname(import.meta.dirname);
/** What belongs to a working tree and would not be in a clone. */
const NOT_CLONED = new Set([
  ".dev.vars",
  ".git",
  ".jupyter",
  ".wrangler",
  "node_modules",
  "notebooks",
]);

const POLL_EVERY_MS = 20;
const TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 25_000;

/** Clones the project, starts it, runs code in it, and prints how long each part took. */
export async function measureStart(): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const folder = path.join(await openTemporaryFolder(opened), "project");
  const port = await findFreePort();
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7);
  const tell = (what: string) => console.log(`${seconds()} s  ${what}`);
  console.log("");

  tell(`${await makeClone(folder)}`);
  const child = spawn("npm", ["start"], {
    cwd: folder,
    env: ofANewTerminal(port),
    stdio: ["ignore", "ignore", "inherit"],
    detached: process.platform !== "win32",
    shell: process.platform === "win32",
  });
  const npmStart = new OwnedProcess(child);
  opened.defer(() => stop(npmStart));
  const inFolder = (...names: string[]) => path.join(folder, ...names);
  const parts = [
    waitForFile(inFolder("node_modules", ".package-lock.json"), timeout).then(() =>
      tell("npm packages installed"),
    ),
    waitForFile(inFolder(".jupyter", "environment", "complete.json"), timeout).then(() =>
      tell("Python environment made (beside the npm packages)"),
    ),
    waitForFile(inFolder(".jupyter", "connection.json"), timeout).then(() =>
      tell("Jupyter answers"),
    ),
    waitForAnswer(`http://localhost:${port}/health`, timeout).then(() =>
      tell("the Worker answers (beside Jupyter)"),
    ),
  ];
  await Promise.race([
    Promise.all(parts),
    npmStart.ended.then((how) => {
      throw new Error(`npm start ended (${how}).`);
    }),
  ]);
  await using client = await connectModern(new URL(`http://localhost:${port}/mcp`));
  tell("a client is connected");
  await runToEnd(client, { code: "1 + 1" });
  tell("first result, from a kernel that was started for it");
}

async function makeClone(folder: string): Promise<string> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", args, { cwd: ROOT })).stdout;
  const changes = await git("status", "--porcelain").catch(() => undefined);
  if (changes === "") {
    await git("clone", "--quiet", ROOT, folder);
    return "cloned";
  }
  // Only a clone of what is committed would measure something else.
  await cp(ROOT, folder, {
    recursive: true,
    filter: (source) => !NOT_CLONED.has(path.relative(ROOT, source)),
  });
  return "copied, as the working tree has changes that a clone would not have";
}

/** Without what npm told this script, and without our Node: npm start brings its own. */
function ofANewTerminal(port: number): NodeJS.ProcessEnv {
  const { PATH = "", ...rest } = process.env;
  const inherited = Object.entries(rest).filter(
    ([name]) => !/^npm_(?!config_)|^npm_config_local_prefix$/i.test(name),
  );
  const places = PATH.split(path.delimiter).filter(
    (place) => !place.includes(path.join("node_modules", ".bin")),
  );
  return {
    ...Object.fromEntries(inherited),
    PATH: places.join(path.delimiter),
    PORT: String(port),
  };
}

async function stop(npm: OwnedProcess): Promise<void> {
  if (npm.isRunning) npm.signal("SIGINT");
  await npm.endsWithin(STOP_TIMEOUT_MS);
  npm.killAll();
  await npm.ended;
}

async function waitForFile(file: string, signal: AbortSignal): Promise<void> {
  while (!(await exists(file))) await sleep(POLL_EVERY_MS, undefined, { signal });
}

async function waitForAnswer(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const response = await fetch(url, { signal }).catch(() => undefined);
    await response?.body?.cancel();
    if (response !== undefined) return;
    await sleep(POLL_EVERY_MS, undefined, { signal });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
