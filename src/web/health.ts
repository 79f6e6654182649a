/**
 * `/health`: strangers learn that the Worker answers. How Jupyter is, and what was
 * counted, those learn who may know: local eyes, the deployment's owners, and
 * whoever has `HEALTH_TOKEN`.
 */

import { version } from "../../package.json";
import { isHealthy, type JupyterHealth } from "../jupyter/health.ts";
import { counters } from "../log.ts";
import { adviceFor } from "../mcp/advice.ts";
import type { JupyterState } from "./landing.tsx";

/** What the page needs. */
export interface HealthDeps {
  /** Asks the configured server; null where there is none. */
  readonly checkJupyter: (() => Promise<JupyterHealth>) | null;
  /** Where that is, for local eyes. */
  readonly url?: string | undefined;
}

/** What those see who may know. */
export async function healthReport({ checkJupyter, url }: HealthDeps) {
  const health = (await checkJupyter?.()) ?? null;
  const isWell = health === null || isHealthy(health);
  return {
    status: isWell ? ("ok" as const) : ("failing" as const),
    version,
    jupyter: health === null ? null : { ...inWords(health), ...(url && { url }) },
    counters: counters(Date.now()),
  };
}

/** The same for the page at `/`. */
export function stateOf(health: JupyterHealth, url: string): JupyterState {
  const reason = health.failure === null ? "" : adviceFor(health.failure).message;
  if (!health.answers) return { answers: false, url, reason };
  const { version: found } = health;
  return { answers: true, version: found, url, ...(!isHealthy(health) && { reason }) };
}

/** What everybody sees. */
export const PUBLIC_HEALTH = { status: "ok", version } as const;

/** Whether a request comes with a bearer, and whether that is `HEALTH_TOKEN`. */
export async function bearerOf(
  request: Request,
  healthToken: string,
): Promise<"none" | "right" | "wrong"> {
  const header = request.headers.get("authorization");
  if (header === null) return "none";
  const given = /^bearer +(\S+)$/i.exec(header)?.[1] ?? "";
  if (healthToken === "" || given === "") return "wrong";
  // Of digests, so that nothing is told by how long it takes, not even a length.
  const [a, b] = await Promise.all([given, healthToken].map(digest));
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b)
    ? "right"
    : "wrong";
}

function inWords(health: JupyterHealth) {
  const { checkedAt: at, failure, ...facts } = health;
  const checkedAt = new Date(at).toISOString();
  if (failure === null || isHealthy(health)) return { ...facts, checkedAt };
  // Its advice is for models.
  const { message: reason } = adviceFor(failure);
  return { ...facts, code: failure.code, reason, checkedAt };
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
