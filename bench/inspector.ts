import { z } from "zod";
import {
  cpuTime,
  descendantsOf,
  listeningPorts,
  programOf,
  residentMemory,
} from "./processes.ts";
import type { WorkerStack } from "./stack.ts";

/** The JavaScript heap of an isolate, and what hangs on it outside. In bytes. */
export interface HeapUsage {
  /** Objects, garbage that was not collected yet included. */
  readonly used: number;
  /** What V8 has taken from the system for them. */
  readonly total: number;
  /** Contents of ArrayBuffers. */
  readonly buffers: number;
}

/** Looks into the Worker of a stack of this process. */
export interface Inspector extends Disposable {
  heap(): Promise<HeapUsage>;
  /** Samples what the Worker does while `work` is under way. */
  profile(work: () => Promise<unknown>): Promise<Profile>;
  /** Lets go of everything that nobody can reach any more. */
  collectGarbage(): Promise<void>;
  /** CPU time that the workerd process has taken by now. */
  cpuMs(): Promise<number>;
  /** Of the workerd process that runs the Worker. */
  resident(): ReturnType<typeof residentMemory>;
}

const targetsSchema = z.tuple([z.object({ webSocketDebuggerUrl: z.url() })]);
// What has nothing to say is echoed.
const answerSchema = z.object({ id: z.number(), result: z.unknown().optional() });
const heapSchema = z.object({
  usedSize: z.number(),
  totalSize: z.number(),
  backingStorageSize: z.number(),
});
const profileSchema = z.object({
  profile: z.object({
    nodes: z.array(
      z.object({
        id: z.number(),
        callFrame: z.object({
          functionName: z.string(),
          url: z.string(),
          lineNumber: z.number(),
          columnNumber: z.number(),
        }),
        children: z.array(z.number()).optional(),
      }),
    ),
    startTime: z.number(),
    endTime: z.number(),
    samples: z.array(z.number()),
    timeDeltas: z.array(z.number()),
  }),
});

/** What a sampling profiler saw. Times in microseconds. */
export type Profile = z.infer<typeof profileSchema>["profile"];

const SAMPLING_US = 100;

/** Attaches to the debugger port of `wrangler dev`. Linux only. */
export async function openInspector({
  url,
}: Pick<WorkerStack, "url">): Promise<Inspector> {
  const { proxyPort, workerPid } = await findWorkerd(Number(url.port));
  const response = await fetch(`http://127.0.0.1:${proxyPort}/json`);
  const [{ webSocketDebuggerUrl }] = targetsSchema.parse(await response.json());
  const socket = new WebSocket(webSocketDebuggerUrl, {
    // What wrangler asks of debuggers, so that no web page can be one.
    headers: { Origin: "http://localhost" },
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error("No debugger port.")), {
      once: true,
    });
  });

  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const text = String(data);
    // A snapshot arrives as many of them, and nobody wants it.
    if (text.startsWith('{"method"')) return;
    const { success, data: answer } = answerSchema.safeParse(JSON.parse(text));
    if (!success) return;
    waiting.get(answer.id)?.(answer.result);
    waiting.delete(answer.id);
  });
  let lastId = 0;
  const ask = async (method: string, params: object = {}): Promise<unknown> => {
    const id = (lastId += 1);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, method, params }));
    return promise;
  };
  return {
    async heap() {
      const { usedSize, totalSize, backingStorageSize } = heapSchema.parse(
        await ask("Runtime.getHeapUsage"),
      );
      return { used: usedSize, total: totalSize, buffers: backingStorageSize };
    },
    async profile(work) {
      await ask("Profiler.enable");
      await ask("Profiler.setSamplingInterval", { interval: SAMPLING_US });
      await ask("Profiler.start");
      await work();
      const { profile } = profileSchema.parse(await ask("Profiler.stop"));
      return profile;
    },
    async collectGarbage() {
      // workerd has no `collectGarbage`. A snapshot begins with it, and is never answered itself.
      void ask("HeapProfiler.takeHeapSnapshot");
      await ask("Runtime.getHeapUsage");
    },
    cpuMs: () => cpuTime(workerPid),
    resident: () => residentMemory(workerPid),
    [Symbol.dispose]: () => socket.close(),
  };
}

/**
 * `wrangler dev` runs two workerd processes: one listens at the public port and
 * at that for debuggers, and passes requests on to the other, which has the Worker.
 */
async function findWorkerd(
  publicPort: number,
): Promise<{ proxyPort: number; workerPid: number }> {
  let proxyPort: number | undefined;
  let workerPid: number | undefined;
  for (const pid of await descendantsOf(process.pid)) {
    if ((await programOf(pid)) !== "workerd") continue;
    const ports = await listeningPorts(pid);
    if (ports.includes(publicPort)) proxyPort = ports.find((port) => port !== publicPort);
    else workerPid = pid;
  }
  if (proxyPort === undefined || workerPid === undefined) {
    throw new Error("The processes of wrangler dev are not as expected.");
  }
  return { proxyPort, workerPid };
}

/** The Worker itself, where it listens for what wrangler's proxy passes on. Linux only. */
export async function urlBehindProxy({ url }: Pick<WorkerStack, "url">): Promise<URL> {
  const { workerPid } = await findWorkerd(Number(url.port));
  for (const port of await listeningPorts(workerPid)) {
    const behind = new URL(`http://127.0.0.1:${port}`);
    const answer = await fetch(new URL("/health/live", behind)).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok === true) return behind;
  }
  throw new Error("The Worker answers at no port of its own.");
}
