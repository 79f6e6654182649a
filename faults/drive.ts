/**
 * Drives one run as a client would: begins it, reads on while it runs, and reads
 * the whole in the end, through whatever happens meanwhile. It runs in Node and
 * in workerd.
 */
import type { Called, McpClient } from "../test/support/mcp-client.ts";
import {
  begunFile,
  codeOf,
  durationMs,
  HARMLESS,
  type Action,
  type Plan,
} from "./plan.ts";
import { judge, numbersIn, type Reading, type Verdict } from "./verdict.ts";

/** A conversation with a kernel of its own, in which runs follow each other. */
export interface Lane {
  readonly client: McpClient;
  readonly conversation: string;
  readonly kernel: string;
}

/** Who makes things happen. */
export interface World {
  /** Whether it has hit anything: a connection that was cut has to be there. */
  act(lane: Lane, action: Action): Promise<boolean>;
  /** Whether a file is there in the folder in which kernels work. */
  hasFile(name: string): Promise<boolean>;
  /** Whether what happens to all at once is over. */
  isCalm(): boolean;
}

/** What became of a run, with what helps to look into it. */
export interface Result {
  readonly plan: Plan;
  readonly token: string;
  readonly lane: Lane;
  readonly execution: string | null;
  readonly verdict: Verdict;
  readonly reading: Reading;
  /** Whether what was to happen to it has hit anything. */
  readonly isHit: boolean;
  /** The last answer of the server. */
  readonly answer: string;
  /** From the end of the faults to that of the run. */
  readonly settledAfterMs: number;
}

/** After this without an end, and without a fault, a run hangs: what docs/reliability.md promises. */
const HANGS_AFTER_MS = 120_000;
/** What a thread has printed is there by then. */
const LATE_BY_MS = 20_000;
const PAUSE_MS = 250;
/** A run that has not begun by then is treated as if it had. */
const BEGINS_WITHIN_MS = 10_000;
const ASK_EVERY_MS = 20;
const OPENING_ATTEMPTS = 10;
const OUTPUT_CHARS = 80_000;
/** As it is said while another client is attached, of what a thread prints. */
const TOLD_OF_LATE = /while nobody listened here, was not kept/;

/** Opens a conversation with a kernel of its own. A server that was just started again may refuse at first. */
export async function openLane(client: McpClient): Promise<Lane> {
  let answer = "";
  for (let attempt = 0; attempt < OPENING_ATTEMPTS; attempt += 1) {
    const begun = await client
      .call("run_code", { code: "1", wait_seconds: 50 })
      .catch((error: unknown) => String(error));
    answer = typeof begun === "string" ? begun : begun.text;
    if (typeof begun !== "string" && begun.execution?.state === "ok") {
      const { conversation, kernel } = begun.execution;
      if (kernel !== null) return { client, conversation, kernel };
    }
    await pause(PAUSE_MS);
  }
  throw new Error(`A kernel did not start: ${answer}`);
}

/** See the head of this file. */
export async function drive(plan: Plan, lane: Lane, world: World): Promise<Result> {
  const token = `r${plan.seed}${plan.repetition === undefined ? "" : `n${plan.repetition}`}`;
  const beganAt = Date.now();
  const happening = happen(plan, token, lane, world);
  const reader = new Reader(lane, token);
  const execution = await reader.begin(plan, world);
  if (execution !== null) await reader.readOn(plan, execution, happening, world);
  const { isOver } = happening;
  await isOver;
  const calmAt = happening.calmAt ?? Date.now();
  if (execution !== null) await reader.finish(plan, execution, beganAt);
  const wasBegun = await world.hasFile(begunFile(token));
  const reading = { ...reader.reading(), wasBegun };
  const isHarmless = HARMLESS.has(plan.fault);
  return {
    plan,
    token,
    lane,
    execution,
    verdict: judge(reading, { lines: plan.lines, isHarmless }),
    reading,
    isHit: happening.isHit,
    answer: reader.answer,
    settledAfterMs: Math.max(0, reader.settledAt - calmAt),
  };
}

/** What happens to a run, and when it was over. */
interface Happening {
  readonly isOver: Promise<void>;
  calmAt: number | null;
  isHit: boolean;
}

function happen(plan: Plan, token: string, lane: Lane, world: World): Happening {
  const happening: Happening & { isOver: Promise<void> } = {
    isOver: Promise.resolve(),
    calmAt: null,
    isHit: false,
  };
  const work = async () => {
    if (plan.isTimedByKernel) await begins(token, world);
    const beganAt = Date.now();
    for (const { at, action } of plan.moments) {
      await pause(Math.max(0, beganAt + at - Date.now()));
      const isHit = await world.act(lane, action);
      happening.isHit ||= isHit;
    }
    const lastsMs = Math.max(durationMs(plan), plan.calmAfterMs);
    await pause(Math.max(0, beganAt + lastsMs - Date.now()));
    if (plan.moments.length > 0) await world.act(lane, { do: "calm" });
    happening.calmAt = Date.now();
  };
  happening.isOver = work();
  return happening;
}

