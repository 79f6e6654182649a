import { rm } from "node:fs/promises";
import path from "node:path";
import { lastLines, runCommand } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * Packs the Worker as a deploy does.
 *
 * @param root the folder with `wrangler.toml`
 * @returns the folder that has it then
 * @throws {SetupError} with what wrangler says of it
 */
export async function packWorker(root: string, signal: AbortSignal): Promise<string> {
  const folder = path.join(root, ".wrangler", "bundle");
  const wrangler = path.join(root, "node_modules", "wrangler", "wrangler-dist", "cli.js");
  const args = ["--no-warnings", wrangler, "deploy", "--dry-run", `--outdir=${folder}`];
  // What was packed before has other names.
  await rm(folder, { recursive: true, force: true });
  const { ok, output } = await runCommand(process.execPath, args, {
    cwd: root,
    env: wranglerEnvironment(),
    signal,
  });
  if (ok) return folder;
  signal.throwIfAborted();
  throw new SetupError(`The Worker cannot be packed:\n${lastLines(output)}`);
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
