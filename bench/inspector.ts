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

const targetsSchema = z.array(
  z.object({ id: z.string(), webSocketDebuggerUrl: z.url() }),
);
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

/** Attaches to the Worker of a stack that was opened with `inspect`. Linux only. */
export async function openInspector({
  url,
}: Pick<WorkerStack, "url">): Promise<Inspector> {
  const { pid, debuggers } = await findWorkerd(url);
  const socket = new WebSocket(debuggers);
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
    cpuMs: () => cpuTime(pid),
    resident: () => residentMemory(pid),
    [Symbol.dispose]: () => socket.close(),
  };
}

/** The workerd process that listens at the Worker's port, and its port for debuggers. */
async function findWorkerd({ port }: URL): Promise<{ pid: number; debuggers: URL }> {
  for (const pid of await descendantsOf(process.pid)) {
    if ((await programOf(pid)) !== "workerd") continue;
    const ports = await listeningPorts(pid);
    if (!ports.includes(Number(port))) continue;
    for (const other of ports) {
      const list = new URL(`http://127.0.0.1:${other}/json`);
      const answer = await fetch(list).catch(() => null);
      const targets = targetsSchema.safeParse(await answer?.json().catch(() => null));
      if (!targets.success) continue;
      const target = targets.data.find(({ id }) => id.startsWith("core:user:"));
      if (target) return { pid, debuggers: new URL(target.webSocketDebuggerUrl) };
    }
  }
  throw new Error("No process of the Worker has a port for debuggers.");
}
