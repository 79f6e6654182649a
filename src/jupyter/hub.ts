import { z } from "zod";
import type { HubPlace, JupyterAddress } from "../config.ts";
import { escapedHubName } from "../credentials.ts";
import { ExpectedError, type Failure } from "../errors.ts";
import { JupyterServer, type JupyterRequest, type JupyterResponse } from "./server.ts";

/** How a person's server stands; `checked` while a Hub that was restarted looks for it. */
export type ServerState = "ready" | "starting" | "stopping" | "stopped" | "checked";

/** What a Hub says of whoever has a token. */
export interface HubUser {
  readonly name: string;
  /** Of the servers that run, start or stop. */
  readonly servers: ReadonlyMap<string, ServerState>;
}

/** What a Hub says of a server that starts. Its words are data. */
export interface StartProgress {
  /** 0 to 100. */
  readonly percent: number;
  /** Null while it starts. */
  readonly end: "ready" | "failed" | null;
  readonly message: string;
}

/** A server of the Hub is waited for this long before it is asked how it stands. */
const START_TIMEOUT_MS = 20_000;
const MAX_EVENT_CHARS = 100_000;
const MAX_DETAIL_CHARS = 300;

const userSchema = z.object({
  name: z.string().min(1),
  servers: z
    .record(
      z.string(),
      z.object({ ready: z.boolean(), pending: z.string().nullish() }).loose(),
    )
    .default({}),
});

const versionSchema = z.object({ version: z.string() });

const eventSchema = z.object({
  progress: z.number().catch(0),
  ready: z.boolean().optional(),
  failed: z.boolean().optional(),
  message: z.string().catch(""),
});

/**
 * A JupyterHub, as far as a person's own token reaches: who they are, how their
 * server stands, and its start.
 *
 * @see https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
 */
export class Hub {
  readonly #api: JupyterServer;

  constructor({ url, token, headers }: HubAddress) {
    this.#api = new JupyterServer({
      httpUrl: `${url}/hub`,
      // No socket is opened to a Hub.
      wsUrl: `${url}/hub`,
      token,
      headers,
    });
  }

  /**
   * Whose token it is.
   *
   * @throws {ExpectedError} `signed_out` for a token that the Hub does not take (any more)
   */
  async user(): Promise<HubUser> {
    const response = await this.#request("GET", "/api/user");
    const parsed = userSchema.safeParse(response.json());
    // What is no user is a service, or no Hub.
    if (!parsed.success) throw this.#notHub("it does not say whose the token is");
    const servers = Object.entries(parsed.data.servers).map(
      ([name, { ready, pending }]) => [name, stateOf(ready, pending ?? null)] as const,
    );
    return { name: parsed.data.name, servers: new Map(servers) };
  }

  /**
   * Asks for a person's server. Resolves when it is ready, or takes longer.
   *
   * @throws {ExpectedError} where the Hub refuses, or the start has failed by now
   */
  async start(place: HubPlace): Promise<void> {
    try {
      const response = await this.#request("POST", pathOf(place), START_TIMEOUT_MS);
      if (response.status === 404)
        throw this.#failed("server_start_failed", "there is no such user or server");
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      const { failure } = error;
      // It may have been heard: how the server stands is asked next.
      if (failure.code === "jupyter_unreachable" && failure.reason === "timeout") return;
      if (failure.code === "rate_limited") throw this.#failed("server_limit", "");
      if (failure.code !== "jupyter_error") throw error;
      // It runs, starts or stops already.
      if (failure.status === 400 && /running|pending/.test(failure.detail)) return;
      throw this.#failed("server_start_failed", failure.detail);
    }
  }

  /** What is told of a start while it goes on. It ends when there is nothing more to tell. */
  async *progress(place: HubPlace): AsyncGenerator<StartProgress> {
    const stream = await this.#api.stream(`${pathOf(place)}/progress`);
    if (stream === null) return;
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of stream.body) {
      rest += decoder.decode(bytes, { stream: true });
      if (rest.length > MAX_EVENT_CHARS) return;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = eventOf(line);
        if (event !== null) yield event;
      }
    }
  }

  async #request(
    method: "GET" | "POST",
    path: string,
    timeoutMs?: number,
  ): Promise<JupyterResponse> {
    try {
      const options = timeoutMs === undefined ? { method } : { method, timeoutMs };
      return await this.#asked(path, options);
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      const isRefused =
        error.failure.code === "token_rejected" && !error.failure.loginPage;
      if (isRefused && (await this.#isThere()))
        throw new ExpectedError({ code: "signed_out" }, { cause: error });
      throw error;
    }
  }

  /** Asks once more where a connection that was kept open had been closed meanwhile: what the Hub says decides too much. */
  async #asked(path: string, options: JupyterRequest): Promise<JupyterResponse> {
    try {
      return await this.#api.request(path, options);
    } catch (error) {
      const isLost =
        error instanceof ExpectedError &&
        error.failure.code === "jupyter_unreachable" &&
        error.failure.reason === "network";
      if (!isLost || options.method !== "GET") throw error;
      return this.#api.request(path, options);
    }
  }

  /** Whether it is the Hub that answers, and not a gate in front of it that lets nobody through for now. */
  async #isThere(): Promise<boolean> {
    try {
      const response = await this.#api.request("/api");
      return versionSchema.safeParse(response.json()).success;
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      return false;
    }
  }

  #failed(code: "server_start_failed" | "server_limit", detail: string): ExpectedError {
    return new ExpectedError({ code, host: this.#api.host, detail });
  }

  #notHub(detail: string): ExpectedError {
    const failure: Failure = { code: "not_jupyter", host: this.#api.host, detail };
    return new ExpectedError(failure);
  }
}

/** Where a Hub is, and a person's token for it. */
export interface HubAddress extends Pick<JupyterAddress, "token" | "headers"> {
  readonly url: string;
}

function pathOf({ user, server }: HubPlace): string {
  const which = server === "" ? "server" : `servers/${escapedHubName(server)}`;
  return `/api/users/${escapedHubName(user)}/${which}`;
}

function stateOf(ready: boolean, pending: string | null): ServerState {
  switch (pending) {
    case null:
      return ready ? "ready" : "stopped";
    case "spawn":
      return "starting";
    case "stop":
      return "stopping";
    default:
      return "checked";
  }
}

/** A line of a stream of events; null for what is none, as the signs of life are. */
function eventOf(line: string): StartProgress | null {
  if (!line.startsWith("data:")) return null;
  try {
    const parsed = eventSchema.safeParse(JSON.parse(line.slice("data:".length)));
    if (!parsed.success) return null;
    const { progress, ready, failed, message } = parsed.data;
    const end = failed === true ? "failed" : ready === true ? "ready" : null;
    return {
      percent: Math.round(Math.min(100, Math.max(0, progress))),
      end,
      message: message.slice(0, MAX_DETAIL_CHARS),
    };
  } catch {
    return null;
  }
}
