import type { HubPlace, JupyterAddress } from "../config.ts";
import { ExpectedError } from "../errors.ts";
import { JupyterServer, type RefusalJudge } from "./server.ts";
import { Hub, type ServerState } from "./hub.ts";

/** Called with a sign of life while a server starts. */
type Report = (words: string) => void;

/** What a call has left for itself after this is within what clients wait for an answer. */
const PATIENCE_MS = 25_000;
const HEARTBEAT_MS = 5_000;
const ASK_AGAIN_MS = 500;
const PROBE_TIMEOUT_MS = 8_000;

/** An address of a server that a Hub starts. */
export type HubServerAddress = JupyterAddress & { readonly hub: HubPlace };

/** Whether a Hub starts and stops the server. */
export function isBehindHub(address: JupyterAddress): address is HubServerAddress {
  return address.hub !== undefined;
}

/** How a person's server stands. Throws `signed_out` where the Hub does not take the token. */
export async function serverState(address: HubServerAddress): Promise<ServerState> {
  const { servers } = await hubOf(address).user();
  return servers.get(address.hub.server) ?? "stopped";
}

/**
 * Asks the Hub about a refusal: in the place of a server that does not run it
 * redirects, or refuses as if the token were wrong.
 */
export const judgeByHub: RefusalJudge = async (address) => {
  if (!isBehindHub(address)) return null;
  try {
    const state = await serverState(address);
    if (state === "ready" || state === "checked") return null;
    return { code: "server_stopped", host: new URL(address.httpUrl).host };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    // Where the Hub cannot be asked, the refusal stands as it is.
    return error.failure.code === "signed_out" ? error.failure : null;
  }
};

/**
 * Starts a person's server where it does not answer, and waits for it.
 *
 * @throws {ExpectedError} `server_starting` where it takes longer than a call can
 *   wait, and what the Hub says where it does not start
 */
export async function whenRunning(
  address: HubServerAddress,
  report: Report,
): Promise<void> {
  const since = Date.now();
  const deadline = since + PATIENCE_MS;
  const seconds = () => Math.round((Date.now() - since) / 1_000);
  const { host } = new URL(address.httpUrl);
  const hub = hubOf(address);
  const progress = { percent: 0 };
  const tell = (more: string) => report(`The Jupyter server is starting${more}`);
  const heartbeat = setInterval(() => {
    tell(` for ${seconds()} s${progress.percent > 0 ? ` (${progress.percent} %)` : ""}`);
  }, HEARTBEAT_MS);
  try {
    for (;;) {
      const answer = await answerOf(address);
      if (answer === "answers") return;
      if (Date.now() >= deadline)
        throw new ExpectedError({ code: "server_starting", host, seconds: seconds() });
      const state = (await hub.user()).servers.get(address.hub.server) ?? "stopped";
      if (state === "starting") {
        await followed(hub, address, deadline, (percent) => {
          progress.percent = percent;
          tell(` (${percent} %)`);
        });
      } else if (state === "stopped" || (state === "ready" && answer === "is down")) {
        // Of one that has died the Hub may know nothing yet: asked to start it, it looks.
        tell("");
        await started(hub, address);
      }
      await pause(Math.min(ASK_AGAIN_MS, deadline - Date.now()));
    }
  } finally {
    clearInterval(heartbeat);
  }
}

/** Whether Jupyter answers there; a proxy without a way to it leads to the Hub, and one whose way leads nowhere says that it is down. */
async function answerOf(
  address: HubServerAddress,
): Promise<"answers" | "is down" | "leads elsewhere"> {
  try {
    // It says who it is to everybody.
    const server = new JupyterServer({ ...address, token: "" });
    const response = await server.request("/api", { timeoutMs: PROBE_TIMEOUT_MS });
    return response.status === 200 ? "answers" : "leads elsewhere";
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    const { failure } = error;
    return failure.code === "jupyter_unreachable" ? "is down" : "leads elsewhere";
  }
}

/** Asks for a start. One that has failed by now says why only to who follows it. */
async function started(hub: Hub, address: HubServerAddress): Promise<void> {
  try {
    await hub.start(address.hub);
  } catch (error) {
    if (error instanceof ExpectedError && error.failure.code === "server_start_failed")
      await followed(hub, address, Date.now() + PROBE_TIMEOUT_MS, () => undefined);
    throw error;
  }
}

/** Follows a start until it ends, or until the deadline. */
async function followed(
  hub: Hub,
  { httpUrl, hub: place }: HubServerAddress,
  deadline: number,
  onPercent: (percent: number) => void,
): Promise<void> {
  const events = hub.progress(place);
  const late = pause(deadline - Date.now()).then(() => null);
  try {
    for (;;) {
      const event = events.next();
      // Whoever does not wait for it any more does not hear that it failed.
      event.catch(() => undefined);
      const next = await Promise.race([event, late]);
      if (next === null || next.done === true) break;
      const { percent, end, message: detail } = next.value;
      if (end === "failed") {
        const { host } = new URL(httpUrl);
        throw new ExpectedError({ code: "server_start_failed", host, detail });
      }
      if (end === "ready") return;
      onPercent(percent);
    }
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    if (error.failure.code === "server_start_failed") throw error;
    // A proxy may hold events back, or the start has just ended: the Hub is asked instead.
  } finally {
    // It would wait for the event that is awaited above.
    void events.return(undefined).catch(() => undefined);
  }
}

function hubOf({ hub, token, headers }: HubServerAddress): Hub {
  return new Hub({ url: hub.url, token, headers });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
