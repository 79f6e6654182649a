import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A reverse proxy on a port of its own. */
export interface Tunnel extends AsyncDisposable {
  readonly port: number;
}

/**
 * A tunnel from the public `host` to a port of this machine, as they all work:
 * the local server gets to read its own name in `Host`, and in further headers
 * who asked for what.
 */
export async function openTunnel(upstreamPort: number, host: string): Promise<Tunnel> {
  const server = createServer((incoming, outgoing) => {
    const forwarded = request(
      {
        host: "127.0.0.1",
        port: upstreamPort,
        method: incoming.method,
        path: incoming.url,
        headers: {
          ...incoming.headers,
          host: `localhost:${upstreamPort}`,
          "x-forwarded-for": "203.0.113.7",
          "x-forwarded-host": host,
          "x-forwarded-proto": "https",
        },
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // A server that listens on a port has an address with one.
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
