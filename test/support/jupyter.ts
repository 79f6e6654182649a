import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  type JupyterOptions,
  type JupyterServer,
  startJupyter,
} from "../../scripts/jupyter-server.ts";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";

/**
 * Whether jupyter-collaboration is there, or there and switched off, by its own setting;
 * or there beside an extension that runs cells in another way, as jupyter_server_nbmodel
 * does, and switches off the part that it stands for.
 */
export type Collaboration = boolean | "switched off" | "other executor";

/** How a test wants its server: `python` is that of the tests. */
export interface TestJupyterOptions extends Omit<JupyterOptions, "python"> {
  /** Whether jupyter-collaboration, which the environment of the tests has, is on. Default: it is off. */
  readonly collaboration?: Collaboration;
}

/** Starts a Jupyter server in the environment of the tests. */
export async function startTestJupyter(
  options: TestJupyterOptions,
): Promise<JupyterServer> {
  const { collaboration = false, ...rest } = options;
  const { python } = await preparePythonEnvironment(testEnvironment);
  await setCollaboration(options.runtimeDir, collaboration);
  return startJupyter({ ...rest, python });
}

/** Switches jupyter-collaboration on or off for a server, from its next start on: in the server and in JupyterLab. */
export async function setCollaboration(
  runtimeDir: string,
  wanted: Collaboration,
): Promise<void> {
  const config = path.join(runtimeDir, "config");
  const is = wanted !== false;
  await write(path.join(config, "jupyter_server_config.d", "collaboration.json"), {
    ServerApp: {
      jpserver_extensions: { jupyter_server_ydoc: is, jupyter_server_fileid: is },
    },
  });
  await write(path.join(config, "jupyter_jupyter_server_ydoc_config.json"), {
    // Rooms are cleaned up soon when everybody has left.
    YDocExtension: { disable_rtc: wanted === "switched off", document_cleanup_delay: 1 },
  });
  await write(path.join(config, "labconfig", "page_config.json"), {
    disabledExtensions: {
      "@jupyter/collaboration-extension": !is,
      "@jupyter/docprovider-extension": !is,
      "@jupyter/docprovider-extension:notebook-cell-executor":
        wanted === "other executor",
    },
  });
}

async function write(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(value));
}
