import type { OAuthHelpers } from "@cloudflare/workers-oauth-provider";
import type { Person } from "./person.ts";

/**
 * Forgets a person: clients first, so that nothing begins anew, the account last,
 * so that whoever is interrupted can do it again.
 */
export async function forgetEverything(
  env: Env,
  person: Person,
  oauth: OAuthHelpers,
  shutDownKernels: boolean,
): Promise<void> {
  const workspaces = await person.workspaces();
  const { conversations: known } = await person.account.close();
  await revokeAll(oauth, person.principal);
  const names = new Set(known);
  for (const workspace of workspaces)
    for (const name of await workspace.conversationNames()) names.add(name);
  let asksJupyter = shutDownKernels;
  for (const name of names) {
    const conversation = env.CONVERSATION.getByName(name);
    if (asksJupyter) {
      const ended = await conversation.end(true);
      if ("ok" in ended) continue;
      // A server that does not answer keeps its kernels; it is no reason to keep anything here.
      asksJupyter = ended.failure.code === "conversation_not_found";
    }
    await conversation.discard();
  }
  for (const workspace of workspaces) await workspace.forgetAll();
  await person.account.forgetAll();
}

/** Removes the grants, and the tokens that were issued under them, from KV. */
export async function revokeAll(
  oauth: OAuthHelpers,
  principal: string,
  grant?: string,
): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await oauth.listUserGrants(principal, {
      ...(cursor !== undefined && { cursor }),
    });
    for (const { id, metadata } of page.items)
      if (grant === undefined || grantOf(metadata) === grant)
        await oauth.revokeGrant(id, principal);
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** The name that the consent page gave to a grant; it stands readable beside it. */
function grantOf(metadata: unknown): unknown {
  return typeof metadata === "object" && metadata !== null
    ? Reflect.get(metadata, "grant")
    : undefined;
}
