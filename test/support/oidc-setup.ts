import type { TestProject } from "vitest/node";
import setUpHosted from "./hosted-setup.ts";
import { startOidcIssuer } from "./oidc-issuer.ts";

/** Starts what a hosted deployment has, and an OpenID Connect issuer. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stop = await setUpHosted(project);
  const issuer = await startOidcIssuer("https://edge.example.com/callback");
  const { url, gatewayPort, clientId, clientSecret } = issuer;
  project.provide("issuer", { url, gatewayPort, clientId, clientSecret });
  return async () => {
    await issuer[Symbol.asyncDispose]();
    await stop();
  };
}
