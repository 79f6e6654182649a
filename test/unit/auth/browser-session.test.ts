import { expect, test } from "vitest";
import {
  claimedSession,
  formToken,
  newSession,
  removedCookie,
  sessionCookie,
  sessionId,
} from "../../../src/auth/browser-session.ts";

const PRINCIPAL = "a".repeat(52);

function withCookies(...cookies: string[]): Request {
  return new Request("https://edge.example.com/account", {
    headers: { cookie: cookies.join("; ") },
  });
}

test("a browser brings back the session that it was given, among other cookies", () => {
  const session = newSession(PRINCIPAL);
  const [cookie = ""] = sessionCookie(session, 60_000).split(";");
  expect(claimedSession(withCookies("other=1", cookie, "last=2"))).toEqual(session);
  expect(claimedSession(withCookies("other=1"))).toBeNull();
  expect(claimedSession(new Request("https://edge.example.com/"))).toBeNull();
});

test.for([
  "",
  "x",
  `${PRINCIPAL}.short`,
  `${PRINCIPAL.toUpperCase()}.${"A".repeat(43)}`,
  `../${PRINCIPAL}.${"A".repeat(43)}`,
])("what is no session of ours is none: %j", (value) => {
  expect(claimedSession(withCookies(`__Host-jupyter-edge=${value}`))).toBeNull();
});

test("a cookie is for this host, over https and out of reach of scripts and other sites", () => {
  for (const cookie of [sessionCookie(newSession(PRINCIPAL), 60_000), removedCookie()]) {
    expect(cookie).toMatch(/^__Host-/);
    expect(cookie).not.toMatch(/domain/i);
    for (const attribute of ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
      expect(cookie).toContain(attribute);
  }
  expect(removedCookie()).toContain("Max-Age=0");
});

test("neither what is kept of a session nor what its forms carry tells its secret, or each other", async () => {
  const session = newSession(PRINCIPAL);
  const id = await sessionId(session);
  const token = await formToken(session);
  expect(new Set([id, token, session.secret]).size).toBe(3);
  expect(await formToken(newSession(PRINCIPAL))).not.toBe(token);
});
