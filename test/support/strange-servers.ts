/**
 * What answers where a Jupyter server was expected, each on a port of its own:
 * nothing real misbehaves like this when it is asked to.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { ProvidedContext } from "vitest";
import { portOf } from "./gateway.ts";

/** Where each of them tells which credentials it was sent. */
const SEEN = "/seen";
const JUPYTER = '{"version":"2.21.1"}';
const MEGABYTE = Buffer.alloc(1_000_000, " ");

type Answer = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** How each of them behaves. */
const STRANGE = {
  /** Never answers. */
  silent: () => undefined,
  html: (_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
  },
  /** Answers like Jupyter until it sees a token. */
  elsewhere: (incoming, outgoing) => {
    if (incoming.url === "/api") json(outgoing, 200, JUPYTER);
    else outgoing.writeHead(307, { location: "http://169.254.169.254/latest" }).end();
  },
  login: (incoming, outgoing) => {
    if (incoming.url === "/api") json(outgoing, 200, JUPYTER);
    else outgoing.writeHead(302, { location: "/hub/login?next=%2F" }).end();
  },
  /** Lets everybody in. */
  open: (incoming, outgoing) => {
    json(outgoing, 200, incoming.url === "/api" ? JUPYTER : "{}");
  },
  /** Sends a gigabyte of spaces, as long as somebody reads them. */
  huge: (_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "application/json" });
    let left = 1_000;
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!outgoing.write(MEGABYTE)) {
          outgoing.once("drain", more);
          return;
        }
      }
      outgoing.end(JUPYTER);
    };
    more();
  },
  /** Knows people by name, whatever token they bring but a wrong one. */
  named: (incoming, outgoing) => {
    const token = incoming.headers.authorization ?? "";
    if (incoming.url === "/api") json(outgoing, 200, JUPYTER);
    else if (!token.startsWith("token good"))
      json(outgoing, 403, '{"message":"Forbidden"}');
    else json(outgoing, 200, '{"identity":{"username":"ada"}}');
  },
} satisfies Record<string, Answer>;

type StrangeServers = ProvidedContext["strangeServers"];

/** Starts all of them. */
export async function startStrangeServers(): Promise<
  { readonly ports: StrangeServers } & AsyncDisposable
> {
  const servers = Object.entries(STRANGE).map(([name, answer]: [string, Answer]) => {
    const credentials: string[] = [];
    const server = createServer((incoming, outgoing) => {
      if (incoming.url === SEEN) {
        json(outgoing, 200, JSON.stringify(credentials));
        return;
      }
      credentials.push(...[incoming.headers.authorization ?? []].flat());
      answer(incoming, outgoing);
    });
    return { name, server };
  });
  for (const { server } of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  // The names are those of STRANGE.
  const ports = Object.fromEntries(
    servers.map(({ name, server }) => [name, portOf(server)]),
  ) as StrangeServers;
  return {
    ports,
    async [Symbol.asyncDispose]() {
      for (const { server } of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      }
    },
  };
}

function json(outgoing: ServerResponse, status: number, body: string): void {
  outgoing.writeHead(status, { "content-type": "application/json" }).end(body);
}
