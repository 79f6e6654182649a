import { expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { addressOf } from "../../src/credentials.ts";

const DEPLOYED = {
  SIGN_IN: "jupyter",
  PUBLIC_URL: "https://edge.example.com",
  SEALING_KEY: "a sealing key of more than thirty-two characters",
  JUPYTER_HOST: "jupyter.example.com",
  JUPYTER_PROTOCOL: "https",
  JUPYTER_PORT: "443",
  CF_ACCESS_CLIENT_ID: "id",
  CF_ACCESS_CLIENT_SECRET: "secret",
};
const given = (httpUrl: string) => ({
  httpUrl,
  wsUrl: httpUrl.replace("http", "ws"),
  token: "theirs",
  signedInAt: 1,
});
const TEAM = "https://jupyter.example.com:443";

test("the deployment's own server is reached with the person's token and the deployment's headers", () => {
  expect(addressOf(given(TEAM), parseConfig(DEPLOYED))).toEqual({
    httpUrl: TEAM,
    wsUrl: "wss://jupyter.example.com:443",
    token: "theirs",
    headers: { "CF-Access-Client-Id": "id", "CF-Access-Client-Secret": "secret" },
  });
});

test("a token goes nowhere once the deployment has another server", () => {
  const moved = parseConfig({ ...DEPLOYED, JUPYTER_HOST: "new.example.com" });
  expect(addressOf(given(TEAM), moved)).toBeNull();
});

test("a person's own server gets none of the deployment's headers, and is reached only where that is allowed", () => {
  const own = given("https://ada.example.org");
  const allowed = parseConfig({ ...DEPLOYED, ALLOW_USER_SERVERS: "true" });
  expect(addressOf(own, allowed)).toMatchObject({ token: "theirs", headers: {} });
  expect(addressOf(own, parseConfig(DEPLOYED))).toBeNull();
});
