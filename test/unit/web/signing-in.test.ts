import { expect, test } from "vitest";
import type { SignIn } from "../../../src/config.ts";
import { parseConfig } from "../../../src/config.ts";
import { openedVisit, sealedVisit } from "../../../src/web/signing-in.tsx";

function signInWith(sealingKey: string): SignIn {
  const { signIn } = parseConfig({ SIGN_IN: "oidc", SEALING_KEY: sealingKey });
  if (signIn === null) throw new Error("there is no sign-in");
  return signIn;
}

test("what is kept while a person is elsewhere opens under the deployment's key alone", async () => {
  const httpUrl = "https://jupyter.example.com";
  const credentials = { httpUrl, wsUrl: httpUrl, token: "canary", signedInAt: 1 };
  const visit = { verifier: "a verifier", nonce: "a nonce", server: credentials };
  const ours = signInWith("a sealing key of more than thirty-two characters");
  const sealed = await sealedVisit(visit, ours);
  expect(sealed).not.toContain("canary");
  expect(await openedVisit(sealed, ours)).toEqual(visit);
  const theirs = signInWith("another sealing key of more than thirty-two characters");
  await expect(openedVisit(sealed, theirs)).rejects.toThrow();
});
