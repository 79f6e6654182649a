import { ExpectedError, type Failure } from "../errors.ts";
import {
  type HubServerAddress,
  serverState,
  whenRunning,
} from "../jupyter/hub-server.ts";

/** A chain of calls asks the Hub once; what it says of a token or a server is believed no longer. */
const BELIEVED_MS = 10_000;
const MAX_KEPT = 1_000;

/** What a Hub says that has heard what it was asked. */
const HUBS_WORDS: ReadonlySet<string> = new Set<Failure["code"]>([
  "signed_out",
  "server_starting",
  "server_start_failed",
  "server_limit",
]);

/**
 * What the Hub says of people's tokens and servers. It is asked before a call is
 * served, because a server itself goes on taking a token for minutes after it was
 * revoked, and one that does not run answers as if the token were wrong.
 */
export class HubAccess {
  readonly #signedIn = new Recently();
  readonly #running = new Recently();

  /** Whether the Hub takes the token. A Hub that does not answer does not sign people out: their server may run. */
  async isSignedIn(address: HubServerAddress): Promise<boolean> {
    if (this.#signedIn.has(keyOf(address))) return true;
    try {
      await serverState(address);
      this.#signedIn.add(keyOf(address));
      return true;
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      return error.failure.code !== "signed_out";
    }
  }

  /**
   * Resolves once the person's server runs; starts it where it does not.
   *
   * @throws {ExpectedError} what the Hub says of the token or the start. A Hub that
   *   cannot be asked keeps nobody from a server that may run
   */
  async whenRunning(
    address: HubServerAddress,
    report: (words: string) => void,
  ): Promise<void> {
    if (this.#running.has(keyOf(address))) return;
    try {
      await whenRunning(address, report);
      this.#running.add(keyOf(address));
    } catch (error) {
      const isHubsWord =
        !(error instanceof ExpectedError) || HUBS_WORDS.has(error.failure.code);
      if (isHubsWord) throw error;
    }
  }

  /** Believes nothing of a server any more: it was found stopped. */
  doubt(address: HubServerAddress): void {
    this.#running.delete(keyOf(address));
  }
}

/** What was found to be so a moment ago. */
class Recently {
  readonly #seenAt = new Map<string, number>();

  has(key: string): boolean {
    return (this.#seenAt.get(key) ?? 0) > Date.now() - BELIEVED_MS;
  }

  add(key: string): void {
    if (this.#seenAt.size >= MAX_KEPT) this.#seenAt.clear();
    this.#seenAt.set(key, Date.now());
  }

  delete(key: string): void {
    this.#seenAt.delete(key);
  }
}

function keyOf({ httpUrl, token }: HubServerAddress): string {
  return `${httpUrl} ${token}`;
}
