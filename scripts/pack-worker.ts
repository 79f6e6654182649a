import { spawn } from "node:child_process";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { OwnedProcess } from "./child-process.ts";
import { lastLines } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";

const TIMEOUT_MS = 120_000;

/**
 * Packs the Worker as a deploy does, unless what is packed is of these very files.
 *
 * @param root the folder with `wrangler.toml`
 * @returns the folder that has it then
 * @throws {SetupError} with what wrangler says of it
 */
export async function packWorker(root: string, signal: AbortSignal): Promise<string> {
  const folder = path.join(root, ".wrangler", "bundle");
  const noteFile = path.join(root, ".wrangler", "packed-from.json");
  const note = JSON.stringify(await sourcesOf(root));
  if ((await readFile(noteFile, "utf8").catch(() => "")) === note) return folder;
  await rm(noteFile, { force: true });
  // What was packed before has other names.
  await rm(folder, { recursive: true, force: true });
  signal.throwIfAborted();
  const child = spawn(
    process.execPath,
    [
      "--no-warnings",
      path.join(root, "node_modules", "wrangler", "wrangler-dist", "cli.js"),
      "deploy",
      "--dry-run",
      `--outdir=${folder}`,
    ],
    {
      cwd: root,
      env: wranglerEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    },
  );
  const wrangler = new OwnedProcess(child);
  const stop = () => wrangler.killAll();
  signal.addEventListener("abort", stop, { once: true });
  const printed = Promise.all([child.stdout, child.stderr].map((stream) => text(stream)));
  if (!(await wrangler.endsWithin(TIMEOUT_MS))) stop();
  const end = await wrangler.ended;
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (end === "exit code 0") {
    await writeFile(noteFile, note);
    return folder;
  }
  const said = stripVTControlCharacters(lastLines((await printed).join("\n")));
  throw new SetupError(`The Worker cannot be packed (${end}):\n${said}`);
}

/** Its files, with their sizes and times. Of what is installed the lock file tells. */
async function sourcesOf(root: string) {
  const sources = await readdir(path.join(root, "src"), { recursive: true });
  const settings = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "wrangler.toml",
  ];
  const names = [...sources.map((name) => path.join("src", name)), ...settings];
  return Promise.all(
    names.toSorted().map(async (name) => {
      const found = await stat(path.join(root, name)).catch(() => null);
      return found?.isFile() === true ? [name, found.size, found.mtimeMs] : [name];
    }),
  );
}

/** For whatever of wrangler's runs here: it says nothing to anybody, and takes its settings from files alone. */
export function wranglerEnvironment(): NodeJS.ProcessEnv {
  // It would select other settings than those at the top of wrangler.toml.
  const { CLOUDFLARE_ENV: _, ...inherited } = process.env;
  return {
    ...inherited,
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
    NO_COLOR: "1",
    // The banner looks for updates.
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    // A log of its own with everything in it that debugging wrangler could need.
    WRANGLER_WRITE_LOGS: "false",
  };
}
