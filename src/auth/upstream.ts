/**
 * People who have an account elsewhere: the browser is sent there and comes back
 * with a code, which the Worker exchanges. What holds the two halves together
 * (state, one use, one browser) is the OAuth library's; PKCE and what comes back
 * are checked here.
 */

import * as oauth from "oauth4webapi";
import type { Log } from "../log.ts";
import { wholeBody } from "../jupyter/whole-body.ts";

/** Where people have their account. */
export interface Upstream {
  /** For the pages: the host at which people sign in. */
  readonly host: string;
  /** Finds out where the browser is to be sent. */
  begin(): Promise<Beginning | { readonly problem: UpstreamProblem }>;
  /** Who came back to `callback`. */
  finish(
    callback: URL,
    visit: Visit,
  ): Promise<UpstreamIdentity | { readonly problem: UpstreamProblem }>;
}

/** A service that is there. */
export interface Beginning {
  /** Where the browser is sent for a visit. */
  urlFor(visit: Visit): Promise<URL>;
}

/** What is kept between the two halves of a sign-in, beside its state. */
export interface Visit {
  readonly state: string;
  readonly verifier: string;
  readonly nonce: string;
}

/** Who somebody is, and what they reach Jupyter with where that comes along. */
export interface UpstreamIdentity {
  readonly principal: string;
  /** A verified address, in lower case. */
  readonly email?: string;
  readonly hub?: { readonly user: string; readonly token: string };
}

/** Why nobody was signed in: the person declined, is not let in, or the service failed. */
export type UpstreamProblem = "denied" | "not_allowed" | "unreachable" | "refused";

/** The path to which the browser comes back. */
export const CALLBACK_PATH = "/callback";

const TIMEOUT_MS = 8_000;
const MAX_BODY_BYTES = 200_000;

/** What this Worker is to a service, and how that is reached. */
export interface UpstreamClient {
  readonly server: oauth.AuthorizationServer;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly scope: string;
  /** What goes on the Worker's own requests: the service token of a tunnel. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes up what a sign-in needs beside its state. */
export function newVisit(): Omit<Visit, "state"> {
  return {
    verifier: oauth.generateRandomCodeVerifier(),
    nonce: oauth.generateRandomNonce(),
  };
}

/** Where the browser is sent: authorization code with PKCE. */
export async function authorizationUrl(
  client: UpstreamClient,
  { state, verifier }: Visit,
  further: Readonly<Record<string, string>> = {},
): Promise<URL> {
  const url = new URL(client.server.authorization_endpoint ?? "");
  const fields = {
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: client.scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...further,
  };
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url;
}

/**
 * Exchanges the code that came back.
 *
 * @param nonce where an ID token is expected, that of the visit
 */
export async function exchangeCode(
  client: UpstreamClient,
  callback: URL,
  { state, verifier }: Visit,
  nonce?: string,
): Promise<oauth.TokenEndpointResponse> {
  const { server } = client;
  const known: oauth.Client = { client_id: client.clientId };
  const answer = oauth.validateAuthResponse(server, known, callback, state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    known,
    clientAuth(server, client.clientSecret),
    answer,
    client.redirectUri,
    verifier,
    requestOptions(server.token_endpoint ?? "", client.headers),
  );
  return oauth.processAuthorizationCodeResponse(server, known, response, {
    ...(nonce !== undefined && { expectedNonce: nonce, requireIdToken: true }),
  });
}

/** How a request to `url` goes out: no redirect is followed, and no more is read than such answers have. */
export function requestOptions(
  url: string,
  headers: Readonly<Record<string, string>> = {},
) {
  return {
    // The settings let http through on loopback alone.
    [oauth.allowInsecureRequests]: url.startsWith("http://"),
    [oauth.customFetch]: boundedFetch,
    headers: { ...headers },
    signal: () => AbortSignal.timeout(TIMEOUT_MS),
  };
}

/** What went wrong at a service, without anything that it or a browser sent. */
export function problemOf(error: unknown, log: Log): UpstreamProblem {
  const noted = (problem: UpstreamProblem, code: string) => note(log, problem, code);
  if (error instanceof oauth.AuthorizationResponseError)
    return noted(error.error === "access_denied" ? "denied" : "refused", error.error);
  if (error instanceof oauth.ResponseBodyError) return noted("refused", error.error);
  if (
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError ||
    error instanceof oauth.WWWAuthenticateChallengeError
  ) {
    const isDown = error.cause instanceof Response && error.cause.status >= 500;
    return noted(isDown ? "unreachable" : "refused", error.code ?? "");
  }
  if (error instanceof Unreachable) return noted("unreachable", "no_answer");
  throw error;
}

/** A service that gave no answer that could be read. */
class Unreachable extends Error {}

async function boundedFetch<Method extends string, Body>(
  url: string,
  { method, headers: sent, body: form, signal }: oauth.CustomFetchOptions<Method, Body>,
): Promise<Response> {
  try {
    const response = await fetch(url, {
      method,
      headers: sent,
      // A form, or nothing: no other request is made here.
      body: form instanceof URLSearchParams ? form.toString() : null,
      redirect: "manual",
      signal: signal ?? null,
    });
    const tooLong = () => new Unreachable("its answer is too long");
    const body = await wholeBody(response, MAX_BODY_BYTES, tooLong);
    const { status } = response;
    // Of the headers only what is looked at: the body is unpacked by now.
    const headers = new Headers();
    for (const name of ["content-type", "www-authenticate"]) {
      const value = response.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    return new Response(body.length > 0 ? body : null, { status, headers });
  } catch (cause) {
    throw new Unreachable("it does not answer", { cause });
  }
}

/** HTTP Basic is what every server takes that does not say otherwise. */
function clientAuth(server: oauth.AuthorizationServer, secret: string): oauth.ClientAuth {
  const taken = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return taken.includes("client_secret_basic")
    ? oauth.ClientSecretBasic(secret)
    : oauth.ClientSecretPost(secret);
}

/** What OAuth and OpenID Connect call their errors. Anything else could be text of somebody's. */
const KNOWN_CODES: ReadonlySet<string> = new Set([
  "access_denied",
  "account_selection_required",
  "consent_required",
  "interaction_required",
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "login_required",
  "no_answer",
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
  "unsupported_grant_type",
  "unsupported_response_type",
]);

function note(log: Log, problem: UpstreamProblem, code: string): UpstreamProblem {
  // Those in capitals are of the library.
  const isKnown = KNOWN_CODES.has(code) || /^OAUTH_[A-Z_]+$/.test(code);
  log.warn("sign_in", { outcome: problem, code: isKnown ? code : "unknown" });
  return problem;
}
