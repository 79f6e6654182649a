/**
 * What jupyter-collaboration adds to a Jupyter server: for each notebook that
 * somebody has open a room, whose document all who are in it share, and which the
 * server itself saves into the file.
 *
 * @see https://jupyterlab-realtime-collaboration.readthedocs.io/en/latest/
 */

import { z } from "zod";
import { ExpectedError, outcomeOf } from "../errors.ts";
import { parse, requestList } from "./kernels.ts";
import { urlPath } from "./paths.ts";
import type { JupyterServer } from "./server.ts";

const sessionSchema = z.object({ fileId: z.string(), sessionId: z.string() });

/** A notebook's room: the file's id, which stays when the file is moved, and the server process's. */
export type RoomSession = z.infer<typeof sessionSchema>;

const statusSchema = z.object({ started: z.string().catch("") });

/** The part of a JupyterLab page that says how it is set up. */
const PAGE_CONFIG = /<script id="jupyter-config-data"[^>]*>([\s\S]*?)<\/script>/;
const pageConfigSchema = z.object({
  disableRTC: z.unknown(),
  disabledExtensions: z.unknown(),
});
/** What connects JupyterLab's documents to their rooms. */
const PROVIDER = "@jupyter/docprovider-extension";
/** The parts of it without which it does not, by their names in this and in earlier versions. The others may be switched off. */
const CONNECTING = ["content-provider", "websocket-provider", "ynotebook", "drive"];
const PROVIDERS = new Set([PROVIDER, ...CONNECTING.map((part) => `${PROVIDER}:${part}`)]);

/**
 * When the server was started, as it says: what holds until it is started again is
 * kept under it. Null where it does not say.
 */
export async function startOf(server: JupyterServer): Promise<string | null> {
  const status = await outcomeOf(() => requestList(server, "/api/status"));
  if ("failure" in status) {
    if (status.failure.code === "jupyter_error") return null;
    throw new ExpectedError(status.failure);
  }
  if (status.ok.status === 404) return null;
  return parse(server, statusSchema, status.ok.json()).started;
}

/**
 * Whether notebooks of this server are edited in rooms: the extension is there,
 * and JupyterLab uses it. Where it is installed and switched off, rooms would
 * open, but whoever has the notebook open would not be in them.
 */
export async function offersRooms(server: JupyterServer): Promise<boolean> {
  // A method that nobody takes: it tells that there is a handler, and does nothing.
  const asked = await outcomeOf(() =>
    server.request("/api/collaboration/session/notebook.ipynb"),
  );
  if ("ok" in asked) return false;
  const { failure } = asked;
  const isThere = failure.code === "jupyter_error" && failure.status === 405;
  if (!isThere) {
    if (failure.code === "jupyter_error") return false;
    throw new ExpectedError(failure);
  }
  return !(await isSwitchedOff(server));
}

async function isSwitchedOff(server: JupyterServer): Promise<boolean> {
  const page = await outcomeOf(() => server.request("/lab"));
  if ("failure" in page) return false;
  const [, json = "{}"] = PAGE_CONFIG.exec(page.ok.text) ?? [];
  const config = pageConfigSchema.safeParse(jsonOf(json));
  if (!config.success) return false;
  const { disableRTC, disabledExtensions } = config.data;
  const disabled = Array.isArray(disabledExtensions)
    ? disabledExtensions
    : Object.entries(disabledExtensions ?? {}).flatMap(([name, is]) =>
        is === false ? [] : [name],
      );
  return disableRTC === true || disabled.some((name) => PROVIDERS.has(String(name)));
}

/** The room of the file at a path, which has to exist; null where the server has no rooms any more. */
export async function roomSession(
  server: JupyterServer,
  path: string,
): Promise<RoomSession | null> {
  const url = `/api/collaboration/session/${urlPath(path)}`;
  const body = { format: "json", type: "notebook" };
  const response = await server.request(url, { method: "PUT", body });
  return response.status === 404 ? null : parse(server, sessionSchema, response.json());
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
