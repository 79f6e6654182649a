import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { startJupyter } from "../../scripts/jupyter-server.ts";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";
import { startGateway } from "./gateway.ts";

/**
 * Starts a real Jupyter server, as `npm start` does, with a gateway before it,
 * and one with Jupyter's own settings that has a base path and no token.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { python } = await preparePythonEnvironment(testEnvironment);
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-"));
  const jupyter = await startJupyter({
    python,
    rootDir: path.join(folder, "notebooks"),
    runtimeDir: path.join(folder, "runtime"),
  });
  const open = await startJupyter({
    python,
    rootDir: path.join(folder, "open-notebooks"),
    runtimeDir: path.join(folder, "open-runtime"),
    token: "",
    basePath: "/user/ada",
    plain: true,
  });
  const gateway = await startGateway(jupyter.port);
  project.provide("jupyter", { port: jupyter.port, token: jupyter.token });
  project.provide("openJupyter", { port: open.port, basePath: "/user/ada" });
  project.provide("gateway", { port: gateway.port, controlPort: gateway.controlPort });
  return async () => {
    await gateway[Symbol.asyncDispose]();
    await Promise.all([jupyter.stop(), open.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
}
