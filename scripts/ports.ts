import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createConnection, createServer, type Server } from "node:net";

/**
 * Below the ranges that systems hand out to outgoing connections, so that a
 * port that was chosen once is still free at the next start.
 */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 29_999;
const ATTEMPTS = 50;

/** Whether a server could listen there now. */
export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  try {
    const server = await listen(createServer(), port, host);
    await close(server);
    return true;
  } catch {
    return false;
  }
}

/** A port that is free on 127.0.0.1. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free port between ${LOWEST_PORT} and ${HIGHEST_PORT}`);
}

/**
 * Passes connections to `[::1]:port` on to `127.0.0.1:port`. `localhost` is the
 * first of the two on some systems, and there are clients that try nothing
 * else. Answers `"taken"` where another program listens, and `undefined` on a
 * machine without IPv6.
 */
export async function forwardIpv6Loopback(
  port: number,
): Promise<AsyncDisposable | "taken" | undefined> {
  const server = createServer((incoming) => {
    const outgoing = createConnection(port, "127.0.0.1");
    incoming.on("error", () => outgoing.destroy());
    outgoing.on("error", () => incoming.destroy());
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
    incoming.setNoDelay(true);
    outgoing.setNoDelay(true);
    incoming.pipe(outgoing).pipe(incoming);
  });
  try {
    await listen(server, port, "::1");
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EADDRINUSE"
      ? "taken"
      : undefined;
  }
  server.unref();
  return { [Symbol.asyncDispose]: async () => void server.close() };
}

async function listen(server: Server, port: number, host: string): Promise<Server> {
  server.listen({ port, host, exclusive: true });
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
