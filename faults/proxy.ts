/**
 * A proxy between the Worker and a real Jupyter server that does to the
 * connections of a kernel what a network does when it goes wrong. Kernels to
 * which nothing is done have clear wires, and so has all else.
 */

import { once } from "node:events";
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { ProxyAction } from "./plan.ts";
import { Random } from "./random.ts";
import { Wire, type Conditions } from "./wire.ts";

/** See the head of this file. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Takes `POST /KERNEL` with an action, for those in other processes. */
  readonly controlPort: number;
  act(kernel: string, action: ProxyAction): void;
}

/** What is done to one kernel. */
interface Treatment {
  readonly conditions: Conditions;
  readonly wires: Set<Wire>;
  /** How long the next openings are held, one each. */
  holds: readonly number[];
  /** The status of an answer that is given instead of Jupyter's. */
  status: number | null;
}

/** One that was given up while it was held is closed this much after it has reached Jupyter. */
const GIVEN_UP_MS = 200;

/** Starts a proxy to the Jupyter server on `upstreamPort`. The seed determines the jitter. */
export async function startFaultProxy(
  upstreamPort: number,
  seed: number,
): Promise<FaultProxy> {
  const treatments = new Map<string, Treatment>();
  const sockets = new Set<Socket>();
  const random = new Random(seed);

  function treatmentOf(kernel: string): Treatment {
    let treatment = treatments.get(kernel);
    if (treatment === undefined) {
      const conditions = { delayMs: 0, jitterMs: 0, bytesPerSecond: Infinity };
      treatment = { conditions, wires: new Set(), holds: [], status: null };
      treatments.set(kernel, treatment);
    }
    return treatment;
  }

  function act(kernel: string, action: ProxyAction): void {
    const treatment = treatmentOf(kernel);
    const open = [...treatment.wires].filter((wire) => wire.isOpen);
    switch (action.do) {
      case "delay":
        treatment.conditions.delayMs = action.ms;
        treatment.conditions.jitterMs = action.jitterMs;
        break;
      case "throttle":
        treatment.conditions.bytesPerSecond = action.bytesPerSecond;
        break;
      case "hold":
        treatment.holds = action.ms;
        break;
      case "answer":
        treatment.status = action.status;
        break;
      case "fin":
        for (const wire of open) wire.fin();
        break;
      case "rst":
        for (const wire of open) wire.rst();
        break;
      case "cutAfter":
        for (const wire of open) wire.cutAfter(action.bytes);
        break;
      case "halfOpen":
        for (const wire of open) wire.stall(action.isJupyterTold);
        break;
      case "lateClose":
        for (const wire of open) wire.lateClose(action.ms);
        break;
      case "calm":
        Object.assign(treatment.conditions, {
          delayMs: 0,
          jitterMs: 0,
          bytesPerSecond: Infinity,
        });
        for (const wire of open) wire.cutAfter(Infinity);
        treatment.holds = [];
        treatment.status = null;
        break;
    }
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const status = treatments.get(kernelOf(incoming))?.status ?? null;
    if (status !== null) {
      outgoing.writeHead(status, headersOf(status)).end("<h1>Not now</h1>");
      return;
    }
    const { method, url: path, headers } = incoming;
    const upstream = forward(
      { host: "127.0.0.1", port: upstreamPort, method, path, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  }

  function upgrade(incoming: IncomingMessage, worker: Socket, head: Buffer): void {
    const treatment = treatmentOf(kernelOf(incoming));
    const { status } = treatment;
    worker.on("error", () => worker.destroy());
    if (status !== null) {
      worker.end(
        `HTTP/1.1 ${status} Not now\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      return;
    }
    const [holdMs = 0, ...holds] = treatment.holds;
    treatment.holds = holds;
    const open = () => {
      const jupyter = connect(upstreamPort, "127.0.0.1", () => {
        jupyter.setNoDelay(true);
        jupyter.write(rawHead(incoming));
        jupyter.write(head);
        if (worker.destroyed) setTimeout(() => jupyter.destroy(), GIVEN_UP_MS).unref();
      });
      jupyter.on("error", () => jupyter.destroy());
      const wire = new Wire(worker, jupyter, treatment.conditions, random);
      treatment.wires.add(wire);
      jupyter.on("close", () => {
        if (worker.destroyed) treatment.wires.delete(wire);
        else worker.on("close", () => treatment.wires.delete(wire));
      });
      follow(jupyter);
    };
    if (holdMs === 0) open();
    else setTimeout(open, holdMs).unref();
  }

  function follow(socket: Socket): void {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  }

  const server = createServer(handle);
  // As long as Jupyter does: one that is closed while it is being used again fails a request.
  server.keepAliveTimeout = 3_600_000;
  server.on("connection", (socket) => {
    follow(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
  });
  server.on("upgrade", (incoming, socket: Socket, head: Buffer) =>
    upgrade(incoming, socket, head),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const control = createServer((incoming, outgoing) => {
    const command = async () => {
      let body = "";
      for await (const part of incoming) body += String(part);
      // The bench is the only one who calls this, with the type above.
      act((incoming.url ?? "/").slice(1), JSON.parse(body) as ProxyAction);
      outgoing.end("ok");
    };
    void command();
  });
  control.listen(0, "127.0.0.1");
  await once(control, "listening");

  return {
    port: portOf(server),
    controlPort: portOf(control),
    act,
    async [Symbol.asyncDispose]() {
      for (const { wires } of treatments.values()) {
        for (const wire of wires) wire.destroy();
      }
      for (const socket of sockets) socket.destroy();
      control.closeAllConnections();
      control.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Of whose kernel a request is; empty where it is about none. */
function kernelOf({ url = "" }: IncomingMessage): string {
  return /\/api\/kernels\/([^/?]+)/.exec(url)?.[1] ?? "";
}

function headersOf(status: number): Record<string, string> {
  return {
    "content-type": "text/html",
    ...(status < 400 && { location: "/login" }),
  };
}

function rawHead(incoming: IncomingMessage): string {
  const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    lines.push(`${incoming.rawHeaders[index]}: ${incoming.rawHeaders[index + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function portOf(server: Server): number {
  // A server that listens on a port has an address with one.
  return (server.address() as AddressInfo).port;
}
