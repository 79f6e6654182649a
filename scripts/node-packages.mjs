import { access, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { firstLines, runCommand } from "./command.mjs";
import { withLock } from "./lock.mjs";
import { SetupError } from "./setup-error.mjs";

const ON_WINDOWS = process.platform === "win32";

/** The Node that the project runs on, which comes as a package like any other. */
export function projectNode(root) {
  return path.join(root, "node_modules", "node", "bin", ON_WINDOWS ? "node.exe" : "node");
}

/** Installs what the lockfile names, unless all of it is there. Safe in several processes at once. */
export async function installNodePackages(root, { say, signal }) {
  if (await isInstalled(root)) return;
  await withLock(
    path.join(root, ".jupyter", "node-packages.lock"),
    async () => {
      if (await isInstalled(root)) return;
      say("Installing the npm packages.");
      // First of all, lest what an interruption leaves look complete.
      await rm(recordOf(root), { force: true });
      const [program, ...args] = npmCommand();
      const { ok, output } = await runCommand(
        program,
        [...args, "ci", "--include=dev", "--prefer-offline", "--no-audit", "--no-fund"],
        { cwd: root, signal },
      );
      signal.throwIfAborted();
      if (!ok) {
        throw new SetupError(
          `Installing the npm packages failed. npm said:\n${firstLines(errorsOf(output))}\n` +
            "Correct that (is the network there? the disk full?) and start again.",
        );
      }
      if (!(await exists(projectNode(root)))) {
        throw new SetupError(
          "The npm package `node` was installed without its program, which its install script " +
            "fetches. Allow install scripts (npm config set ignore-scripts false), delete " +
            "node_modules and start again.",
        );
      }
    },
    {
      signal,
      onWait: (pid) =>
        say(`Waiting for process ${pid}, which is installing the npm packages.`),
    },
  );
}

/**
 * npm records what it installed when it is done with all of it, so the record
 * answers for an interrupted installation and for one made by hand alike.
 */
async function isInstalled(root) {
  const [wanted, installed] = await Promise.all([
    readPackages(path.join(root, "package-lock.json")),
    readPackages(recordOf(root)),
  ]);
  if (!wanted)
    throw new SetupError("package-lock.json is missing. Restore it with git checkout.");
  if (!installed || !(await exists(projectNode(root)))) return false;
  return Object.entries(wanted).every(
    // Optional packages are those of other platforms.
    ([place, { version, optional }]) =>
      place === "" || optional || installed[place]?.version === version,
  );
}

function recordOf(root) {
  return path.join(root, "node_modules", ".package-lock.json");
}

async function readPackages(file) {
  try {
    return JSON.parse(await readFile(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

async function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Under npm, the very npm that runs: there is no program of that name to spawn on Windows. */
function npmCommand() {
  const npm = process.env.npm_execpath;
  return npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
}

/** What npm calls an error, without the warnings of tools that ask for a newer Node: they run on Node 24. */
function errorsOf(output) {
  const lines = output.split("\n").filter((line) => !line.includes("EBADENGINE"));
  const errors = lines.filter((line) => /^npm error \S/.test(line));
  return (errors.length > 0 ? errors : lines).join("\n");
}
