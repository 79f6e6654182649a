import { expect, test } from "vitest";
import {
  type BrowserVisit,
  claimedVisit,
  keptOf,
  newBrowserVisit,
  removedVisitCookie,
  visitCookie,
} from "../../../src/auth/browser-visit.ts";

async function cameBack(state: string, ...visits: BrowserVisit[]): Promise<Request> {
  const cookies = await Promise.all(visits.map((visit) => visitCookie(visit, 60_000)));
  return new Request(`https://edge.example.com/callback?state=${state}`, {
    headers: { cookie: cookies.map((cookie) => cookie.split(";")[0]).join("; ") },
  });
}

test("a browser that is on two ways at once is known by the state of either", async () => {
  const [one, two] = [newBrowserVisit(), newBrowserVisit()];
  expect(await claimedVisit(await cameBack(one.state, one, two))).toEqual(one);
  expect(await claimedVisit(await cameBack(two.state, one, two))).toEqual(two);
});

test("a browser is not known by a state that it was not sent with, or by none", async () => {
  const [one, two] = [newBrowserVisit(), newBrowserVisit()];
  expect(await claimedVisit(await cameBack(two.state, one))).toBeNull();
  expect(await claimedVisit(await cameBack("", one))).toBeNull();
  expect(await claimedVisit(await cameBack("a%20state", one))).toBeNull();
});

test("what is kept of a visit is neither its state nor what its browser has", async () => {
  const visit = newBrowserVisit();
  const kept = Object.values(await keptOf(visit)).join(" ");
  expect(kept).not.toContain(visit.state);
  expect(kept).not.toContain(visit.secret);
});

test("the cookie of a visit is of this host, out of the reach of scripts, and ends", async () => {
  const visit = newBrowserVisit();
  const cookie = await visitCookie(visit, 600_000);
  expect(cookie).toMatch(
    /^__Host-jupyter-edge-visit-[\w-]{16}=[\w-]{43}; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/,
  );
  expect(cookie).not.toContain(visit.state);
  const removed = await removedVisitCookie(visit.state);
  expect(removed.split("=")[0]).toBe(cookie.split("=")[0]);
  expect(removed).toContain("Max-Age=0;");
});
