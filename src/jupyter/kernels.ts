import { z } from "zod";
import { ExpectedError } from "../errors.ts";
import type { JupyterResponse, JupyterServer } from "./server.ts";

/** Names appear in our own sentences, so that they may be nothing but names. */
const nameSchema = z.string().regex(/^[\w.+-]{1,100}$/);

/** See {@link Kernel}. */
export const kernelSchema = z.object({
  id: nameSchema,
  name: nameSchema,
  last_activity: z.string().catch(""),
  execution_state: nameSchema.catch("unknown"),
  /** WebSockets that are open to this kernel, ours included; null where the server does not say. */
  connections: z.number().nullable().catch(null),
});

/** A running kernel as `GET /api/kernels` describes it. `name` is its kernelspec. */
export type Kernel = z.infer<typeof kernelSchema>;

/** Before a list that failed is asked for again. */
const LIST_PAUSES_MS: readonly number[] = [50, 200, 500];

/**
 * What Jupyter says of its kernels, sessions or status. It fails in the moment in
 * which a kernel, whoever started it, is there and has done nothing yet.
 */
export async function requestList(
  server: JupyterServer,
  path: string,
): Promise<JupyterResponse> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await server.request(path);
    } catch (error) {
      const failure = error instanceof ExpectedError ? error.failure : null;
      const isTheirs = failure?.code === "jupyter_error" && failure.status === 500;
      const pause = LIST_PAUSES_MS[attempt];
      if (!isTheirs || pause === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** All kernels that run on the server. */
export async function listKernels(server: JupyterServer): Promise<Kernel[]> {
  const response = await requestList(server, "/api/kernels");
  if (response.status === 404) throw notJupyter(server);
  return parse(server, z.array(kernelSchema), response.json());
}

/** One kernel, or `null` where the server has none of that id. */
export async function getKernel(
  server: JupyterServer,
  id: string,
): Promise<Kernel | null> {
  const response = await server.request(kernelPath(id));
  return response.status === 404 ? null : parse(server, kernelSchema, response.json());
}

/** Starts a kernel; without a `kernelspec` the server's default one. May take tens of seconds. */
export async function startKernel(
  server: JupyterServer,
  kernelspec: string | null,
): Promise<Kernel> {
  const response = await server
    .request("/api/kernels", {
      method: "POST",
      body: kernelspec === null ? {} : { name: kernelspec },
      timeoutMs: START_TIMEOUT_MS,
    })
    .catch((error: unknown) => {
      throw asStartFailure(error, kernelspec);
    });
  if (response.status === 404) throw notJupyter(server);
  return parse(server, kernelSchema, response.json());
}

/** What a server may take to start a kernel: a first import of a large environment is slow. */
export const START_TIMEOUT_MS = 120_000;

function asStartFailure(error: unknown, kernelspec: string | null): unknown {
  if (!(error instanceof ExpectedError) || error.failure.code !== "jupyter_error")
    return error;
  return new ExpectedError(
    {
      code: "kernel_start_failed",
      kernelspec: kernelspec ?? "default",
      detail: error.failure.detail,
    },
    { cause: error },
  );
}

/** Interrupts a kernel, by signal or by message, as its kernelspec says. False where there is none. */
export async function interruptKernel(
  server: JupyterServer,
  id: string,
): Promise<boolean> {
  const response = await server.request(`${kernelPath(id)}/interrupt`, {
    method: "POST",
  });
  return response.status !== 404;
}

/** Replaces a kernel's process, keeping its id. `null` where there is none. */
export async function restartKernel(
  server: JupyterServer,
  id: string,
): Promise<Kernel | null> {
  const response = await server.request(`${kernelPath(id)}/restart`, {
    method: "POST",
    timeoutMs: START_TIMEOUT_MS,
  });
  return response.status === 404 ? null : parse(server, kernelSchema, response.json());
}

/** Ends a kernel. False where there is none. */
export async function shutdownKernel(
  server: JupyterServer,
  id: string,
): Promise<boolean> {
  const response = await server.request(kernelPath(id), { method: "DELETE" });
  return response.status !== 404;
}

/** The server's version, from the one path of the API that needs no token. */
export async function getVersion(server: JupyterServer): Promise<string> {
  const response = await server.request("/api");
  if (response.status === 404) throw notJupyter(server);
  return parse(server, z.object({ version: z.string() }), response.json()).version;
}

function kernelPath(id: string): string {
  return `/api/kernels/${encodeURIComponent(id)}`;
}

/** Parses an answer of the API; one of another shape did not come from a Jupyter server. */
export function parse<T>(server: JupyterServer, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ExpectedError({
    code: "not_jupyter",
    host: server.host,
    detail: "its answer does not have the form of the Jupyter API",
  });
}

function notJupyter(server: JupyterServer): ExpectedError {
  const detail = "it has no Jupyter API at this address (404)";
  return new ExpectedError({ code: "not_jupyter", host: server.host, detail });
}
