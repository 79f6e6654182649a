/** How a Jupyter server is, as far as a few quick requests show. */

import { z } from "zod";
import { ExpectedError, type Failure } from "../errors.ts";
import { offersRooms } from "./collaboration.ts";
import { getVersion, parse, requestList } from "./kernels.ts";
import type { JupyterServer } from "./server.ts";

/** What is known of a server that was asked. */
export type JupyterHealth = {
  readonly is: "Jupyter Server" | "JupyterHub";
  /** When it was asked, in milliseconds since 1970. */
  readonly checkedAt: number;
} & (
  | {
      readonly answers: true;
      readonly version: string;
      /** Until it had said its version. */
      readonly latencyMs: number;
      /** What became of a request that needs a token. */
      readonly token: "accepted" | "rejected" | "not configured" | "unknown";
      /** Why that is unknown. */
      readonly failure: Failure | null;
      /** Kernels that run; null where that was not told. */
      readonly kernels: number | null;
      /** Whether notebooks are edited live; null where that was not told. */
      readonly collaboration: boolean | null;
    }
  | { readonly answers: false; readonly failure: Failure }
);

/** Uptime checkers wait 10 s and more, people less. */
const LIMIT_MS = 5_000;

const statusSchema = z.object({ kernels: z.number().nullable().catch(null) });

/**
 * Asks a server how it is, for 5 seconds at the most.
 *
 * @param hasToken whether a token is configured; one that is not is no failure where people bring their own
 */
export async function healthOf(
  server: JupyterServer,
  hasToken: boolean,
): Promise<JupyterHealth> {
  const about = { is: "Jupyter Server" as const, checkedAt: Date.now() };
  const [version, status, rooms] = await Promise.all([
    versionOf(server),
    within(statusOf(server), server),
    within(offersRooms(server), server),
  ]);
  if ("failure" in version) return { ...about, answers: false, ...version };
  const failure = "failure" in status ? status.failure : null;
  return {
    ...about,
    answers: true,
    version: version.ok.version,
    latencyMs: version.ok.at - about.checkedAt,
    token: tokenState(failure, hasToken),
    failure,
    kernels: "ok" in status ? status.ok.kernels : null,
    collaboration: "ok" in rooms ? rooms.ok : null,
  };
}

/** Asks a Hub, at its address with `/hub`, whether it is there. What is behind it is its people's. */
export async function healthOfHub(hub: JupyterServer): Promise<JupyterHealth> {
  const about = { is: "JupyterHub" as const, checkedAt: Date.now() };
  const version = await versionOf(hub);
  if ("failure" in version) return { ...about, answers: false, ...version };
  return {
    ...about,
    answers: true,
    version: version.ok.version,
    latencyMs: version.ok.at - about.checkedAt,
    token: "not configured",
    failure: null,
    kernels: null,
    collaboration: null,
  };
}

/** Whether runs can be expected to work, as far as that depends on the server and the settings. */
export function isHealthy(health: JupyterHealth): boolean {
  return health.answers && /^(?:accepted|not configured)$/.test(health.token);
}

function versionOf(server: JupyterServer) {
  const asked = getVersion(server).then((version) => ({ version, at: Date.now() }));
  return within(asked, server);
}

async function statusOf(server: JupyterServer): Promise<z.infer<typeof statusSchema>> {
  const response = await requestList(server, "/api/status");
  return parse(server, statusSchema, response.json());
}

function tokenState(failure: Failure | null, hasToken: boolean) {
  if (failure === null) return "accepted" as const;
  if (failure.code !== "token_rejected") return "unknown" as const;
  return hasToken ? ("rejected" as const) : ("not configured" as const);
}

/** What comes of `work` by then. */
async function within<T>(
  work: Promise<T>,
  server: JupyterServer,
): Promise<{ ok: T } | { failure: Failure }> {
  const { promise, resolve } = Promise.withResolvers<{ failure: Failure }>();
  const timer = setTimeout(() => {
    const { host } = server;
    resolve({ failure: { code: "jupyter_unreachable", host, reason: "timeout" } });
  }, LIMIT_MS);
  const done = work.then(
    (ok) => ({ ok }),
    (error: unknown) => {
      if (error instanceof ExpectedError) return { failure: error.failure };
      throw error;
    },
  );
  return Promise.race([done, promise]).finally(() => clearTimeout(timer));
}
