/**
 * Stands before a real Jupyter server, changes nothing, and remembers what came
 * with each request: which credentials, and to which path.
 */

import { once } from "node:events";
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { connect, type Socket } from "node:net";
import { portOf } from "./gateway.ts";

/** One request as it arrived. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A server that says on `GET /` of its control port what has arrived at the other. */
export interface Recorder extends AsyncDisposable {
  readonly port: number;
  readonly controlPort: number;
}

/** Starts a recorder before the server on `upstreamPort`. */
export async function startRecorder(upstreamPort: number): Promise<Recorder> {
  const seen: Recorded[] = [];
  const record = ({ method = "", url = "", headers }: IncomingMessage) =>
    seen.push({ method, path: url, headers });

  const server = createServer((incoming, outgoing) => {
    record(incoming);
    pass(incoming, outgoing, upstreamPort);
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (incoming, socket: Socket, head: Buffer) => {
    record(incoming);
    const upstream = connect(upstreamPort, "127.0.0.1", () => {
      const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
      for (let at = 0; at < incoming.rawHeaders.length; at += 2)
        lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
      upstream.write(`${lines.join("\r\n")}\r\n\r\n`);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    upstream.on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
  const control = createServer((_incoming, outgoing) => {
    outgoing.end(JSON.stringify(seen));
  });
  for (const each of [server, control]) {
    each.listen(0, "127.0.0.1");
    await once(each, "listening");
  }
  return {
    port: portOf(server),
    controlPort: portOf(control),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      for (const each of [server, control]) {
        each.closeAllConnections();
        each.close();
        await once(each, "close");
      }
    },
  };
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  upstreamPort: number,
): void {
  const { method, url: path, headers } = incoming;
  const upstream = forward(
    { host: "127.0.0.1", port: upstreamPort, method, path, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  upstream.on("error", () => outgoing.destroy());
  incoming.pipe(upstream);
}
