/**
 * The Jupyter server that `npm start` runs when none is configured. Its address
 * and token are kept in `.jupyter/connection.json` from one run to the next:
 * conversations belong to an address. Only one `npm start` at a time works in a
 * folder, so a server that answers there already is one that a crash left
 * behind.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { probeJupyter, requestShutdown, startJupyter } from "./jupyter-server.ts";
import { isAlive } from "./lock.mjs";
import { findFreePort, isPortFree } from "./ports.ts";
import { SetupError } from "./setup-error.mjs";

const SHUTDOWN_TIMEOUT_MS = 15_000;
const POLL_EVERY_MS = 100;

const connectionSchema = z.object({
  url: z.url(),
  token: z.string().min(1),
  port: z.number().int(),
  pid: z.number().int().positive(),
  /** The folder it was written for: a copy of the folder is another server's. */
  root: z.string(),
  /** What the server was started from. */
  fingerprint: z.string(),
});

type Connection = z.infer<typeof connectionSchema>;

export interface EmbeddedOptions {
  /** The folder of the project, with `notebooks/` and `.jupyter/` in it. */
  readonly root: string;
  readonly say: (line: string) => void;
}

/** Where the server is going to be, known before it runs. */
export interface EmbeddedAddress {
  readonly token: string;
  readonly port: number;
  /** The process of an earlier run's server, if it answers there already. */
  readonly runningPid: number | undefined;
}

export interface EmbeddedJupyter {
  /** Resolves when the server ends without {@link stop}. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** Chooses the address: that of the last run wherever it can be had. */
export async function chooseAddress(
  { root, say }: EmbeddedOptions,
  fingerprint: string,
): Promise<EmbeddedAddress> {
  const previous = await readConnection(root);
  if (previous === undefined) {
    return {
      token: randomBytes(24).toString("hex"),
      port: await findFreePort(),
      runningPid: undefined,
    };
  }
  const { url, token, port, pid } = previous;
  if ((await probeJupyter(url, token)) === "ready") {
    if (previous.fingerprint === (await complete(fingerprint, root))) {
      say("The Jupyter server of an earlier run is still there; its kernels are kept.");
      return { token, port, runningPid: pid };
    }
    say("The Jupyter server of an earlier run is still there and outdated; stopping it.");
    await shutDown(url, token, pid);
  }
  if (await isPortFree(port)) return { token, port, runningPid: undefined };
  const replacement = await findFreePort();
  say(
    `Port ${port}, where Jupyter was, is taken by another program; Jupyter moves to port ` +
      `${replacement}. Conversations of earlier runs stay with the old address.`,
  );
  return { token, port: replacement, runningPid: undefined };
}

/** Starts the server, or takes over the one that runs, and writes down where it is. */
export async function openEmbeddedJupyter(
  { root }: EmbeddedOptions,
  { token, port, runningPid }: EmbeddedAddress,
  {
    python,
    fingerprint,
    signal,
  }: { python: string; fingerprint: string; signal: AbortSignal },
): Promise<EmbeddedJupyter> {
  const url = `http://127.0.0.1:${port}`;
  const server =
    runningPid === undefined
      ? await startJupyter({
          python,
          port,
          token,
          rootDir: path.join(root, "notebooks"),
          runtimeDir: path.join(root, ".jupyter", "server"),
          signal,
        })
      : undefined;
  const pid = server?.pid ?? runningPid ?? -1;
  await writeConnection({
    url,
    token,
    port,
    pid,
    root,
    fingerprint: await complete(fingerprint, root),
  });
  return {
    ended: server?.ended ?? new Promise(() => {}),
    stop: () => server?.stop() ?? shutDown(url, token, pid),
  };
}

function connectionFile(root: string): string {
  return path.join(root, ".jupyter", "connection.json");
}

async function readConnection(root: string): Promise<Connection | undefined> {
  try {
    const text = await readFile(connectionFile(root), "utf8");
    const connection = connectionSchema.parse(JSON.parse(text));
    return connection.root === root ? connection : undefined;
  } catch {
    return undefined;
  }
}

async function writeConnection(connection: Connection): Promise<void> {
  const file = connectionFile(connection.root);
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(connection, undefined, 2)}\n`, {
    mode: 0o600,
  });
  await rename(draft, file);
}

/** The environment's fingerprint, and the configuration's. */
async function complete(fingerprint: string, root: string): Promise<string> {
  const config = await readFile(path.join(root, "jupyter", "jupyter_server_config.py"));
  const digest = createHash("sha256").update(config).digest("hex");
  return `${fingerprint}-${digest.slice(0, 16)}`;
}

async function shutDown(url: string, token: string, pid: number): Promise<void> {
  await requestShutdown(url, token);
  const deadline = Date.now() + SHUTDOWN_TIMEOUT_MS;
  while (isAlive(pid)) {
    if (Date.now() > deadline) {
      throw new SetupError(
        `The Jupyter server of an earlier run does not end. End process ${pid} and start again.`,
      );
    }
    await sleep(POLL_EVERY_MS);
  }
}
