/** What a grant opens, and when it ends: the props of the token that a client calls with. */

import { z } from "zod";
import { isAllowed } from "./auth/oidc.ts";
import type { HubAccess } from "./auth/hub-access.ts";
import type { Config, JupyterAddress } from "./config.ts";
import { addressOf } from "./credentials.ts";
import type { Outcome } from "./errors.ts";
import { isBehindHub } from "./jupyter/hub-server.ts";
import type { GrantProps } from "./web/signing-in.tsx";

const propsSchema: z.ZodType<GrantProps> = z.object({
  principal: z.string().regex(/^[a-z2-7]{52}$/),
  credentials: z.object({
    httpUrl: z.url(),
    wsUrl: z.url(),
    token: z.string(),
    signedInAt: z.number(),
    hubUser: z.string().min(1).optional(),
  }),
  method: z.enum(["jupyter", "jupyterhub", "oidc"]),
  email: z.string().optional(),
  grant: z.string().min(1),
});

/** An issuer is not told when we let people in: after this time it is asked again whether they are still there. */
const OIDC_MAX_AGE_MS = 30 * 24 * 60 * 60_000;

/** Whom a grant is for, and how it reaches their server. */
export interface GrantAccess {
  readonly principal: string;
  readonly address: JupyterAddress;
  readonly props: GrantProps;
}

/** What says whether a grant holds. */
export interface GrantDeps {
  readonly env: Env;
  readonly config: Config;
  readonly hubAccess: HubAccess;
}

/** How a grant reaches its server, or null where it does so no more as the deployment is set now. */
export function accessOf(props: unknown, config: Config): GrantAccess | null {
  const parsed = propsSchema.safeParse(props);
  if (!parsed.success || !isLetIn(parsed.data, config)) return null;
  const address = addressOf(parsed.data.credentials, config);
  return address === null
    ? null
    : { principal: parsed.data.principal, address, props: parsed.data };
}

/** Whom a grant is for, whether it goes on or not; undefined where that cannot be told. */
export function principalOf(props: unknown): string | undefined {
  return propsSchema.safeParse(props).data?.principal;
}

/** Whether a grant goes on: its person has not revoked it, and would be let in again. */
export async function goesOn(props: unknown, deps: GrantDeps): Promise<boolean> {
  const access = accessOf(props, deps.config);
  const { env } = deps;
  if (access === null) return ended(props, env);
  const { principal, grant } = access.props;
  if (!(await env.ACCOUNT.getByName(principal).hasClient(grant))) return false;
  return (await isKnownThere(access, deps)) || ended(props, env);
}

/** Counts a call under a grant. Null where the grant does not go on; a failure where the call has to wait. */
export async function admitted(
  props: unknown,
  deps: GrantDeps,
): Promise<Outcome<null> | null> {
  const access = accessOf(props, deps.config);
  const { env } = deps;
  if (access === null) {
    await ended(props, env);
    return null;
  }
  const { principal, grant } = access.props;
  const outcome = await env.ACCOUNT.getByName(principal).admit(grant);
  if ("failure" in outcome) return outcome.failure.code === "signed_out" ? null : outcome;
  if (await isKnownThere(access, deps)) return outcome;
  await ended(props, env);
  return null;
}

/** Whether the deployment would let the person in again who signed in then. */
function isLetIn(
  { method, email = "", credentials }: GrantProps,
  { signIn }: Config,
): boolean {
  if (method !== signIn?.method) return false;
  if (method !== "oidc") return true;
  const age = Date.now() - credentials.signedInAt;
  return isAllowed(email, signIn.oidc.allowed) && age < OIDC_MAX_AGE_MS;
}

/** Whether the Hub that a server is behind, if there is one, still knows its person by that token. */
async function isKnownThere(
  { address }: GrantAccess,
  { hubAccess }: GrantDeps,
): Promise<boolean> {
  return !isBehindHub(address) || hubAccess.isSignedIn(address);
}

/** The page of its person shows no client that cannot call any more. */
async function ended(props: unknown, env: Env): Promise<false> {
  const parsed = propsSchema.safeParse(props);
  if (!parsed.success) return false;
  const { principal, grant } = parsed.data;
  await env.ACCOUNT.getByName(principal).signOutClient(grant);
  return false;
}
