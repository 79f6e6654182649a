/**
 * A virtual environment counts as set up when its stamp, written last, names
 * the requirements and the Python that are wanted, and its Python runs. One
 * that was interrupted has no stamp and is made anew.
 */
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { lastLines, runCommand } from "./command.mjs";
import { withLock } from "./lock.mjs";
import { SetupError } from "./setup-error.mjs";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const ON_WINDOWS = process.platform === "win32";

const OLDEST_MINOR = 10;
/** The newest 3.x that the pinned versions have wheels for; newer ones are taken for want of better. */
const NEWEST_MINOR = 14;
/** A cold start of Python on a slow disk. */
const PROBE_TIMEOUT_MS = 20_000;

/** What `npm start` runs Jupyter in. */
export const startEnvironment = {
  folder: path.join(ROOT, ".jupyter", "environment"),
  requirements: [path.join(ROOT, "jupyter", "requirements.txt")],
};

/** The same, and what the notebooks of the tests import. */
export const testEnvironment = {
  folder: path.join(ROOT, ".jupyter", "test-environment"),
  requirements: [path.join(ROOT, "test", "support", "requirements.txt")],
};

export async function preparePythonEnvironment(
  { folder, requirements },
  { say = console.log, signal, env = process.env } = {},
) {
  const wanted = await hashOf(requirements);
  const asked = env.PYTHON ? await findPython({ signal, env }) : undefined;
  const existing = () => readEnvironment(folder, wanted, asked, signal);
  const ready = await existing();
  if (ready) return ready;

  const found = asked ?? (await findPython({ signal, env }));
  return withLock(
    `${folder}.lock`,
    async () => {
      // Another process may have made it while this one waited.
      const made = await existing();
      if (made) return made;
      await rm(folder, { recursive: true, force: true });
      await build(folder, requirements, found, { say, signal, env });
      const stamp = { requirements: wanted, python: found.version };
      await writeFile(stampOf(folder), JSON.stringify(stamp));
      return environmentOf(folder, stamp);
    },
    {
      signal,
      onWait: (pid) => say(`Waiting for process ${pid}, which is setting up Python.`),
    },
  );
}

/**
 * The Python to make environments with: `PYTHON` where it is set, otherwise the
 * first on the PATH that is new enough and can make them.
 */
export async function findPython({ signal, env = process.env } = {}) {
  const hasUv = await findUv({ signal, env });
  if (env.PYTHON) {
    const python = await probe([env.PYTHON], { signal, env });
    const problem = python ? problemOf(python, hasUv) : "does not run";
    if (problem) {
      throw new SetupError(
        `PYTHON is set to ${env.PYTHON}, which ${problem}. ` +
          `Set it to a Python 3.${OLDEST_MINOR} or newer, or unset it.`,
      );
    }
    return python;
  }
  let newer;
  const problems = [];
  for (const command of candidates()) {
    const python = await probe(command, { signal, env });
    if (!python) continue;
    const problem = problemOf(python, hasUv);
    if (problem) problems.push(`${python.executable} ${problem}`);
    else if (python.minor <= NEWEST_MINOR) return python;
    else newer ??= python;
  }
  if (newer) return newer;
  const seen = problems.length > 0 ? ` (${[...new Set(problems)].join("; ")})` : "";
  throw new SetupError(
    `No usable Python 3.${OLDEST_MINOR} or newer was found${seen}. ` +
      "Install one from your system's packages or python.org" +
      (seen.includes("virtual environments")
        ? " (Debian and Ubuntu: apt install python3-venv)"
        : "") +
      ", or set PYTHON to where it is.",
  );
}

function* candidates() {
  yield ["python3"];
  yield ["python"];
  for (let minor = NEWEST_MINOR; minor >= OLDEST_MINOR; minor--)
    yield [`python3.${minor}`];
  if (ON_WINDOWS) yield ["py", "-3"];
}

const PROBE = `
import importlib.util, json, sys
print(json.dumps({
  "version": "%d.%d" % sys.version_info[:2],
  "major": sys.version_info[0],
  "minor": sys.version_info[1],
  "executable": sys.executable,
  "hasVenv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))
`;

