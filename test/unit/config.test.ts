import { expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";

test("without any setting Jupyter is looked for on localhost:8888", () => {
  expect(parseConfig({}).jupyter).toEqual({
    httpUrl: "http://localhost:8888",
    wsUrl: "ws://localhost:8888",
    token: "",
    headers: {},
  });
});

test("the protocol of the sockets follows the one of the requests unless it is set", () => {
  expect(parseConfig({ JUPYTER_PROTOCOL: "https" }).jupyter.wsUrl).toBe(
    "wss://localhost:8888",
  );
  expect(
    parseConfig({ JUPYTER_PROTOCOL: "https", JUPYTER_WS_PROTOCOL: "ws" }).jupyter.wsUrl,
  ).toBe("ws://localhost:8888");
});

test("a base path is accepted with and without slashes, and a token is trimmed", () => {
  const { jupyter } = parseConfig({
    JUPYTER_BASE_PATH: "user/ada/",
    JUPYTER_TOKEN: " t0k\n",
  });
  expect(jupyter.httpUrl).toBe("http://localhost:8888/user/ada");
  expect(jupyter.token).toBe("t0k");
});

test.for([
  [{ JUPYTER_PORT: "eighty" }, "JUPYTER_PORT"],
  [{ JUPYTER_PROTOCOL: "ftp" }, "JUPYTER_PROTOCOL"],
  [{ JUPYTER_HOST: "http://localhost" }, "JUPYTER_HOST"],
  [{ JUPYTER_BASE_PATH: "/a/../b" }, "JUPYTER_BASE_PATH"],
])("a setting that cannot be used is named: %j", ([env, name]) => {
  expect(() => parseConfig(env as object)).toThrow(name as string);
});

test("a deployment tells of each call in its log, and local use of what went wrong, unless it is set", () => {
  expect(parseConfig({}).logLevel).toBe("warn");
  expect(parseConfig({ SIGN_IN: "jupyter" }).logLevel).toBe("info");
  expect(parseConfig({ LOG_LEVEL: "debug" }).logLevel).toBe("debug");
  expect(parseConfig({ SIGN_IN: "jupyter", LOG_LEVEL: "error" }).logLevel).toBe("error");
});

test("owners are listed with commas, and what was done is kept for 90 days unless it is set", () => {
  const signIn = { SIGN_IN: "jupyter" };
  expect(parseConfig(signIn).signIn).toMatchObject({ owners: [], auditDays: 90 });
  expect(
    parseConfig({ ...signIn, OWNERS: " ada, grace ,", AUDIT_DAYS: "7" }).signIn,
  ).toMatchObject({ owners: ["ada", "grace"], auditDays: 7 });
  for (const days of ["0", "-1", "soon", "4000"])
    expect(() => parseConfig({ ...signIn, AUDIT_DAYS: days })).toThrow("AUDIT_DAYS");
});
