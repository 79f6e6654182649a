import { expect, test } from "vitest";
import { isOwner } from "../../../src/auth/owners.ts";
import { identityPrincipal } from "../../../src/identity.ts";

const ISSUER = "https://jupyter.example.com:443";

test("an owner is named by a principal, or as the deployment's own issuer knows them", async () => {
  const ada = await identityPrincipal(ISSUER, "ada");
  const grace = await identityPrincipal(ISSUER, "grace");
  const owners = ["ada", grace];
  expect(await isOwner(ada, { owners }, ISSUER)).toBe(true);
  expect(await isOwner(grace, { owners }, ISSUER)).toBe(true);
  expect(
    await isOwner(await identityPrincipal(ISSUER, "mallory"), { owners }, ISSUER),
  ).toBe(false);
});

test("a server of somebody's own can claim no owner's name", async () => {
  const claimed = await identityPrincipal("https://evil.example:443", "ada");
  expect(await isOwner(claimed, { owners: ["ada"] }, ISSUER)).toBe(false);
});

test("without a setting there is no owner", async () => {
  expect(await isOwner("a".repeat(52), { owners: [] }, ISSUER)).toBe(false);
});
