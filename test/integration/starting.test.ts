import { expect, test } from "vitest";
import { startOf } from "../../src/jupyter/collaboration.ts";
import { listKernels, shutdownKernel } from "../../src/jupyter/kernels.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { listSessions, startSession } from "../../src/jupyter/sessions.ts";
import { jupyterAddress } from "./support.ts";

test("what a server says of its kernels, sessions and itself is to be had while kernels start", async () => {
  const server = new JupyterServer(jupyterAddress());
  const started = Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      startSession(server, `starting-${index}.ipynb`, { name: "python3" }),
    ),
  );
  const said = new Set<string | null>();
  const listed = async () => {
    await Promise.all([listKernels(server), listSessions(server)]);
    said.add(await startOf(server));
    return false;
  };
  // Until they have started, one after the other.
  while (!(await Promise.race([started.then(() => true), listed()]))) continue;
  expect([...said]).toEqual([expect.stringMatching(/^\d{4}-/)]);
  const sessions = await started;
  expect(new Set(sessions.map(({ kernel }) => kernel?.id)).size).toBe(5);
  for (const { kernel } of sessions) await shutdownKernel(server, kernel?.id ?? "");
});
