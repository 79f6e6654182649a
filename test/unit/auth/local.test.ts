import { expect, test } from "vitest";
import { isLocalRequest, localRefusal } from "../../../src/auth/local.ts";

const LOCAL_USE = { localUse: true };

function request(
  headers: Record<string, string> = {},
  url = "http://localhost:8787/mcp",
) {
  return new Request(url, {
    method: "POST",
    headers: { Host: new URL(url).host, ...headers },
  });
}

test("a request to localhost without an Origin is local", () => {
  expect(isLocalRequest(request(), LOCAL_USE)).toBe(true);
});

test("nothing is local without the variable that npm start passes", () => {
  expect(localRefusal(request(), { localUse: false })).toEqual({
    condition: "local_use",
  });
});

test.for([
  "http://localhost/",
  "http://localhost:8787/",
  "http://LOCALHOST:8787/",
  "http://127.0.0.1:8787/",
  "http://127.255.0.9/",
  "http://[::1]:8787/",
  "https://localhost:8787/",
])("%s is a loopback address", (url) => {
  expect(localRefusal(request({}, url), LOCAL_USE)).toBeNull();
});

test.for([
  "http://localhost./",
  "http://localhost.:8787/",
  "http://evil.localhost:8787/",
  "http://localhost.evil.example/",
  "http://127.0.0.1.nip.io/",
  "http://128.0.0.1/",
  "http://0.0.0.0:8787/",
  "http://[::ffff:7f00:1]/",
  "http://[::]/",
  "http://192.168.1.5:8787/",
  "http://jupyter.example.com/",
])("%s is not a loopback address, in the Host header or in the URL", (url) => {
  const { host } = new URL(url);
  expect(localRefusal(request({ Host: host }), LOCAL_USE)).toEqual({ condition: "host" });
  expect(localRefusal(request({ Host: "localhost" }, url), LOCAL_USE)).toEqual({
    condition: "url",
  });
});

test.for([
  "user@localhost",
  "localhost@evil.example",
  "localhost:8787@evil.example",
  "localhost:evil",
  "localhost, evil.example",
  "localhost evil.example",
  "localhost/evil",
  "localhost#evil",
  "127.1",
  "2130706433",
  "0x7f000001",
  "127.0.0.256",
  "127.0.0.1.",
  "[::1",
  "::1",
  "",
])("the Host header %j is refused", (host) => {
  expect(localRefusal(request({ Host: host }), LOCAL_USE)).toEqual({ condition: "host" });
});

test("a request without a Host header is refused", () => {
  expect(localRefusal(new Request("http://localhost:8787/mcp"), LOCAL_USE)).toEqual({
    condition: "host",
  });
});

test.for([
  "http://localhost:6274",
  "http://localhost",
  "https://127.0.0.1:3000",
  "http://[::1]:8787",
])("a page at %s on this machine may ask", (origin) => {
  expect(localRefusal(request({ Origin: origin }), LOCAL_USE)).toBeNull();
});

test.for([
  "null",
  "",
  "http://evil.example",
  "http://localhost.",
  "http://evil.localhost",
  "http://localhost.evil.example",
  "http://127.0.0.1.nip.io",
  "http://localhost@evil.example",
  "http://localhost, http://evil.example",
  "http://localhost:8787/",
  "file://",
  "chrome-extension://abcdefghijklmnop",
])("a page with the Origin %j may not", (origin) => {
  expect(localRefusal(request({ Origin: origin }), LOCAL_USE)).toEqual({
    condition: "origin",
  });
});

