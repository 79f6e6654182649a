import type { JupyterAddress } from "../src/config.ts";

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * What is wrong with the Jupyter server that `.dev.vars` names, as a sentence
 * and what to do; nothing when it answers and takes the token.
 */
export async function describeProblem({
  httpUrl,
  token,
}: JupyterAddress): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(httpUrl);
  const place = `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;

  const version = await request(`${httpUrl}/api`, "");
  if (version instanceof Error) {
    return (
      `No Jupyter server answers at ${place} (${reasonOf(version)}). ` +
      "Start it, or correct JUPYTER_HOST and JUPYTER_PORT in .dev.vars."
    );
  }
  // A login in front of the server may guard this address too.
  const asksWho = [301, 302, 303, 307, 401, 403].includes(version.status);
  if (!asksWho && !(version.ok && (await isVersion(version)))) {
    return (
      `What answers at ${httpUrl} is not a Jupyter server (HTTP ${version.status} for /api). ` +
      "Correct JUPYTER_HOST, JUPYTER_PORT and JUPYTER_BASE_PATH in .dev.vars."
    );
  }

  const status = await request(`${httpUrl}/api/status`, token);
  if (status instanceof Error) {
    return `The Jupyter server at ${place} stopped answering (${reasonOf(status)}).`;
  }
  if (status.ok) return undefined;
  if (status.status >= 500) {
    return `The Jupyter server at ${place} fails with HTTP ${status.status}. See its log.`;
  }
  return token === ""
    ? `The Jupyter server at ${place} wants a token. Set JUPYTER_TOKEN in .dev.vars.`
    : `The Jupyter server at ${place} rejects the token (HTTP ${status.status}). ` +
        "Correct JUPYTER_TOKEN in .dev.vars.";
}

async function request(url: string, token: string): Promise<Response | Error> {
  try {
    return await fetch(url, {
      headers: token === "" ? {} : { Authorization: `token ${token}` },
      redirect: "manual",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function isVersion(response: Response): Promise<boolean> {
  const body: unknown = await response.json().catch(() => undefined);
  return typeof body === "object" && body !== null && "version" in body;
}

function reasonOf(error: Error): string {
  if (error.name === "TimeoutError")
    return `no answer within ${REQUEST_TIMEOUT_MS / 1_000} s`;
  const cause =
    error.cause instanceof AggregateError ? error.cause.errors[0] : error.cause;
  const code: unknown =
    cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is not known";
    default:
      return cause instanceof Error ? cause.message : error.message;
  }
}
