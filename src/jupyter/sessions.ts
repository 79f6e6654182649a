import { z } from "zod";
import { ExpectedError } from "../errors.ts";
import { kernelSchema, parse, requestList, START_TIMEOUT_MS } from "./kernels.ts";
import { nameOf } from "./paths.ts";
import type { JupyterServer } from "./server.ts";

const sessionSchema = z.object({
  id: z.string().catch(""),
  path: z.string().catch(""),
  type: z.string().catch(""),
  kernel: kernelSchema.nullable().catch(null),
});

/** The Sessions API's record that ties a notebook's path to a kernel. */
export type JupyterSession = z.infer<typeof sessionSchema>;

/** All sessions of the server. */
export async function listSessions(server: JupyterServer): Promise<JupyterSession[]> {
  const response = await requestList(server, "/api/sessions");
  return response.status === 404
    ? []
    : parse(server, z.array(sessionSchema), response.json());
}

/** The session of a notebook, which whoever opens it joins; or `null`. */
export async function findSession(
  server: JupyterServer,
  path: string,
): Promise<JupyterSession | null> {
  const sessions = await listSessions(server);
  return (
    sessions.find((session) => session.path === path && session.kernel !== null) ?? null
  );
}

/** What kernel a session is to have: one that runs, or a new one of a kernelspec. */
export type SessionKernel = { readonly id: string } | { readonly name: string };

/**
 * Starts a notebook's session, and its kernel where it is to have a new one.
 * Where the notebook has a session already, Jupyter answers with that one.
 *
 * @throws {ExpectedError} `kernel_start_failed`
 */
export async function startSession(
  server: JupyterServer,
  path: string,
  kernel: SessionKernel,
): Promise<JupyterSession> {
  const kernelspec = "name" in kernel ? kernel.name : kernel.id;
  const failed = (detail: string, cause?: unknown) =>
    new ExpectedError({ code: "kernel_start_failed", kernelspec, detail }, { cause });
  const body = { path, name: nameOf(path), type: "notebook", kernel };
  const response = await server
    .request("/api/sessions", { method: "POST", body, timeoutMs: START_TIMEOUT_MS })
    .catch((error: unknown) => {
      const isTheirs =
        error instanceof ExpectedError && error.failure.code === "jupyter_error";
      throw isTheirs && error.failure.code === "jupyter_error"
        ? failed(error.failure.detail, error)
        : error;
    });
  if (response.status === 404) throw failed("there is no such kernel");
  return parse(server, sessionSchema, response.json());
}

/**
 * Tells the sessions of a file, or of what is in a folder, that it was moved, so
 * that whoever opens it at its new place finds its kernel.
 */
export async function moveSessions(
  server: JupyterServer,
  from: string,
  to: string,
): Promise<void> {
  const sessions = await listSessions(server);
  for (const { id, path, type } of sessions) {
    if (path !== from && !path.startsWith(`${from}/`)) continue;
    const moved = to + path.slice(from.length);
    const body = { path: moved, name: nameOf(moved), type };
    await server.request(`/api/sessions/${encodeURIComponent(id)}`, {
      method: "PATCH",
      body,
    });
  }
}
