import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { startTestJupyter } from "./jupyter.ts";
import { startRecorder } from "./recorder.ts";
import { startStrangeServers } from "./strange-servers.ts";

/**
 * Starts two real Jupyter servers, the deployment's, which has jupyter-collaboration,
 * and a person's own, and what is none.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-hosted-"));
  const [team, own] = await Promise.all(
    ["team", "own"].map((name) =>
      startTestJupyter({
        collaboration: name === "team",
        rootDir: path.join(folder, name),
        runtimeDir: path.join(folder, `${name}-runtime`),
      }),
    ),
  );
  if (team === undefined || own === undefined) throw new Error("no servers");
  const teamRecorder = await startRecorder(team.port);
  const ownRecorder = await startRecorder(own.port);
  const strange = await startStrangeServers();
  project.provide("teamServer", {
    port: teamRecorder.port,
    token: team.token,
    controlPort: teamRecorder.controlPort,
  });
  project.provide("ownServer", {
    port: ownRecorder.port,
    token: own.token,
    controlPort: ownRecorder.controlPort,
  });
  project.provide("strangeServers", strange.ports);
  return async () => {
    for (const each of [teamRecorder, ownRecorder, strange])
      await each[Symbol.asyncDispose]();
    await Promise.all([team.stop(), own.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
}
