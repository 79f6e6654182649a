import { expect, test } from "vitest";
import { type Consent, consentPage } from "../../../src/web/consent.tsx";

const CONSENT: Consent = {
  client: {
    clientId: "https://claude.ai/oauth/client",
    clientName: "Claude",
    clientDomain: "claude.ai",
    redirectUri: "https://claude.ai/callback",
    redirectHost: "claude.ai",
    redirectIsLoopback: false,
    scope: [],
  },
  method: "jupyter" as const,
  upstreamHost: null,
  handle: "a handle",
  hasOwnServer: true,
  allowsUserServers: false,
  userServerPorts: [443],
  server: "",
  chosen: ["notebooks:read"],
  problem: null,
};

const rendered = async (consent: Consent) => String(await consentPage(consent));

test("a client with a domain of its own is shown under it, and one without is warned of", async () => {
  const verified = await rendered(CONSENT);
  expect(verified).toContain("<strong>claude.ai</strong>");
  expect(verified).not.toContain("Not verified");
  expect(verified).not.toContain("app on your computer");
  const { clientDomain: _, ...client } = CONSENT.client;
  const unverified = await rendered({
    ...CONSENT,
    client: { ...client, redirectIsLoopback: true },
  });
  expect(unverified).toContain("Not verified: this app named itself.");
  expect(unverified).toContain("This sends access to an app on your computer.");
});

test("whoever has an account elsewhere is told where they sign in and whom they share with, and asked for no token", async () => {
  const elsewhere = { ...CONSENT, upstreamHost: "login.example.com" };
  const hub = await rendered({ ...elsewhere, method: "jupyterhub", hasOwnServer: false });
  expect(hub).toContain("<strong>login.example.com</strong>");
  expect(hub).toContain("Your own server there is used");
  const shared = await rendered({ ...elsewhere, method: "oidc" });
  expect(shared).toContain("one account for everybody who may use it");
  for (const page of [hub, shared]) expect(page).not.toContain('name="token"');
  const own = { ...elsewhere, method: "oidc", allowsUserServers: true } as const;
  expect(await rendered(own)).not.toMatch(/id="(?:token|server)"[^>]*required/);
  expect(await rendered({ ...own, hasOwnServer: false })).toMatch(
    /id="token"[^>]*required/,
  );
});

test("only what was chosen is ticked", async () => {
  const page = await rendered(CONSENT);
  const ticked = [...page.matchAll(/<input[^>]*value="([^"]+)"[^>]*checked/g)];
  expect(ticked.map(([, value]) => value)).toEqual(["notebooks:read"]);
});
