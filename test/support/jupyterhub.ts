import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OwnedProcess } from "../../scripts/child-process.ts";
import { findFreePort } from "../../scripts/ports.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const PROXY = "node_modules/configurable-http-proxy/bin/configurable-http-proxy";
/** Migrating its database takes it some seconds on a slow disk. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_EVERY_MS = 100;

/** A JupyterHub that this process started and ends. */
export interface JupyterHub extends AsyncDisposable {
  readonly port: number;
  /** Like `/jupyter`, or empty. */
  readonly basePath: string;
  /** Everybody's. */
  readonly password: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Of a service that may do anything to people and servers. */
  readonly adminToken: string;
}

/** What a Hub is started with. */
export interface JupyterHubOptions {
  /** The interpreter of an environment with jupyterhub in it. */
  readonly python: string;
  /** For its database and people's homes. Made if it is missing. */
  readonly folder: string;
  /** Where people are sent back to. */
  readonly redirectUri: string;
  readonly basePath?: string;
}

/** Starts JupyterHub on 127.0.0.1, with its proxy, and waits until both answer. */
export async function startJupyterHub(options: JupyterHubOptions): Promise<JupyterHub> {
  const { folder, python, redirectUri, basePath = "" } = options;
  const port = await findFreePort();
  const known = {
    port,
    basePath,
    password: "a password for everybody",
    clientId: "service-jupyter-edge-mcp",
    clientSecret: secret(),
    adminToken: secret(),
  };
  await mkdir(path.join(folder, "home"), { recursive: true });
  const settingsFile = path.join(folder, "settings.json");
  const settings = {
    ...known,
    basePath: `${basePath}/`,
    folder,
    redirectUri,
    guide: path.join(ROOT, "docs", "deploy.md"),
    hubPort: await findFreePort(),
    proxyPort: await findFreePort(),
    proxyCommand: [process.execPath, path.join(ROOT, PROXY)],
  };
  await writeFile(settingsFile, JSON.stringify(settings), { mode: 0o600 });
  const logFile = path.join(folder, "hub.log");
  const log = openSync(logFile, "w", 0o600);
  const programs = path.dirname(python);
  const config = path.join(import.meta.dirname, "jupyterhub_config.py");
  const child = spawn(python, ["-m", "jupyterhub", "--config", config], {
    cwd: folder,
    stdio: ["ignore", log, log],
    detached: process.platform !== "win32",
    env: {
      ...process.env,
      PATH: `${programs}${path.delimiter}${process.env["PATH"] ?? ""}`,
      HUB_TEST_SETTINGS: settingsFile,
      JUPYTER_CONFIG_DIR: path.join(folder, "config"),
      JUPYTER_DATA_DIR: path.join(folder, "data"),
      JUPYTER_RUNTIME_DIR: path.join(folder, "runtime"),
    },
  });
  closeSync(log);
  const hub = new OwnedProcess(child);
  const stop = async () => {
    // It ends its servers and its proxy.
    hub.signal("SIGTERM");
    if (!(await hub.endsWithin(STOP_TIMEOUT_MS))) hub.killAll();
    await hub.ended;
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(`http://127.0.0.1:${port}${basePath}/hub/api`))) {
    if (!hub.isRunning || Date.now() > deadline) {
      await stop();
      throw new Error(`JupyterHub did not start:\n${await readFile(logFile, "utf8")}`);
    }
    await sleep(POLL_EVERY_MS);
  }
  return { ...known, [Symbol.asyncDispose]: stop };
}

function secret(): string {
  return randomBytes(32).toString("hex");
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
