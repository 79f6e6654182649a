import type { TestProject } from "vitest/node";
import setup from "./integration-setup.ts";

/** The same as for the integration tests, with a Jupyter server that has jupyter-collaboration. */
export default function liveSetup(project: TestProject): Promise<() => Promise<void>> {
  return setup(project, true);
}
