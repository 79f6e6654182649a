/** `npm start`: the Worker in workerd, and a Jupyter server for it if none is configured. */
import { chmod, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { ConfigError, parseConfig } from "../src/config.ts";
import { describeProblem } from "./configured-jupyter.ts";
import { namesJupyterServer, readDevVars } from "./dev-vars.ts";
import { chooseAddress, openEmbeddedJupyter } from "./embedded-jupyter.ts";
import { tryLock } from "./lock.mjs";
import { forwardIpv6Loopback, isPortFree } from "./ports.ts";
import { preparePythonEnvironment, startEnvironment } from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";
import { Worker } from "./worker.ts";

const ROOT = path.dirname(import.meta.dirname);
const STATE_DIR = path.join(ROOT, ".jupyter");
const DEFAULT_PORT = 8787;

/** One Ctrl-C can arrive more than once: from the terminal, and passed on by npm. */
const SECOND_SIGNAL_AFTER_MS = 500;

const say = (line: string) => console.log(line);

try {
  const signal = stopSignal();
  process.exitCode = await run(signal);
  if (signal.aborted) say("Stopped.");
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Aborts at the first Ctrl-C. The second ends this process at once, and what it owns with it. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        say("\nStopping. Press Ctrl-C again to end everything at once.");
        controller.abort();
      } else if (Date.now() - firstAt > SECOND_SIGNAL_AFTER_MS) {
        process.exit(130);
      }
    });
  }
  return controller.signal;
}

/** Runs until it is stopped or something ends by itself. Answers with the exit code. */
async function run(signal: AbortSignal): Promise<number> {
  await using opened = new AsyncDisposableStack();
  try {
    const ended = await open(opened, signal);
    if (ended === undefined) return 0;
    console.error(ended);
    return 1;
  } catch (error) {
    if (signal.aborted) return 0;
    throw error;
  }
}

async function open(
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<string | undefined> {
  const port = readPort();
  await mkdir(STATE_DIR, { recursive: true });
  await chmod(STATE_DIR, 0o700);
  // Secrets, perhaps, which nothing reads any more.
  for (const name of ["worker.env", "wrangler.log"])
    await rm(path.join(STATE_DIR, name), { force: true });
  const lock = await tryLock(path.join(STATE_DIR, "start.lock"));
  if (!lock.release) {
    throw new SetupError(
      `npm start is running in this folder already (process ${lock.heldBy}). Stop it first.`,
    );
  }
  opened.defer(lock.release);
  await occupy(port, opened);

  const variables = await readDevVars(path.join(ROOT, ".dev.vars"));
  const jupyter =
    namesJupyterServer(variables) || variables["SIGN_IN"]?.trim() === "jupyterhub"
      ? await useConfiguredServer(variables)
      : await openPrivateServer(variables, opened, signal);

  const worker = Worker.start({
    root: ROOT,
    port,
    settings: jupyter.settings,
    logFile: path.join(STATE_DIR, "worker.log"),
    say,
  });
  opened.defer(() => worker.stop());

  const [warning] = await Promise.all([worker.waitUntilReady(signal), jupyter.ready]);
  if (warning !== undefined) say(warning);
  announce(port, jupyter.files);
  return Promise.race([
    stopped(signal),
    worker.ended.then(
      (how) => `The Worker ended by itself (${how}). See .jupyter/worker.log.`,
    ),
    worker.silence(signal).catch(() => new Promise<never>(() => {})),
    jupyter.ended.then(
      (how) => `Jupyter ended by itself (${how}). See .jupyter/server/jupyter.log.`,
    ),
  ]);
}

interface Jupyter {
  /** The Worker's variables and secrets with it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Resolves when it can be used. */
  readonly ready: Promise<void>;
  readonly ended: Promise<string>;
  /** Where the files are, for a reader. */
  readonly files: string;
}

async function useConfiguredServer(variables: Record<string, string>): Promise<Jupyter> {
  const { jupyter, signIn } = parseVariables(variables);
  const later = {
    settings: variables,
    ready: Promise.resolve(),
    ended: new Promise<never>(() => {}),
  };
  if (signIn?.method === "jupyterhub") {
    say(`Using the servers of JupyterHub at ${signIn.hub.url}.`);
    return { ...later, files: `JupyterHub: ${signIn.hub.url}` };
  }
  // Where people sign in, each of them has a token, and the deployment need not.
  const problem = signIn === null ? await describeProblem(jupyter) : undefined;
  if (problem === undefined) say(`Using the Jupyter server at ${jupyter.httpUrl}.`);
  else say(`${problem} Starting all the same: it may come up later.`);
  return { ...later, files: `Jupyter: ${jupyter.httpUrl}` };
}

async function openPrivateServer(
  variables: Record<string, string>,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Jupyter> {
  const { python, fingerprint } = await preparePythonEnvironment(startEnvironment, {
    say,
    signal,
  });
  const options = { root: ROOT, say };
  const address = await chooseAddress(options, fingerprint);

  const settings = {
    ...variables,
    JUPYTER_PROTOCOL: "http",
    JUPYTER_HOST: "127.0.0.1",
    JUPYTER_PORT: String(address.port),
    JUPYTER_TOKEN: address.token,
  };
  parseVariables(settings);

  say(
    address.runningPid === undefined
      ? "Starting Jupyter and the Worker."
      : "Starting the Worker.",
  );
  const starting = openEmbeddedJupyter(options, address, { python, fingerprint, signal });
  opened.defer(async () => {
    const server = await starting.catch(() => undefined);
    await server?.stop();
  });
  const ready = starting.then(() => {});
  // Whoever waits for it hears of a failure; until somebody does, it is not one of Node's.
  ready.catch(() => {});
  return {
    settings,
    ready,
    ended: ready.then(
      async () => (await starting).ended,
      () => new Promise(() => {}),
    ),
    files: "Files: notebooks/",
  };
}

function parseVariables(
  variables: Record<string, string>,
): ReturnType<typeof parseConfig> {
  try {
    return parseConfig(variables);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new SetupError(`A setting in .dev.vars cannot be used. ${error.message}.`);
  }
}

function readPort(): number {
  const text = process.env["PORT"]?.trim() || String(DEFAULT_PORT);
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupError(`PORT is ${text}. Set it to a number from 1 to 65535.`);
  }
  return port;
}

/** Makes sure that the port is ours under both names of this machine. */
async function occupy(port: number, opened: AsyncDisposableStack): Promise<void> {
  const forwarder = (await isPortFree(port)) ? await forwardIpv6Loopback(port) : "taken";
  if (forwarder === "taken") {
    throw new SetupError(
      `Port ${port} is in use by another program. ` +
        `Stop that program, or set PORT to another one: PORT=${port + 1} npm start`,
    );
  }
  if (forwarder !== undefined) opened.use(forwarder);
}

function announce(port: number, files: string): void {
  const url = `http://localhost:${port}/mcp`;
  const config = { mcpServers: { jupyter: { type: "http", url } } };
  say(
    [
      "",
      `Ready: ${url}`,
      files,
      "",
      "Claude Code:",
      `  claude mcp add --transport http jupyter ${url}`,
      "",
      "Other clients:",
      `  ${JSON.stringify(config)}`,
      "",
      "Ctrl-C stops it.",
      "",
    ].join("\n"),
  );
}

function stopped(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
