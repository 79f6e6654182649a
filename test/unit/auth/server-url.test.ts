import { describe, expect, test } from "vitest";
import { checkServerUrl, type ServerUrlPolicy } from "../../../src/auth/server-url.ts";

const HOSTED: ServerUrlPolicy = {
  publicHost: "edge.example.com",
  ports: [443, 8443, 8888],
  allowsLoopback: false,
};
const LOCAL: ServerUrlPolicy = { ...HOSTED, allowsLoopback: true };

test.each([
  ["https://jupyter.example.com", "https://jupyter.example.com"],
  ["https://jupyter.example.com/", "https://jupyter.example.com"],
  ["  https://Jupyter.Example.COM/  ", "https://jupyter.example.com"],
  ["HTTPS://jupyter.example.com", "https://jupyter.example.com"],
  ["https://jupyter.example.com:443/", "https://jupyter.example.com"],
  ["https://jupyter.example.com:8888/", "https://jupyter.example.com:8888"],
  ["https://hub.example.com/user/ada/", "https://hub.example.com/user/ada"],
  [
    "https://hub.example.com/user/ada%40b.org/lab",
    "https://hub.example.com/user/ada%40b.org",
  ],
  [
    "https://hub.example.com/user/ada/lab/tree/a%20b.ipynb",
    "https://hub.example.com/user/ada",
  ],
  ["https://jupyter.example.com/tree", "https://jupyter.example.com"],
  ["https://jupyter.example.com/login", "https://jupyter.example.com"],
  ["https://bücher.example.com", "https://xn--bcher-kva.example.com"],
  ["https://a.xn--p1ai", "https://a.xn--p1ai"],
  ["https://127.0.0.1.example.com", "https://127.0.0.1.example.com"],
])("%s may be somebody's server", (typed, httpUrl) => {
  const wsUrl = httpUrl.replace("https", "wss");
  expect(checkServerUrl(typed, HOSTED)).toEqual({ httpUrl, wsUrl });
});

