import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";

const ROOT = path.dirname(import.meta.dirname);

/** What is read of vitest's JSON report. */
const reportSchema = z.object({
  testResults: z
    .array(
      z.object({
        status: z.string(),
        assertionResults: z.array(
          z.object({
            status: z.string(),
            fullName: z.string().default(""),
            /** Of a test that has passed: what its first attempt said. */
            failureMessages: z.array(z.string()).nullish(),
          }),
        ),
      }),
    )
    .default([]),
});

/** How many tests, or checks, ended how. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** Says how many there were, in the last line, and lets the process fail where one did or none ran. */
export function conclude({ passed, failed }: Count): void {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

/** Runs vitest. `args` select tests, as on its own command line. */
export async function runTests(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Count> {
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-test-"));
  try {
    const report = path.join(folder, "report.json");
    const exitCode = await runVitest(
      [
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...args,
      ],
      env,
    );
    const json = await readFile(report, "utf8").catch(() => "{}");
    for (const line of secondAttempts(json)) console.log(line);
    const counted = countTests(json);
    // An error outside of any test is vitest's to report, and no test's failure.
    if (exitCode !== 0 && counted.failed === 0) return { ...counted, failed: 1 };
    return counted;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runVitest(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const program = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [program, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
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

/** Tests that have passed at their second attempt only, with what the first one said. */
function secondAttempts(report: string): string[] {
  return reportSchema
    .parse(JSON.parse(report))
    .testResults.flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed")
    .flatMap(({ fullName, failureMessages }) => {
      const [said] = failureMessages ?? [];
      const [first = ""] = said?.split("\n") ?? [];
      return said === undefined ? [] : [`second attempt: ${fullName}: ${first}`];
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