test.for([
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-anything",
  "X_Forwarded_For",
  "x-real-ip",
  "x-original-host",
  "x-original-forwarded-for",
  "x-client-ip",
  "true-client-ip",
  "cf-ray",
  "cf-visitor",
  "cf-ipcountry",
  "cf-warp-tag-id",
  "cf-connecting-ipv6",
  "cf-worker",
  "cdn-loop",
  "ngrok-skip-browser-warning",
  "tailscale-user-login",
  "tailscale-funnel-request",
  "x-envoy-external-address",
  "mf-original-hostname",
])("the header %s means that somebody forwarded the request", (header) => {
  expect(localRefusal(request({ [header]: "1" }), LOCAL_USE)).toEqual({
    condition: "forwarding_header",
    header: header.toLowerCase(),
  });
});

test("a forwarding header counts even where it is empty", () => {
  expect(isLocalRequest(request({ "X-Forwarded-For": "" }), LOCAL_USE)).toBe(false);
});

test.for(["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])(
  "the runtime's own cf-connecting-ip of %s is loopback",
  (address) => {
    expect(localRefusal(request({ "CF-Connecting-IP": address }), LOCAL_USE)).toBeNull();
  },
);

test.for([
  "203.0.113.9",
  "192.168.1.20",
  "2001:db8::1",
  "127.0.0.1, 203.0.113.9",
  "",
  "1",
])("a cf-connecting-ip of %j is another machine's", (address) => {
  expect(localRefusal(request({ "CF-Connecting-IP": address }), LOCAL_USE)).toEqual({
    condition: "client_address",
  });
});

test("what browsers and MCP clients send themselves is not a forwarding header", () => {
  const headers = {
    "CF-Connecting-IP": "127.0.0.1",
    "User-Agent": "claude-code/3.1",
    Accept: "application/json, text/event-stream",
    "Accept-Encoding": "br, gzip",
    "Accept-Language": "*",
    Authorization: "Bearer t",
    "Content-Type": "application/json",
    Cookie: "_xsrf=1",
    Connection: "keep-alive",
    "MCP-Protocol-Version": "2026-07-28",
    "MCP-Method": "tools/call",
    "MCP-Name": "run_code",
    "MCP-Session-Id": "1",
    "Last-Event-ID": "1",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Upgrade-Insecure-Requests": "1",
    "X-Request-ID": "1",
    traceparent: "00-1-1-01",
    baggage: "a=1",
  };
  expect(localRefusal(request(headers), LOCAL_USE)).toBeNull();
});

// The requests below are as the forwarders' documentation and sources have them.
test.for<[string, Record<string, string>]>([
  [
    "cloudflared with a rewritten Host",
    {
      "Cf-Connecting-Ip": "203.0.113.9",
      "Cf-Ray": "8f1-FRA",
      "Cdn-Loop": "cloudflare; loops=1",
      "X-Forwarded-For": "203.0.113.9",
      "X-Forwarded-Proto": "https",
    },
  ],
  [
    "ngrok with --host-header=rewrite",
    {
      "X-Forwarded-For": "203.0.113.9",
      "X-Forwarded-Host": "a.ngrok.app",
      "X-Forwarded-Proto": "https",
    },
  ],
  [
    "Tailscale Funnel",
    {
      "Tailscale-Funnel-Request": "?1",
      "X-Forwarded-For": "203.0.113.9",
      "X-Forwarded-Host": "pc.tail1.ts.net",
    },
  ],
  ["ssh -R behind nginx as commonly configured", { "X-Real-IP": "203.0.113.9" }],
  ["ssh -R behind Caddy", { "X-Forwarded-For": "203.0.113.9", Via: "1.1 Caddy" }],
])("%s gets nobody in", ([, headers]) => {
  expect(isLocalRequest(request({ Host: "localhost:8787", ...headers }), LOCAL_USE)).toBe(
    false,
  );
});

test("DNS rebinding gets nobody in: the Host is the attacker's name", () => {
  const rebound = request(
    { Origin: "http://evil.example:8787", "CF-Connecting-IP": "127.0.0.1" },
    "http://evil.example:8787/mcp",
  );
  expect(isLocalRequest(rebound, LOCAL_USE)).toBe(false);
});