async function probe([program, ...args], { signal, env }) {
  const { ok, stdout } = await runCommand(program, [...args, "-c", PROBE], {
    signal,
    env: withoutPythonSettings(env),
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  signal?.throwIfAborted();
  if (!ok) return undefined;
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

function problemOf({ version, major, minor, hasVenv }, hasUv) {
  if (major !== 3 || minor < OLDEST_MINOR) return `is Python ${version}`;
  if (!hasVenv && !hasUv) return "cannot make virtual environments";
  return undefined;
}

async function findUv({ signal, env }) {
  const { ok } = await runCommand("uv", ["--version"], {
    signal,
    env,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  return ok;
}

async function build(folder, requirements, python, { say, signal, env }) {
  const place = path.relative(process.cwd(), folder) || folder;
  if (await findUv({ signal, env })) {
    say(`Setting up Python ${python.version} in ${place} with uv.`);
    const failure = await buildWithUv(folder, requirements, python, { signal, env });
    if (!failure) return;
    signal?.throwIfAborted();
    if (!python.hasVenv) throw new SetupError(`uv could not set up Python:\n${failure}`);
    // pip may be configured for a mirror that uv knows nothing of.
    say(`uv failed, trying pip. It said:\n${failure}`);
    await rm(folder, { recursive: true, force: true });
  } else {
    say(`Setting up Python ${python.version} in ${place} with pip.`);
  }
  const failure = await buildWithPip(folder, requirements, python, { signal, env });
  signal?.throwIfAborted();
  if (failure) {
    throw new SetupError(
      `Installing the Python packages failed. pip said:\n${failure}\n` +
        "Check the network connection and the free disk space, then start again.",
    );
  }
}

async function buildWithUv(folder, requirements, python, { signal, env }) {
  return firstFailure(
    [
      // With pip in it, because notebooks use %pip.
      [
        "uv",
        "venv",
        "--quiet",
        "--no-project",
        "--seed",
        "--python",
        python.executable,
        folder,
      ],
      [
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        pythonOf(folder),
        ...listing(requirements),
      ],
    ],
    { signal, env },
  );
}

async function buildWithPip(folder, requirements, python, { signal, env }) {
  return firstFailure(
    [
      [python.executable, "-m", "venv", folder],
      [
        pythonOf(folder),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "-q",
        ...listing(requirements),
      ],
    ],
    { signal, env },
  );
}

async function firstFailure(commands, { signal, env }) {
  for (const [program, ...args] of commands) {
    const { ok, output } = await runCommand(program, args, {
      signal,
      env: withoutPythonSettings(env),
    });
    if (!ok) return lastLines(output) || `${program} ${args.join(" ")} failed`;
  }
  return undefined;
}

function listing(requirements) {
  return requirements.flatMap((file) => ["-r", file]);
}

async function readEnvironment(folder, wanted, asked, signal) {
  let stamp;
  try {
    stamp = JSON.parse(await readFile(stampOf(folder), "utf8"));
  } catch {
    return undefined;
  }
  if (stamp?.requirements !== wanted) return undefined;
  if (asked && asked.version !== stamp.python) return undefined;
  // The Python it was made from may have been removed or replaced.
  const python = await probe([pythonOf(folder)], { signal, env: process.env });
  return python?.version === stamp.python ? environmentOf(folder, stamp) : undefined;
}

function environmentOf(folder, { requirements, python }) {
  return {
    python: pythonOf(folder),
    version: python,
    fingerprint: `${python}-${requirements.slice(0, 16)}`,
  };
}

function pythonOf(folder) {
  return ON_WINDOWS
    ? path.join(folder, "Scripts", "python.exe")
    : path.join(folder, "bin", "python");
}

function stampOf(folder) {
  return path.join(folder, "complete.json");
}

async function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(file)).update("\0");
  return hash.digest("hex");
}

/** Without the settings that make a Python look for packages, or pip put them, elsewhere. */
function withoutPythonSettings(env) {
  const elsewhere = ["PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"];
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !elsewhere.includes(name)),
  );
}
