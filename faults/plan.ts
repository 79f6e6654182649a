/**
 * What one run of the fault bench does, as its seed determines it: the code that
 * prints numbered lines, how its client reads, and what happens when.
 */
import { Random } from "./random.ts";

/** What can be done to the connections of one kernel. Times are milliseconds. */
export type ProxyAction =
  /** Everything arrives so much later, each direction in its order. */
  | { readonly do: "delay"; readonly ms: number; readonly jitterMs: number }
  | { readonly do: "throttle"; readonly bytesPerSecond: number }
  /** Both sides are told that the connection has ended. */
  | { readonly do: "fin" }
  | { readonly do: "rst" }
  /** Cuts once so many bytes more have come from Jupyter, also in the midst of a message. */
  | { readonly do: "cutAfter"; readonly bytes: number }
  /** From now on nothing gets through, and the Worker is told nothing; nor is Jupyter, unless `isJupyterTold`. */
  | { readonly do: "halfOpen"; readonly isJupyterTold: boolean }
  /** The Worker is told at once, and Jupyter so much later: after the next connection has come. */
  | { readonly do: "lateClose"; readonly ms: number }
  /** The next connections reach Jupyter so much later each. */
  | { readonly do: "hold"; readonly connections: readonly Held[] }
  /** Requests about the kernel are answered in this way, and not by Jupyter. */
  | { readonly do: "answer"; readonly status: number }
  /** New connections, and what still stands, are left alone from now on. */
  | { readonly do: "calm" };

/** A connection that reaches Jupyter late, also where its other end was told meanwhile that there is none. */
export interface Held {
  readonly ms: number;
  /** When the Worker is told so: it opens another one, which is there before it. */
  readonly resetAfterMs: number | null;
}

/** What can happen to the rest of a conversation. */
export type OtherAction =
  /** The Durable Object is aborted. */
  | { readonly do: "abort" }
  /** Another client connects to the kernel, past the proxy. */
  | { readonly do: "attach" }
  | { readonly do: "detach" };

/** What happens to a run. */
export type Action = ProxyAction | OtherAction;

/** An action and its time, in milliseconds after the run was called for or has begun. */
export interface Moment {
  readonly at: number;
  readonly action: Action;
}

/** What goes wrong in a run of its own kernel. */
export const FAULTS = [
  "none",
  "delay",
  "throttle",
  "fin",
  "rst",
  "cut in a message",
  "half-open",
  "half-open both ways",
  "late close",
  "reordered connections",
  "error answers",
  "object aborted",
  "second client",
  "mixed",
] as const;

/** Of these nothing gets lost. */
export const HARMLESS: ReadonlySet<string> = new Set<Fault>([
  "none",
  "delay",
  "throttle",
]);

/** See {@link FAULTS}. */
export type Fault = (typeof FAULTS)[number];

/** Prints in the code itself, in a thread after the reply, or both before and after a silence. */
export type Style = "steady" | "thread" | "silence" | "burst";

/** See the head of this file. */
export interface Plan {
  readonly seed: number;
  readonly fault: string;
  readonly style: Style;
  readonly lines: number;
  readonly pauseMs: number;
  readonly silenceMs: number;
  /** How long `run_code` waits. */
  readonly firstWaitSeconds: number;
  /** How long each further call waits. */
  readonly waitSeconds: number;
  /** Whether time counts from when the kernel has begun with the code, and not from the call. */
  readonly isTimedByKernel: boolean;
  readonly moments: readonly Moment[];
  /** Of the same plan, for its lines and its file. */
  readonly repetition?: number;
  /** What happens goes on as long as the code runs, and at least so long. */
  readonly calmAfterMs: number;
}

/** Longer than a connection may be silent: what arrives slowly is no silence. */
const LONG_THROTTLE_MS = 25_000;

/** Plans a run. */
export function planRun(seed: number, fault: Fault): Plan {
  const random = new Random(seed);
  const plan = planCode(random, seed, fault);
  const moments = momentsOf(random, fault, durationMs(plan));
  const isLong = fault === "throttle" && random.chance(25);
  return {
    ...plan,
    moments: moments.toSorted((a, b) => a.at - b.at),
    calmAfterMs: isLong ? LONG_THROTTLE_MS : 0,
  };
}

/**
 * Which of the plans come next in each lane. What a fault has left of a connection
 * meets the next run there, so that those of which nothing gets lost keep to themselves.
 *
 * @returns one queue for each lane; several lanes share one
 */
export function queuesOf(plans: readonly Plan[], lanes: number): Plan[][] {
  const harmless = plans.filter(({ fault }) => HARMLESS.has(fault));
  const others = plans.filter(({ fault }) => !HARMLESS.has(fault));
  if (others.length === 0) return Array.from({ length: lanes }, () => harmless);
  if (lanes === 1) return [[...harmless, ...others]];
  const share = Math.min(lanes - 1, Math.ceil((lanes * harmless.length) / plans.length));
  return Array.from({ length: lanes }, (_, lane) => (lane < share ? harmless : others));
}

/**
 * Plans a run to which nothing of its own happens, for what happens to all at once.
 * Of two threads that print at a time a kernel does not tell which line is whose, so
 * that only the last run of a kernel may have one.
 */
export function planBystander(seed: number, fault: string, isLast: boolean): Plan {
  const plan = planCode(new Random(seed), seed, fault);
  const style = plan.style === "thread" && !isLast ? "steady" : plan.style;
  return { ...plan, style, moments: [] };
}

