import { expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { addressOf, hubServerUrl } from "../../src/credentials.ts";

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

const HUB = parseConfig({
  ...DEPLOYED,
  SIGN_IN: "jupyterhub",
  JUPYTERHUB_URL: "https://hub.example.com/base/hub/",
  JUPYTERHUB_SERVER: "assistant",
});
const OF_ADA = {
  ...given("https://hub.example.com/base/user/ada/assistant"),
  hubUser: "ada",
};

test("with a Hub a person's own server is reached, with the deployment's headers", () => {
  expect(addressOf(OF_ADA, HUB)).toEqual({
    httpUrl: "https://hub.example.com/base/user/ada/assistant",
    wsUrl: "wss://hub.example.com/base/user/ada/assistant",
    token: "theirs",
    headers: { "CF-Access-Client-Id": "id", "CF-Access-Client-Secret": "secret" },
    hub: { url: "https://hub.example.com/base", user: "ada", server: "assistant" },
  });
});

test("a Hub's token goes nowhere but to the server of whom it is, at the Hub as it is set now", () => {
  for (const httpUrl of [
    "https://hub.example.com/base/user/bob/assistant",
    "https://hub.example.com/base/user/ada",
    "https://other.example.com/base/user/ada/assistant",
  ])
    expect(addressOf({ ...OF_ADA, httpUrl }, HUB)).toBeNull();
  const { hubUser: _, ...unnamed } = OF_ADA;
  expect(addressOf(unnamed, HUB)).toBeNull();
  expect(addressOf(OF_ADA, parseConfig(DEPLOYED))).toBeNull();
});

test("names are escaped as the Hub does it", () => {
  const place = { url: "https://hub.example.com", user: "o'hara@x.org", server: "a b/c" };
  expect(hubServerUrl(place)).toBe(
    "https://hub.example.com/user/o%27hara@x.org/a%20b%2Fc",
  );
});

test("without a token of a person's own there is the deployment's, and only where people sign in elsewhere", () => {
  const shared = { ...given(TEAM), token: "" };
  const oidc = parseConfig({ ...DEPLOYED, SIGN_IN: "oidc", JUPYTER_TOKEN: "of all" });
  expect(addressOf(shared, oidc)).toMatchObject({ httpUrl: TEAM, token: "of all" });
  expect(addressOf(shared, parseConfig({ ...DEPLOYED, JUPYTER_TOKEN: "x" }))).toBeNull();
  const own = { ...given("https://ada.example.org"), token: "" };
  const allowed = { ...DEPLOYED, SIGN_IN: "oidc", ALLOW_USER_SERVERS: "true" };
  expect(addressOf(own, parseConfig(allowed))).toBeNull();
});
