import type { ConsentDescription } from "@cloudflare/workers-oauth-provider";
import { shortened } from "../consent.tsx";

/** What a client is called where its person sees it again: with its publisher, where that is verified. */
export function nameOf({ clientName, clientDomain }: ConsentDescription): string {
  const name = shortened(clientName);
  return clientDomain === undefined ? name : `${name} (${clientDomain})`;
}

/**
 * What tells whether a client that is let in takes the place of an earlier one,
 * as the OAuth library has it: all people share the id of a client that publishes
 * itself, and its installations differ by where they are sent to.
 */
export function installationOf(description: ConsentDescription): string {
  const { clientId, clientDomain, redirectUri } = description;
  return clientDomain === undefined ? clientId : `${clientId} ${redirectUri}`;
}
