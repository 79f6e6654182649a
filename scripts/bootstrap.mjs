/**
 * Runs one of the project's scripts on a machine that has nothing but Node 20:
 *
 *     node scripts/bootstrap.mjs scripts/start.ts
 *
 * It installs what the script needs, then runs it with the project's own Node.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installNodePackages, projectNode } from "./node-packages.mjs";
import {
  preparePythonEnvironment,
  startEnvironment,
  testEnvironment,
} from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = 20;
const PROGRESS_EVERY_MS = 10_000;
const PARENT_CHECK_EVERY_MS = 500;
/** One Ctrl-C can arrive more than once: from the terminal, and passed on by npm. */
const SECOND_SIGNAL_AFTER_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

const [target, ...args] = process.argv.slice(2);

try {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(
      `This needs Node ${OLDEST_NODE} or newer, and this is Node ${process.versions.node}. ` +
        "Install a newer one from nodejs.org.",
    );
  }
  if (!target)
    throw new SetupError("Say which script to run: node scripts/bootstrap.mjs FILE.");
  await setUp();
  run();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function setUp() {
  const controller = new AbortController();
  let firstAt;
  const stop = (signal) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      process.exitCode = 128 + constants.signals[signal];
      console.log("\nStopping; the next start goes on from here.");
      controller.abort();
    } else if (Date.now() - firstAt > SECOND_SIGNAL_AFTER_MS) {
      process.exit();
    }
  };
  for (const signal of SIGNALS) process.on(signal, stop);

  const startedAt = Date.now();
  const pending = new Set();
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    console.log(`Still working on the ${[...pending].join(" and the ")} (${seconds} s).`);
  }, PROGRESS_EVERY_MS);
  const track = async (name, work) => {
    pending.add(name);
    await work;
    pending.delete(name);
  };

  const options = { say: console.log, signal: controller.signal };
  const plan = await environmentFor(target);
  const tasks = [track("npm packages", installNodePackages(ROOT, options))];
  if (plan)
    tasks.push(track("Python environment", preparePythonEnvironment(plan, options)));
  try {
    await Promise.all(tasks);
  } catch (error) {
    const isStopped = controller.signal.aborted;
    controller.abort();
    await Promise.allSettled(tasks);
    if (!isStopped) throw error;
    process.exit();
  } finally {
    clearInterval(progress);
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** The Python environment that a script will ask for, so that it is made while npm is busy. */
async function environmentFor(script) {
  switch (path.relative(ROOT, path.resolve(script)).split(path.sep).join("/")) {
    case "scripts/start.ts":
      return (await namesJupyterServer()) ? undefined : startEnvironment;
    case "scripts/test.ts":
    case "scripts/test-languages.ts":
      return testEnvironment;
    default:
      return undefined;
  }
}

/** A first look, for want of a parser in Node 20.0. start.ts decides, and asks for the rest. */
async function namesJupyterServer() {
  const variables = await readFile(path.join(ROOT, ".dev.vars"), "utf8").catch(() => "");
  return /^\s*(export\s+)?JUPYTER_(HOST|PORT|PROTOCOL|WS_PROTOCOL|TOKEN|BASE_PATH)[ \t]*=[ \t]*["'`]?[^\s"'`#]/m.test(
    variables,
  );
}

function run() {
  const bin = path.join(ROOT, "node_modules", ".bin");
  const child = spawn(projectNode(ROOT), [target, ...args], {
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ""}` },
  });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the child as well: once is enough.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  // npm starts us through a shell. Told to end, it ends the shell, which tells nobody.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_CHECK_EVERY_MS);
  child.on("error", (error) => {
    console.error(
      `The project's Node does not run: ${error.message}. Delete node_modules and start again.`,
    );
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}