/** Each with a word of the reason that a person is given. */
const HOSTILE: readonly (readonly [typed: string, reason: RegExp])[] = [
  ["", /Enter the URL/],
  ["jupyter.example.com", /no URL/],
  ["//jupyter.example.com", /no URL/],
  ["ftp://jupyter.example.com", /no URL/],
  ["file:///etc/passwd", /no URL/],
  ["javascript:alert(1)", /no URL/],
  ["data:text/html,x", /no URL/],
  ["ws://jupyter.example.com", /no URL/],
  ["https:jupyter.example.com", /no URL/],
  ["https:/jupyter.example.com", /no URL/],
  ["https:///jupyter.example.com", /no URL/],
  ["https://", /no URL/],
  ["https://[", /no URL/],
  ["http://jupyter.example.com", /begin with https/],
  ["http://169.254.169.254/latest/meta-data", /begin with https/],
  // Addresses, however they are written
  ["https://127.0.0.1", /not by an address/],
  ["https://127.1", /not by an address/],
  ["https://2130706433", /not by an address/],
  ["https://0x7f000001", /not by an address/],
  ["https://0x7f.1", /not by an address/],
  ["https://0177.0.0.1", /not by an address/],
  ["https://017700000001", /not by an address/],
  ["https://127.0.0.1.", /not by an address/],
  ["https://0", /not by an address/],
  ["https://0.0.0.0", /not by an address/],
  ["https://10.0.0.1", /not by an address/],
  ["https://172.16.0.1", /not by an address/],
  ["https://192.168.1.1", /not by an address/],
  ["https://169.254.169.254", /not by an address/],
  ["https://100.64.0.1", /not by an address/],
  ["https://8.8.8.8", /not by an address/],
  ["https://255.255.255.255", /not by an address/],
  ["https://１２７.0.0.1", /not by an address/],
  ["https://①②⑦.0.0.1", /not by an address/],
  ["https://127。0。0。1", /not by an address/],
  ["https://%31%32%37.0.0.1", /not by an address/],
  ["https://[::1]", /not by an address/],
  ["https://[::]", /not by an address/],
  ["https://[::ffff:127.0.0.1]", /not by an address/],
  ["https://[::ffff:7f00:1]", /not by an address/],
  ["https://[0:0:0:0:0:0:0:1]", /not by an address/],
  ["https://[fe80::1]", /not by an address/],
  ["https://[fd00::1]", /not by an address/],
  ["https://[64:ff9b::7f00:1]", /not by an address/],
  ["https://[2606:4700::1]", /not by an address/],
  // Names that are none of the open internet
  ["https://localhost", /full host name/],
  ["https://localhost.", /full host name/],
  ["https://LOCALHOST", /full host name/],
  ["https://loc%61lhost", /full host name/],
  ["https://ｌｏｃａｌｈｏｓｔ", /full host name/],
  ["https://jupyter", /full host name/],
  ["https://jupyter.example.com.", /full host name/],
  ["https://jupyter..example.com", /full host name/],
  ["https://-jupyter.example.com", /full host name/],
  ["https://under_score.example.com", /full host name/],
  [`https://${"a".repeat(64)}.example.com`, /full host name|no URL/],
  [`https://${"a.".repeat(130)}com`, /full host name|no URL/],
  ["https://a.localhost", /none of the open internet/],
  ["https://printer.local", /none of the open internet/],
  ["https://metadata.google.internal", /none of the open internet/],
  ["https://nas.lan", /none of the open internet/],
  ["https://router.home.arpa", /none of the open internet/],
  ["https://1.0.0.127.in-addr.arpa", /none of the open internet/],
  ["https://jupyter.test", /none of the open internet/],
  ["https://hidden.onion", /none of the open internet/],
  // Itself
  ["https://edge.example.com", /address of this service/],
  ["https://EDGE.example.com:8443/mcp", /address of this service/],
  ["https://%65dge.example.com", /address of this service/],
  // Parts that hide where it goes
  ["https://jupyter.example.com@127.0.0.1", /user name or password/],
  ["https://ada:secret@jupyter.example.com", /user name or password/],
  ["https://@jupyter.example.com", /user name or password/],
  ["https://edge.example.com:443@jupyter.example.com", /user name or password/],
  ["https://jupyter.example.com\\@127.0.0.1", /backslashes/],
  ["https:\\\\jupyter.example.com", /backslashes/],
  ["https://jupyter.example.com/\u0000", /control characters/],
  ["https://jupyter.exa\tmple.com", /control characters/],
  ["https://jupyter.exa\nmple.com", /control characters/],
  ["https://jupyter.exa\u200bmple.com", /control characters/],
  ["https://jupyter.example.com/ /x", /spaces/],
  ["https://jupyter.example.com/\u202emoc", /control characters/],
  ["https://jupyter.example.com/lab?token=abc", /end before/],
  ["https://jupyter.example.com/#x", /end before/],
  ["https://jupyter.example.com?", /end before/],
  // Ports
  ["https://jupyter.example.com:22", /Port 22/],
  ["https://jupyter.example.com:80", /Port 80/],
  ["https://jupyter.example.com:6379", /Port 6379/],
  ["https://jupyter.example.com:0", /Port 0/],
  ["https://jupyter.example.com:65536", /no URL/],
  ["https://jupyter.example.com:8888x", /no URL/],
  // Paths
  ["https://jupyter.example.com//evil.example.org/x", /path/],
  ["https://jupyter.example.com/a//b", /path/],
  ["https://jupyter.example.com/%2e%2e/x%2f..", /path/],
  ["https://jupyter.example.com/a%00b", /path/],
  ["https://jupyter.example.com/a%5cb", /path/],
  [`https://jupyter.example.com/${"a".repeat(1_000)}`, /longer than/],
];

test("the table of hostile URLs is a long one", () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(60);
});

describe.each([
  ["hosted", HOSTED],
  ["local use", LOCAL],
] as const)("%s", (name, policy) => {
  test.each(HOSTILE)("%j is refused", (typed, reason) => {
    const checked = checkServerUrl(typed, policy);
    if (name === "local use" && "httpUrl" in checked) {
      // On a person's own machine loopback is what they mean, however it is written.
      expect(new URL(checked.httpUrl).hostname).toMatch(
        /^(localhost|127\.0\.0\.1|\[::1\])$/,
      );
    } else {
      expect(checked).toEqual({ problem: expect.stringMatching(reason) });
    }
  });
});

test.each([
  ["http://localhost:8888/lab", "http://localhost:8888"],
  ["http://127.0.0.1:8899/user/ada", "http://127.0.0.1:8899/user/ada"],
  ["https://[::1]:9000", "https://[::1]:9000"],
])("%s is somebody's server under npm start", (typed, httpUrl) => {
  const wsUrl = httpUrl.replace("http", "ws");
  expect(checkServerUrl(typed, LOCAL)).toEqual({ httpUrl, wsUrl });
});

test.each(["http://192.168.1.5:8888", "http://example.com", "http://0.0.0.0:8888"])(
  "%s is none, under npm start either",
  (typed) => {
    expect(checkServerUrl(typed, LOCAL)).toHaveProperty("problem");
  },
);
