import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { lastLines, runCommand } from "../../scripts/command.mjs";
import { INSTALLED_LANGUAGES, kernelsFolder } from "../../scripts/language-kernels.ts";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";
import { SetupError } from "../../scripts/setup-error.mjs";
import { startGateway } from "./gateway.ts";
import { startTestJupyter } from "./jupyter.ts";
import { writeKernelspec } from "./kernelspecs.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");

/**
 * Starts a Jupyter server with the kernels of several languages: those that
 * come with the project's own packages, or in their place those that
 * `npm run test:languages` has installed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { python } = await preparePythonEnvironment(testEnvironment);
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-languages-"));
  const hasInstalled = process.env["TEST_LANGUAGES"] === "installed";
  const own = path.join(folder, "prefix");
  if (!hasInstalled)
    await Promise.all([installBash(python, own), installTypeScript(own)]);
  const jupyter = await startTestJupyter({
    rootDir: path.join(folder, "notebooks"),
    runtimeDir: path.join(folder, "runtime"),
    env: {
      JUPYTER_PATH: path.join(hasInstalled ? kernelsFolder : own, "share", "jupyter"),
      // What kernels keep of their own belongs to the test, and not into a person's home.
      DENO_DIR: path.join(folder, "deno"),
      HISTFILE: path.join(folder, "history"),
    },
  });
  const gateway = await startGateway(jupyter.port);
  project.provide("jupyter", { port: jupyter.port, token: jupyter.token });
  project.provide("gateway", { port: gateway.port, controlPort: gateway.controlPort });
  project.provide(
    "languages",
    hasInstalled ? INSTALLED_LANGUAGES : ["python", "bash", "typescript"],
  );
  return async () => {
    await gateway[Symbol.asyncDispose]();
    await jupyter.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function installBash(python: string, prefix: string): Promise<void> {
  const args = ["-m", "bash_kernel.install", "--prefix", prefix];
  const { ok, output } = await runCommand(python, args);
  if (!ok)
    throw new SetupError(`The Bash kernel could not be installed:\n${lastLines(output)}`);
}

/** As `deno jupyter --install` does, which knows no folder but the person's own. */
async function installTypeScript(prefix: string): Promise<void> {
  const packages = path.join(ROOT, "node_modules", "@deno");
  const [platform] = await readdir(packages).catch((): string[] => []);
  if (platform === undefined) {
    throw new SetupError(
      "The npm package deno has no program for this machine. The tests of TypeScript need one.",
    );
  }
  const name = process.platform === "win32" ? "deno.exe" : "deno";
  const program = path.join(packages, platform, name);
  await writeKernelspec(path.join(prefix, "share", "jupyter"), "deno", {
    argv: [program, "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
  });
}
