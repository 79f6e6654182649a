/**
 * `npm test`: the checks of `npm run check`, then all tests. Whatever fails,
 * the rest is run too. The last line counts both: `12 passed, 0 failed`.
 */
import path from "node:path";
import { runCommand } from "./command.mjs";
import { conclude, runTests, type Count } from "./counted-tests.ts";
import {
  preparePythonEnvironment,
  startEnvironment,
  testEnvironment,
} from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";

const ROOT = path.dirname(import.meta.dirname);

/** The scripts of package.json that look at the code without running it. */
const CHECKS = ["types", "lint", "format:check"];

try {
  const [checks] = await Promise.all([
    runChecks(),
    preparePythonEnvironment(testEnvironment),
    // The end-to-end tests run `npm start`.
    preparePythonEnvironment(startEnvironment),
  ]);
  const tests = await runTests(process.argv.slice(2));
  conclude({
    passed: checks.passed + tests.passed,
    failed: checks.failed + tests.failed,
  });
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
