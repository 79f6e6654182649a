/**
 * `npm test`: the checks of `npm run check`, then all tests. Whatever fails,
 * the rest is run too. The last line counts both: `12 passed, 0 failed`.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { runCommand } from "./command.mjs";
import {
  preparePythonEnvironment,
  startEnvironment,
  testEnvironment,
} from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";

const ROOT = path.dirname(import.meta.dirname);

/** The scripts of package.json that look at the code without running it. */
const CHECKS = ["types", "lint", "format:check"];

/** What is read of vitest's JSON report. */
const reportSchema = z.object({
  testResults: z
    .array(
      z.object({
        status: z.string(),
        assertionResults: z.array(z.object({ status: z.string() })),
      }),
    )
    .default([]),
});

interface Count {
  readonly passed: number;
  readonly failed: number;
}

try {
  const [checks] = await Promise.all([
    runChecks(),
    preparePythonEnvironment(testEnvironment),
    // The end-to-end tests run `npm start`.
    preparePythonEnvironment(startEnvironment),
  ]);
  const tests = await runTests(process.argv.slice(2));
  const passed = checks.passed + tests.passed;
  const failed = checks.failed + tests.failed;
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function runChecks(): Promise<Count> {
  // Under npm, the very npm that runs.
  const npm = process.env["npm_execpath"];
  const [program, ...args] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  const results = await Promise.all(
    CHECKS.map(async (name) => {
      const options = { cwd: ROOT };
      const result = await runCommand(program, [...args, "run", name], options);
      console.log(`npm run ${name}: ${result.ok ? "ok" : `failed\n${result.output}`}`);
      return result.ok;
    }),
  );
  const passed = results.filter((ok) => ok).length;
  return { passed, failed: results.length - passed };
}

/** Runs vitest. `args` select tests, as on its own command line. */
async function runTests(args: readonly string[]): Promise<Count> {
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-test-"));
  try {
    const report = path.join(folder, "report.json");
    const exitCode = await runVitest([
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...args,
    ]);
    const counted = countTests(await readFile(report, "utf8").catch(() => "{}"));
    // An error outside of any test is vitest's to report, and no test's failure.
    if (exitCode !== 0 && counted.failed === 0) return { ...counted, failed: 1 };
    return counted;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runVitest(args: readonly string[]): Promise<number> {
  const program = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [program, ...args], {
    cwd: ROOT,
    stdio: "inherit",
  });
  // Whoever ends this process means the tests, which clean up behind themselves.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Counts the tests of vitest's JSON report. A file that fails without a failing test counts as one. */
function countTests(report: string): Count {
  const files = reportSchema.parse(JSON.parse(report)).testResults;
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const withStatus = (status: string) =>
    tests.filter((result) => result.status === status).length;
  const broken = files.filter(
    ({ status, assertionResults }) =>
      status === "failed" &&
      !assertionResults.some((result) => result.status === "failed"),
  );
  return { passed: withStatus("passed"), failed: withStatus("failed") + broken.length };
}
