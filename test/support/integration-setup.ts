import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";
import { startFaultProxy } from "../../faults/proxy.ts";
import { openFirstRoom } from "./first-room.ts";
import { startGateway } from "./gateway.ts";
import { setCollaboration, startTestJupyter } from "./jupyter.ts";
import { writeKernelspec } from "./kernelspecs.ts";

const STRANGE_KERNEL = path.join(import.meta.dirname, "strange-kernel.py");

/** Others, which the machine may have, are none of these tests' business. */
const KERNELSPECS = ["python3", "strange", "slow", "stillborn"];
/** Longer than the Worker waits for an answer of the REST API. */
const SLOW_SECONDS = 17;

/**
 * Starts a real Jupyter server, as `npm start` does, with a gateway before it,
 * and one with Jupyter's own settings that has a base path and no token.
 *
 * @param collaboration whether the first has jupyter-collaboration
 */
export default async function setup(
  project: TestProject,
  collaboration = false,
): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-"));
  const { python } = await preparePythonEnvironment(testEnvironment);
  const kernels = path.join(folder, "kernels");
  await writeKernelspec(kernels, "strange", {
    argv: [python, STRANGE_KERNEL, "{connection_file}"],
    display_name: "A fake that does what its code says",
    language: "strange",
    interrupt_mode: "message",
  });
  const late = `import time; time.sleep(${SLOW_SECONDS}); import runpy; runpy.run_path(${JSON.stringify(STRANGE_KERNEL)})`;
  await writeKernelspec(kernels, "slow", {
    argv: [python, "-c", late, "{connection_file}"],
    display_name: "The same, after a while",
    language: "strange",
  });
  await writeKernelspec(kernels, "stillborn", {
    argv: [python, "-c", "raise SystemExit(1)"],
    display_name: "Ends as soon as it is started",
    language: "none",
  });
  const runtimeDir = path.join(folder, "runtime");
  const jupyter = await startTestJupyter({
    rootDir: path.join(folder, "notebooks"),
    runtimeDir,
    collaboration,
    env: { JUPYTER_PATH: kernels },
    args: [`--KernelSpecManager.allowed_kernelspecs=${JSON.stringify(KERNELSPECS)}`],
  });
  if (collaboration) await openFirstRoom(jupyter);
  const open = await startTestJupyter({
    rootDir: path.join(folder, "open-notebooks"),
    runtimeDir: path.join(folder, "open-runtime"),
    token: "",
    basePath: "/user/ada",
    plain: true,
  });
  const faults = await startFaultProxy(jupyter.port, 1);
  const gateway = await startGateway(faults.port, {
    restart: () => jupyter.restart(),
    kill: async () => {
      await jupyter.kill();
      await jupyter.start();
    },
    "with-collaboration": async () => {
      await setCollaboration(runtimeDir, true);
      await jupyter.restart();
    },
    "switched-off-collaboration": async () => {
      await setCollaboration(runtimeDir, "switched off");
      await jupyter.restart();
    },
    "with-other-executor": async () => {
      await setCollaboration(runtimeDir, "other executor");
      await jupyter.restart();
    },
    "without-collaboration": async () => {
      await setCollaboration(runtimeDir, false);
      await jupyter.restart();
    },
  });
  project.provide("collaboration", collaboration);
  project.provide("jupyter", { port: jupyter.port, token: jupyter.token });
  project.provide("openJupyter", { port: open.port, basePath: "/user/ada" });
  project.provide("faults", { controlPort: faults.controlPort });
  project.provide("gateway", { port: gateway.port, controlPort: gateway.controlPort });
  return async () => {
    await gateway[Symbol.asyncDispose]();
    await faults[Symbol.asyncDispose]();
    await Promise.all([jupyter.stop(), open.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
}
