import { expect, test } from "vitest";
import {
  conversationName,
  HANDLE_PATTERN,
  hashServer,
  mintHandle,
} from "../../src/identity.ts";

test("minted handles have the form of handles and do not repeat", () => {
  const handles = Array.from({ length: 1_000 }, mintHandle);
  expect(handles.every((handle) => HANDLE_PATTERN.test(handle))).toBe(true);
  expect(new Set(handles).size).toBe(1_000);
});

test("servers at other addresses have other names, and a name holds nothing that separates", async () => {
  const one = await hashServer("http://localhost:8888");
  expect(one).toMatch(/^[a-z2-7]{16}$/);
  expect(await hashServer("http://localhost:8889")).not.toBe(one);
  expect(await hashServer("http://localhost:8888")).toBe(one);
});

test("an object is named by principal, server and handle", () => {
  expect(conversationName({ principal: "p", serverHash: "s", handle: "c_x" })).toBe(
    "p/s/c_x",
  );
});

test.for([
  "",
  "c_",
  "c_7F3KQ2MZPA",
  "c_aaaaaaaaaa/../x",
  "c_aaaaaaaaaaa",
  "x_aaaaaaaaaa",
  "c_aaaaaaaaa1",
])("%j is no handle", (handle) => {
  expect(HANDLE_PATTERN.test(handle)).toBe(false);
});
