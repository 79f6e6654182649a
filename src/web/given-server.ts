/** The Jupyter server that a person names on the consent page, proved with the token for it. */

import { prove, type ProofProblem } from "../auth/jupyter-sign-in.ts";
import { checkServerUrl } from "../auth/server-url.ts";
import type { Config, SignIn } from "../config.ts";
import type { Log } from "../log.ts";
import { addressOf, type ServerCredentials } from "../credentials.ts";
import { MAX_TOKEN_CHARS, type FormProblem } from "./consent-server.tsx";

/** A server, and who has the token for it. */
export interface GivenServer {
  readonly principal: string;
  readonly credentials: ServerCredentials;
}

/** What a person typed. */
export interface TypedServer {
  readonly server: string;
  readonly token: string;
}

/** What it takes to prove a server. */
export interface ProvingDeps {
  readonly config: Config;
  readonly signIn: SignIn;
  readonly identitySecret: () => Promise<string>;
  /** Counts an attempt to sign in; false where there were too many. */
  readonly attempt: () => Promise<boolean>;
  readonly log: Log;
}

/** What is said to an address from which there were too many attempts. */
export const TOO_MANY: FormProblem = {
  field: null,
  message: "Too many attempts to sign in. Wait a minute, then try again.",
};

/**
 * The server that was named, proved. Null where people sign in elsewhere and none
 * was named, so that it is that of the deployment or of its Hub.
 */
export async function givenServer(
  { server, token }: TypedServer,
  deps: ProvingDeps,
): Promise<GivenServer | null | { readonly problem: FormProblem }> {
  const { config, signIn, identitySecret, attempt, log } = deps;
  const tooMany = () => {
    log.warn("sign_in", { outcome: "too_many_attempts" });
    return { problem: TOO_MANY };
  };
  if (signIn.method !== "jupyter") {
    const mayName = signIn.method === "oidc" && signIn.allowsUserServers;
    if (mayName && server === "" && (token !== "" || !signIn.hasOwnServer))
      return at("server", "Enter the URL of the Jupyter server that the token is for.");
    if (!mayName || server === "") return (await attempt()) ? null : tooMany();
  }
  const tokenProblem = tokenProblemOf(token);
  if (tokenProblem !== null) return at("token", tokenProblem);
  const place = placeOf(server, config, signIn);
  if ("problem" in place) return at("server", place.problem);
  if (!(await attempt())) return tooMany();
  const credentials: ServerCredentials = { ...place, token, signedInAt: Date.now() };
  const reached = addressOf(credentials, config);
  if (reached === null) return at("server", "That server is not allowed here.");
  const proof = await prove(reached, await identitySecret());
  if (!("problem" in proof)) return { principal: proof.principal, credentials };
  log.warn("sign_in", { outcome: proof.problem });
  return { problem: proofProblemOf(proof.problem, server !== "") };
}

function at(field: FormProblem["field"], message: string) {
  return { problem: { field, message } };
}

/** The server that a person means: their own where they name one, else the deployment's. */
function placeOf(server: string, { jupyter, localUse }: Config, signIn: SignIn) {
  if (server.trim() === "" && signIn.hasOwnServer)
    return { httpUrl: jupyter.httpUrl, wsUrl: jupyter.wsUrl };
  if (!signIn.allowsUserServers)
    return { problem: "Only the server of this service can be used here." };
  return checkServerUrl(server, {
    publicHost: new URL(signIn.publicUrl).hostname,
    ports: signIn.userServerPorts,
    allowsLoopback: localUse,
  });
}

function tokenProblemOf(token: string): string | null {
  if (token === "") return "Enter the token of the Jupyter server.";
  if (token.length > MAX_TOKEN_CHARS)
    return `A token has no more than ${MAX_TOKEN_CHARS} characters.`;
  if (!/^[\x21-\x7e]+$/.test(token))
    return "A token has no spaces and none but ASCII characters. Copy it once more.";
  if (/^https?:\/\//.test(token))
    return "That is a URL. The token is what stands in it behind ?token=.";
  return null;
}

function proofProblemOf(problem: ProofProblem, isOwn: boolean): FormProblem {
  const server = isOwn ? "That server" : "The Jupyter server of this service";
  const where = isOwn ? "server" : null;
  switch (problem) {
    case "unreachable":
      return {
        field: where,
        message: `${server} cannot be reached from here. ${isOwn ? "Check the URL, and that it can be opened from outside your network." : "Whoever runs this service has to look at it."}`,
      };
    case "not_jupyter":
      return {
        field: where,
        message: `${server} does not answer like a Jupyter server. ${isOwn ? "The URL must be that of Jupyter itself, with its base path: https://hub.example.com/user/ada." : "Whoever runs this service has to look at it."} The token was not sent.`,
      };
    case "no_token_needed":
      return {
        field: where,
        message: `${server} lets everybody in without a token, so that people could not be told apart. Start it with a token.`,
      };
    case "login_page":
      return {
        field: "token",
        message: `${server} sends this token to a login page: it is no token of it, or has expired.`,
      };
    case "token_rejected":
      return {
        field: "token",
        message: `${server} does not accept this token. Copy it once more; a restart of Jupyter may have changed it.`,
      };
    case "server_failed":
      return {
        field: where,
        message: `${server} failed when it was asked. Try again in a moment.`,
      };
  }
}
