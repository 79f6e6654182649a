/**
 * `SIGN_IN=jupyter`: who a person is follows from a Jupyter server and a token
 * that it accepts.
 */

import { z } from "zod";
import type { JupyterAddress } from "../config.ts";
import { ExpectedError } from "../errors.ts";
import { identityPrincipal, tokenPrincipal } from "../identity.ts";
import { JupyterServer } from "../jupyter/server.ts";

/** Long enough for a server behind a tunnel, within what browsers and clients wait. */
const PROBE_TIMEOUT_MS = 8_000;
const MAX_PROBE_BYTES = 100_000;

const versionSchema = z.object({ version: z.string().max(100) });
const meSchema = z.object({
  identity: z.object({ username: z.string().min(1).max(1_000) }),
});

/** What a server and a token prove, or why they do not, for the person who typed them. */
export type Proof = { readonly principal: string } | { readonly problem: ProofProblem };

/** What is wrong with a server, or with the token for it. */
export type ProofProblem =
  | "unreachable"
  | "not_jupyter"
  | "login_page"
  | "no_token_needed"
  | "token_rejected"
  | "server_failed";

/**
 * Proves a token against its server. The token is sent only where something
 * answered like Jupyter, and only where that asks for one: a server that lets
 * everybody in cannot tell people apart.
 *
 * Jupyter invents a name for every request with a token, unless its identity
 * provider knows people. A name that two requests agree on is somebody's; where
 * there is none, whoever has the token is that person.
 *
 * @param secret under which principals of tokens are derived
 */
export async function prove(address: JupyterAddress, secret: string): Promise<Proof> {
  try {
    const stranger = new JupyterServer({ ...address, token: "" });
    const version = versionSchema.safeParse(await probe(stranger, "/api"));
    if (!version.success) return { problem: "not_jupyter" };
    if (await isOpen(stranger)) return { problem: "no_token_needed" };
    const server = new JupyterServer(address);
    if ((await probe(server, "/api/status")) === null) return { problem: "not_jupyter" };
    const names = [await nameAt(server), await nameAt(server)];
    const [name] = names;
    if (name !== undefined && name !== null && name === names[1])
      return { principal: await identityPrincipal(address.httpUrl, name) };
    return { principal: await tokenPrincipal(address.httpUrl, address.token, secret) };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { problem: problemOf(error) };
  }
}

async function isOpen(stranger: JupyterServer): Promise<boolean> {
  try {
    await probe(stranger, "/api/status");
    return true;
  } catch (error) {
    if (error instanceof ExpectedError && error.failure.code === "token_rejected")
      return false;
    throw error;
  }
}

async function nameAt(server: JupyterServer): Promise<string | null> {
  const me = meSchema.safeParse(await probe(server, "/api/me"));
  return me.success ? me.data.identity.username : null;
}

/** The JSON at a path, or `null` for a 404. */
async function probe(server: JupyterServer, path: string): Promise<unknown> {
  const response = await server.request(path, {
    timeoutMs: PROBE_TIMEOUT_MS,
    maxBytes: MAX_PROBE_BYTES,
  });
  return response.status === 404 ? null : response.json();
}

function problemOf({ failure }: ExpectedError): ProofProblem {
  switch (failure.code) {
    case "jupyter_unreachable":
      return "unreachable";
    case "token_rejected":
      return failure.loginPage ? "login_page" : "token_rejected";
    case "not_jupyter":
    case "answer_too_large":
      return "not_jupyter";
    default:
      return "server_failed";
  }
}
