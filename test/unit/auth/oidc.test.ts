import { expect, test } from "vitest";
import { isAllowed, verifiedAddress } from "../../../src/auth/oidc.ts";

test.each([
  [{ email: "Ada@Example.com", email_verified: true }, "ada@example.com"],
  [{ email: "ada@example.com", email_verified: "true" }, "ada@example.com"],
  [{ email: "ada@example.com", email_verified: false }, null],
  [{ email: "ada@example.com", email_verified: "false" }, null],
  [{ email: "ada@example.com", email_verified: 1 }, null],
  [{ email: "ada@example.com" }, null],
  [{ email_verified: true }, null],
  [{ email: ["ada@example.com"], email_verified: true }, null],
  [{ email: "ada", email_verified: true }, null],
  [{ email: "ada@", email_verified: true }, null],
  [{ email: "@example.com", email_verified: true }, null],
  [{ email: "ada@example.com\n", email_verified: true }, null],
  [{ email: "eve@evil.com@example.com", email_verified: true }, null],
  [{ email: "ada@wor\u212A.com", email_verified: true }, null],
])("of %j the address is %s", (claims, address) => {
  expect(verifiedAddress(claims)).toBe(address);
});

test.each([
  ["ada@example.com", true],
  ["bob@example.com", false],
  ["bob@team.example.org", true],
  ["bob@sub.team.example.org", false],
  ["bob@notteam.example.org", false],
  ["team.example.org@example.com", false],
])("whether %s is on the list: %s", (email, allowed) => {
  expect(isAllowed(email, ["ada@example.com", "@team.example.org"])).toBe(allowed);
});