function planCode(
  random: Random,
  seed: number,
  fault: string,
): Omit<Plan, "moments"> & { moments: [] } {
  const style = random.pick<Style>(["steady", "steady", "thread", "silence", "burst"]);
  // One in fifty lasts a minute: longer than a connection is kept for nobody, and than a look at it is apart.
  const isLong = style === "steady" && random.chance(5);
  return {
    seed,
    fault,
    style,
    lines: style === "burst" ? random.between(200, 1_500) : random.between(10, 120),
    pauseMs: style === "burst" ? 0 : isLong ? 500 : random.between(2, 25),
    silenceMs: style === "silence" ? random.between(500, 3_000) : 0,
    firstWaitSeconds: random.pick([0, 0, 1, 5]),
    waitSeconds: random.pick([0, 1, 5, 20]),
    isTimedByKernel: random.chance(75),
    moments: [],
    calmAfterMs: 0,
  };
}

/** How long the code of a plan runs where nothing holds it up. */
export function durationMs({ lines, pauseMs, silenceMs }: Plan): number {
  // A line without a pause takes about a millisecond.
  return lines * Math.max(1, pauseMs) + silenceMs;
}

/** The code of a run. Each of its lines is `TOKEN` and a number from 0 on. */
export function codeOf(
  { style, lines, pauseMs, silenceMs }: Plan,
  token: string,
): string {
  const counting = [
    "def count():",
    `    for i in range(${lines}):`,
    `        sys.stdout.write(f"${token} {i}\\n"); sys.stdout.flush()`,
    pauseMs === 0 ? "" : `        time.sleep(${pauseMs / 1000})`,
    silenceMs === 0
      ? ""
      : `        if i == ${Math.floor(lines / 2)}: time.sleep(${silenceMs / 1000})`,
  ].filter((line) => line !== "");
  const start =
    style === "thread" ? ["threading.Thread(target=count).start()"] : ["count()"];
  return [
    `token = "${token}"`,
    `open("${begunFile(token)}", "w").close()`,
    "import sys, threading, time",
    ...counting,
    ...start,
  ].join("\n");
}

/** The file that is there once the kernel has begun with the code of a run. */
export function begunFile(token: string): string {
  return `${token}.begun`;
}

function momentsOf(random: Random, fault: Fault, lastsMs: number): Moment[] {
  // Some hit the beginning and some the end; the request and the reply are cut too.
  const moment = () => random.between(0, Math.max(50, Math.floor(lastsMs * 1.2)));
  const times = (most: number) =>
    Array.from({ length: random.between(1, most) }, () => moment());
  const each = (most: number, action: () => Action): Moment[] =>
    times(most).map((at) => ({ at, action: action() }));
  switch (fault) {
    case "none":
      return [];
    case "delay":
      return [
        {
          at: 0,
          action: {
            do: "delay",
            ms: random.between(20, 400),
            jitterMs: random.between(0, 300),
          },
        },
      ];
    case "throttle":
      return [
        {
          at: 0,
          action: { do: "throttle", bytesPerSecond: random.between(4_000, 60_000) },
        },
      ];
    case "fin":
      return each(3, () => ({ do: "fin" }));
    case "rst":
      return each(3, () => ({ do: "rst" }));
    case "cut in a message":
      return each(3, () => ({ do: "cutAfter", bytes: random.between(1, 12_000) }));
    case "half-open":
      return each(1, () => ({ do: "halfOpen", isJupyterTold: true }));
    case "half-open both ways":
      return each(1, () => ({ do: "halfOpen", isJupyterTold: false }));
    case "late close":
      return each(2, () => ({ do: "lateClose", ms: random.between(50, 2_500) }));
    case "reordered connections": {
      // Longer than the Worker waits for an answer, in one of five.
      const longest = random.chance(20) ? 17_000 : 3_000;
      const connections = random.several(3, 0, longest).map((ms) => heldFor(random, ms));
      return [
        { at: 0, action: { do: "hold", connections } },
        ...each(3, () => ({ do: random.pick(["rst", "fin"]) })),
      ];
    }
    case "error answers": {
      const at = moment();
      const status = random.pick([302, 401, 403, 429, 500, 502, 503, 504]);
      return [
        { at, action: { do: "answer", status } },
        { at: at + 1, action: { do: "rst" } },
        { at: at + random.between(200, 4_000), action: { do: "calm" } },
      ];
    }
    case "object aborted":
      return each(2, () => ({ do: "abort" }));
    case "second client":
      return [
        { at: random.chance(50) ? 0 : moment(), action: { do: "attach" } },
        ...each(2, () => ({ do: random.pick(["rst", "fin", "abort"]) })),
        ...(random.chance(60) ? each(1, () => ({ do: "detach" })) : []),
      ];
    case "mixed":
      return each(5, () =>
        random.pick<Action>([
          { do: "delay", ms: 100, jitterMs: 100 },
          { do: "throttle", bytesPerSecond: 20_000 },
          { do: "rst" },
          { do: "fin" },
          { do: "cutAfter", bytes: random.between(1, 8_000) },
          { do: "lateClose", ms: random.between(50, 1_500) },
          {
            do: "hold",
            connections: random.several(2, 0, 2_000).map((ms) => heldFor(random, ms)),
          },
          { do: "halfOpen", isJupyterTold: true },
          { do: "answer", status: random.pick([401, 429, 503]) },
          { do: "abort" },
          { do: "attach" },
          { do: "detach" },
        ]),
      );
  }
}

function heldFor(random: Random, ms: number): Held {
  const resetAfterMs = random.chance(50) ? random.between(0, ms) : null;
  return { ms, resetAfterMs };
}
