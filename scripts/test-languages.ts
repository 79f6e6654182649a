/**
 * `npm run test:languages`: the tests of languages, with the kernels of R and
 * Rust, which `npm test` does without: they are installed first, and that needs
 * root on Debian or what the message says. The last line counts as that of
 * `npm test` does.
 */
import { conclude, runTests } from "./counted-tests.ts";
import { installLanguageKernels } from "./language-kernels.ts";
import { preparePythonEnvironment, testEnvironment } from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";

try {
  const { python } = await preparePythonEnvironment(testEnvironment);
  await installLanguageKernels({ python, say: console.log });
  const args = ["--project", "languages", ...process.argv.slice(2)];
  conclude(await runTests(args, { TEST_LANGUAGES: "installed" }));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
