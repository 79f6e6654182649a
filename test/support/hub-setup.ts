import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";
import { startGateway } from "./gateway.ts";
import { startJupyterHub } from "./jupyterhub.ts";
import { startRecorder } from "./recorder.ts";

/** Starts a real JupyterHub below a path, behind a recorder and a gateway. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { python } = await preparePythonEnvironment(testEnvironment);
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-hub-"));
  const hub = await startJupyterHub({
    python,
    folder,
    basePath: "/jupyter",
    redirectUri: "https://edge.example.com/callback",
  });
  const gateway = await startGateway(hub.port);
  const recorder = await startRecorder(gateway.port);
  const { basePath, password, clientId, clientSecret, adminToken } = hub;
  project.provide("hub", {
    url: `http://127.0.0.1:${recorder.port}${basePath}`,
    controlPort: recorder.controlPort,
    gatewayPort: gateway.controlPort,
    password,
    clientId,
    clientSecret,
    adminToken,
  });
  return async () => {
    await recorder[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
}
