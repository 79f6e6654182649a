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
import type { Held, ProxyAction } from "./plan.ts";
import { Random } from "./random.ts";
import { Wire, type Conditions } from "./wire.ts";

/** See the head of this file. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Takes `POST /KERNEL` with an action, for those in other processes. */
  readonly controlPort: number;
  /** Whether there was anything for it to be done to. */
  act(kernel: string, action: ProxyAction): boolean;
  /** How many connections have reached Jupyter behind a younger one to the same kernel. */
  readonly overtaken: number;
}

/** What is done to one kernel. */
interface Treatment {
  readonly conditions: Conditions;
  readonly wires: Set<Wire>;
  /** Requests that are being answered. */
  readonly answering: Set<ServerResponse>;
  /** How the next openings are held, one each. */
  holds: readonly Held[];
  /** The number of the last opening, and of the youngest one that has reached Jupyter. */
  opening: number;
  youngest: number;
  /** The status of an answer that is given instead of Jupyter's. */
  status: number | null;
}

const NOT_HELD: Held = { ms: 0, resetAfterMs: null };
/** What is done to connections that come, too. */
const WAITING: ReadonlySet<ProxyAction["do"]> = new Set([
  "delay",
  "throttle",
  "hold",
  "answer",
]);
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
  let overtaken = 0;

  function treatmentOf(kernel: string): Treatment {
    let treatment = treatments.get(kernel);
    if (treatment === undefined) {
      const conditions = { delayMs: 0, jitterMs: 0, bytesPerSecond: Infinity };
      treatment = {
        conditions,
        wires: new Set(),
        answering: new Set(),
        holds: [],
        opening: 0,
        youngest: 0,
        status: null,
      };
      treatments.set(kernel, treatment);
    }
    return treatment;
  }

  function act(kernel: string, action: ProxyAction): boolean {
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
        treatment.holds = action.connections;
        break;
      case "answer":
        treatment.status = action.status;
        break;
      case "fin":
        for (const wire of open) wire.fin();
        break;
      case "rst":
        for (const wire of open) wire.rst();
        for (const answer of treatment.answering) answer.destroy();
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
    return open.length > 0 || WAITING.has(action.do);
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const treatment = treatments.get(kernelOf(incoming));
    const status = treatment?.status ?? null;
    if (status !== null) {
      outgoing.writeHead(status, headersOf(status)).end("<h1>Not now</h1>");
      return;
    }
    treatment?.answering.add(outgoing);
    outgoing.on("close", () => treatment?.answering.delete(outgoing));
    const { delayMs = 0, jitterMs = 0 } = treatment?.conditions ?? {};
    if (delayMs === 0) passOn(incoming, outgoing);
    else
      setTimeout(
        () => passOn(incoming, outgoing),
        delayMs + random.between(0, jitterMs),
      ).unref();
  }

  function passOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (outgoing.destroyed) return;
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
    const [held = NOT_HELD, ...holds] = treatment.holds;
    treatment.holds = holds;
    treatment.opening += 1;
    const { opening } = treatment;
    const open = () => {
      if (opening < treatment.youngest) overtaken += 1;
      treatment.youngest = Math.max(treatment.youngest, opening);
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
    if (held.ms === 0) open();
    else setTimeout(open, held.ms).unref();
    if (held.resetAfterMs !== null)
      setTimeout(() => worker.resetAndDestroy(), held.resetAfterMs).unref();
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
      const isHit = act((incoming.url ?? "/").slice(1), JSON.parse(body) as ProxyAction);
      outgoing.end(isHit ? "hit" : "nothing there");
    };
    void command();
  });
  control.listen(0, "127.0.0.1");
  await once(control, "listening");

  return {
    port: portOf(server),
    controlPort: portOf(control),
    act,
    get overtaken() {
      return overtaken;
    },
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
