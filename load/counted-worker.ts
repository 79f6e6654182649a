/**
 * The Worker with a meter on it: what Cloudflare bills of Durable Objects is
 * counted where it happens, for all objects of a class together. `npm run load`
 * builds it in place of src/index.ts; nothing in src knows of it.
 *
 * An object is held in memory, and paid for, while anything of it is pending: a
 * call or an alarm, a WebSocket, a request that it made, a timer, what it gave
 * to `waitUntil`. Which object something belongs to is known from the
 * asynchronous context that its calls run in.
 *
 * `GET /load/counts` answers with all of it.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import worker, * as objects from "../src/index.ts";
import { NOTHING_COUNTED, type ClassCounts, type Counts } from "./counts.ts";

type ClassName = keyof Counts["objects"];
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Of what is counted, what one object has a part in. */
class Meter {
  readonly className: ClassName;
  readonly object: string;
  #holds = 0;
  #heldSince = 0;

  constructor(className: ClassName, object: string) {
    this.className = className;
    this.object = object;
  }

  get counts(): Mutable<ClassCounts> {
    return totals[this.className];
  }

  heldMs(now: number): number {
    return this.#holds > 0 ? now - this.#heldSince : 0;
  }

  /** Holds the object until what is returned is called. */
  hold(): () => void {
    if (this.#holds === 0) {
      this.#heldSince = Date.now();
      held.add(this);
    }
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      this.counts.heldMs += Date.now() - this.#heldSince;
      held.delete(this);
    };
  }

  async during<T>(work: () => T | Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await current.run(this, work);
    } finally {
      release();
    }
  }
}

const current = new AsyncLocalStorage<Meter>();
const held = new Set<Meter>();
const totals: Record<ClassName, Mutable<ClassCounts>> = {
  Account: { ...NOTHING_COUNTED },
  Conversation: { ...NOTHING_COUNTED },
  Deployment: { ...NOTHING_COUNTED },
  NotebookRoom: { ...NOTHING_COUNTED },
  Workspace: { ...NOTHING_COUNTED },
};
/** When the alarm of each object that has one rings. */
const alarms = new Map<string, { readonly className: ClassName; readonly at: number }>();
let requests = 0;

function snapshot(): Counts {
  const now = Date.now();
  const counts = structuredClone(totals);
  for (const meter of held) counts[meter.className].heldMs += meter.heldMs(now);
  return {
    requests,
    objects: counts,
    held: Array.from(held, ({ className }) => className),
    alarms: Array.from(alarms.values(), ({ className, at }) => ({
      className,
      dueInMs: at - now,
    })),
  };
}

type Method = (this: object, ...args: unknown[]) => unknown;
type ObjectClass = new (ctx: DurableObjectState, env: Env) => object;

/** The class with a meter for each object. What an object calls of itself is no call. */
function counted<T extends ObjectClass>(base: T, className: ClassName): T {
  const meters = new WeakMap<object, Meter>();
  const Base: ObjectClass = base;
  class Counted extends Base {
    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      watchStorage(ctx);
      meters.set(this, new Meter(className, ctx.id.toString()));
    }
  }
  for (const [name, { value }] of Object.entries(
    Object.getOwnPropertyDescriptors(base.prototype as object),
  )) {
    if (name === "constructor" || typeof value !== "function") continue;
    const method = value as Method;
    Object.defineProperty(Counted.prototype, name, {
      configurable: true,
      writable: true,
      value(this: object, ...args: unknown[]): unknown {
        const meter = meters.get(this);
        const isOwn = meter === undefined || current.getStore() === meter;
        if (isOwn) return method.apply(this, args);
        if (name === "alarm") {
          alarms.delete(meter.object);
          meter.counts.alarms += 1;
        } else meter.counts.calls += 1;
        return meter.during(() => method.apply(this, args));
      },
    });
  }
  // It differs from its base in nothing that a type says.
  return Counted as unknown as T;
}