async function begins(token: string, world: World): Promise<void> {
  const until = Date.now() + BEGINS_WITHIN_MS;
  while (Date.now() < until && !(await world.hasFile(begunFile(token)))) {
    await pause(ASK_EVERY_MS);
  }
}

class Reader {
  readonly #lane: Lane;
  readonly #token: string;
  readonly #readOn: number[] = [];
  #readWhole: number[] = [];
  #state: string | null = null;
  #isMarked = false;
  #hasReason = false;
  #position = 0;
  answer = "";
  settledAt = Date.now();

  constructor(lane: Lane, token: string) {
    this.#lane = lane;
    this.#token = token;
  }

  reading(): Omit<Reading, "wasBegun"> {
    return {
      state: this.#state,
      isMarked: this.#isMarked,
      hasReason: this.#hasReason,
      readOn: this.#readOn,
      readWhole: this.#readWhole,
    };
  }

  /** Begins the run; null where the server said that it did not. */
  async begin(plan: Plan, world: World): Promise<string | null> {
    const { client, conversation } = this.#lane;
    try {
      const begun = await client.call("run_code", {
        conversation,
        code: codeOf(plan, this.#token),
        wait_seconds: plan.firstWaitSeconds,
      });
      this.answer = begun.text;
      if (begun.execution !== undefined) {
        this.#note(begun);
        return begun.execution.execution;
      }
    } catch (error) {
      this.answer = String(error);
    }
    return this.#find(world);
  }

  /** A run whose call was cut off is on the list, if it was begun. */
  async #find(world: World): Promise<string | null> {
    const { client, conversation } = this.#lane;
    for (;;) {
      const isCalm = world.isCalm();
      const listed = await client.call("get_output", { conversation }).catch(() => null);
      if (listed === null || listed.isError) {
        if (listed !== null && isCalm) return null;
        await pause(PAUSE_MS);
        continue;
      }
      const line = new RegExp(`^(e\\d+) ·.*\\n +token = "${this.#token}"`, "m");
      const execution = line.exec(listed.text)?.[1] ?? null;
      if (execution !== null) this.#state = "running";
      return execution;
    }
  }

  /** Reads from position to position until the run has come to an end, or hangs. */
  async readOn(
    { waitSeconds }: Plan,
    execution: string,
    happening: Happening,
    world: World,
  ): Promise<void> {
    // What the first call has shown is read again, from the beginning.
    this.#position = 0;
    let patientUntil = Number.POSITIVE_INFINITY;
    while (Date.now() < patientUntil) {
      const isCalm = happening.calmAt !== null && world.isCalm();
      if (!isCalm) patientUntil = Number.POSITIVE_INFINITY;
      else if (patientUntil === Number.POSITIVE_INFINITY)
        patientUntil = Date.now() + HANGS_AFTER_MS;
      const isThere = await this.#readPart(execution, waitSeconds);
      if (isThere && isFinal(this.#state)) break;
      if (waitSeconds === 0 || !isThere) await pause(PAUSE_MS);
    }
    this.settledAt = Date.now();
  }

  /** Reads what a thread still prints, and then the whole. */
  async finish(plan: Plan, execution: string, beganAt: number): Promise<void> {
    const { client, conversation } = this.#lane;
    const until = Math.max(Date.now(), beganAt + durationMs(plan)) + LATE_BY_MS;
    const mayCome = () => plan.style === "thread" && this.#state === "ok";
    while (mayCome() && Date.now() < until) {
      await this.#readPart(execution, 0);
      if (this.#readOn.at(-1) === plan.lines - 1) break;
      await pause(PAUSE_MS);
    }
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const whole = await client
        .call("get_output", {
          conversation,
          execution,
          wait_seconds: 0,
          max_output_chars: OUTPUT_CHARS,
        })
        .catch(() => null);
      if (whole?.execution !== undefined) {
        this.#note(whole);
        this.#readWhole = numbersIn(whole.text, this.#token);
        return;
      }
      await pause(PAUSE_MS);
    }
  }

  async #readPart(execution: string, waitSeconds: number): Promise<boolean> {
    const { client, conversation } = this.#lane;
    const part = await client
      .call("get_output", {
        conversation,
        execution,
        after: this.#position,
        wait_seconds: waitSeconds,
        max_output_chars: OUTPUT_CHARS,
      })
      .catch((error: unknown) => {
        this.answer = String(error);
        return null;
      });
    if (part === null) return false;
    this.answer = part.text;
    if (part.execution === undefined) return false;
    this.#note(part);
    this.#readOn.push(...numbersIn(part.text, this.#token));
    this.#position = part.execution.position;
    return true;
  }

  #note(called: Called): void {
    this.answer = called.text;
    this.#state = called.execution.state;
    this.#hasReason ||= /^Lost: \S/m.test(called.text);
    this.#isMarked ||=
      called.execution.possiblyIncomplete || TOLD_OF_LATE.test(called.text);
  }
}

function isFinal(state: string | null): boolean {
  return state !== "running" && state !== "waiting for input";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
