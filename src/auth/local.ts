import type { Config } from "../config.ts";

/**
 * Local use: the one way in without sign-in. A request is local when it can
 * only have come from this machine, because whoever is let in runs code here.
 * Every condition has to hold on every route. What they keep out:
 *
 * - a deployment: only `npm start` sets the variable behind `localUse`;
 * - a tunnel or reverse proxy into this machine: what it adds to a request;
 * - DNS rebinding: the `Host` is then the attacker's name;
 * - a web page of another site: its `Origin`.
 *
 * One thing they cannot see: a forwarder that adds nothing and sends a loopback
 * `Host` (a raw TCP tunnel whose client lies, nginx with a bare `proxy_pass`)
 * makes the same bytes as a local client. All rest on `Host` as it was sent.
 * `wrangler dev` takes it from an `MF-Original-URL` header, which a rebound web page
 * can send as well; `npm start` does not run it. All the same GET and HEAD, of which
 * browsers leave out the `Origin`, must never run code or show what was run.
 */

/** Why a request is not local: the first condition that fails. */
export type LocalRefusal =
  | { condition: "local_use" }
  | { condition: "client_address" }
  | { condition: "forwarding_header"; header: string }
  | { condition: "host" }
  | { condition: "url" }
  | { condition: "origin" };

/**
 * `localhost`, 127.0.0.0/8 and `[::1]` with any port, spelled plainly. A
 * trailing dot, a subdomain of `localhost` and mapped addresses are other names:
 * nothing that a client of ours uses, and a resolver may send them elsewhere.
 */
const LOOPBACK_HOST = String.raw`(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}|\[::1\])(?::\d{1,5})?`;
const LOOPBACK_AUTHORITY = new RegExp(`^${LOOPBACK_HOST}$`, "i");
const LOOPBACK_ORIGIN = new RegExp(`^https?://${LOOPBACK_HOST}$`, "i");
const LOOPBACK_CLIENT = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/i;

/**
 * The address that connected. Miniflare's entry sets it on every request that does
 * not bring one, so alone it says nothing; a tunnel through Cloudflare brings
 * its visitor's, and a server that listens on all addresses sees the network's.
 */
const CLIENT_ADDRESS = "cf-connecting-ip";

/** What forwarders add: whole names, or prefixes that end in a hyphen, and who adds them. */
const FORWARDING_HEADERS: readonly (readonly [name: string, addedBy: string])[] = [
  ["forwarded", "proxies that follow RFC 7239"],
  ["via", "proxies that follow RFC 9110, forward proxies included"],
  [
    "x-forwarded-",
    "nearly all: cloudflared, ngrok, Tailscale, dev tunnels, Caddy, Apache",
  ],
  ["x-forwarded", "the older form in one header"],
  ["forwarded-for", "older proxies"],
  ["x-real-ip", "nginx as commonly configured, localtunnel"],
  ["x-original-", "rewriting proxies: the host, URL or address before the rewrite"],
  ["x-rewrite-url", "IIS"],
  ["x-proxy-", "proxies that name themselves"],
  ["x-proxyuser-ip", "older Google front ends"],
  ["x-host", "proxies that keep the name asked for"],
  ["x-scheme", "the nginx ingress"],
  ["x-client-ip", "Apache's mod_remoteip, Azure"],
  ["client-ip", "Akamai and others"],
  ["true-client-ip", "Akamai, Cloudflare Enterprise"],
  ["x-cluster-client-ip", "Rackspace, Riverbed"],
  ["proxy-connection", "clients that believe to speak to a proxy"],
  ["cdn-loop", "CDNs that follow RFC 8586, Cloudflare among them"],
  ["cf-", "Cloudflare's edge, which no request on loopback has passed: a tunnel"],
  ["ngrok-", "ngrok, and clients on their way through it"],
  ["tailscale-", "Tailscale Serve and Funnel"],
  ["x-tailscale-", "Caddy with Tailscale"],
  ["x-webauth-", "authenticating proxies"],
  ["x-pinggy-", "Pinggy"],
  ["x-expose-", "Expose"],
  ["x-exposed-by", "Expose"],
  ["zrok-", "zrok"],
  ["x-envoy-", "Envoy, Istio"],
  ["x-azure-", "Azure Front Door"],
  ["x-arr-", "Azure App Service, IIS"],
  ["x-ms-proxy", "Microsoft's application proxy"],
  ["x-appengine-", "Google App Engine"],
  ["x-goog-iap-", "Google's identity-aware proxy"],
  ["cloudfront-", "Amazon CloudFront"],
  ["x-amz-cf-id", "Amazon CloudFront"],
  ["x-vercel-", "Vercel"],
  ["fly-", "Fly.io"],
  ["fastly-", "Fastly"],
  ["akamai-", "Akamai"],
  ["x-akamai-", "Akamai"],
  ["x-varnish", "Varnish"],
  // A local request arrives without any. `--local-upstream`, even when it makes
  // every Host `localhost`, leaves MF-Original-Hostname behind.
  ["mf-", "wrangler dev where it rewrites Host, and Miniflare's own clients"],
];

const [FORWARDING_PREFIXES, FORWARDING_NAMES] = [
  FORWARDING_HEADERS.map(([entry]) => entry).filter((entry) => entry.endsWith("-")),
  new Set(FORWARDING_HEADERS.map(([entry]) => entry)),
];

/** The first condition of local use that `request` fails, or null for a local one. */
export function localRefusal(
  request: Request,
  config: Pick<Config, "localUse">,
): LocalRefusal | null {
  if (!config.localUse) return { condition: "local_use" };

  const client = request.headers.get(CLIENT_ADDRESS);
  if (client !== null && !LOOPBACK_CLIENT.test(client)) {
    return { condition: "client_address" };
  }
  for (const name of request.headers.keys()) {
    if (isForwardingHeader(name)) return { condition: "forwarding_header", header: name };
  }
  if (!LOOPBACK_AUTHORITY.test(request.headers.get("host") ?? "")) {
    return { condition: "host" };
  }
  if (!isLoopbackUrl(request.url)) return { condition: "url" };

  const origin = request.headers.get("origin");
  if (origin !== null && !LOOPBACK_ORIGIN.test(origin)) return { condition: "origin" };
  return null;
}

/** Whether `request` may be served as the principal `local`, without sign-in. */
export function isLocalRequest(
  request: Request,
  config: Pick<Config, "localUse">,
): boolean {
  return localRefusal(request, config) === null;
}

function isForwardingHeader(name: string): boolean {
  // Some servers read an underscore as a hyphen, and so some proxies send it.
  const spelled = name.toLowerCase().replaceAll("_", "-");
  if (spelled === CLIENT_ADDRESS && !name.includes("_")) return false;
  return (
    FORWARDING_NAMES.has(spelled) ||
    FORWARDING_PREFIXES.some((prefix) => spelled.startsWith(prefix))
  );
}

function isLoopbackUrl(address: string): boolean {
  const url = URL.parse(address);
  return (
    url !== null &&
    (url.protocol === "http:" || url.protocol === "https:") &&
    url.username === "" &&
    url.password === "" &&
    LOOPBACK_AUTHORITY.test(url.host)
  );
}
