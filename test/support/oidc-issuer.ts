import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { Provider } from "oidc-provider";
import { portOf, startGateway } from "./gateway.ts";

/** What the issuer says of its people, by the name with which they sign in. */
const PEOPLE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ada: { email: "Ada@Example.com", email_verified: true },
  bob: { email: "bob@team.example.org", email_verified: true },
  tess: { email: "tess@team.example.org", email_verified: "true" },
  eve: { email: "eve@elsewhere.example.net", email_verified: true },
  subdomain: { email: "eve@evil.team.example.org", email_verified: true },
  suffix: { email: "eve@notexample.com", email_verified: true },
  unverified: { email: "ada@example.com", email_verified: false },
  unsaid: { email: "ada@example.com" },
  nobody: {},
  // The Kelvin sign, which becomes a k in lower case.
  lookalike: { email: "eve@wor\u212A.example.org", email_verified: true },
  two: { email: "eve@elsewhere.example.net@team.example.org", email_verified: true },
};

/** An OpenID Connect issuer with a client. */
export interface OidcIssuer extends AsyncDisposable {
  readonly url: string;
  /** On which the gateway before it is commanded. */
  readonly gatewayPort: number;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Starts a real issuer on loopback, behind a gateway. Its own pages take any password. */
export async function startOidcIssuer(redirectUri: string): Promise<OidcIssuer> {
  // It has to know its address before it is made.
  let answer: RequestListener | null = null;
  const server = createServer((incoming, outgoing) => answer?.(incoming, outgoing));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const gateway = await startGateway(portOf(server));
  const url = `http://127.0.0.1:${gateway.port}`;
  const clientId = "jupyter-edge-mcp";
  const clientSecret = randomBytes(24).toString("hex");
  const provider = new Provider(url, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        // Loopback with http is for these alone.
        application_type: redirectUri.startsWith("http:") ? "native" : "web",
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    cookies: { keys: [randomBytes(24).toString("hex")] },
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...PEOPLE[accountId] }),
    }),
  });
  answer = provider.callback();
  return {
    url,
    gatewayPort: gateway.controlPort,
    clientId,
    clientSecret,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
}