/** Replaces a method that all instances share, once. */
function replace<T extends object>(
  instance: T,
  name: string,
  wrap: (original: Method) => Method,
): void {
  const prototype: object = Object.getPrototypeOf(instance);
  const original = Reflect.get(prototype, name) as Method & { isCounted?: boolean };
  if (original.isCounted === true) return;
  const wrapped = Object.assign(wrap(original), { isCounted: true });
  Object.defineProperty(prototype, name, {
    value: wrapped,
    configurable: true,
    writable: true,
  });
}

function watchStorage(ctx: DurableObjectState): void {
  replace(
    ctx.storage.sql,
    "exec",
    (exec) =>
      function (...args) {
        const cursor = exec.apply(this, args) as SqlStorageCursor<never>;
        const counts = current.getStore()?.counts;
        // A cursor counts while it is read, and all of ours are read before anything else happens.
        queueMicrotask(() => {
          if (counts === undefined) return;
          counts.rowsWritten += cursor.rowsWritten;
          counts.rowsRead += cursor.rowsRead;
        });
        return cursor;
      },
  );
  replace(
    ctx.storage,
    "setAlarm",
    (setAlarm) =>
      function (...args) {
        const meter = current.getStore();
        if (meter !== undefined) {
          meter.counts.alarmsSet += 1;
          alarms.set(meter.object, { className: meter.className, at: Number(args[0]) });
        }
        return setAlarm.apply(this, args);
      },
  );
  for (const name of ["deleteAlarm", "deleteAll"]) {
    replace(
      ctx.storage,
      name,
      (original) =>
        function (...args) {
          alarms.delete(current.getStore()?.object ?? "");
          return original.apply(this, args);
        },
    );
  }
  replace(
    ctx,
    "waitUntil",
    (waitUntil) =>
      function (...args) {
        const release = current.getStore()?.hold();
        if (release !== undefined) void Promise.resolve(args[0]).then(release, release);
        return waitUntil.apply(this, args);
      },
  );
}

const { fetch: plainFetch, setTimeout: plainSetTimeout } = globalThis;
const plainClearTimeout = globalThis.clearTimeout;
const timers = new Map<unknown, () => void>();

async function countedFetch(...args: Parameters<typeof fetch>): Promise<Response> {
  const meter = current.getStore();
  if (meter === undefined) return plainFetch(...args);
  meter.counts.fetches += 1;
  const response = await meter.during(() => plainFetch(...args));
  if (response.webSocket !== null) watchSocket(meter, response.webSocket);
  return response;
}

function watchSocket(meter: Meter, socket: WebSocket): void {
  const release = meter.hold();
  meter.counts.sockets += 1;
  socket.addEventListener("message", () => {
    meter.counts.messages += 1;
  });
  for (const end of ["close", "error"] as const)
    socket.addEventListener(end, () => release());
  // What listens runs in the context of the object, as do the timers that it sets.
  const add = socket.addEventListener.bind(socket) as (
    type: string,
    listener: (event: Event) => void,
  ) => void;
  Object.defineProperty(socket, "addEventListener", {
    value: (type: string, listener: (event: Event) => void) =>
      add(type, (event) => current.run(meter, listener, event)),
  });
}

function countedSetTimeout(callback: () => void, ms?: number): unknown {
  const release = current.getStore()?.hold();
  const timer: unknown = plainSetTimeout(() => {
    timers.delete(timer);
    try {
      callback();
    } finally {
      release?.();
    }
  }, ms);
  if (release !== undefined) timers.set(timer, release);
  return timer;
}

function countedClearTimeout(timer: unknown): void {
  timers.get(timer)?.();
  timers.delete(timer);
  plainClearTimeout(timer as Parameters<typeof clearTimeout>[0]);
}

Object.assign(globalThis, {
  fetch: countedFetch,
  setTimeout: countedSetTimeout,
  clearTimeout: countedClearTimeout,
});

export const Account = counted(objects.Account, "Account");
export const Conversation = counted(objects.Conversation, "Conversation");
export const Deployment = counted(objects.Deployment, "Deployment");
export const NotebookRoom = counted(objects.NotebookRoom, "NotebookRoom");
export const Workspace = counted(objects.Workspace, "Workspace");

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/load/counts") return Response.json(snapshot());
    if (pathname === "/mcp") requests += 1;
    return worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
