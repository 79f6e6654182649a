/**
 * Which Jupyter server a person may name as their own. It is the Worker that
 * connects to it, so the address must be one of the open internet. Everything is
 * decided by the text: what a name resolves to can change after any look at it.
 * Cloudflare's network keeps Workers off private addresses, and this policy does
 * not rely on that.
 */

/** What a deployment allows. */
export interface ServerUrlPolicy {
  /** The host of `PUBLIC_URL`, without port: this Worker itself. */
  readonly publicHost: string;
  /** Ports of the servers; 443 is what a URL without one means. */
  readonly ports: readonly number[];
  /** Only under `npm start`: a person's own machine, over http too. */
  readonly allowsLoopback: boolean;
}

/** A server's address, without a slash at the end; or why it may not be one, for the person who typed it. */
export type CheckedServerUrl =
  | { readonly httpUrl: string; readonly wsUrl: string }
  | { readonly problem: string };

const MAX_CHARS = 1_000;

/** Labels of letters, digits and hyphens, of which the last is no number: a name, and never an address. */
const HOST_NAME =
  /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:xn--[a-z0-9-]{1,59}|[a-z]{2,63})$/;

/**
 * Names that mean something else on every network, or nothing.
 *
 * @see https://www.iana.org/assignments/special-use-domain-names
 */
const NOT_PUBLIC: readonly string[] = [
  "alt",
  "arpa",
  "corp",
  "example",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "test",
];

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/** What people copy from their browser: a page of JupyterLab or of the classic notebook. */
const PAGE = /\/(?:lab|tree|notebooks|doc|edit|login)(?:\/.*)?$/;

/** Decides whether `text` may be a person's own Jupyter server. */
export function checkServerUrl(text: string, policy: ServerUrlPolicy): CheckedServerUrl {
  const typed = text.trim();
  if (typed === "") return { problem: "Enter the URL of your Jupyter server." };
  if (typed.length > MAX_CHARS)
    return { problem: `The URL is longer than ${MAX_CHARS} characters.` };
  // The parser takes some of these away or turns them into others, so that it would read another URL than a person does.
  if (/[\s\\\p{C}\p{Z}]/u.test(typed))
    return { problem: "The URL has spaces, backslashes or control characters in it." };
  const url = /^https?:\/\/[^/]/i.test(typed) ? URL.parse(typed) : null;
  if (url === null)
    return { problem: "That is no URL of the form https://jupyter.example.com/path." };
  if (url.username !== "" || url.password !== "" || /^[^/]*\/\/[^/?#]*@/.test(typed))
    return { problem: "The URL must have no user name or password in it." };
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(typed))
    return {
      problem:
        "The URL must end before ? and #. A token that stands there belongs in the field for it.",
    };
  const host = url.hostname;
  const isLoopback = policy.allowsLoopback && LOOPBACK.test(host);
  const problem = isLoopback ? null : hostProblem(url, policy);
  if (problem !== null) return { problem };
  const path = url.pathname.replace(PAGE, "").replace(/\/+$/, "");
  if (
    !/^(?:\/[\w.~@!$&'()*+,=:-]+)*$/.test(
      path.replaceAll(/%(?!2e|2f|5c|00)[0-9a-f]{2}/gi, "_"),
    )
  )
    return {
      problem: "The path of the URL has empty parts or characters that cannot be used.",
    };
  const place = `${url.host}${path}`;
  return {
    httpUrl: `${url.protocol}//${place}`,
    wsUrl: `${url.protocol === "https:" ? "wss:" : "ws:"}//${place}`,
  };
}

function hostProblem(url: URL, { publicHost, ports }: ServerUrlPolicy): string | null {
  const host = url.hostname;
  if (url.protocol !== "https:") return "The URL must begin with https://.";
  if (!HOST_NAME.test(host))
    return "The server must be named by its full host name, like jupyter.example.com, and not by an address.";
  if (NOT_PUBLIC.includes(host.slice(host.lastIndexOf(".") + 1)))
    return "The host name is none of the open internet. Put a tunnel in front of a server that is not.";
  if (host === publicHost.toLowerCase())
    return "That is the address of this service, and not of a Jupyter server.";
  const port = url.port === "" ? 443 : Number(url.port);
  if (!ports.includes(port))
    return `Port ${port} is not allowed here. Allowed: ${ports.join(", ")}.`;
  return null;
}
