import { ExpectedError } from "../errors.ts";
import {
  type HubServerAddress,
  serverState,
  whenRunning,
} from "../jupyter/hub-server.ts";
import type { ServerState } from "../jupyter/hub.ts";

/** A chain of calls asks the Hub once; what it says of a token or a server is believed no longer. */
const BELIEVED_MS = 10_000;
const MAX_KEPT = 1_000;

/**
 * What the Hub says of people's tokens and servers. It is asked before a call is
 * served, because a server itself goes on taking a token for minutes after it was
 * revoked, and one that does not run answers as if the token were wrong.
 */
export class HubAccess {
  readonly #said = new Map<
    string,
    { readonly at: number; readonly state: ServerState }
  >();

  /** Whether the Hub takes the token. A Hub that does not answer does not sign people out: their server may run. */
  async isSignedIn(address: HubServerAddress): Promise<boolean> {
    if (this.#believed(address) !== null) return true;
    try {
      this.#keep(address, await serverState(address));
      return true;
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      return error.failure.code !== "signed_out";
    }
  }

  /**
   * Resolves once the person's server runs; starts it where it does not.
   *
   * @throws {ExpectedError} as `whenRunning` does, but not where the Hub does not answer
   */
  async whenRunning(
    address: HubServerAddress,
    report: (words: string) => void,
  ): Promise<void> {
    if (this.#believed(address) === "ready") return;
    try {
      await whenRunning(address, report);
      this.#keep(address, "ready");
    } catch (error) {
      const isUnreachable =
        error instanceof ExpectedError && error.failure.code === "jupyter_unreachable";
      if (!isUnreachable) throw error;
    }
  }

  /** Believes nothing of a server any more: it was found stopped. */
  doubt(address: HubServerAddress): void {
    this.#said.delete(keyOf(address));
  }

  #believed(address: HubServerAddress): ServerState | null {
    const said = this.#said.get(keyOf(address));
    return said === undefined || said.at < Date.now() - BELIEVED_MS ? null : said.state;
  }

  #keep(address: HubServerAddress, state: ServerState): void {
    if (this.#said.size >= MAX_KEPT) this.#said.clear();
    this.#said.set(keyOf(address), { at: Date.now(), state });
  }
}

function keyOf({ httpUrl, token }: HubServerAddress): string {
  return `${httpUrl} ${token}`;
}
